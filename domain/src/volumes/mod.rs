//! Volumes: named persistent folders of a team.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::Volume,
    portal::Portal,
};

pub async fn list(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Vec<Volume>> {
    Err(Error::Internal("stub".into()))
}
pub async fn create(_portal: &Portal, _caller: &Caller, _team: &str, _name: &str) -> Result<Volume> {
    Err(Error::Internal("stub".into()))
}
/// Deletes a volume and all files in it. Refused while a notebook has it attached.
pub async fn remove(_portal: &Portal, _caller: &Caller, _team: &str, _name: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
