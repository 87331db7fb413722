//! Files that go with what they belong to: a run, a model, a trace that is removed for good.

use super::store;
use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    model::{ArtifactPath, Millis, TeamId},
};

/// What a deletion took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub files: i64,
    pub bytes: i64,
}

/// Removes every file below a folder that nothing has pinned, for whoever removes the run or model that it belongs to.
///
/// Locks the team's files until the end of the transaction: call it late.
pub async fn remove_unpinned(tx: &mut Tx, team: &TeamId, folder: &ArtifactPath) -> Result<Removed> {
    store::lock(tx, team).await?;
    if !store::is_pinned_below(tx, team, folder).await? {
        // All at once, however many they are.
        let (files, bytes) = store::remove_folder(tx, team, folder).await?.unwrap_or_default();
        return Ok(Removed { files, bytes });
    }
    let mut removed = Removed::default();
    for path in store::unpinned_below(tx, team, folder).await? {
        if let Some((files, bytes)) = store::remove_file(tx, team, &path).await? {
            removed.files += files;
            removed.bytes += bytes;
        }
    }
    Ok(removed)
}

/// What `remove_unpinned` would remove.
pub async fn count_unpinned(tx: &mut Tx, team: &TeamId, folder: &ArtifactPath) -> Result<Removed> {
    let (files, bytes) = store::count_unpinned(tx, team, folder).await?;
    Ok(Removed { files, bytes })
}

/// Names of the folders in `traces` that hold the artifacts of a trace which is gone, and to which nothing has come since `before`: clients may
/// send files ahead of a trace. What is named otherwise than a trace's folder is somebody's own.
pub(crate) async fn folders_of_gone_traces(db: &Db, team: &TeamId, traces: &ArtifactPath, before: Millis) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for name in store::folders_of_no_trace(db, team, traces).await? {
        let folder = ArtifactPath::parse(&format!("{name}/artifacts")).and_then(|below| traces.join(&below)).map_err(Error::Internal)?;
        if is_trace(&name) && store::newest_below(db, team, &folder).await?.is_some_and(|newest| newest < before) {
            gone.push(name);
        }
    }
    Ok(gone)
}

/// As MLflow's clients name traces.
fn is_trace(name: &str) -> bool {
    let digits = name.strip_prefix("tr-").unwrap_or(name);
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}
