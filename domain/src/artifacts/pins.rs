//! Files that a version of a registered model needs: they stay as they are for as long as it is there.

use super::store;
use crate::{
    db::{Db, Tx},
    error::Result,
    model::{Artifact, ArtifactPath, TeamId},
};

/// Pins the file, or every file below the folder, for `holder` (unique in the team, for example `model/version`). What is added to the
/// folder later is not pinned. How many files.
///
/// Locks the team's files until the end of the transaction: call it late.
pub(crate) async fn pin(tx: &mut Tx, team: &TeamId, holder: &str, root: &ArtifactPath) -> Result<u64> {
    store::lock(tx, team).await?;
    store::pin(tx, team, holder, root).await
}

/// Lets go of everything that `holder` has pinned.
pub(crate) async fn unpin(tx: &mut Tx, team: &TeamId, holder: &str) -> Result<()> {
    store::lock(tx, team).await?;
    store::unpin(tx, team, holder).await
}

/// What `holder` has pinned, with sizes and digests, ordered by path.
pub(crate) async fn pinned(db: &Db, team: &TeamId, holder: &str) -> Result<Vec<Artifact>> {
    store::pinned(db, team, holder).await
}
