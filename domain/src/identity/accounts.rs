//! Accounts, as portal administrators and the command line manage them.

use super::{local, password, store, subject};
use crate::{
    args, audit,
    caller::{Caller, Via},
    db::Tx,
    error::{Error, Result},
    model::{NewUser, Permission, User, UserId, validate_password},
    notebooks,
    portal::Portal,
    random,
};

/// Every account, ordered by email.
pub async fn list_users(portal: &Portal, caller: &Caller) -> Result<Vec<User>> {
    caller.require(Permission::ManageUsers)?;
    store::all(&portal.db).await
}

/// Makes a local account.
///
/// # Errors
/// `Conflict` while local accounts are switched off, but on the command line: `slipway user break-glass` needs one.
pub async fn add_user(portal: &Portal, caller: &Caller, new: NewUser) -> Result<User> {
    caller.require(Permission::ManageUsers)?;
    new.validate()?;
    let user = User {
        id: random::id(),
        email: subject(&new.email),
        name: new.name.trim().to_owned(),
        admin: new.admin,
        created_at: portal.clock.now(),
        disabled_at: None,
        last_sign_in_at: None,
    };
    let hash = password::hash(&new.password).await?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    if caller.via != Via::Console {
        local::must_be_on(&mut tx).await?;
    }
    store::insert(&mut tx, &user, &hash).await?;
    record(&mut tx, caller, portal, "user.add", None, Some(&user)).await?;
    tx.commit().await?;
    Ok(user)
}

/// Gives or takes portal administration. The last administrator keeps it.
pub async fn set_admin(portal: &Portal, caller: &Caller, user: &UserId, admin: bool) -> Result<User> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = store::get(&mut tx, user).await?;
    if before.admin && !admin {
        keep_one_admin(&mut tx, &before).await?;
    }
    tx.execute("UPDATE users SET admin = $1 WHERE id = $2", args![admin, user]).await?;
    if before.admin && !admin {
        local::keep_a_way_in(&mut tx).await?;
    }
    let after = User { admin, ..before.clone() };
    record(&mut tx, caller, portal, "user.set_admin", Some(&before), Some(&after)).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    Ok(after)
}

/// Disables an account (its sessions end, its tokens stop working, its notebooks stop) or enables it again. The last administrator stays enabled.
pub async fn set_disabled(portal: &Portal, caller: &Caller, user: &UserId, disabled: bool) -> Result<User> {
    caller.require(Permission::ManageUsers)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let stopped = if disabled { notebooks::owned::wish_stopped(&mut tx, user, None).await? } else { Vec::new() };
    audit::lock(&mut tx).await?;
    let before = store::get(&mut tx, user).await?;
    if disabled && before.admin {
        keep_one_admin(&mut tx, &before).await?;
    }
    notebooks::owned::record(&mut tx, caller, now, &stopped, "its owner's account was disabled").await?;
    let disabled_at = if disabled { before.disabled_at.or(Some(now)) } else { None };
    tx.execute("UPDATE users SET disabled_at = $1 WHERE id = $2", args![disabled_at, user]).await?;
    if disabled {
        tx.execute("DELETE FROM sessions WHERE user_id = $1", args![user]).await?;
    }
    if disabled && before.admin {
        local::keep_a_way_in(&mut tx).await?;
    }
    let after = User { disabled_at, ..before.clone() };
    let action = if disabled { "user.disable" } else { "user.enable" };
    record(&mut tx, caller, portal, action, Some(&before), Some(&after)).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    portal.wishes.notify_one();
    Ok(after)
}

/// Sets a new password for somebody and ends their sessions.
pub async fn reset_password(portal: &Portal, caller: &Caller, user: &UserId, password: &str) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    let hash = password::hash(password).await?;
    let is_local = store::is_local(&portal.db, user).await?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let account = store::get(&mut tx, user).await?;
    if !is_local {
        let reason = format!("{} signs in with an identity provider; there is no password here.", account.email);
        return Err(Error::invalid("password", reason));
    }
    local::must_be_on(&mut tx).await?;
    validate_password(password, &account.email).map_err(|reason| Error::invalid("password", reason))?;
    store::set_password(&mut tx, user, &hash, portal.clock.now()).await?;
    tx.execute("DELETE FROM sessions WHERE user_id = $1", args![user]).await?;
    record(&mut tx, caller, portal, "user.reset_password", None, Some(&account)).await?;
    tx.commit().await
}

async fn keep_one_admin(tx: &mut Tx, user: &User) -> Result<()> {
    if user.disabled_at.is_none() && store::admins(tx).await? <= 1 {
        return Err(Error::Conflict(format!("{} is the last administrator. Make somebody else an administrator first.", user.email)));
    }
    Ok(())
}

async fn record(
    tx: &mut Tx,
    caller: &Caller,
    portal: &Portal,
    action: &'static str,
    before: Option<&User>,
    after: Option<&User>,
) -> Result<()> {
    let user = after.or(before);
    let entry = audit::Entry {
        team: None,
        action,
        object: user.map_or("", |u| u.id.as_str()),
        object_name: user.map_or("", |u| u.email.as_str()),
        before,
        after,
    };
    audit::record(tx, caller, portal.clock.now(), entry).await
}
