//! The way in while local accounts are switched off and the provider is down: whoever has the portal's own machine opens it, for one account and a
//! quarter of an hour. It is in the database, so that every replica knows.

use super::{local, local_store as settings, password, store};
use crate::{
    audit,
    caller::{Caller, Via},
    db::Tx,
    error::{Error, Result},
    model::{
        BREAK_GLASS_REASON, BREAK_GLASS_SESSION, BREAK_GLASS_WINDOW, BreakGlass, Millis, Permission, User, UserId, validate_line,
        validate_password,
    },
    portal::Portal,
};

/// The setting's name.
const NAME: &str = "break_glass";

fn read(text: Option<String>) -> Result<Option<BreakGlass>> {
    text.map(|text| serde_json::from_str(&text).map_err(|e| Error::internal("break-glass window", e))).transpose()
}

/// The window that is open now.
pub(super) async fn open_now(portal: &Portal) -> Result<Option<BreakGlass>> {
    let now = portal.clock.now();
    Ok(read(settings::setting(&portal.db, NAME).await?)?.filter(|window| now < window.until))
}

pub(super) async fn forget(tx: &mut Tx) -> Result<()> {
    settings::unset(tx, NAME).await
}

/// When a session of this account that begins now must end; none where it lives as others do.
pub(crate) async fn session_end(portal: &Portal, user: &UserId) -> Result<Option<Millis>> {
    if local::passwords_work(portal).await? {
        return Ok(None);
    }
    let window = open_now(portal).await?.filter(|window| window.user == *user);
    Ok(window.map(|_| portal.clock.now() + BREAK_GLASS_SESSION))
}

pub(super) async fn record_use(tx: &mut Tx, actor: &Caller, now: Millis, window: &BreakGlass) -> Result<()> {
    let after = serde_json::json!({
        "reason": format!("{}; a break-glass window was open: {}", local::OFF, said(&window.reason)),
        "opened_at": window.opened_at,
        "session_until_at": now + BREAK_GLASS_SESSION,
    });
    record(tx, actor, now, "user.break_glass", (&window.user, &window.email), None, Some(after)).await
}

fn said(reason: &str) -> &str {
    if reason.is_empty() { "no reason given" } else { reason }
}

/// Lets this local administrator sign in with their password for a quarter of an hour, although local accounts are switched off; with `new_password`
/// that one. A window that is open is replaced.
///
/// # Errors
/// `Forbidden` for anybody but the command line; `Conflict` or `Invalid` with what to do.
pub async fn open_break_glass(
    portal: &Portal,
    caller: &Caller,
    email: &str,
    reason: &str,
    new_password: Option<&str>,
) -> Result<BreakGlass> {
    console(caller)?;
    validate_line(reason, BREAK_GLASS_REASON).map_err(|said| Error::invalid("reason", said))?;
    if let Some(new) = new_password {
        validate_password(new, email).map_err(|said| Error::invalid("password", said))?;
    }
    let hash = match new_password {
        Some(new) => Some(password::hash(new).await?),
        None => None,
    };
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    if !local::is_off(&mut tx).await? {
        return Err(Error::Conflict("Local accounts are switched on: sign in with a password as always.".to_owned()));
    }
    let user = administrator(&mut tx, email).await?;
    if let Some(hash) = &hash {
        store::set_password(&mut tx, &user.id, hash, now).await?;
    }
    let before = read(settings::setting_tx(&mut tx, NAME).await?)?.filter(|window| now < window.until);
    let window =
        BreakGlass { user: user.id, email: user.email, reason: reason.trim().to_owned(), opened_at: now, until: now + BREAK_GLASS_WINDOW };
    let text = serde_json::to_string(&window).map_err(|e| Error::internal("break-glass window", e))?;
    settings::set(&mut tx, NAME, &text).await?;
    let after = serde_json::json!({
        "reason": said(&window.reason),
        "until_at": window.until,
        "new_password": hash.is_some(),
    });
    let before = before.map(|before| serde_json::json!({ "email": before.email, "until_at": before.until }));
    record(&mut tx, caller, now, "user.break_glass_open", (&window.user, &window.email), before, Some(after)).await?;
    tx.commit().await?;
    Ok(window)
}

/// Closes this account's window, and ends the sessions that it let in; how many.
///
/// # Errors
/// `Forbidden` for anybody but the command line; `Conflict` where there is nothing to close.
pub async fn close_break_glass(portal: &Portal, caller: &Caller, email: &str) -> Result<u64> {
    console(caller)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let user = store::find_local(&mut tx, email).await?.ok_or(Error::NotFound("local account"))?;
    let window = read(settings::setting_tx(&mut tx, NAME).await?)?;
    let mine = window.as_ref().is_some_and(|window| window.user == user.id);
    let is_open = window.as_ref().is_some_and(|window| now < window.until);
    if mine {
        forget(&mut tx).await?;
    }
    let ended = settings::end_break_glass_sessions(&mut tx, &user.id).await?;
    if !(mine && is_open) && ended == 0 {
        return Err(Error::Conflict(match window.filter(|_| is_open) {
            Some(other) => format!("The window that is open is {}'s.", other.email),
            None => "No window is open, and no session that one let in.".to_owned(),
        }));
    }
    let after = Some(serde_json::json!({ "sessions_ended": ended }));
    record(&mut tx, caller, now, "user.break_glass_close", (&user.id, &user.email), None, after).await?;
    tx.commit().await?;
    Ok(ended)
}

fn console(caller: &Caller) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    if caller.via == Via::Console {
        return Ok(());
    }
    Err(Error::Forbidden("Only the command line on the portal's own machine may do this: slipway user break-glass EMAIL.".to_owned()))
}

/// The enabled local administrator of this email.
async fn administrator(tx: &mut Tx, email: &str) -> Result<User> {
    match store::find_local(tx, email).await? {
        Some(user) if user.admin && user.disabled_at.is_none() => Ok(user),
        found => {
            let why = match found {
                Some(user) if user.disabled_at.is_some() => format!("The account {email} is disabled."),
                Some(_) => format!("{email} is no portal administrator."),
                None => format!("There is no local account for {email}."),
            };
            let known = settings::local_administrators(tx).await?;
            let what = if known.is_empty() {
                "There is no local administrator. Add one: slipway user add EMAIL --admin --password-stdin".to_owned()
            } else {
                format!("Local administrators: {}.", known.join(", "))
            };
            Err(Error::Conflict(format!("{why} {what}")))
        }
    }
}

async fn record(
    tx: &mut Tx,
    caller: &Caller,
    now: Millis,
    action: &'static str,
    (user, email): (&UserId, &str),
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
) -> Result<()> {
    audit::record(tx, caller, now, audit::Entry { team: None, action, object: user.as_str(), object_name: email, before, after }).await
}
