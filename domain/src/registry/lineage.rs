//! What a version's files are: their digest when it was made, and that they stay as they are while it exists.

use crate::{db::Tx, error::Result, model::TeamId, random};

/// Path below the root and SHA-256 of each file of a version. This build keeps no artifacts yet, so there are none.
#[expect(clippy::unused_async, reason = "reads the artifacts' table once there is one")]
async fn files(_tx: &mut Tx, _team: &TeamId, _root: &str) -> Result<Vec<(String, String)>> {
    Ok(Vec::new())
}

/// SHA-256 over the lines `<path> <SHA-256>` of all files, ordered by path; none where there are no files.
pub(super) async fn digest(tx: &mut Tx, team: &TeamId, root: &str) -> Result<Option<String>> {
    let mut files = files(tx, team, root).await?;
    files.sort_unstable();
    let lines: String = files.iter().map(|(path, sha256)| format!("{path} {sha256}\n")).collect();
    Ok((!files.is_empty()).then(|| random::digest(&lines)))
}

/// Holds the files of a version: neither replaced nor deleted until it is released.
#[expect(clippy::unused_async, reason = "writes the artifacts' pins once there are any")]
pub(super) async fn hold(_tx: &mut Tx, _team: &TeamId, _version: (&str, i64), _root: &str) -> Result<()> {
    Ok(())
}

/// Lets go of what `hold` held.
#[expect(clippy::unused_async, reason = "removes the artifacts' pins once there are any")]
pub(super) async fn release(_tx: &mut Tx, _team: &TeamId, _version: (&str, i64)) -> Result<()> {
    Ok(())
}
