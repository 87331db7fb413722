//! What a version's files are: held as they are while it exists, and their digest.

use super::version_store;
use crate::{
    artifacts,
    db::Tx,
    error::{Error, Result},
    model::{ArtifactPath, TeamId},
    random,
};

/// What the files of a version are pinned for.
pub(super) fn holder((model, version): (&str, i64)) -> String {
    format!("{model}/{version}")
}

/// Holds the files below the root, so that they are neither replaced nor deleted until the version is released.
///
/// The digest is SHA-256 over lines `<path below the root> <SHA-256>`, ordered by path; none where there are no files.
pub(super) async fn hold(tx: &mut Tx, team: &TeamId, version: (&str, i64), root: &str) -> Result<Option<String>> {
    let path = ArtifactPath::parse(root).map_err(|reason| Error::invalid("source", reason))?;
    let holder = holder(version);
    if artifacts::pins::pin(tx, team, &holder, &path).await? == 0 {
        return Ok(None);
    }
    let mut files = version_store::held(tx, team, &holder).await?;
    files.sort_unstable();
    let below = |path: &str| path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').to_owned();
    let lines = files.iter().fold(String::new(), |lines, (path, sha256)| lines + &below(path) + " " + sha256 + "\n");
    Ok(Some(random::digest(&lines)))
}

/// Lets go of what `hold` held.
pub(super) async fn release(tx: &mut Tx, team: &TeamId, version: (&str, i64)) -> Result<()> {
    artifacts::pins::unpin(tx, team, &holder(version)).await
}
