//! What the first page after sign-in shows.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Capacity, Home},
    portal::Portal,
};

pub async fn summary(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Home> {
    Err(Error::Internal("stub".into()))
}
/// What the machine has and what is promised. For everyone who is signed in and in a team.
pub async fn capacity(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Capacity> {
    Err(Error::Internal("stub".into()))
}
