//! Pages of searches that are counted: MLflow's page tokens.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};

/// How many to skip, as a page token says; none is the first page.
///
/// # Errors
/// `Invalid` where it is no token of ours.
pub(crate) fn offset(token: Option<&str>) -> Result<usize> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(0) };
    let read = || {
        let json: serde_json::Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
        usize::try_from(json.get("offset")?.as_u64()?).ok()
    };
    read().ok_or_else(|| Error::invalid("page_token", "This is no page token of a search."))
}

/// The token of what comes after the first `offset`.
pub(crate) fn token(offset: usize) -> String {
    STANDARD.encode(format!("{{\"offset\": {offset}}}"))
}

/// One page of a whole answer, and the token of the next page if there is one.
pub(crate) fn cut<T>(all: Vec<T>, offset: usize, most: i64) -> (Vec<T>, Option<String>) {
    let most = usize::try_from(most).unwrap_or(0);
    let next = offset.checked_add(most).filter(|next| *next < all.len()).map(token);
    (all.into_iter().skip(offset).take(most).collect(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let (page, next) = cut(vec![1, 2, 3], 0, 2);
        assert_eq!(page, [1, 2]);
        let (page, end) = cut(vec![1, 2, 3], offset(next.as_deref()).expect("ours"), 2);
        assert_eq!((page, end), (vec![3], None));
        assert_eq!(cut(vec![1], usize::MAX, 5).0, [] as [i32; 0]);
        for bad in ["x", "e30=", "eyJvZmZzZXQiOi0xfQ==", "%"] {
            assert!(offset(Some(bad)).is_err(), "{bad}");
        }
    }
}
