//! The server function behind the files of a run.

use crate::{error::AppError, previews::Preview};
use domain::model::{ArtifactEntry, RunId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

/// A folder of a run's files, or a file and the folder around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browsed {
    /// What was asked for; empty for the top.
    pub path: String,
    /// Where `entries` lie.
    pub folder: String,
    pub entries: Vec<ArtifactEntry>,
    /// Where `path` is a file.
    pub preview: Option<Preview>,
}

/// What is at this path of a run's artifacts; `all` shows more of a long text.
#[server(prefix = "/api", endpoint = "tracking/artifacts")]
pub async fn browse_run(
    team: String,
    run: RunId,
    #[server(default)] path: String,
    #[server(default)] all: bool,
) -> Result<Browsed, AppError> {
    use domain::{Error, artifacts};
    let (portal, caller) = request()?;
    let file = match artifacts::file_of_run(&portal, &caller, &team, &run, &path).await {
        Ok(file) => Some(crate::previews::read(&portal, &file, all).await?),
        Err(Error::NotFound("artifact")) => None,
        Err(error) => return Err(error.into()),
    };
    let folder = if file.is_some() { path.rsplit_once('/').map_or("", |(folder, _)| folder) } else { path.as_str() }.to_owned();
    let entries = artifacts::list_of_run(&portal, &caller, &team, &run, &folder).await?;
    if entries.is_empty() && !path.is_empty() {
        return Err(Error::NotFound("file").into());
    }
    Ok(Browsed { path, folder, entries, preview: file })
}
