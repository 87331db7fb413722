//! The audit trail: who changed what, from what, to what, when.

use super::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Gapless, in the order of the commits.
    pub seq: i64,
    pub at: Millis,
    /// The person's email, or `system`, or `console` for the command line.
    pub actor: String,
    /// `session`, `token`, `console` or `system`.
    pub via: String,
    pub team: Option<String>,
    /// `<object>.<verb>`, for example `notebook.launch`.
    pub action: String,
    pub object: String,
    pub object_name: String,
    /// JSON before and after the change; secrets never appear in either.
    pub before: Option<String>,
    pub after: Option<String>,
    pub request_id: String,
    pub address: String,
}

/// What the Audit page asks for. Empty fields do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// Team name; required for a team admin, optional for a portal administrator.
    pub team: String,
    /// Substring of the actor.
    pub actor: String,
    /// Prefix of the action, for example `notebook`.
    pub action: String,
    /// Substring of object id or name.
    pub object: String,
    pub from: Option<Millis>,
    pub until: Option<Millis>,
    /// Oldest first, instead of newest first.
    pub oldest_first: bool,
    /// Records that come after the one of this `seq` in that order; for the next page.
    pub past_seq: Option<i64>,
    /// At most 500; 0 means 100.
    pub limit: u32,
}
