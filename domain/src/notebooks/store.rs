//! The notebooks' tables: SQL and nothing else.

pub(super) use super::record::{Desired, Record};
use super::{
    record::{Row, json, text},
    tracking,
};
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Environment, Millis, NotebookId, NotebookSpec, Phase, PhaseChange, Progress, TeamId, UserId},
};

fn records(rows: Vec<Row>) -> Result<Vec<Record>> {
    rows.into_iter().map(Row::record).collect()
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT n.id, n.team_id, t.name AS team, n.owner, u.email AS owner_email, n.spec, n.home, n.desired, n.delete_home, n.launch,
                    n.phase, n.phase_at, n.reason, n.next_step, n.progress, n.last_activity_at, n.created_at
             FROM notebooks n JOIN teams t ON t.id = n.team_id JOIN users u ON u.id = n.owner ",
            $tail
        )
    };
}

/// What people see of a team, newest first.
pub(super) async fn of_team(db: &Db, team: &TeamId) -> Result<Vec<Record>> {
    let sql = select!("WHERE n.team_id = $1 AND n.desired <> 'deleted' ORDER BY n.created_at DESC, n.id");
    records(db.fetch_all(sql, args![team]).await?)
}

/// Some of a team's, newest first, without reading the others: those of `owner` (empty for all), in one of `phases` (`|ready|idle|`, empty for all).
pub(super) async fn page_of_team(db: &Db, team: &TeamId, owner: &str, phases: &str, page: std::ops::Range<usize>) -> Result<Vec<Record>> {
    let sql = select!(
        "WHERE n.team_id = $1 AND n.desired <> 'deleted' AND (CAST($2 AS TEXT) = '' OR n.owner = $2)
           AND (CAST($3 AS TEXT) = '' OR $3 LIKE '%|' || n.phase || '|%') ORDER BY n.created_at DESC, n.id LIMIT $4 OFFSET $5"
    );
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    records(db.fetch_all(sql, args![team, owner, phases, number(page.len()), number(page.start)]).await?)
}

/// How many a team has, and how many of them `page_of_team` finds.
pub(super) async fn count_of_team(db: &Db, team: &TeamId, owner: &str, phases: &str) -> Result<(usize, usize)> {
    let (total, found): (i64, i64) = db
        .fetch_one(
            "SELECT COUNT(*), COUNT(CASE WHEN (CAST($2 AS TEXT) = '' OR n.owner = $2) AND (CAST($3 AS TEXT) = '' OR $3 LIKE '%|' || n.phase || '|%')
               THEN 1 END) FROM notebooks n WHERE n.team_id = $1 AND n.desired <> 'deleted'",
            args![team, owner, phases],
        )
        .await?;
    Ok((usize::try_from(total).unwrap_or_default(), usize::try_from(found).unwrap_or_default()))
}

/// Those of a team that are not settled, newest first.
pub(super) async fn running_in_team(db: &Db, team: &TeamId) -> Result<Vec<Record>> {
    let sql = select!(
        "WHERE n.team_id = $1 AND n.desired <> 'deleted' AND n.phase NOT IN ('stopped', 'failed') ORDER BY n.created_at DESC, n.id"
    );
    records(db.fetch_all(sql, args![team]).await?)
}

/// One that people of the team see.
pub(super) async fn find(db: &Db, team: &TeamId, id: &NotebookId) -> Result<Record> {
    let sql = select!("WHERE n.id = $1 AND n.team_id = $2 AND n.desired <> 'deleted'");
    db.fetch_optional::<Row>(sql, args![id, team]).await?.ok_or(Error::NotFound("notebook"))?.record()
}

/// Any one, by its id alone: for the supervisor and the proxy.
pub(super) async fn by_id(db: &Db, id: &NotebookId) -> Result<Option<Record>> {
    db.fetch_optional::<Row>(select!("WHERE n.id = $1"), args![id]).await?.map(Row::record).transpose()
}

/// Those whose wish or fact asks for something to be done or watched, in the order of the queue.
pub(super) async fn unsettled(db: &Db) -> Result<Vec<Record>> {
    let sql = select!("WHERE n.desired <> 'stopped' OR n.phase NOT IN ('stopped', 'failed') ORDER BY n.phase_at, n.created_at, n.id");
    records(db.fetch_all(sql, args![]).await?)
}

/// Those that can be opened.
pub(super) async fn open(db: &Db) -> Result<Vec<Record>> {
    records(db.fetch_all(select!("WHERE n.desired = 'running' AND n.phase IN ('ready', 'idle')"), args![]).await?)
}

