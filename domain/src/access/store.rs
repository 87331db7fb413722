//! SQL of who has access to what.

use crate::{
    args,
    db::{Db, Value},
    error::{Error, Result},
    identity::store::role as stored_role,
    model::{AccessFilter, AccessRow, AccessSource, AccessState, Millis, NO_TEAM},
};

#[derive(sqlx::FromRow)]
struct Row {
    user_id: String,
    email: String,
    name: String,
    admin: i64,
    state: String,
    issuer: Option<String>,
    provider: Option<String>,
    team: Option<String>,
    role: Option<String>,
    source: Option<String>,
    since: i64,
    last_sign_in_at: Option<i64>,
    tokens: i64,
    tokens_until: Option<i64>,
}

impl Row {
    /// `password` is what is said of accounts with one.
    fn seen(self, password: &str) -> Result<AccessRow> {
        let unknown = |what: &str, text: &str| Error::Internal(format!("stored {what} {text:?} is none"));
        let local = self.issuer.as_deref() == Some(crate::model::LOCAL_ISSUER);
        let signs_in = if local { Some(password.to_owned()) } else { self.provider.or(self.issuer) };
        let state = AccessState::ALL.into_iter().find(|state| state.as_str() == self.state);
        let source = |text: String| AccessSource::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| unknown("source", &text));
        Ok(AccessRow {
            user: self.user_id.into(),
            email: self.email,
            name: self.name,
            signs_in: signs_in.unwrap_or_default(),
            admin: self.admin != 0,
            state: state.ok_or_else(|| unknown("state", &self.state))?,
            team: self.team,
            role: self.role.as_deref().map(stored_role).transpose()?,
            source: self.source.map(source).transpose()?,
            since: self.since,
            last_sign_in_at: self.last_sign_in_at,
            tokens: self.tokens,
            tokens_until: self.tokens_until,
        })
    }
}

/// `waits`: made disabled, by a first sign-in with a provider.
macro_rules! state {
    () => {
        "CASE WHEN u.disabled_at IS NULL THEN 'on'
              WHEN u.disabled_at = u.created_at AND u.last_sign_in_at IS NULL
                AND EXISTS (SELECT 1 FROM identities o WHERE o.user_id = u.id AND o.issuer <> 'local') THEN 'waits'
              ELSE 'disabled' END"
    };
}

/// Which tokens of the row work now, `$7`; those of notebooks end with their launch and are no business of people.
macro_rules! working_tokens {
    () => {
        "FROM tokens k WHERE k.user_id = u.id AND k.team_id = m.team_id AND k.revoked_at IS NULL AND k.expires_at > $7
            AND k.notebook_id IS NULL AND u.disabled_at IS NULL"
    };
}

/// An account has one identity today; of several a provider's is told, since no issuer's URL comes after "local".
const FOUND: &str = concat!(
    "FROM users u LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN teams t ON t.id = m.team_id
       LEFT JOIN (SELECT user_id, MIN(issuer) AS issuer FROM identities GROUP BY user_id) i ON i.user_id = u.id
       LEFT JOIN sso_providers p ON p.issuer = i.issuer
     WHERE (CAST($1 AS TEXT) = '' OR LOWER(u.email) LIKE $2 ESCAPE '\\' OR LOWER(u.name) LIKE $2 ESCAPE '\\')
       AND (CAST($3 AS TEXT) = '' OR ($3 = $4 AND m.team_id IS NULL) OR t.name = $3)
       AND (CAST($5 AS TEXT) = '' OR ($5 = 'portal' AND u.admin = 1) OR m.role = $5)
       AND (CAST($6 AS TEXT) = '' OR $6 = ",
    state!(),
    ")"
);

const SEEN: &str = concat!(
    "SELECT u.id AS user_id, u.email, u.name, u.admin, ",
    state!(),
    " AS state, i.issuer, p.name AS provider, t.name AS team, m.role, CASE WHEN m.role IS NULL THEN NULL WHEN m.by_rule IS NULL THEN 'hand' WHEN m.by_hand IS NULL THEN 'group' ELSE 'both' END AS source,
       COALESCE(m.created_at, u.created_at) AS since, u.last_sign_in_at,
       (SELECT COUNT(*) ",
    working_tokens!(),
    ") AS tokens, (SELECT MAX(k.expires_at) ",
    working_tokens!(),
    ") AS tokens_until"
);

/// What the filter says, `$1` to `$6`.
fn filtered(filter: &AccessFilter) -> Vec<Value> {
    let text = filter.q.trim().to_lowercase();
    let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    args![&text, format!("%{literal}%"), filter.team.trim(), NO_TEAM, filter.role.trim(), filter.state.trim()]
}

/// Fixed fragments, chosen by what the filter says.
fn order(sort: &str) -> String {
    let (key, down) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
    let key = match key {
        "team" => "COALESCE(t.name, '')",
        "role" => "CASE m.role WHEN 'admin' THEN 3 WHEN 'member' THEN 2 WHEN 'viewer' THEN 1 ELSE 0 END",
        "since" => "COALESCE(m.created_at, u.created_at)",
        "last" => "COALESCE(u.last_sign_in_at, 0)",
        _ => "LOWER(u.email)",
    };
    let way = if down { "DESC" } else { "ASC" };
    format!("ORDER BY {key} {way}, LOWER(u.email), COALESCE(t.name, ''), u.id")
}

pub(super) async fn count(db: &Db, filter: &AccessFilter) -> Result<i64> {
    let rows: Vec<(i64,)> = db.fetch_all_assembled(format!("SELECT COUNT(*) {FOUND}"), filtered(filter)).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// At most `most` of the rows that match, in the filter's order, without the first `skipped`.
pub(super) async fn rows(db: &Db, filter: &AccessFilter, now: Millis, skipped: i64, most: i64, password: &str) -> Result<Vec<AccessRow>> {
    let sql = format!("{SEEN} {FOUND} {} LIMIT $8 OFFSET $9", order(&filter.sort));
    let mut args = filtered(filter);
    args.extend(args![now, most, skipped]);
    let rows: Vec<Row> = db.fetch_all_assembled(sql, args).await?;
    rows.into_iter().map(|row| row.seen(password)).collect()
}

pub(super) async fn teams(db: &Db) -> Result<Vec<String>> {
    Ok(db.fetch_all::<(String,)>("SELECT name FROM teams ORDER BY name", args![]).await?.into_iter().map(|row| row.0).collect())
}
