//! Pages and server functions: identity.
mod account_page;
pub mod api;
#[cfg(feature = "ssr")]
mod handover;
mod password_form;
mod sessions_page;
mod setup_page;
mod sign_in_page;
mod tokens_page;
mod users_page;
mod users_table;

pub use {
    account_page::AccountPage, sessions_page::SessionsPage, setup_page::SetupPage, sign_in_page::SignInPage, tokens_page::TokensPage,
    users_page::UsersPage,
};
