//! Sessions of signed-in browsers. The database keeps a digest of the cookie, never the cookie.

use crate::{
    args, audit,
    caller::{Caller, Identity},
    error::{Error, Result},
    identity,
    model::{Millis, Permission, SessionInfo, UserId},
    portal::Portal,
};

/// A session as the session layer stores it. `handle` is the digest of the cookie's value.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    pub handle: String,
    /// None until somebody signs in.
    pub user: Option<UserId>,
    /// The identity provider that it began with, and what that calls its own session.
    pub issuer: Option<String>,
    pub sid: Option<String>,
    /// The session layer's own data, JSON.
    pub data: String,
    pub created_at: Millis,
    pub last_seen_at: Millis,
    pub expires_at: Millis,
    pub user_agent: String,
    pub address: String,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    handle: String,
    user_id: Option<String>,
    issuer: Option<String>,
    sid: Option<String>,
    data: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    user_agent: String,
    address: String,
}

impl From<SessionRow> for SessionRecord {
    fn from(row: SessionRow) -> Self {
        Self {
            handle: row.handle,
            user: row.user_id.map(UserId),
            issuer: row.issuer,
            sid: row.sid,
            data: row.data,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            user_agent: row.user_agent,
            address: row.address,
        }
    }
}

/// Stores a new session; false where the handle is taken.
pub async fn create(portal: &Portal, record: &SessionRecord) -> Result<bool> {
    let break_glass_until = match &record.user {
        Some(user) => identity::session_end(portal, user).await?,
        None => None,
    };
    let rows = portal
        .db
        .execute(
            "INSERT INTO sessions (handle, user_id, data, created_at, last_seen_at, expires_at, user_agent, address, issuer, sid, break_glass_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (handle) DO NOTHING",
            args![
                &record.handle,
                record.user.clone(),
                &record.data,
                record.created_at,
                record.last_seen_at,
                record.expires_at,
                &record.user_agent,
                &record.address,
                record.issuer.clone(),
                record.sid.clone(),
                break_glass_until
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Replaces what is stored, keeping `created_at`. A session that was revoked meanwhile stays gone.
pub async fn save(portal: &Portal, record: &SessionRecord) -> Result<()> {
    portal
        .db
        .execute(
            "UPDATE sessions SET user_id = $2, data = $3, last_seen_at = $4, expires_at = $5, user_agent = $6, address = $7, issuer = $8, sid = $9
             WHERE handle = $1",
            args![
                &record.handle,
                record.user.clone(),
                &record.data,
                record.last_seen_at,
                record.expires_at,
                &record.user_agent,
                &record.address,
                record.issuer.clone(),
                record.sid.clone()
            ],
        )
        .await?;
    Ok(())
}

/// The session, unless it has expired (idle or absolute) or was revoked. While local accounts are switched off, none of theirs is good but by break-glass.
pub async fn load(portal: &Portal, handle: &str) -> Result<Option<SessionRecord>> {
    let (now, idle, absolute) = limits(portal);
    let row: Option<SessionRow> = portal
        .db
        .fetch_optional(
            "SELECT handle, user_id, issuer, sid, data, created_at, last_seen_at, COALESCE(break_glass_until, expires_at) AS expires_at, user_agent, address
             FROM sessions
             WHERE handle = $1 AND COALESCE(break_glass_until, expires_at) > $2 AND last_seen_at > $3 AND created_at > $4
               AND (user_id IS NULL OR break_glass_until IS NOT NULL
                 OR NOT EXISTS (SELECT 1 FROM settings WHERE name = 'local_accounts' AND value = 'off')
                 OR NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = sessions.user_id AND i.issuer = 'local'))",
            args![handle, now, idle, absolute],
        )
        .await?;
    Ok(row.map(SessionRecord::from))
}

/// Now, and the moments at or before which a session must not have been used last and must not have begun.
fn limits(portal: &Portal) -> (Millis, Millis, Millis) {
    let now = portal.clock.now();
    (now, now - portal.settings.session_idle, now - portal.settings.session_absolute)
}

/// Ends a session, as sign-out does. One that is gone is no error.
pub async fn delete(portal: &Portal, handle: &str) -> Result<()> {
    portal.db.execute("DELETE FROM sessions WHERE handle = $1", args![handle]).await?;
    Ok(())
}

/// Removes what has expired; how many.
pub async fn sweep(portal: &Portal) -> Result<u64> {
    let (now, idle, absolute) = limits(portal);
    let sql = "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2 OR created_at <= $3 OR break_glass_until <= $1";
    portal.db.execute(sql, args![now, idle, absolute]).await
}

/// My signed-in browsers, last used first.
pub async fn list(portal: &Portal, caller: &Caller) -> Result<Vec<SessionInfo>> {
    caller.require(Permission::ManageOwnAccount)?;
    let identity = caller.identity()?;
    let (now, idle, absolute) = limits(portal);
    let rows: Vec<SessionRow> = portal
        .db
        .fetch_all(
            "SELECT handle, user_id, issuer, sid, data, created_at, last_seen_at, COALESCE(break_glass_until, expires_at) AS expires_at, user_agent, address
             FROM sessions WHERE user_id = $1 AND COALESCE(break_glass_until, expires_at) > $2 AND last_seen_at > $3 AND created_at > $4 ORDER BY last_seen_at DESC, handle",
            args![&identity.user.id, now, idle, absolute],
        )
        .await?;
    Ok(rows.into_iter().map(|row| info(portal, identity, row)).collect())
}

fn info(portal: &Portal, identity: &Identity, row: SessionRow) -> SessionInfo {
    let ends = [row.expires_at, row.last_seen_at + portal.settings.session_idle, row.created_at + portal.settings.session_absolute];
    SessionInfo {
        current: identity.session.as_deref() == Some(&row.handle),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: ends.into_iter().min().unwrap_or(row.expires_at),
        user_agent: row.user_agent,
        address: row.address,
        handle: row.handle,
    }
}

/// Ends one of my sessions.
pub async fn revoke(portal: &Portal, caller: &Caller, handle: &str) -> Result<()> {
    caller.require(Permission::ManageOwnAccount)?;
    let user = &caller.identity()?.user;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let rows = tx.execute("DELETE FROM sessions WHERE handle = $1 AND user_id = $2", args![handle, &user.id]).await?;
    if rows == 0 {
        return Err(Error::NotFound("session"));
    }
    // The beginning is enough to tell sessions apart.
    let object = handle.get(..12).unwrap_or(handle);
    let entry =
        audit::Entry::<(), ()> { team: None, action: "session.revoke", object, object_name: &user.email, before: None, after: None };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}

/// Ends all my sessions but this one; how many.
pub async fn revoke_others(portal: &Portal, caller: &Caller) -> Result<u64> {
    caller.require(Permission::ManageOwnAccount)?;
    let identity = caller.identity()?;
    let user = &identity.user;
    let kept = identity.session.clone().unwrap_or_default();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let rows = tx.execute("DELETE FROM sessions WHERE user_id = $1 AND handle <> $2", args![&user.id, kept]).await?;
    if rows > 0 {
        let entry = audit::Entry::<(), _> {
            team: None,
            action: "session.revoke_others",
            object: user.id.as_str(),
            object_name: &user.email,
            before: None,
            after: Some(serde_json::json!({ "ended": rows })),
        };
        audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    }
    tx.commit().await?;
    Ok(rows)
}
