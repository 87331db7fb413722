//! Versions as people look at them: all of a model with their sizes, and the files of one.

use super::{lineage, store, version_store, versions::get_version};
use crate::{
    artifacts::{self, Readable},
    caller::Caller,
    error::{Error, Result},
    model::{Artifact, ArtifactPath, MlModel, ModelVersion, Permission, VersionFile, VersionFiles},
    portal::Portal,
};

/// Longest `MLmodel` that is read, in bytes.
const LONGEST_MODEL: u64 = 512 * 1024;
/// Longest input example that is shown, in bytes.
const LONGEST_EXAMPLE: u64 = 16 * 1024;

/// All versions of a model, the newest first, each with the bytes of the files that it holds, if it holds any.
pub async fn versions_of(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<Vec<(ModelVersion, Option<i64>)>> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let model = store::find(&portal.db, &scope.team, name).await?;
    let keys: Vec<(String, i64)> =
        version_store::all(&portal.db, &model.id).await?.into_iter().map(|version| (model.id.clone(), version)).collect();
    let aliases = store::aliases_of(&portal.db, &[&model.id]).await?.remove(&model.id).unwrap_or_default();
    let sizes = version_store::sizes(&portal.db, &scope.team, &model.id).await?;
    let mut found = version_store::versions(&portal.db, &keys).await?;
    for version in &mut found {
        version.aliases = aliases.iter().filter(|a| a.version == version.version).map(|a| a.alias.clone()).collect();
    }
    let weighed = |version: ModelVersion| {
        let size = sizes.get(&version.version).copied();
        (version, size)
    };
    Ok(found.into_iter().map(weighed).collect())
}

/// The files that a version holds, and what they say of the model.
pub async fn files(portal: &Portal, caller: &Caller, team: &str, version: (&str, i64)) -> Result<VersionFiles> {
    caller.require_in(Permission::ReadRegistry, team)?;
    let held = held(portal, caller, team, version).await?;
    let mut found = VersionFiles {
        files: held
            .iter()
            .map(|(path, artifact)| VersionFile { path: path.clone(), size: artifact.size, sha256: artifact.sha256.clone() })
            .collect(),
        ..VersionFiles::default()
    };
    let of_path = |path: &str| held.iter().find(|(other, _)| other == path).map(|(_, artifact)| &artifact.path);
    if let Some(path) = of_path("MLmodel") {
        found.says = text(portal, caller, team, path, LONGEST_MODEL).await?.map(|text| MlModel::parse(&text));
    }
    if let Some(path) = found.says.as_ref().and_then(|says| of_path(says.example.as_deref()?)) {
        found.example = text(portal, caller, team, path, LONGEST_EXAMPLE).await?;
    }
    Ok(found)
}

/// One file that a version holds; `path` is below the folder of its files.
///
/// # Errors
/// `NotFound` where the version holds no such file.
pub async fn file(portal: &Portal, caller: &Caller, team: &str, version: (&str, i64), path: &str) -> Result<Readable> {
    caller.require_in(Permission::ReadRegistry, team)?;
    let held = held(portal, caller, team, version).await?;
    let (_, artifact) = held.into_iter().find(|(other, _)| other == path).ok_or(Error::NotFound("artifact"))?;
    artifacts::find(portal, caller, team, &artifact.path).await
}

/// What a version holds, by its path below the folder of its files, ordered by that.
async fn held(portal: &Portal, caller: &Caller, team: &str, (name, number): (&str, i64)) -> Result<Vec<(String, Artifact)>> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let version = get_version(portal, caller, team, name, number).await?;
    let Some(root) = version.artifact_root else { return Ok(Vec::new()) };
    let model = store::find(&portal.db, &scope.team, name).await?;
    let pinned = artifacts::pins::pinned(&portal.db, &scope.team, &lineage::holder((&model.id, number))).await?;
    let below = |artifact: Artifact| {
        let path = artifact.path.as_str().strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/'));
        // A version may also be of one file.
        (path.unwrap_or(artifact.path.name()).to_owned(), artifact)
    };
    let mut found: Vec<(String, Artifact)> = pinned.into_iter().map(below).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The text of a file; none where it is long or no text.
async fn text(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath, most: u64) -> Result<Option<String>> {
    let file = artifacts::find(portal, caller, team, path).await?;
    let size = file.artifact.size;
    if size > most {
        return Ok(None);
    }
    match file.beginning(portal, size).await {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        // The page is about more than this file.
        Err(error) => {
            tracing::warn!(%path, %error, "a file of a model could not be read");
            Ok(None)
        }
    }
}
