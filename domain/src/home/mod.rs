//! What the first page after sign-in shows.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{AuditRecord, Capacity, Notebook},
    portal::Portal,
};
use serde::{Deserialize, Serialize};

/// The team's present state. `notebooks` are those not settled, mine first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Home {
    pub notebooks: Vec<Notebook>,
    pub capacity: Capacity,
    /// The team's last 10 audit records, without `before` and `after`, address and request.
    pub activity: Vec<AuditRecord>,
}

pub async fn summary(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Home> {
    Err(Error::Internal("stub".into()))
}
/// What the machine has and what is promised. For everyone who is signed in and in a team.
pub async fn capacity(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Capacity> {
    Err(Error::Internal("stub".into()))
}
