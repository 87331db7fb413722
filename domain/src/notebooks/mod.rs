//! Notebooks: launch, watch, open, stop. A verb writes the wish and returns; the supervisor makes it so.

pub mod idle;
mod tickets;

pub use {idle::Touches, tickets::Admitted};

use crate::{
    caller::Caller,
    compute::Secret,
    error::{Error, Result},
    model::{LaunchRequest, LogPage, Notebook, NotebookId, Resources, UserId},
    portal::Portal,
};
use std::net::SocketAddr;

/// The team's notebooks, newest first, without timelines.
pub async fn list(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Vec<Notebook>> {
    Err(Error::Internal("stub".into()))
}
/// One notebook with the timeline of its current launch.
pub async fn get(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Makes a notebook that is wished to run. The same idempotency key from the same person makes one notebook only.
pub async fn launch(_portal: &Portal, _caller: &Caller, _team: &str, _request: LaunchRequest) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Wishes it stopped. Files are kept.
pub async fn stop(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Wishes it running again, with the files it had. A deprecated version becomes its successor.
pub async fn start(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Changes its size and idle stop; only while it is stopped or failed.
pub async fn resize(
    _portal: &Portal,
    _caller: &Caller,
    _team: &str,
    _id: &NotebookId,
    _resources: Resources,
    _idle_minutes: Option<u32>,
) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Counts now as activity, so that idle stop starts over.
pub async fn snooze(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId) -> Result<Notebook> {
    Err(Error::Internal("stub".into()))
}
/// Stops it and forgets it; with `delete_home` its home volume and the files in it go too.
pub async fn delete(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId, _delete_home: bool) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// A part of its log: at most `limit` lines from byte `from`; none means the last `limit` lines.
pub async fn logs(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId, _from: Option<u64>, _limit: u32) -> Result<LogPage> {
    Err(Error::Internal("stub".into()))
}
/// Waits (at most 20 s) until its log goes on past byte `from`.
pub async fn log_grows(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId, _from: u64) -> Result<bool> {
    Err(Error::Internal("stub".into()))
}

/// A one-time code that opens the notebook's own host for its owner's browser. Valid for 30 s, once, for this notebook only.
pub async fn open(_portal: &Portal, _caller: &Caller, _team: &str, _id: &NotebookId) -> Result<String> {
    Err(Error::Internal("stub".into()))
}
/// Exchanges the code for the secret of the notebook host's own cookie.
pub async fn redeem(_portal: &Portal, _id: &NotebookId, _code: &str) -> Result<String> {
    Err(Error::Internal("stub".into()))
}
/// Whom the cookie's secret lets into this notebook now: its ticket is of this notebook, its portal session is alive, its person is still the
/// owner, enabled and a member. Asked for each request and every few seconds on open WebSockets.
pub async fn admit(_portal: &Portal, _id: &NotebookId, _secret: &str) -> Result<UserId> {
    Err(Error::Unauthenticated)
}
/// Counts as activity: a person did something in it (not a page that polls).
pub fn touch(portal: &Portal, id: &NotebookId) {
    portal.touches.note(id, portal.clock.now());
}

/// Where the proxy reaches a running notebook.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub address: SocketAddr,
    /// Replaces the browser's header of this name, so that the program serves nobody but the proxy.
    pub header: Option<(String, Secret)>,
}

/// Where the proxy reaches it now. Asked for each request: the listener is checked to belong to the present launch.
pub async fn upstream(_portal: &Portal, _id: &NotebookId) -> Result<Upstream> {
    Err(Error::Internal("stub".into()))
}