/// Whether a row of this id is there at all.
pub(super) async fn exists(db: &Db, id: &str) -> Result<bool> {
    Ok(db.fetch_optional::<(String,)>("SELECT id FROM notebooks WHERE id = $1", args![id]).await?.is_some())
}

/// One as it is now, and as it stays until the transaction ends.
pub(super) async fn locked(tx: &mut Tx, id: &NotebookId) -> Result<Option<Record>> {
    // Writing first takes the row's lock on PostgreSQL, with the same text on both databases.
    tx.execute("UPDATE notebooks SET launch = launch WHERE id = $1", args![id]).await?;
    read(tx, id).await
}

/// One as the transaction sees it.
pub(super) async fn read(tx: &mut Tx, id: &NotebookId) -> Result<Option<Record>> {
    tx.fetch_optional::<Row>(select!("WHERE n.id = $1"), args![id]).await?.map(Row::record).transpose()
}

/// One launch, start or deletion at a time in a team, so that names and volumes are checked against what is so.
pub(super) async fn lock_team(tx: &mut Tx, team: &TeamId) -> Result<()> {
    tx.execute("UPDATE teams SET created_at = created_at WHERE id = $1", args![team]).await.map(drop)
}

pub(super) async fn by_key(tx: &mut Tx, owner: &UserId, key: &str) -> Result<Option<Record>> {
    let sql = select!("WHERE n.owner = $1 AND n.idempotency_key = $2");
    tx.fetch_optional::<Row>(sql, args![owner, key]).await?.map(Row::record).transpose()
}

pub(super) async fn name_is_taken(tx: &mut Tx, team: &TeamId, name: &str) -> Result<bool> {
    Ok(tx.fetch_optional::<(String,)>("SELECT id FROM notebooks WHERE team_id = $1 AND name = $2", args![team, name]).await?.is_some())
}

/// The catalogue's entry of this name.
pub(super) async fn environment(db: &Db, name: &str) -> Result<Option<Environment>> {
    let row: Option<(String,)> = db.fetch_optional("SELECT entry FROM environments WHERE name = $1", args![name]).await?;
    row.map(|r| json(&r.0)).transpose()
}

/// Stores a new notebook, queued for its first launch.
pub(super) async fn insert(tx: &mut Tx, record: &Record, key: &str) -> Result<()> {
    let spec = text(&record.spec)?;
    tx.insert(
        "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8, $9, $10, $10)",
        args![
            &record.id,
            &record.team_id,
            &record.owner,
            &record.spec.name,
            spec,
            &record.home,
            key,
            record.launch,
            record.phase.as_str(),
            record.created_at
        ],
        || Error::Conflict("The same launch is being made elsewhere. Look at the list of notebooks.".to_owned()),
    )
    .await?;
    insert_phase(tx, &record.id, record.launch, record.phase, record.created_at, None).await
}

pub(super) async fn insert_secret(tx: &mut Tx, id: &NotebookId, name: &str, sealed: &str) -> Result<()> {
    tx.execute("INSERT INTO notebook_secrets (notebook_id, name, sealed) VALUES ($1, $2, $3)", args![id, name, sealed]).await.map(drop)
}

async fn insert_phase(tx: &mut Tx, id: &NotebookId, launch: i64, phase: Phase, at: Millis, reason: Option<&str>) -> Result<()> {
    tx.execute(
        "INSERT INTO notebook_phases (notebook_id, launch, position, phase, at, reason)
         SELECT $1, $2, COALESCE(MAX(position) + 1, 0), $3, $4, $5 FROM notebook_phases WHERE notebook_id = $1 AND launch = $2",
        args![id, launch, phase.as_str(), at, reason.map(str::to_owned)],
    )
    .await
    .map(drop)
}

/// Enters a phase of a locked row's present launch; a settled one is wished to run no more.
pub(super) async fn enter(tx: &mut Tx, record: &Record, to: &super::steps::Step) -> Result<()> {
    tx.execute(
        "UPDATE notebooks SET phase = $2, phase_at = $3, reason = $4, next_step = $5, progress = NULL,
                desired = CASE WHEN desired = 'running' AND $2 IN ('stopping', 'stopped', 'failed') THEN 'stopped' ELSE desired END,
                last_activity_at = CASE WHEN $2 = 'ready' AND phase <> 'idle' THEN $3 ELSE last_activity_at END
         WHERE id = $1",
        args![&record.id, to.phase.as_str(), to.at, to.reason.clone(), to.help.clone()],
    )
    .await?;
    if to.phase.is_settled() {
        tracking::end(tx, &record.id, to.at).await?;
    }
    insert_phase(tx, &record.id, record.launch, to.phase, to.at, to.reason.as_deref()).await
}

