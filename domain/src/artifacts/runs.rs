//! Where the files of a run lie among those of its team.

use super::{Readable, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{ArtifactEntry, ArtifactPath, Permission, RunId},
    portal::Portal,
    tracking::{lineage, logged_models},
};
use std::collections::BTreeMap;

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

/// Folders that are looked into, of the run and its models together, models of a run, and files that are named.
const FOLDERS: usize = 40;
const MODELS: usize = 10;
const FILES: usize = 2000;

/// A file of a run, or of a model that it logged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunFile {
    /// Among the run's files; of a logged model below the model's name, as MLflow's clients before 3 put it there.
    pub name: String,
    pub path: ArtifactPath,
    /// Bytes.
    pub size: u64,
}

/// The first files of a run and of the models that it logged, at their top and one folder below it, by name; of models with one name those of the
/// newest. Of a place that is not Slipway's there are none. Says whether there are more.
///
/// # Errors
/// `NotFound` where the run is not the team's.
pub async fn near_top(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<(Vec<RunFile>, bool)> {
    let mut roots = Vec::new();
    match of_run(portal, caller, team, run).await {
        Ok(top) => roots.push((String::new(), top.path)),
        Err(Error::Invalid(_)) => {}
        Err(error) => return Err(error),
    }
    for id in lineage::of_run(portal, caller, team, run).await?.models.iter().rev().take(MODELS) {
        // A model that was deleted has no files to show.
        let model = match logged_models::get(portal, caller, team, id, false).await {
            Ok(model) => model,
            Err(Error::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        roots.extend(ours(&model.artifact_uri).map(|path| (format!("{}/", model.name), path)));
    }
    let (mut found, mut folders_left, mut more) = (BTreeMap::<String, RunFile>::new(), FOLDERS, false);
    for (before, root) in roots {
        let top = super::list(portal, caller, team, Some(&root), "", SHOWN).await?;
        more |= i64::try_from(top.len()) == Ok(SHOWN);
        let folders: Vec<String> = top.iter().filter(|entry| entry.is_folder).map(|entry| entry.name.clone()).collect();
        more |= folders.len() > folders_left;
        let mut paths: Vec<(String, u64)> = files(top, "");
        for folder in folders.iter().take(folders_left) {
            let path = ArtifactPath::parse(folder).and_then(|folder| root.join(&folder)).map_err(|e| Error::internal("folder", e))?;
            let inside = super::list(portal, caller, team, Some(&path), "", SHOWN).await?;
            more |= i64::try_from(inside.len()) == Ok(SHOWN);
            paths.extend(files(inside, &format!("{folder}/")));
        }
        folders_left = folders_left.saturating_sub(folders.len());
        more |= found.len() + paths.len() > FILES;
        for (below, size) in paths.into_iter().take(FILES - found.len()) {
            let path = ArtifactPath::parse(&below).and_then(|below| root.join(&below)).map_err(|e| Error::internal("file", e))?;
            let name = format!("{before}{below}");
            // What the run itself has under this name is what is meant by it.
            found.entry(name.clone()).or_insert(RunFile { name, path, size });
        }
    }
    Ok((found.into_values().collect(), more))
}

fn files(entries: Vec<ArtifactEntry>, before: &str) -> Vec<(String, u64)> {
    let files = entries.into_iter().filter(|entry| !entry.is_folder);
    files.map(|entry| (format!("{before}{}", entry.name), entry.size.unsigned_abs())).collect()
}
