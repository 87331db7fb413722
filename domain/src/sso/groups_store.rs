//! SQL of groups and their rules.

use crate::{
    args,
    db::Tx,
    error::{Error, Result},
    identity::store::role as stored_role,
    model::{GroupPerson, GroupRule, LOCAL_ISSUER, TeamId, UserId},
    teams::store::Standing,
};

/// A rule, and what it is about.
pub(super) struct Found {
    /// Its id.
    pub provider: String,
    pub issuer: String,
    pub team_id: TeamId,
    pub rule: GroupRule,
}

/// Somebody, as one provider knows them.
pub(super) struct Person {
    pub issuer: String,
    pub user: UserId,
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
}

pub(super) struct Member {
    pub user: UserId,
    pub team: TeamId,
    pub team_name: String,
    pub standing: Standing,
}

/// All that roles by groups come from, and the memberships of those whom providers know.
pub(super) struct Gives {
    pub rules: Vec<Found>,
    pub people: Vec<Person>,
    pub members: Vec<Member>,
}

#[derive(sqlx::FromRow)]
struct RuleRow {
    id: String,
    provider_id: String,
    issuer: String,
    pattern: String,
    is_prefix: i64,
    team_id: String,
    team_name: String,
    role: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    user_id: String,
    team_id: String,
    team_name: String,
    by_hand: Option<String>,
    by_rule: Option<String>,
}

/// Every rule, ordered by pattern and team.
pub(super) async fn rules(tx: &mut Tx) -> Result<Vec<Found>> {
    let rows: Vec<RuleRow> = tx
        .fetch_all(
            "SELECT r.id, r.provider_id, p.issuer, r.pattern, r.is_prefix, r.team_id, t.name AS team_name, r.role, r.created_at
             FROM group_rules r JOIN sso_providers p ON p.id = r.provider_id JOIN teams t ON t.id = r.team_id
             ORDER BY r.pattern, t.name, r.id",
            args![],
        )
        .await?;
    let rule = |row: RuleRow| {
        let role = stored_role(&row.role)?;
        let rule = GroupRule {
            id: row.id,
            pattern: row.pattern,
            is_prefix: row.is_prefix != 0,
            team: row.team_name,
            role,
            created_at: row.created_at,
        };
        Ok(Found { provider: row.provider_id, issuer: row.issuer, team_id: row.team_id.into(), rule })
    };
    rows.into_iter().map(rule).collect()
}

fn names(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|e| Error::internal("stored groups", e))
}

/// For all people, or for one.
pub(super) async fn gives(tx: &mut Tx, only: Option<&UserId>) -> Result<Gives> {
    let only = only.map(|user| user.0.clone());
    let people: Vec<(String, String, String, String, String)> = tx
        .fetch_all(
            "SELECT i.issuer, i.user_id, u.email, u.name, i.group_names FROM identities i JOIN users u ON u.id = i.user_id
             WHERE i.issuer <> $1 AND (CAST($2 AS TEXT) IS NULL OR i.user_id = $2)",
            args![LOCAL_ISSUER, only.clone()],
        )
        .await?;
    let people = people
        .into_iter()
        .map(|(issuer, user, email, name, groups)| Ok(Person { issuer, user: user.into(), email, name, groups: names(&groups)? }))
        .collect::<Result<_>>()?;
    let members: Vec<MemberRow> = tx
        .fetch_all(
            "SELECT m.user_id, m.team_id, t.name AS team_name, m.by_hand, m.by_rule FROM memberships m JOIN teams t ON t.id = m.team_id
             WHERE (CAST($2 AS TEXT) IS NULL OR m.user_id = $2)
               AND (m.by_rule IS NOT NULL OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = m.user_id AND i.issuer <> $1))",
            args![LOCAL_ISSUER, only],
        )
        .await?;
    let read = |text: Option<String>| text.as_deref().map(stored_role).transpose();
    let member = |row: MemberRow| {
        let standing = Standing { by_hand: read(row.by_hand)?, by_rule: read(row.by_rule)? };
        Ok(Member { user: row.user_id.into(), team: row.team_id.into(), team_name: row.team_name, standing })
    };
    let members = members.into_iter().map(member).collect::<Result<_>>()?;
    Ok(Gives { rules: rules(tx).await?, people, members })
}

/// Whom the provider knows, by email.
pub(super) async fn people(tx: &mut Tx, issuer: &str) -> Result<Vec<GroupPerson>> {
    let rows: Vec<(String, String, String, String, Option<i64>)> = tx
        .fetch_all(
            "SELECT u.id, u.email, u.name, i.group_names, i.asked_at FROM identities i JOIN users u ON u.id = i.user_id
             WHERE i.issuer = $1 ORDER BY u.email, u.id",
            args![issuer],
        )
        .await?;
    let person = |(user, email, name, groups, asked_at): (String, String, String, String, _)| {
        Ok(GroupPerson { user: user.into(), email, name, groups: names(&groups)?, asked_at })
    };
    rows.into_iter().map(person).collect()
}

pub(super) async fn teams(tx: &mut Tx) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx.fetch_all("SELECT name FROM teams ORDER BY name", args![]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

pub(super) async fn team(tx: &mut Tx, name: &str) -> Result<Option<TeamId>> {
    let row: Option<(String,)> = tx.fetch_optional("SELECT id FROM teams WHERE name = $1", args![name]).await?;
    Ok(row.map(|row| row.0.into()))
}

pub(super) async fn count(tx: &mut Tx, provider: &str) -> Result<i64> {
    Ok(tx.fetch_one::<(i64,)>("SELECT COUNT(*) FROM group_rules WHERE provider_id = $1", args![provider]).await?.0)
}

pub(super) async fn insert(tx: &mut Tx, provider: &str, team: &TeamId, rule: &GroupRule) -> Result<()> {
    let taken = || Error::invalid("pattern", format!("There is a rule for this in team {} already. Remove it first.", rule.team));
    let sql =
        "INSERT INTO group_rules (id, provider_id, pattern, is_prefix, team_id, role, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.insert(sql, args![&rule.id, provider, &rule.pattern, rule.is_prefix, team, rule.role.as_str(), rule.created_at], taken).await
}

pub(super) async fn remove(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM group_rules WHERE id = $1", args![id]).await.map(|_| ())
}

/// With the provider itself.
pub(super) async fn remove_all(tx: &mut Tx, provider: &str) -> Result<()> {
    tx.execute("DELETE FROM group_rules WHERE provider_id = $1", args![provider]).await.map(|_| ())
}

fn listed(groups: &[String]) -> Result<String> {
    serde_json::to_string(groups).map_err(|e| Error::internal("groups", e))
}

/// Notes what the provider says of somebody who signs in, and that it was asked; none where it did not answer.
pub(super) async fn note(tx: &mut Tx, (issuer, subject): (&str, &str), groups: Option<&[String]>, at: i64) -> Result<()> {
    let sql = "UPDATE identities SET group_names = COALESCE($3, group_names), asked_at = $4 WHERE issuer = $1 AND subject = $2";
    tx.execute(sql, args![issuer, subject, groups.map(listed).transpose()?, at]).await.map(|_| ())
}

/// Notes what it answers to the question of this moment, unless something newer is known.
pub(super) async fn note_answer(tx: &mut Tx, (issuer, subject): (&str, &str), groups: &[String], at: i64) -> Result<()> {
    let sql = "UPDATE identities SET group_names = $3 WHERE issuer = $1 AND subject = $2 AND asked_at = $4";
    tx.execute(sql, args![issuer, subject, listed(groups)?, at]).await.map(|_| ())
}
