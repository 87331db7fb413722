//! Sign-in with a local account, and changing one's password.

use super::{break_glass, identify, local, password, store, subject, throttle::Tries};
use crate::{
    args, audit,
    caller::{Caller, Identity},
    error::{Error, Result},
    model::{Permission, User, validate_email, validate_password},
    portal::Portal,
};

fn wrong() -> Error {
    Error::invalid("password", "The email or the password is not right.")
}

/// Checks a local account's password. The same error and the same time for a wrong password, an unknown email and a disabled account; and another
/// one, for all of them and the right password too, while local accounts are switched off. Then the account of an open break-glass window alone is
/// let in.
pub async fn sign_in(portal: &Portal, caller: &Caller, email: &str, password: &str) -> Result<User> {
    let now = portal.clock.now();
    let subject = subject(email);
    // Nothing so long is an email: it is neither counted by account nor written anywhere.
    let plausible = email.len() <= 254 && validate_email(&subject).is_ok();
    let tries = Tries::of(plausible.then_some(&subject), &caller.address);
    if let Err(refused) = portal.throttle.begin(&tries, now) {
        if refused.first && plausible {
            record_refusal(portal, caller, "user.sign_in_throttled", &subject, None).await?;
        }
        return Err(refused.into());
    }
    let account = if plausible { store::with_password(&portal.db, &subject).await? } else { None };
    let (user, hash) = account.map_or((None, None), |(user, hash)| (Some(user), hash));
    let fits = password::verify(password, hash).await?;
    let off = !local::passwords_work(portal).await?;
    let window = if off { break_glass::open_now(portal).await? } else { None };
    let identity = match &user {
        Some(user) if fits => identify(portal, &user.id).await?,
        _ => None,
    };
    let let_in = |identity: &Identity| !off || (identity.user.admin && window.as_ref().is_some_and(|w| w.user == identity.user.id));
    let Some(identity) = identity.filter(let_in) else {
        if plausible {
            record_refusal(portal, caller, "user.sign_in_refused", &subject, off.then_some(local::OFF)).await?;
        }
        return Err(if off { Error::invalid("password", local::NO_PASSWORD) } else { wrong() });
    };
    let mut user = identity.user.clone();
    let actor = Caller::identified(identity, &caller.request_id, &caller.address);
    let mut tx = portal.db.begin().await?;
    match window {
        None => audit::record(&mut tx, &actor, now, plain_entry("user.sign_in", user.id.as_str(), &user.email)).await?,
        Some(window) => break_glass::record_use(&mut tx, &actor, now, &window).await?,
    }
    tx.execute("UPDATE users SET last_sign_in_at = $1 WHERE id = $2", args![now, &user.id]).await?;
    tx.commit().await?;
    portal.throttle.succeeded(&tries);
    user.last_sign_in_at = Some(now);
    Ok(user)
}

fn plain_entry<'a>(action: &'static str, object: &'a str, object_name: &'a str) -> audit::Entry<'a> {
    audit::Entry { team: None, action, object, object_name, before: None, after: None }
}

async fn record_refusal(portal: &Portal, caller: &Caller, action: &'static str, email: &str, reason: Option<&str>) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    let after = reason.map(|reason| serde_json::json!({ "reason": reason }));
    let entry = audit::Entry::<(), _> { team: None, action, object: "", object_name: email, before: None, after };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}

/// Changes my password and ends my other sessions.
///
/// # Errors
/// `Invalid` on the field `old` or `new`; `Throttled` after too many wrong ones; `Conflict` while local accounts are switched off.
pub async fn change_password(portal: &Portal, caller: &Caller, old: &str, new: &str) -> Result<()> {
    caller.require(Permission::ManageOwnAccount)?;
    let identity = caller.identity()?;
    let user = &identity.user;
    if !store::is_local(&portal.db, &user.id).await? {
        return Err(Error::invalid("old", "You sign in with an identity provider; there is no password here."));
    }
    if !local::passwords_work(portal).await? {
        return Err(local::off());
    }
    validate_password(new, &user.email).map_err(|reason| Error::invalid("new", reason))?;
    let now = portal.clock.now();
    let tries = Tries::of(Some(&user.email), &caller.address);
    portal.throttle.begin(&tries, now)?;
    let hash = store::with_password(&portal.db, &user.email).await?.and_then(|(_, hash)| hash);
    if !password::verify(old, hash).await? {
        return Err(Error::invalid("old", "This is not your present password."));
    }
    portal.throttle.succeeded(&tries);
    let hash = password::hash(new).await?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    store::set_password(&mut tx, &user.id, &hash, now).await?;
    let kept = identity.session.clone().unwrap_or_default();
    tx.execute("DELETE FROM sessions WHERE user_id = $1 AND handle <> $2", args![&user.id, kept]).await?;
    audit::record(&mut tx, caller, now, plain_entry("user.change_password", user.id.as_str(), &user.email)).await?;
    tx.commit().await
}
