//! SQL of teams.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    identity::store::role as stored_role,
    model::{Member, Millis, NotebookSpec, Quota, Resources, Role, Share, Team, TeamId, TeamSummary, UserId},
};
use std::collections::HashMap;

pub(super) async fn insert(tx: &mut Tx, team: &Team) -> Result<()> {
    let taken = || Error::AlreadyExists(format!("There is a team named {} already.", team.name));
    let sql = "INSERT INTO teams (id, name, created_at) VALUES ($1, $2, $3)";
    tx.insert(sql, args![&team.id, &team.name, team.created_at], taken).await
}

pub(super) async fn find(db: &Db, name: &str) -> Result<Option<TeamId>> {
    let row: Option<(String,)> = db.fetch_optional("SELECT id FROM teams WHERE name = $1", args![name]).await?;
    Ok(row.map(|r| TeamId(r.0)))
}

/// A quota as its columns hold it.
#[derive(sqlx::FromRow)]
struct QuotaRow {
    id: String,
    name: String,
    quota_cpus: Option<i64>,
    quota_memory_mib: Option<i64>,
    quota_gpus: Option<i64>,
}

impl QuotaRow {
    fn quota(&self) -> Result<Quota> {
        let wrong = |e| Error::internal("teams.quota", e);
        Ok(Quota {
            cpus: self.quota_cpus.map(u32::try_from).transpose().map_err(wrong)?,
            memory_mib: self.quota_memory_mib.map(u64::try_from).transpose().map_err(wrong)?,
            gpus: self.quota_gpus.map(u32::try_from).transpose().map_err(wrong)?,
        })
    }
}

/// The team and its quota.
pub(super) async fn quota(tx: &mut Tx, name: &str) -> Result<Option<(TeamId, Quota)>> {
    let sql = "SELECT id, name, quota_cpus, quota_memory_mib, quota_gpus FROM teams WHERE name = $1";
    let row: Option<QuotaRow> = tx.fetch_optional(sql, args![name]).await?;
    row.map(|row| Ok((TeamId(row.id.clone()), row.quota()?))).transpose()
}

pub(super) async fn set_quota(tx: &mut Tx, team: &TeamId, quota: &Quota) -> Result<()> {
    let memory = quota.memory_mib.map(i64::try_from).transpose().map_err(|e| Error::internal("quota", e))?;
    let sql = "UPDATE teams SET quota_cpus = $1, quota_memory_mib = $2, quota_gpus = $3 WHERE id = $4";
    tx.execute(sql, args![quota.cpus.map(i64::from), memory, quota.gpus.map(i64::from), team]).await.map(|_| ())
}

/// Teams that have a quota, by name, nothing held of it yet.
pub(super) async fn quotas(db: &Db) -> Result<HashMap<String, Share>> {
    let sql = "SELECT id, name, quota_cpus, quota_memory_mib, quota_gpus FROM teams
               WHERE quota_cpus IS NOT NULL OR quota_memory_mib IS NOT NULL OR quota_gpus IS NOT NULL";
    let rows: Vec<QuotaRow> = db.fetch_all(sql, args![]).await?;
    rows.into_iter().map(|row| Ok((row.name.clone(), Share::new(&row.name, row.quota()?)))).collect()
}

/// The sizes of notebooks that hold something, in teams that have a quota, or in this one; by name of the team.
pub(super) async fn held(db: &Db, team: Option<&str>) -> Result<Vec<(String, Resources)>> {
    let sql = "SELECT t.name, n.spec FROM notebooks n JOIN teams t ON t.id = n.team_id
               WHERE n.phase IN ('preparing', 'starting', 'ready', 'idle', 'stopping')
               AND (t.quota_cpus IS NOT NULL OR t.quota_memory_mib IS NOT NULL OR t.quota_gpus IS NOT NULL)
               AND (CAST($1 AS TEXT) IS NULL OR t.name = $1)";
    let rows: Vec<(String, String)> = db.fetch_all(sql, args![team.map(str::to_owned)]).await?;
    let size = |(team, spec): (String, String)| {
        let spec: NotebookSpec = serde_json::from_str(&spec).map_err(|e| Error::internal("notebooks.spec", e))?;
        Ok((team, spec.resources))
    };
    rows.into_iter().map(size).collect()
}

