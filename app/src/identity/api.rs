//! Server functions about people: set-up, sign-in, account, sessions, tokens, users.

#![cfg_attr(feature = "ssr", expect(clippy::unused_async, reason = "server functions are async, also those that need no database"))]

use crate::error::AppError;
use domain::model::{Me, NewToken, SessionInfo, Token, TokenId, User, UserId};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use domain::model::NewUser;

#[cfg(feature = "ssr")]
use crate::context::{request, session_door};

/// Whether the first administrator is still to be made.
#[server(prefix = "/api", endpoint = "identity/needs_setup")]
pub async fn needs_setup() -> Result<bool, AppError> {
    let (portal, _) = request()?;
    Ok(domain::identity::needs_setup(&portal).await?)
}

/// Makes the first administrator and signs them in.
#[server(prefix = "/api", endpoint = "identity/set_up")]
pub async fn set_up(code: String, email: String, name: String, password: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let user = domain::identity::set_up(&portal, &caller, &code, NewUser { email, name, password, admin: true }).await?;
    (session_door()?.start)(user.id, None).await?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Signs in with a local account; `next` is a path of this portal.
#[server(prefix = "/api", endpoint = "identity/sign_in")]
pub async fn sign_in(email: String, password: String, next: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let user = domain::identity::sign_in(&portal, &caller, &email, &password).await?;
    let next = crate::tracking::links::after_sign_in(&portal, &caller, &user.id, crate::navigation::safe_path(&next)).await;
    (session_door()?.start)(user.id, None).await?;
    leptos_axum::redirect(&next);
    Ok(())
}

/// Ends this session. The sign-in page that follows offers to leave the identity provider, too, where the session began with one.
#[server(prefix = "/api", endpoint = "identity/sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    let began = (session_door()?.end)().await?;
    leptos_axum::redirect(&began.map_or_else(|| "/sign-in".to_owned(), |began| format!("/sign-in?left={}", began.provider)));
    Ok(())
}

/// Who is signed in; none for a visitor.
#[server(prefix = "/api", endpoint = "identity/me")]
pub async fn who_am_i() -> Result<Option<Me>, AppError> {
    let (_, caller) = request()?;
    if caller.identity.is_none() {
        return Ok(None);
    }
    Ok(Some(domain::identity::me(&caller)?))
}

/// Whether I sign in with a password of this portal, or with an identity provider.
#[server(prefix = "/api", endpoint = "identity/has_password")]
pub async fn has_password() -> Result<bool, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::has_password(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "identity/change_password")]
pub async fn change_password(old: String, new: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::change_password(&portal, &caller, &old, &new).await?)
}

#[server(prefix = "/api", endpoint = "identity/list_sessions")]
pub async fn list_sessions() -> Result<Vec<SessionInfo>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sessions::list(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "identity/revoke_session")]
pub async fn revoke_session(handle: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sessions::revoke(&portal, &caller, &handle).await?)
}

#[server(prefix = "/api", endpoint = "identity/revoke_other_sessions")]
pub async fn revoke_other_sessions() -> Result<u64, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sessions::revoke_others(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "identity/list_tokens")]
pub async fn list_tokens() -> Result<Vec<Token>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tokens::list(&portal, &caller).await?)
}

/// Makes a token; the second value is its secret, shown once.
#[server(prefix = "/api", endpoint = "identity/create_token")]
pub async fn create_token(new: NewToken) -> Result<(Token, String), AppError> {
    let (portal, caller) = request()?;
    let made = domain::tokens::create(&portal, &caller, new).await?;
    if crate::context::is_plain_post() {
        super::handover::hand_over(&made.1);
    }
    Ok(made)
}

/// The secret of a token just made by a form without scripts: once, on the page that follows.
#[server(prefix = "/api", endpoint = "identity/take_new_token")]
pub async fn take_new_token() -> Result<Option<String>, AppError> {
    let (_, caller) = request()?;
    caller.require(domain::model::Permission::ManageOwnAccount)?;
    Ok(super::handover::take())
}

#[server(prefix = "/api", endpoint = "identity/revoke_token")]
pub async fn revoke_token(id: TokenId) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tokens::revoke(&portal, &caller, &id).await?)
}

#[server(prefix = "/api", endpoint = "identity/list_users")]
pub async fn list_users() -> Result<Vec<User>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::list_users(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "identity/add_user")]
pub async fn add_user(email: String, name: String, password: String, #[server(default)] admin: bool) -> Result<User, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::add_user(&portal, &caller, NewUser { email, name, password, admin }).await?)
}

#[server(prefix = "/api", endpoint = "identity/set_admin")]
pub async fn set_admin(user: UserId, admin: bool) -> Result<User, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::set_admin(&portal, &caller, &user, admin).await?)
}

#[server(prefix = "/api", endpoint = "identity/set_disabled")]
pub async fn set_disabled(user: UserId, disabled: bool) -> Result<User, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::set_disabled(&portal, &caller, &user, disabled).await?)
}

#[server(prefix = "/api", endpoint = "identity/reset_password")]
pub async fn reset_password(user: UserId, password: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::reset_password(&portal, &caller, &user, &password).await?)
}
