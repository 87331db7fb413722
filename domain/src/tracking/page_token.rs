//! Page tokens that only fit the query they were given for: where to go on, and a digest of the question.

use crate::{
    error::{Error, Result},
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A token that goes on at `position` of this query, which includes whose it is.
pub(crate) fn encode(position: usize, query: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{position}:{}", &random::digest(query)[..32]))
}

/// The position that a token says; 0 where there is none.
///
/// # Errors
/// `Invalid` where it is no token, or one of another query.
pub(crate) fn decode(token: Option<&str>, query: &str) -> Result<usize> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(0) };
    let refused = || Error::invalid("page_token", "It is not a page token of this search. Begin again without it.");
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
    let (position, digest) = text.split_once(':').ok_or_else(refused)?;
    let position = position.parse().ok().filter(|_| digest == &random::digest(query)[..32]);
    position.filter(|p| i64::try_from(*p).is_ok()).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_query_only() {
        let token = encode(200, "team red, name = 'a'");
        assert_eq!(decode(Some(&token), "team red, name = 'a'").ok(), Some(200));
        assert_eq!(decode(None, "x").ok(), Some(0));
        for (token, query) in [(token.as_str(), "team blue, name = 'a'"), ("garbage!", "x"), ("Z2FyYmFnZQ", "x"), ("MTox", "x")] {
            assert!(decode(Some(token), query).is_err(), "{token}");
        }
    }
}
