//! SQL of named views of runs.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Millis, RunView, UserId},
};

#[derive(sqlx::FromRow)]
struct ViewRow {
    id: String,
    name: String,
    query: String,
    owner: Option<String>,
    created_by: String,
}

impl ViewRow {
    fn view(self) -> RunView {
        let Self { id, name, query, owner, created_by } = self;
        RunView { id, name, query, shared: owner.is_none(), created_by }
    }
}

/// The team's views of an experiment and the person's own, by name.
pub(super) async fn all(db: &Db, experiment: i64, user: &UserId, most: i64) -> Result<Vec<RunView>> {
    let sql = "SELECT v.id, v.name, v.query, v.owner, u.email AS created_by FROM run_view v JOIN users u ON u.id = v.created_by
               WHERE v.experiment_id = $1 AND (v.owner IS NULL OR v.owner = $2) ORDER BY v.name, v.id LIMIT $3";
    let rows: Vec<ViewRow> = db.fetch_all(sql, args![experiment, user, most]).await?;
    Ok(rows.into_iter().map(ViewRow::view).collect())
}

/// How many there are of these.
pub(super) async fn count(tx: &mut Tx, experiment: i64, owner: Option<&UserId>) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM run_view WHERE experiment_id = $1 AND COALESCE(owner, '') = COALESCE(CAST($2 AS TEXT), '')";
    let (count,): (i64,) = tx.fetch_one(sql, args![experiment, owner.map(UserId::as_str)]).await?;
    Ok(count)
}

pub(super) struct NewView<'a> {
    pub id: &'a str,
    pub experiment: i64,
    pub owner: Option<&'a UserId>,
    pub name: &'a str,
    pub query: &'a str,
    pub by: &'a UserId,
    pub at: Millis,
}

/// Makes it; one of the same name takes the new query.
pub(super) async fn put(tx: &mut Tx, new: NewView<'_>) -> Result<()> {
    let sql = "UPDATE run_view SET query = $1, updated_at = $2
               WHERE experiment_id = $3 AND COALESCE(owner, '') = COALESCE(CAST($4 AS TEXT), '') AND name = $5";
    let owner = new.owner.map(UserId::as_str);
    if tx.execute(sql, args![new.query, new.at, new.experiment, owner, new.name]).await? > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO run_view (id, experiment_id, owner, name, query, created_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.insert(sql, args![new.id, new.experiment, owner, new.name, new.query, new.by, new.at], taken).await
}

fn taken() -> Error {
    Error::AlreadyExists("There is a view of this name already. Choose another.".to_owned())
}

/// Whether a view of the experiment is the team's; none where there is no such view that the person can see.
pub(super) async fn is_shared(tx: &mut Tx, experiment: i64, id: &str, user: &UserId) -> Result<Option<bool>> {
    let sql = "SELECT owner FROM run_view WHERE id = $1 AND experiment_id = $2 AND (owner IS NULL OR owner = $3)";
    let row: Option<(Option<String>,)> = tx.fetch_optional(sql, args![id, experiment, user]).await?;
    Ok(row.map(|(owner,)| owner.is_none()))
}

pub(super) async fn rename(tx: &mut Tx, id: &str, name: &str, at: Millis) -> Result<()> {
    tx.insert("UPDATE run_view SET name = $1, updated_at = $2 WHERE id = $3", args![name, at, id], taken).await
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM run_view WHERE id = $1", args![id]).await?;
    Ok(())
}
