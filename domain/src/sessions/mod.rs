//! Sessions of signed-in browsers. The database keeps a digest of the cookie, never the cookie.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Millis, SessionInfo, UserId},
    portal::Portal,
};

/// A session as the session layer stores it. `handle` is the digest of the cookie's value.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    pub handle: String,
    /// None until somebody signs in.
    pub user: Option<UserId>,
    /// The session layer's own data, JSON.
    pub data: String,
    pub created_at: Millis,
    pub last_seen_at: Millis,
    pub expires_at: Millis,
    pub user_agent: String,
    pub address: String,
}

/// Stores a new session; false where the handle is taken.
pub async fn create(_portal: &Portal, _record: &SessionRecord) -> Result<bool> {
    Err(Error::Internal("stub".into()))
}
/// Replaces what is stored, keeping `created_at`.
pub async fn save(_portal: &Portal, _record: &SessionRecord) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// The session, unless it has expired (idle or absolute) or was revoked.
pub async fn load(_portal: &Portal, _handle: &str) -> Result<Option<SessionRecord>> {
    Err(Error::Internal("stub".into()))
}
pub async fn delete(_portal: &Portal, _handle: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// Removes what has expired.
pub async fn sweep(_portal: &Portal) -> Result<u64> {
    Err(Error::Internal("stub".into()))
}
/// My signed-in browsers, last used first.
pub async fn list(_portal: &Portal, _caller: &Caller) -> Result<Vec<SessionInfo>> {
    Err(Error::Internal("stub".into()))
}
/// Ends one of my sessions.
pub async fn revoke(_portal: &Portal, _caller: &Caller, _handle: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// Ends all my sessions but this one; how many.
pub async fn revoke_others(_portal: &Portal, _caller: &Caller) -> Result<u64> {
    Err(Error::Internal("stub".into()))
}
