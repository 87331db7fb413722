//! SQL of what was imported.

use crate::{
    args,
    db::{Db, Value},
    error::Result,
    model::TeamId,
};
use std::collections::HashMap;

/// What has an identity of its own at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Run,
    LoggedModel,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::LoggedModel => "logged_model",
        }
    }
}

/// One thing that was copied, or begun to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Entry {
    pub source_id: String,
    pub local_id: String,
    /// None until everything is in but its links.
    pub fingerprint: Option<String>,
    pub finished: i64,
    pub points: i64,
    pub files: i64,
    pub bytes: i64,
}

/// Ids that go into one statement.
const AT_ONCE: usize = 256;

/// What is known of these, as far as it still exists here.
pub(super) async fn entries(db: &Db, team: &TeamId, kind: Kind, ids: &[&str]) -> Result<HashMap<String, Entry>> {
    let mut found = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        let places = (3..3 + some.len()).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ");
        let there = match kind {
            Kind::Run => "SELECT 1 FROM runs r WHERE r.id = i.local_id AND r.team_id = i.team_id",
            Kind::LoggedModel => "SELECT 1 FROM logged_models m WHERE m.id = i.local_id AND m.team_id = i.team_id",
        };
        let sql = format!(
            "SELECT source_id, local_id, fingerprint, finished, points, files, bytes FROM imported i
             WHERE team_id = $1 AND kind = $2 AND source_id IN ({places}) AND EXISTS ({there})"
        );
        let args = args![team, kind.as_str()].into_iter().chain(some.iter().map(|id| Value::from(*id))).collect();
        let rows: Vec<Entry> = db.fetch_all_assembled(sql, args).await?;
        found.extend(rows.into_iter().map(|row| (row.source_id.clone(), row)));
    }
    Ok(found)
}

/// Writes down how far something is.
pub(super) async fn put(db: &Db, team: &TeamId, kind: Kind, entry: &Entry) -> Result<()> {
    let sql = "INSERT INTO imported (team_id, kind, source_id, local_id, fingerprint, finished, points, files, bytes)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
               ON CONFLICT (team_id, kind, source_id) DO UPDATE SET local_id = excluded.local_id, fingerprint = excluded.fingerprint,
                   finished = excluded.finished, points = excluded.points, files = excluded.files, bytes = excluded.bytes";
    let Entry { source_id, local_id, fingerprint, finished, points, files, bytes } = entry;
    let args = args![team, kind.as_str(), source_id, local_id, fingerprint.as_deref(), *finished, *points, *files, *bytes];
    db.execute(sql, args).await.map(drop)
}

/// The team that has a run or logged model of this id.
pub(super) async fn owner(db: &Db, kind: Kind, id: &str) -> Result<Option<String>> {
    let sql = match kind {
        Kind::Run => "SELECT team_id FROM runs WHERE id = $1",
        Kind::LoggedModel => "SELECT team_id FROM logged_models WHERE id = $1",
    };
    let row: Option<(String,)> = db.fetch_optional(sql, args![id]).await?;
    Ok(row.map(|r| r.0))
}
