//! Pages and server functions: identity.
mod account_page;
pub mod api;
mod groups_page;
#[cfg(feature = "ssr")]
mod handover;
pub mod local_api;
mod local_card;
mod password_form;
mod providers_page;
mod sessions_page;
mod setup_page;
mod sign_in_page;
pub mod sso_api;
mod sso_callback_page;
mod tokens_page;
mod users_page;
mod users_table;

pub use {
    account_page::AccountPage, groups_page::GroupsPage, providers_page::ProvidersPage, sessions_page::SessionsPage, setup_page::SetupPage,
    sign_in_page::SignInPage, sso_callback_page::SsoCallbackPage, tokens_page::TokensPage, users_page::UsersPage,
};
