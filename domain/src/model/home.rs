//! What the first page after sign-in shows, and what a look at the machine finds.

use super::{AuditRecord, Capacity, Notebook};
use serde::{Deserialize, Serialize};

/// The team's present state. `notebooks` are those not settled, mine first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Home {
    pub notebooks: Vec<Notebook>,
    pub capacity: Capacity,
    /// The team's last 10 audit records, without `before` and `after`, address and request.
    pub activity: Vec<AuditRecord>,
}

/// One thing that was looked at, for `slipway check` and the System page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// For example `confinement`.
    pub name: String,
    pub level: Level,
    /// What is so, in a sentence.
    pub message: String,
    /// How to mend it; empty where nothing is wrong.
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    Warning,
    Error,
}
