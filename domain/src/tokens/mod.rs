//! Personal access tokens: for one team, with one role, until one day. The database keeps a digest.

use crate::{
    caller::{Caller, Identity},
    error::{Error, Result},
    model::{NewToken, Token, TokenId},
    portal::Portal,
};

/// Makes a token; its secret is returned once and never again. Its role is at most the caller's.
pub async fn create(_portal: &Portal, _caller: &Caller, _new: NewToken) -> Result<(Token, String)> {
    Err(Error::Internal("stub".into()))
}
/// The same for somebody else, from the console.
pub async fn create_for(_portal: &Portal, _caller: &Caller, _email: &str, _new: NewToken) -> Result<(Token, String)> {
    Err(Error::Internal("stub".into()))
}
pub async fn list(_portal: &Portal, _caller: &Caller) -> Result<Vec<Token>> {
    Err(Error::Internal("stub".into()))
}
pub async fn revoke(_portal: &Portal, _caller: &Caller, _id: &TokenId) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// Who a token speaks for, narrowed to its team and role; none where it is unknown, expired, revoked, or its owner disabled or out of the team.
pub async fn authenticate(_portal: &Portal, _secret: &str) -> Result<Option<Identity>> {
    Err(Error::Internal("stub".into()))
}
