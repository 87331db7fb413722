//! A look at what the portal stands on, for administrators and `slipway check`.

use crate::{
    args, audit,
    caller::Caller,
    error::Result,
    model::{Capacity, Finding, Level, Permission},
    portal::Portal,
};

/// Looks at the database, the audit chain, the engine and the disk; each finding says how to mend it.
pub async fn check(portal: &Portal, caller: &Caller) -> Result<Vec<Finding>> {
    caller.require(Permission::ReadSystem)?;
    let mut findings = vec![database(portal).await, audit_chain(portal).await];
    findings.extend(portal.compute.check().await);
    Ok(findings)
}

/// What the machine has and which workloads hold it.
pub async fn compute(portal: &Portal, caller: &Caller) -> Result<Capacity> {
    caller.require(Permission::ReadSystem)?;
    portal.compute.capacity().await
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
