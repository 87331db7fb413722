//! Sign-in with an identity provider, by OpenID Connect's code flow with PKCE. Who somebody is, is (issuer, subject); everything else that a
//! provider says is a label, and links no accounts.

mod discovery;
mod flow;
mod providers;
mod store;

pub use discovery::Discovered;
pub use flow::{Answer, Attempt, Begun, begin, finish, redirect};
pub use providers::{choices, list, remove, save, set_enabled};
