//! SQL of accounts.

use crate::{
    args,
    caller::Identity,
    db::{Db, Tx},
    error::{Error, Result},
    model::{LOCAL_ISSUER, Membership, Millis, User, UserId},
};

#[derive(sqlx::FromRow)]
struct UserRow {
    id: String,
    email: String,
    name: String,
    admin: i64,
    created_at: i64,
    disabled_at: Option<i64>,
    last_sign_in_at: Option<i64>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.into(),
            email: row.email,
            name: row.name,
            admin: row.admin != 0,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            last_sign_in_at: row.last_sign_in_at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct IdentityRow {
    #[sqlx(flatten)]
    user: UserRow,
    team_id: Option<String>,
    team_name: Option<String>,
    role: Option<String>,
    demo: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct PasswordRow {
    #[sqlx(flatten)]
    user: UserRow,
    hash: Option<String>,
}

macro_rules! user_columns {
    () => {
        "u.id, u.email, u.name, u.admin, u.created_at, u.disabled_at, u.last_sign_in_at"
    };
}

/// A stored role. Anything else in the column is a fault of ours.
pub(crate) fn role(text: &str) -> Result<crate::model::Role> {
    text.parse().map_err(|e| Error::Internal(format!("stored role {text:?} {e}")))
}

/// The enabled account with its memberships, ordered by team name, in one query: asked for on every request.
pub(super) async fn identity(db: &Db, user: &UserId) -> Result<Option<Identity>> {
    let rows: Vec<IdentityRow> = db
        .fetch_all(
            concat!(
                "SELECT ",
                user_columns!(),
                ", m.team_id AS team_id, t.name AS team_name, m.role AS role, t.demo AS demo FROM users u
                 LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN teams t ON t.id = m.team_id
                 WHERE u.id = $1 AND u.disabled_at IS NULL ORDER BY t.name"
            ),
            args![user],
        )
        .await?;
    let mut identity: Option<Identity> = None;
    for row in rows {
        let identity =
            identity.get_or_insert_with(|| Identity { user: row.user.into(), memberships: Vec::new(), session: None, token: None });
        if let (Some(team), Some(team_name), Some(text)) = (row.team_id, row.team_name, row.role) {
            let demo = row.demo == Some(1);
            identity.memberships.push(Membership { team: team.into(), team_name, role: role(&text)?, demo });
        }
    }
    Ok(identity)
}

pub(super) async fn any_user(db: &Db) -> Result<bool> {
    Ok(db.fetch_optional::<(i64,)>("SELECT CAST(1 AS BIGINT) FROM users LIMIT 1", args![]).await?.is_some())
}

pub(super) async fn any_user_tx(tx: &mut Tx) -> Result<bool> {
    Ok(tx.fetch_optional::<(i64,)>("SELECT CAST(1 AS BIGINT) FROM users LIMIT 1", args![]).await?.is_some())
}

/// The local account of this email, enabled or not, with its password's hash.
pub(super) async fn with_password(db: &Db, subject: &str) -> Result<Option<(User, Option<String>)>> {
    let row: Option<PasswordRow> = db
        .fetch_optional(
            concat!(
                "SELECT ",
                user_columns!(),
                ", p.hash AS hash FROM identities i JOIN users u ON u.id = i.user_id LEFT JOIN passwords p ON p.user_id = u.id
                 WHERE i.issuer = $1 AND i.subject = $2"
            ),
            args![LOCAL_ISSUER, subject],
        )
        .await?;
    Ok(row.map(|row| (row.user.into(), row.hash)))
}

pub(super) async fn all(db: &Db) -> Result<Vec<User>> {
    let rows: Vec<UserRow> = db.fetch_all(concat!("SELECT ", user_columns!(), " FROM users u ORDER BY u.email"), args![]).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

pub(crate) async fn get(tx: &mut Tx, user: &UserId) -> Result<User> {
    let row: Option<UserRow> = tx.fetch_optional(concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1"), args![user]).await?;
    row.map(User::from).ok_or(Error::NotFound("user"))
}

/// The account of this email, in any spelling: the local one, or else the one that an identity provider gave this email.
///
/// # Errors
/// `Conflict` where providers gave it to several.
pub(crate) async fn find(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    if let Some(user) = find_local(tx, email).await? {
        return Ok(Some(user));
    }
    let sql = concat!("SELECT ", user_columns!(), " FROM users u WHERE LOWER(u.email) = $1 LIMIT 2");
    let mut rows: Vec<UserRow> = tx.fetch_all(sql, args![super::subject(email)]).await?;
    match rows.len() {
        0 | 1 => Ok(rows.pop().map(User::from)),
        _ => Err(Error::Conflict(format!("Several accounts have the email {email}, of different identity providers."))),
    }
}

pub(super) async fn find_local(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    let row: Option<UserRow> = tx
        .fetch_optional(
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2"
            ),
            args![LOCAL_ISSUER, super::subject(email)],
        )
        .await?;
    Ok(row.map(User::from))
}

/// Whether this account signs in with a password.
pub(super) async fn is_local(db: &Db, user: &UserId) -> Result<bool> {
    let sql = "SELECT CAST(1 AS BIGINT) FROM identities WHERE issuer = $1 AND user_id = $2";
    Ok(db.fetch_optional::<(i64,)>(sql, args![LOCAL_ISSUER, user]).await?.is_some())
}

/// The account of somebody whom another issuer knows.
pub(crate) async fn find_external(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<User>> {
    let sql =
        concat!("SELECT ", user_columns!(), " FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2");
    let row: Option<UserRow> = tx.fetch_optional(sql, args![issuer, subject]).await?;
    Ok(row.map(User::from))
}

/// Stores the account of somebody whom another issuer knows; it has no password.
pub(crate) async fn insert_external(tx: &mut Tx, user: &User, issuer: &str, subject: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO users (id, email, name, admin, created_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![&user.id, &user.email, &user.name, user.admin, user.created_at, user.disabled_at],
    )
    .await?;
    let sql = "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)";
    tx.insert(sql, args![issuer, subject, &user.id], || Error::Conflict("This person is signing in elsewhere; try again.".to_owned())).await
}

/// Stores a local account.
///
/// # Errors
/// `AlreadyExists` where the email has one.
pub(super) async fn insert(tx: &mut Tx, user: &User, hash: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO users (id, email, name, admin, created_at) VALUES ($1, $2, $3, $4, $5)",
        args![&user.id, &user.email, &user.name, user.admin, user.created_at],
    )
    .await?;
    tx.insert("INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)", args![LOCAL_ISSUER, &user.email, &user.id], || {
        Error::AlreadyExists(format!("There is an account for {} already.", user.email))
    })
    .await?;
    set_password(tx, &user.id, hash, user.created_at).await
}

pub(super) async fn set_password(tx: &mut Tx, user: &UserId, hash: &str, at: Millis) -> Result<()> {
    tx.execute(
        "INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        args![user, hash, at],
    )
    .await?;
    Ok(())
}

/// Enabled portal administrators.
pub(super) async fn admins(tx: &mut Tx) -> Result<i64> {
    let row: (i64,) = tx.fetch_one("SELECT COUNT(*) FROM users WHERE admin = 1 AND disabled_at IS NULL", args![]).await?;
    Ok(row.0)
}