/// Wishes the next launch of a locked, settled row.
pub(super) async fn launch_again(tx: &mut Tx, record: &Record, spec: &NotebookSpec, at: Millis) -> Result<()> {
    let launch = record.launch + 1;
    tx.execute(
        "UPDATE notebooks SET desired = 'running', launch = $2, spec = $3, phase = 'queued', phase_at = $4, reason = NULL, next_step = NULL,
                progress = NULL, last_activity_at = NULL WHERE id = $1",
        args![&record.id, launch, text(spec)?, at],
    )
    .await?;
    // Only the present launch's timeline is ever shown.
    tx.execute("DELETE FROM notebook_phases WHERE notebook_id = $1 AND launch < $2", args![&record.id, record.launch]).await?;
    insert_phase(tx, &record.id, launch, Phase::Queued, at, None).await
}

pub(super) async fn set_spec(tx: &mut Tx, id: &NotebookId, spec: &NotebookSpec) -> Result<()> {
    tx.execute("UPDATE notebooks SET spec = $2 WHERE id = $1", args![id, text(spec)?]).await.map(drop)
}

pub(super) async fn set_activity(tx: &mut Tx, id: &NotebookId, at: Millis) -> Result<()> {
    tx.execute("UPDATE notebooks SET last_activity_at = $2 WHERE id = $1", args![id, at]).await.map(drop)
}

/// What a phase says of itself while it lasts.
pub(super) async fn set_note(tx: &mut Tx, id: &NotebookId, reason: Option<&str>, progress: Option<&Progress>) -> Result<()> {
    let progress = progress.map(text).transpose()?;
    tx.execute("UPDATE notebooks SET reason = $2, progress = $3 WHERE id = $1", args![id, reason.map(str::to_owned), progress])
        .await
        .map(drop)
}

/// Wishes it gone. Its name, its key and (with `home`) its home's name are free at once.
pub(super) async fn wish_deleted(tx: &mut Tx, record: &Record, home: bool) -> Result<()> {
    tx.execute(
        "UPDATE notebooks SET desired = 'deleted', delete_home = $2, name = name || '~' || id, idempotency_key = '~' || id WHERE id = $1",
        args![&record.id, home],
    )
    .await?;
    if home {
        tx.execute("UPDATE volumes SET name = name || '~' || $2 WHERE id = $1", args![&record.home, &record.id]).await?;
    }
    Ok(())
}

/// Forgets it and what hangs on it; with `delete_home` its home volume too.
pub(super) async fn delete(tx: &mut Tx, record: &Record) -> Result<()> {
    tx.execute("DELETE FROM notebooks WHERE id = $1", args![&record.id]).await?;
    if record.delete_home {
        tx.execute("DELETE FROM volumes WHERE id = $1", args![&record.home]).await?;
    }
    Ok(())
}

pub(super) const SECRET_NAMES: &str = "SELECT notebook_id, name FROM notebook_secrets WHERE notebook_id = $1 ORDER BY name";
pub(super) const TIMELINE: &str = "SELECT phase, at, reason FROM notebook_phases WHERE notebook_id = $1 AND launch = $2 ORDER BY position";

/// Notebook id and secret name.
pub(super) async fn secret_names_of_team(db: &Db, team: &TeamId) -> Result<Vec<(String, String)>> {
    let sql = "SELECT s.notebook_id, s.name FROM notebook_secrets s JOIN notebooks n ON n.id = s.notebook_id WHERE n.team_id = $1 ORDER BY s.name";
    db.fetch_all(sql, args![team]).await
}

/// Name and sealed value.
pub(super) async fn sealed_secrets(db: &Db, id: &NotebookId) -> Result<Vec<(String, String)>> {
    db.fetch_all("SELECT name, sealed FROM notebook_secrets WHERE notebook_id = $1", args![id]).await
}

/// Rows of `TIMELINE`.
pub(super) fn timeline(rows: Vec<(String, i64, Option<String>)>) -> Result<Vec<PhaseChange>> {
    let change =
        |(phase, at, reason): (String, i64, Option<String>)| Ok(PhaseChange { phase: phase.parse().map_err(Error::Internal)?, at, reason });
    rows.into_iter().map(change).collect()
}
