//! Where the files of a run lie among those of its team.

use super::{Readable, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{ArtifactEntry, ArtifactPath, Permission, RunId},
    portal::Portal,
};

/// The folder of a run's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// As clients know it: `mlflow-artifacts:/<experiment>/<run>/artifacts`.
    pub uri: String,
    pub path: ArtifactPath,
}

/// Finds the folder of a run of this team, deleted or not.
///
/// # Errors
/// `Invalid` where the experiment names a place that is not Slipway's; clients go there by themselves.
pub async fn of_run(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<RunFolder> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let location = store::location_of_run(&portal.db, &scope.team, run).await?;
    let uri = format!("{}/{run}/artifacts", location.trim_end_matches('/'));
    of_uri(uri)
}

/// The folder that an artifact URI names.
///
/// # Errors
/// `Invalid` where it is not one of Slipway's; clients go there by themselves.
pub fn of_uri(uri: String) -> Result<RunFolder> {
    let path = ours(&uri).ok_or_else(|| Error::invalid("path", format!("The files are at {uri}, which Slipway does not open.")))?;
    Ok(RunFolder { uri, path })
}

/// Names in a folder of a run's files that one page can show; what comes after them is found with MLflow's client.
const SHOWN: i64 = 1000;

/// What is in a folder of a run's files; a blank `folder` is their top.
///
/// # Errors
/// As `of_run`; `Invalid` where `folder` is no path.
pub async fn list_of_run(portal: &Portal, caller: &Caller, team: &str, run: &RunId, folder: &str) -> Result<Vec<ArtifactEntry>> {
    let top = of_run(portal, caller, team, run).await?.path;
    let below = |folder| ArtifactPath::parse(folder).and_then(|folder| top.join(&folder));
    let path = if folder.is_empty() { top } else { below(folder).map_err(|reason| Error::invalid("folder", reason))? };
    super::list(portal, caller, team, Some(&path), "", SHOWN).await
}

/// The file at `path` among those of a run.
///
/// # Errors
/// As `of_run`; `NotFound` of an artifact where there is no file, also where there is a folder; `Invalid` where `path` is no path.
pub async fn file_of_run(portal: &Portal, caller: &Caller, team: &str, run: &RunId, path: &str) -> Result<Readable> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let top = of_run(portal, caller, team, run).await?.path;
    if path.is_empty() {
        return Err(Error::NotFound("artifact"));
    }
    let path = ArtifactPath::parse(path).and_then(|path| top.join(&path)).map_err(|reason| Error::invalid("path", reason))?;
    if store::file(&portal.db, &scope.team, &path).await?.is_none() {
        return Err(Error::NotFound("artifact"));
    }
    super::find(portal, caller, team, &path).await
}

/// The path that a client's artifact URI names, where it is one of this portal's.
pub fn ours(uri: &str) -> Option<ArtifactPath> {
    let rest = uri.strip_prefix("mlflow-artifacts:")?;
    // `mlflow-artifacts://host/path` names a portal; whoever asks has reached the right one.
    let path = match rest.strip_prefix("//") {
        Some(rest) if !rest.starts_with('/') => rest.split_once('/')?.1,
        Some(rest) => rest.strip_prefix('/')?,
        None => rest.strip_prefix('/')?,
    };
    ArtifactPath::parse(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_uri_is_ours_by_its_scheme_only() {
        let path = |uri: &str| ours(uri).map(|p| p.as_str().to_owned());
        assert_eq!(path("mlflow-artifacts:/0/r/artifacts").as_deref(), Some("0/r/artifacts"));
        assert_eq!(path("mlflow-artifacts://localhost:3000/0/r").as_deref(), Some("0/r"));
        assert_eq!(path("mlflow-artifacts:///0/r").as_deref(), Some("0/r"));
        for foreign in [
            "s3://b/0/r",
            "/0/r",
            "file:///etc",
            "mlflow-artifacts:/../x",
            "mlflow-artifacts:x",
            "mlflow-artifacts:/",
            "mlflow-artifacts:/x#/../y",
        ] {
            assert_eq!(path(foreign), None, "{foreign}");
        }
    }
}
