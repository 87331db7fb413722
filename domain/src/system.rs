//! A look at what the portal stands on, for administrators and `slipway check`.

use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    model::{Capacity, Finding, Holder, Level, Millis, NotebookSpec, Permission},
    portal::Portal,
    teams,
};

/// Looks at the database, the audit chain, the engine and the disk; each finding says how to mend it.
pub async fn check(portal: &Portal, caller: &Caller) -> Result<Vec<Finding>> {
    caller.require(Permission::ReadSystem)?;
    let mut findings = vec![database(portal).await, audit_chain(portal).await];
    findings.extend(portal.compute.check().await);
    match teams::check(portal).await {
        Ok(found) => findings.extend(found),
        // A cluster that does not answer has its own finding.
        Err(error) => tracing::debug!(%error, "what belongs to teams could not be looked at"),
    }
    Ok(findings)
}

/// What the machine has and which workloads hold it.
pub async fn compute(portal: &Portal, caller: &Caller) -> Result<Capacity> {
    caller.require(Permission::ReadSystem)?;
    portal.compute.capacity().await
}

/// Which notebooks of all teams hold CPUs, memory and GPUs, the longest first.
pub async fn holders(portal: &Portal, caller: &Caller) -> Result<Vec<Holder>> {
    caller.require(Permission::ReadSystem)?;
    let sql = "SELECT n.id, n.spec, t.name, u.email, n.phase, n.phase_at
               FROM notebooks n JOIN teams t ON t.id = n.team_id JOIN users u ON u.id = n.owner
               WHERE n.phase IN ('preparing', 'starting', 'ready', 'idle', 'stopping') ORDER BY n.phase_at, n.id";
    let rows: Vec<(String, String, String, String, String, Millis)> = portal.db.fetch_all(sql, args![]).await?;
    let holder = |(id, spec, team, owner_email, phase, since): (String, String, String, String, String, Millis)| {
        let spec: NotebookSpec = serde_json::from_str(&spec).map_err(|e| Error::internal("notebooks.spec", e))?;
        let phase = phase.parse().map_err(|e: String| Error::internal("notebooks.phase", e))?;
        Ok(Holder { id: id.into(), name: spec.name, team, owner_email, phase, since, resources: spec.resources })
    };
    rows.into_iter().map(holder).collect()
}

async fn database(portal: &Portal) -> Finding {
    let answer: Result<(i64,)> = portal.db.fetch_one("SELECT COUNT(*) FROM users", args![]).await;
    let (level, message, remedy) = match answer {
        Ok((users,)) => (Level::Ok, format!("{} answers; {users} users.", portal.db.kind()), ""),
        Err(error) => (Level::Error, error.to_string(), "Check that the database runs and that --database points to it."),
    };
    Finding { name: "database".to_owned(), level, message, remedy: remedy.to_owned() }
}

async fn audit_chain(portal: &Portal) -> Finding {
    let (level, message, remedy) = match audit::verify(portal).await {
        Ok(None) => (Level::Ok, "The audit trail is whole.".to_owned(), ""),
        Ok(Some(seq)) => (
            Level::Error,
            format!("Audit record {seq} was changed, removed or reordered."),
            "Compare with a backup; somebody wrote to the database outside Slipway.",
        ),
        Err(error) => (Level::Error, error.to_string(), "Check the database."),
    };
    Finding { name: "audit".to_owned(), level, message, remedy: remedy.to_owned() }
}
