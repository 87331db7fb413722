//! Sign-in with a local account, and changing one's password.

use super::{identify, password, store, subject, throttle::Tries};
use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    model::{Permission, User, validate_email, validate_password},
    portal::Portal,
};

fn wrong() -> Error {
    Error::invalid("password", "The email or the password is not right.")
}

/// Checks a local account's password. The same error and the same time for a wrong password, an unknown email and a disabled account.
pub async fn sign_in(portal: &Portal, caller: &Caller, email: &str, password: &str) -> Result<User> {
    let now = portal.clock.now();
    let subject = subject(email);
    // Nothing so long is an email: it is neither counted by account nor written anywhere.
    let plausible = email.len() <= 254 && validate_email(&subject).is_ok();
    let tries = Tries::of(plausible.then_some(&subject), &caller.address);
    if let Err(refused) = portal.throttle.begin(&tries, now) {
        if refused.first && plausible {
            record_refusal(portal, caller, "user.sign_in_throttled", &subject).await?;
        }
        return Err(refused.into());
    }
    let account = if plausible { store::with_password(&portal.db, &subject).await? } else { None };
    let (user, hash) = account.map_or((None, None), |(user, hash)| (Some(user), hash));
    let fits = password::verify(password, hash).await?;
    let identity = match &user {
        Some(user) if fits => identify(portal, &user.id).await?,
        _ => None,
    };
    let Some(identity) = identity else {
        if plausible {
            record_refusal(portal, caller, "user.sign_in_refused", &subject).await?;
        }
        return Err(wrong());
    };
    let mut user = identity.user.clone();
    let actor = Caller::identified(identity, &caller.request_id, &caller.address);
    let mut tx = portal.db.begin().await?;
    audit::record(&mut tx, &actor, now, plain_entry("user.sign_in", user.id.as_str(), &user.email)).await?;
    tx.execute("UPDATE users SET last_sign_in_at = $1 WHERE id = $2", args![now, &user.id]).await?;
    tx.commit().await?;
    portal.throttle.succeeded(&tries);
    user.last_sign_in_at = Some(now);
    Ok(user)
}

fn plain_entry<'a>(action: &'static str, object: &'a str, object_name: &'a str) -> audit::Entry<'a> {
    audit::Entry { team: None, action, object, object_name, before: None, after: None }
}

async fn record_refusal(portal: &Portal, caller: &Caller, action: &'static str, email: &str) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    audit::record(&mut tx, caller, portal.clock.now(), plain_entry(action, "", email)).await?;
    tx.commit().await
}

/// Changes my password and ends my other sessions.
///
/// # Errors
/// `Invalid` on the field `old` or `new`; `Throttled` after too many wrong ones.
pub async fn change_password(portal: &Portal, caller: &Caller, old: &str, new: &str) -> Result<()> {
    caller.require(Permission::ManageOwnAccount)?;
    let identity = caller.identity()?;
    let user = &identity.user;
    if !store::is_local(&portal.db, &user.id).await? {
        return Err(Error::invalid("old", "You sign in with an identity provider; there is no password here."));
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
