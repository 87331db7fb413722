//! The catalogue of notebook environments.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Environment, EnvironmentChoice},
    portal::Portal,
};

/// Puts the default catalogue into an empty portal. Called at each start; never overwrites.
pub async fn ship_defaults(_portal: &Portal) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
/// What a member of the team may launch, with why some of it cannot be launched here.
pub async fn choices(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Vec<EnvironmentChoice>> {
    Err(Error::Internal("stub".into()))
}
/// The whole catalogue, for administrators.
pub async fn list_all(_portal: &Portal, _caller: &Caller) -> Result<Vec<EnvironmentChoice>> {
    Err(Error::Internal("stub".into()))
}
/// Adds an entry (`create`) or replaces the one of the same name.
pub async fn save(_portal: &Portal, _caller: &Caller, _environment: Environment, _create: bool) -> Result<Environment> {
    Err(Error::Internal("stub".into()))
}
/// Removes an entry that no notebook uses.
pub async fn remove(_portal: &Portal, _caller: &Caller, _name: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
