//! What becomes of somebody's notebooks when the person may not have them running any more.

use crate::{
    args, audit,
    caller::Caller,
    db::Tx,
    error::Result,
    model::{Millis, TeamId, UserId},
};

/// A notebook that was wished to run.
#[derive(sqlx::FromRow)]
pub(crate) struct Stopped {
    id: String,
    name: String,
    team: String,
}

/// Wishes the person's notebooks stopped, in one team or in all. Called before the audit trail is locked; `record` after.
pub(crate) async fn wish_stopped(tx: &mut Tx, owner: &UserId, team: Option<&TeamId>) -> Result<Vec<Stopped>> {
    tx.fetch_all(
        "UPDATE notebooks SET desired = 'stopped'
         WHERE owner = $1 AND desired = 'running' AND (CAST($2 AS TEXT) IS NULL OR team_id = $2)
         RETURNING id, name, (SELECT t.name FROM teams t WHERE t.id = notebooks.team_id) AS team",
        args![owner, team.map(|t| t.0.clone())],
    )
    .await
}

/// Audits what `wish_stopped` did, and why.
pub(crate) async fn record(tx: &mut Tx, caller: &Caller, at: Millis, stopped: &[Stopped], because: &str) -> Result<()> {
    for notebook in stopped {
        let entry = audit::Entry::<(), _> {
            team: Some(&notebook.team),
            action: "notebook.stop",
            object: &notebook.id,
            object_name: &notebook.name,
            before: None,
            after: Some(serde_json::json!({ "desired": "stopped", "because": because })),
        };
        audit::record(tx, caller, at, entry).await?;
    }
    Ok(())
}