pub(super) async fn names(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db.fetch_all("SELECT name FROM teams ORDER BY name", args![]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Whether the team has, or had, a notebook or a volume.
pub(super) async fn has_launched(db: &Db, team: &str) -> Result<bool> {
    let sql = "SELECT v.id FROM volumes v JOIN teams t ON t.id = v.team_id WHERE t.name = $1 LIMIT 1";
    Ok(db.fetch_optional::<(String,)>(sql, args![team]).await?.is_some())
}

pub(super) async fn wish_repair(tx: &mut Tx, team: &TeamId, at: Millis) -> Result<()> {
    tx.execute("UPDATE teams SET repair_wished_at = $1 WHERE id = $2", args![at, team]).await.map(|_| ())
}

/// Teams whose repair is wished, and since when.
pub(super) async fn repairs(db: &Db) -> Result<Vec<(String, Millis)>> {
    db.fetch_all("SELECT name, repair_wished_at FROM teams WHERE repair_wished_at IS NOT NULL ORDER BY repair_wished_at", args![]).await
}

/// That wish is done; a later one is not.
pub(super) async fn repaired(tx: &mut Tx, team: &str, at: Millis) -> Result<()> {
    tx.execute("UPDATE teams SET repair_wished_at = NULL WHERE name = $1 AND repair_wished_at = $2", args![team, at]).await.map(|_| ())
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    name: String,
    created_at: i64,
    members: i64,
    running: i64,
}

pub(super) async fn summaries(db: &Db) -> Result<Vec<TeamSummary>> {
    let rows: Vec<SummaryRow> = db
        .fetch_all(
            "SELECT t.id, t.name, t.created_at,
                (SELECT COUNT(*) FROM memberships m WHERE m.team_id = t.id) AS members,
                (SELECT COUNT(*) FROM notebooks n WHERE n.team_id = t.id AND n.phase NOT IN ('stopped', 'failed')) AS running
             FROM teams t ORDER BY t.name",
            args![],
        )
        .await?;
    let summary = |r: SummaryRow| TeamSummary {
        share: Share::new(&r.name, Quota::default()),
        namespace: None,
        team: Team { id: r.id.into(), name: r.name, created_at: r.created_at },
        members: r.members,
        running_notebooks: r.running,
    };
    Ok(rows.into_iter().map(summary).collect())
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    user_id: String,
    email: String,
    name: String,
    role: String,
    by_rule: Option<String>,
    created_at: i64,
}

pub(super) async fn members(db: &Db, team: &TeamId) -> Result<Vec<Member>> {
    let rows: Vec<MemberRow> = db
        .fetch_all(
            "SELECT m.user_id, u.email, u.name, m.role, m.by_rule, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.team_id = $1 ORDER BY u.email",
            args![team],
        )
        .await?;
    let member = |r: MemberRow| {
        let (role, by_rule) = (stored_role(&r.role)?, r.by_rule.as_deref().map(stored_role).transpose()?);
        Ok(Member { user: r.user_id.into(), email: r.email, name: r.name, role, by_rule, since: r.created_at })
    };
    rows.into_iter().map(member).collect()
}

/// Where somebody's role in a team comes from: somebody gave it, or a group of an identity provider does. One of them is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub by_hand: Option<Role>,
    pub by_rule: Option<Role>,
}

impl Standing {
    /// The higher one.
    pub fn role(self) -> Option<Role> {
        self.by_hand.max(self.by_rule)
    }
}

pub(crate) async fn standing(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<Standing> {
    let sql = "SELECT by_hand, by_rule FROM memberships WHERE team_id = $1 AND user_id = $2";
    let row: Option<(Option<String>, Option<String>)> = tx.fetch_optional(sql, args![team, user]).await?;
    let (by_hand, by_rule) = row.unwrap_or_default();
    let read = |text: Option<String>| text.as_deref().map(stored_role).transpose();
    Ok(Standing { by_hand: read(by_hand)?, by_rule: read(by_rule)? })
}

/// Adds, changes or, where no role is left, removes a membership; since when it is one.
pub(crate) async fn put(tx: &mut Tx, team: &TeamId, user: &UserId, standing: Standing, at: Millis) -> Result<Millis> {
    let Some(role) = standing.role() else {
        tx.execute("DELETE FROM memberships WHERE team_id = $1 AND user_id = $2", args![team, user]).await?;
        return Ok(at);
    };
    let text = |role: Option<Role>| role.map(|role| role.as_str().to_owned());
    let row: (i64,) = tx
        .fetch_one(
            "INSERT INTO memberships (team_id, user_id, role, by_hand, by_rule, created_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role, by_hand = excluded.by_hand, by_rule = excluded.by_rule
             RETURNING created_at",
            args![team, user, role.as_str(), text(standing.by_hand), text(standing.by_rule), at],
        )
        .await?;
    Ok(row.0)
}

/// Enabled admins of the team beside this person.
pub(super) async fn other_admins(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<i64> {
    let row: (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.team_id = $1 AND m.user_id <> $2 AND m.role = 'admin' AND u.disabled_at IS NULL",
            args![team, user],
        )
        .await?;
    Ok(row.0)
}

/// Ends the person's tokens for the team, so that coming back does not revive them.
pub(crate) async fn revoke_tokens(tx: &mut Tx, team: &TeamId, user: &UserId, at: Millis) -> Result<()> {
    let sql = "UPDATE tokens SET revoked_at = $1 WHERE team_id = $2 AND user_id = $3 AND revoked_at IS NULL";
    tx.execute(sql, args![at, team, user]).await.map(|_| ())
}
