//! Pages and server functions: environments.
pub mod api;
mod edit_page;
mod form;
mod list_page;
mod logo;
mod versions;

pub use {
    edit_page::{EnvironmentPage, NewEnvironmentPage},
    form::EnvironmentForm,
    list_page::EnvironmentsPage,
    logo::EnvironmentLogo,
};
