//! People: the first administrator, accounts, sign-in. Identity is (issuer, subject); the email is a label.

mod accounts;
mod break_glass;
pub(crate) mod local;
mod local_store;
mod password;
mod setup;
mod sign_in;
pub(crate) mod store;
pub(crate) mod throttle;

pub use accounts::{add_user, list_users, reset_password, set_admin, set_disabled};
pub(crate) use break_glass::session_end;
pub use break_glass::{close_break_glass, open_break_glass};
pub use local::{local_accounts, passwords_work, set_local};
pub use setup::{SetupCode, needs_setup, prepare_setup, set_up};
pub use sign_in::{change_password, sign_in};
pub use throttle::Throttle;

use crate::{
    caller::{Caller, Identity, Via},
    error::{Error, Result},
    model::{Me, Permission, UserId},
    portal::Portal,
};

/// The account, teams and roles as of now; none where it is gone or disabled.
pub async fn identify(portal: &Portal, user: &UserId) -> Result<Option<Identity>> {
    store::identity(&portal.db, user).await
}

/// The account of this email as the command line speaks for it: with that account's rights, recorded as the console's.
///
/// # Errors
/// `Forbidden` for anybody but the command line, `NotFound` where nobody has this email, `Conflict` where the account is disabled.
pub async fn speak_for(portal: &Portal, caller: &Caller, email: &str) -> Result<Caller> {
    caller.require(Permission::ManageUsers)?;
    if caller.via != Via::Console {
        return Err(Error::Forbidden("Only the command line may speak for somebody else.".to_owned()));
    }
    let mut tx = portal.db.begin().await?;
    let user = store::find(&mut tx, email).await?.ok_or(Error::NotFound("user"))?;
    tx.commit().await?;
    let identity = identify(portal, &user.id).await?.ok_or_else(|| Error::Conflict(format!("The account {email} is disabled.")))?;
    Ok(Caller { identity: Some(identity), ..caller.clone() })
}

/// Who is signed in, with the teams and roles that this caller has: a token shows only its own.
pub fn me(caller: &Caller) -> Result<Me> {
    let identity = caller.identity()?;
    let mut teams = identity.memberships.clone();
    if let Some(scope) = &identity.token {
        teams.retain(|m| m.team == scope.team);
        for membership in &mut teams {
            membership.role = membership.role.min(scope.role);
        }
    }
    Ok(Me { user: identity.user.clone(), teams })
}

/// Whether I sign in with a password of this portal.
pub async fn has_password(portal: &Portal, caller: &Caller) -> Result<bool> {
    store::is_local(&portal.db, &caller.identity()?.user.id).await
}

/// The local issuer's subject: the email without surrounding space, in lower case.
fn subject(email: &str) -> String {
    email.trim().to_lowercase()
}
