//! SQL of the catalogue.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Environment, NotebookSpec},
};

/// The audit record that says the defaults were put in: they are not put in again after an administrator removed them.
pub(super) const SHIPPED: &str = "environment.ship";

fn entry(row: (String,)) -> Result<Environment> {
    serde_json::from_str(&row.0).map_err(|e| Error::internal("stored environment", e))
}

pub(super) async fn is_untouched(db: &Db) -> Result<bool> {
    let row: Option<(i64,)> = db
        .fetch_optional(
            "SELECT CAST(1 AS BIGINT) FROM environments UNION ALL SELECT CAST(1 AS BIGINT) FROM audit WHERE action = $1 LIMIT 1",
            args![SHIPPED],
        )
        .await?;
    Ok(row.is_none())
}

pub(super) async fn all(db: &Db) -> Result<Vec<Environment>> {
    db.fetch_all("SELECT entry FROM environments ORDER BY name", args![]).await?.into_iter().map(entry).collect()
}

pub(super) async fn get(tx: &mut Tx, name: &str) -> Result<Option<Environment>> {
    tx.fetch_optional("SELECT entry FROM environments WHERE name = $1", args![name]).await?.map(entry).transpose()
}

pub(super) async fn put(tx: &mut Tx, environment: &Environment) -> Result<()> {
    let json = serde_json::to_string(environment).map_err(|e| Error::internal("environment", e))?;
    tx.execute(
        "INSERT INTO environments (name, entry, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, updated_at = excluded.updated_at",
        args![&environment.name, json, environment.updated_at],
    )
    .await?;
    Ok(())
}

/// What every notebook was launched with.
pub(super) async fn specs(tx: &mut Tx) -> Result<Vec<NotebookSpec>> {
    let rows: Vec<(String,)> = tx.fetch_all("SELECT spec FROM notebooks", args![]).await?;
    rows.into_iter().map(|r| serde_json::from_str(&r.0).map_err(|e| Error::internal("stored spec", e))).collect()
}
