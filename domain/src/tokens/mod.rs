//! Personal access tokens: for one team, with one role, until one day. The database keeps a digest.

mod known;
mod rate;

pub use {
    known::Known,
    rate::{Rates, count},
};

use crate::{
    args, audit,
    caller::{Caller, Identity, TokenScope, Via},
    error::{Error, Result},
    events,
    identity::{self, store::role as stored_role},
    model::{Change, Millis, NewToken, NotebookId, Permission, Token, TokenId, UserId},
    portal::Portal,
    random,
};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// A use is written down once in so long, so that reading does not become writing.
const USE_NOTED: Millis = 60 * 1000;
/// Opens every secret, so that scanners of leaked secrets know one when they see it.
const PREFIX: &str = "slw_";

/// A token's secret, from what nobody can guess.
pub(crate) fn secret_of(random: &str) -> String {
    format!("{PREFIX}{random}")
}

/// The part of a secret by which people tell their tokens apart.
pub(crate) fn prefix_of(secret: &str) -> &str {
    secret.get(..12).unwrap_or(secret)
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    name: String,
    prefix: String,
    team_id: String,
    team_name: String,
    role: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
}

impl TokenRow {
    fn token(self) -> Result<Token> {
        Ok(Token {
            id: self.id.into(),
            name: self.name,
            prefix: self.prefix,
            team: self.team_id.into(),
            team_name: self.team_name,
            role: stored_role(&self.role)?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        })
    }
}

/// Makes a token; its secret is returned once and never again. Its role is at most the caller's.
pub async fn create(portal: &Portal, caller: &Caller, new: NewToken) -> Result<(Token, String)> {
    caller.require(Permission::CreateToken)?;
    make(portal, caller, caller.identity()?, new).await
}

/// The same for somebody else, from the console.
pub async fn create_for(portal: &Portal, caller: &Caller, email: &str, new: NewToken) -> Result<(Token, String)> {
    caller.require(Permission::ManageUsers)?;
    if caller.via != Via::Console {
        return Err(Error::Forbidden("Only the command line may make a token for somebody else.".to_owned()));
    }
    let mut tx = portal.db.begin().await?;
    let user = identity::store::find(&mut tx, email).await?.ok_or(Error::NotFound("user"))?;
    tx.commit().await?;
    let owner = identity::identify(portal, &user.id).await?.ok_or_else(|| Error::Conflict(format!("The account {email} is disabled.")))?;
    make(portal, caller, &owner, new).await
}

async fn make(portal: &Portal, caller: &Caller, owner: &Identity, new: NewToken) -> Result<(Token, String)> {
    let membership = owner.memberships.iter().find(|m| m.team_name == new.team).ok_or(Error::NotFound("team"))?;
    new.validate()?;
    if new.role > membership.role {
        return Err(Error::Forbidden(format!("The role in team {} is {}; a token cannot have more.", new.team, membership.role.as_str())));
    }
    let now = portal.clock.now();
    let secret = secret_of(&random::secret());
    let token = Token {
        id: random::id(),
        name: new.name.trim().to_owned(),
        prefix: prefix_of(&secret).to_owned(),
        team: membership.team.clone(),
        team_name: membership.team_name.clone(),
        role: new.role,
        created_at: now,
        expires_at: now + i64::from(new.days) * DAY,
        last_used_at: None,
    };
    let mut tx = portal.db.begin().await?;
    tx.execute(
        "INSERT INTO tokens (id, user_id, team_id, role, name, prefix, digest, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            &token.id,
            &owner.user.id,
            &token.team,
            token.role.as_str(),
            &token.name,
            &token.prefix,
            random::digest(&secret),
            now,
            token.expires_at
        ],
    )
    .await?;
    let after = serde_json::json!({ "owner": owner.user.email, "role": token.role, "expires_at": token.expires_at });
    let entry = audit::Entry::<(), _> {
        team: Some(&token.team_name),
        action: "token.create",
        object: token.id.as_str(),
        object_name: &token.name,
        before: None,
        after: Some(after),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&token.team_name), &Change::Activity).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// My tokens that are not revoked, newest first. Those of notebooks end with their launch and are not among them.
pub async fn list(portal: &Portal, caller: &Caller) -> Result<Vec<Token>> {
    caller.require(Permission::ManageOwnAccount)?;
    let rows: Vec<TokenRow> = portal
        .db
        .fetch_all(
            "SELECT k.id, k.name, k.prefix, k.team_id, t.name AS team_name, k.role, k.created_at, k.expires_at, k.last_used_at
             FROM tokens k JOIN teams t ON t.id = k.team_id
             WHERE k.user_id = $1 AND k.revoked_at IS NULL AND k.notebook_id IS NULL ORDER BY k.created_at DESC, k.id",
            args![&caller.identity()?.user.id],
        )
        .await?;
    rows.into_iter().map(TokenRow::token).collect()
}

/// Ends one of my tokens at once.
pub async fn revoke(portal: &Portal, caller: &Caller, id: &TokenId) -> Result<()> {
    caller.require(Permission::ManageOwnAccount)?;
    let user = &caller.identity()?.user;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row: Option<(String, String)> = tx
        .fetch_optional(
            "UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND user_id = $3 AND revoked_at IS NULL
             RETURNING name, (SELECT t.name FROM teams t WHERE t.id = tokens.team_id)",
            args![now, id, &user.id],
        )
        .await?;
    let (name, team) = row.ok_or(Error::NotFound("token"))?;
    let entry = audit::Entry::<(), ()> {
        team: Some(&team),
        action: "token.revoke",
        object: id.as_str(),
        object_name: &name,
        before: None,
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&team), &Change::Activity).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    Ok(())
}

#[derive(sqlx::FromRow)]
struct UseRow {
    id: String,
    user_id: String,
    team_id: String,
    role: String,
    expires_at: i64,
    last_used_at: Option<i64>,
    notebook_id: Option<String>,
}

/// Who a token speaks for, narrowed to its team and role; none where it is unknown, expired, revoked, or its owner disabled or out of the team.
///
/// What was found is believed for a few seconds. A change made by this process counts at once, one made by another within those seconds.
pub async fn authenticate(portal: &Portal, secret: &str) -> Result<Option<Identity>> {
    // Anything longer cannot be one of ours, and is not worth hashing.
    if !secret.starts_with(PREFIX) || secret.len() > 100 {
        return Ok(None);
    }
    let now = portal.clock.now();
    let digest = random::digest(secret);
    if let Some(identity) = portal.known_tokens.get(&digest, now) {
        return Ok(Some(identity));
    }
    let asked = portal.known_tokens.ask();
    let row: Option<UseRow> = portal
        .db
        .fetch_optional(
            "SELECT id, user_id, team_id, role, expires_at, last_used_at, notebook_id FROM tokens
             WHERE digest = $1 AND revoked_at IS NULL AND expires_at > $2",
            args![&digest, now],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(mut identity) = identity::identify(portal, &UserId(row.user_id)).await? else { return Ok(None) };
    if !identity.memberships.iter().any(|m| m.team.as_str() == row.team_id) {
        return Ok(None);
    }
    if row.last_used_at.is_none_or(|at| at <= now - USE_NOTED) {
        let sql = "UPDATE tokens SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)";
        portal.db.execute(sql, args![now, &row.id]).await?;
    }
    let notebook = row.notebook_id.map(NotebookId);
    identity.token = Some(TokenScope { id: row.id.into(), team: row.team_id.into(), role: stored_role(&row.role)?, notebook });
    portal.known_tokens.put(asked, digest, &identity, now, row.expires_at);
    Ok(Some(identity))
}
