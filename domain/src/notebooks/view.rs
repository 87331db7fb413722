//! A notebook as pages see it, made from its rows in one place.

use super::store::{self, Record};
use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    events,
    model::{Change, Millis, Notebook, PhaseChange},
};
use std::collections::HashMap;

fn notebook(record: Record, secret_names: Vec<String>, timeline: Vec<PhaseChange>) -> Notebook {
    let idle = record.spec.idle_minutes.filter(|_| record.phase.is_open());
    let idle_stop_at = idle.map(|minutes| record.last_activity_at.unwrap_or(record.phase_at) + minutes_in_millis(minutes));
    Notebook {
        id: record.id,
        team: record.team,
        owner: record.owner,
        owner_email: record.owner_email,
        spec: record.spec,
        secret_names,
        phase: record.phase,
        phase_at: record.phase_at,
        reason: record.reason,
        next_step: record.next_step,
        progress: record.progress,
        launch: record.launch,
        timeline,
        created_at: record.created_at,
        last_activity_at: record.last_activity_at,
        idle_stop_at,
    }
}

pub(super) fn minutes_in_millis(minutes: u32) -> Millis {
    i64::from(minutes) * 60_000
}

/// With its timeline.
pub(super) async fn full(db: &Db, record: Record) -> Result<Notebook> {
    let secrets: Vec<(String, String)> = db.fetch_all(store::SECRET_NAMES, args![&record.id]).await?;
    let timeline = store::timeline(db.fetch_all(store::TIMELINE, args![&record.id, record.launch]).await?)?;
    Ok(notebook(record, secrets.into_iter().map(|s| s.1).collect(), timeline))
}

/// For a list: each with its secrets' names out of those of the whole team (notebook, name), without timelines.
pub(super) fn listed(records: Vec<Record>, secrets: Vec<(String, String)>) -> Vec<Notebook> {
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (id, name) in secrets {
        names.entry(id).or_default().push(name);
    }
    let with_names = |record: Record| {
        let names = names.remove(record.id.as_str()).unwrap_or_default();
        notebook(record, names, Vec::new())
    };
    records.into_iter().map(with_names).collect()
}

/// Publishes the notebook as the transaction leaves it, and returns it. One that is to be deleted is gone for everybody already.
pub(super) async fn publish(tx: &mut Tx, at: Millis, record: &Record) -> Result<Option<Notebook>> {
    let Some(record) = store::read(tx, &record.id).await? else { return Ok(None) };
    if record.desired == store::Desired::Deleted {
        return Ok(None);
    }
    let secrets: Vec<(String, String)> = tx.fetch_all(store::SECRET_NAMES, args![&record.id]).await?;
    let timeline = store::timeline(tx.fetch_all(store::TIMELINE, args![&record.id, record.launch]).await?)?;
    let team = record.team.clone();
    let seen = notebook(record, secrets.into_iter().map(|s| s.1).collect(), timeline);
    events::publish(tx, at, Some(&team), &Change::Notebook(Box::new(seen.clone()))).await?;
    Ok(Some(seen))
}
