//! Whether people sign in with a password of this portal. Whoever switches that off cannot lock everybody out, neither then nor later.

use super::{break_glass, local_store as store};
use crate::{
    audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{LocalAccounts, Permission},
    portal::Portal,
};

/// The setting's name; `sessions` asks for it by SQL.
const NAME: &str = "local_accounts";

/// Why, for the trail.
pub(super) const OFF: &str = "local accounts are switched off";
/// The answer to every password while they are.
pub(super) const NO_PASSWORD: &str = "Passwords are switched off here. Sign in with your identity provider.";

/// What cannot be done while they are, and what to do.
pub(super) fn off() -> Error {
    Error::Conflict(
        "Local accounts are switched off: people sign in with an identity provider. An administrator can switch them on under Admin, Sign-in."
            .to_owned(),
    )
}

/// Whether local accounts sign in with their passwords; for everybody.
pub async fn passwords_work(portal: &Portal) -> Result<bool> {
    Ok(store::setting(&portal.db, NAME).await?.as_deref() != Some("off"))
}

pub(super) async fn is_off(tx: &mut Tx) -> Result<bool> {
    Ok(store::setting_tx(tx, NAME).await?.as_deref() == Some("off"))
}

/// # Errors
/// `Conflict` with what to do, while they are switched off.
pub(super) async fn must_be_on(tx: &mut Tx) -> Result<()> {
    if is_off(tx).await? { Err(off()) } else { Ok(()) }
}

/// As of an empty portal.
pub(super) async fn forget(tx: &mut Tx) -> Result<()> {
    store::unset(tx, NAME).await
}

/// Asked after each change that may take an administrator's way in, in its transaction: while local accounts are switched off, an enabled administrator
/// with an identity of an enabled provider stays.
///
/// # Errors
/// `Conflict`; the change must not be committed then.
pub(crate) async fn keep_a_way_in(tx: &mut Tx) -> Result<()> {
    if is_off(tx).await? && store::administrators_tx(tx).await? == 0 {
        return Err(Error::Conflict(
            "Local accounts are switched off, and after this no administrator could sign in any more. Make somebody else an administrator who signs \
             in with a provider, or switch local accounts on first."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Whether they work, for how many, and the break-glass window that is open.
pub async fn local_accounts(portal: &Portal, caller: &Caller) -> Result<LocalAccounts> {
    caller.require(Permission::ManageUsers)?;
    Ok(LocalAccounts {
        on: passwords_work(portal).await?,
        accounts: store::accounts(&portal.db).await?,
        administrators: store::administrators(&portal.db).await?,
        break_glass: break_glass::open_now(portal).await?,
    })
}

/// Lets people sign in with a password of this portal, or not any more: then the sessions of local accounts end. Their tokens go on.
///
/// # Errors
/// `Conflict` where the caller does not sign in with a provider that is switched on, or no administrator would.
pub async fn set_local(portal: &Portal, caller: &Caller, on: bool) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let was_on = !is_off(&mut tx).await?;
    if was_on == on {
        return Ok(());
    }
    let mut ended = 0;
    if on {
        store::set(&mut tx, NAME, "on").await?;
        break_glass::forget(&mut tx).await?;
    } else {
        let by_provider = match &caller.identity {
            Some(identity) => store::has_provider(&mut tx, &identity.user.id).await?,
            None => false,
        };
        if !by_provider {
            return Err(Error::Conflict(
                "Sign in with an identity provider that is switched on, as an administrator, and switch local accounts off then: so you do not lock \
                 yourself out."
                    .to_owned(),
            ));
        }
        store::set(&mut tx, NAME, "off").await?;
        keep_a_way_in(&mut tx).await?;
        ended = store::end_sessions(&mut tx).await?;
    }
    let entry = audit::Entry {
        team: None,
        action: if on { "identity.local_on" } else { "identity.local_off" },
        object: NAME,
        object_name: "local accounts",
        before: Some(serde_json::json!({ "on": was_on })),
        after: Some(if on { serde_json::json!({ "on": on }) } else { serde_json::json!({ "on": on, "sessions_ended": ended }) }),
    };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}
