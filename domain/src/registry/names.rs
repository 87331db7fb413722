//! Names that look the same are the same: one form that is unique in a team.

use crate::{
    error::{Error, Result},
    model::{decoded, validate_model_name},
};
use unicode_normalization::UnicodeNormalization;

/// The form that names which look the same share: without percent-encoding, compatibility forms (`ｍ` is `m`) and case.
pub(super) fn key(name: &str) -> String {
    decoded(name).nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Checks a new name and returns its key.
///
/// # Errors
/// `Invalid`, also where a sign only looks like another that a name cannot have.
pub(super) fn check(field: &str, name: &str) -> Result<String> {
    validate_model_name(name).map_err(|reason| Error::invalid(field, reason))?;
    let key = key(name);
    validate_model_name(&key).map_err(|reason| Error::invalid(field, reason))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_have_one_key() {
        for same in ["model", "Model", "MODEL", "ｍodel", "%6dodel", "%256Dodel", "𝐦odel"] {
            assert_eq!(key(same), "model", "{same}");
        }
        assert_eq!(key("Caf\u{e9}"), key("cafe\u{301}"));
        assert_ne!(key("model-1"), key("model_1"));
        for bad in ["a／b", "a：b", "．．", "ａ＠ｂ"] {
            assert!(check("name", bad).is_err(), "{bad}");
        }
    }
}
