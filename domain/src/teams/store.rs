//! SQL of teams.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    identity::store::role as stored_role,
    model::{Member, Millis, Role, Team, TeamId, TeamSummary, UserId},
};

pub(super) async fn insert(tx: &mut Tx, team: &Team) -> Result<()> {
    let taken = || Error::AlreadyExists(format!("There is a team named {} already.", team.name));
    let sql = "INSERT INTO teams (id, name, created_at) VALUES ($1, $2, $3)";
    tx.insert(sql, args![&team.id, &team.name, team.created_at], taken).await
}

pub(super) async fn find(db: &Db, name: &str) -> Result<Option<TeamId>> {
    let row: Option<(String,)> = db.fetch_optional("SELECT id FROM teams WHERE name = $1", args![name]).await?;
    Ok(row.map(|r| TeamId(r.0)))
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
    created_at: i64,
}

pub(super) async fn members(db: &Db, team: &TeamId) -> Result<Vec<Member>> {
    let rows: Vec<MemberRow> = db
        .fetch_all(
            "SELECT m.user_id, u.email, u.name, m.role, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.team_id = $1 ORDER BY u.email",
            args![team],
        )
        .await?;
    let member = |r: MemberRow| {
        Ok(Member { user: r.user_id.into(), email: r.email, name: r.name, role: stored_role(&r.role)?, since: r.created_at })
    };
    rows.into_iter().map(member).collect()
}

pub(super) async fn role(tx: &mut Tx, team: &TeamId, user: &UserId) -> Result<Option<Role>> {
    let sql = "SELECT role FROM memberships WHERE team_id = $1 AND user_id = $2";
    let row: Option<(String,)> = tx.fetch_optional(sql, args![team, user]).await?;
    row.map(|r| stored_role(&r.0)).transpose()
}

/// Adds or changes; when they became a member.
pub(super) async fn put_member(tx: &mut Tx, team: &TeamId, user: &UserId, role: Role, at: Millis) -> Result<Millis> {
    let row: (i64,) = tx
        .fetch_one(
            "INSERT INTO memberships (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role RETURNING created_at",
            args![team, user, role.as_str(), at],
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
pub(super) async fn revoke_tokens(tx: &mut Tx, team: &TeamId, user: &UserId, at: Millis) -> Result<()> {
    let sql = "UPDATE tokens SET revoked_at = $1 WHERE team_id = $2 AND user_id = $3 AND revoked_at IS NULL";
    tx.execute(sql, args![at, team, user]).await.map(|_| ())
}
