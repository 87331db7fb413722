//! People: the first administrator, accounts, sign-in. Identity is (issuer, subject); the email is a label.

mod accounts;
mod password;
mod setup;
mod sign_in;
pub(crate) mod store;
mod throttle;

pub use accounts::{add_user, list_users, reset_password, set_admin, set_disabled};
pub use setup::{SetupCode, needs_setup, prepare_setup, set_up};
pub use sign_in::{change_password, sign_in};
pub use throttle::Throttle;

use crate::{
    caller::{Caller, Identity},
    error::Result,
    model::{Me, UserId},
    portal::Portal,
};

/// The account, teams and roles as of now; none where it is gone or disabled.
pub async fn identify(portal: &Portal, user: &UserId) -> Result<Option<Identity>> {
    store::identity(&portal.db, user).await
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

/// The local issuer's subject: the email without surrounding space, in lower case.
fn subject(email: &str) -> String {
    email.trim().to_lowercase()
}
