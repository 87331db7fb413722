//! Tokens of pages: where the next page begins, for the one who asked, and for the same question only.

use crate::{
    error::{Error, Result},
    portal::Portal,
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What a token is bound to: everything that was asked, except for how many.
pub(super) fn question(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    text
}

/// A token for the page that begins at `offset`.
pub(super) fn issue(portal: &Portal, question: &str, offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{offset}.{}", mark(portal, question, offset)))
}

/// Where the page begins; an empty token is the first page's.
///
/// # Errors
/// `Invalid` where it was not issued to this question.
pub(super) fn offset(portal: &Portal, question: &str, token: &str) -> Result<usize> {
    if token.is_empty() {
        return Ok(0);
    }
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (offset, given) = text.split_once('.')?;
        let offset = offset.parse::<usize>().ok()?;
        (given == mark(portal, question, offset)).then_some(offset)
    };
    read().ok_or_else(|| Error::invalid("page_token", "The page token is not one of this search. Ask for the first page again."))
}

fn mark(portal: &Portal, question: &str, offset: usize) -> String {
    let mut mark = portal.sealing.derive(&format!("page {offset} of {}", random::digest(question)));
    mark.truncate(32);
    mark
}
