//! Sign-in with an identity provider, by OpenID Connect's code flow with PKCE. Who somebody is, is (issuer, subject); everything else that a
//! provider says is a label, and links no accounts.

mod again;
mod claims;
mod discovery;
mod flow;
mod groups;
mod groups_store;
mod logout;
mod providers;
mod store;

pub use again::{round, run};
pub use discovery::Discovered;
pub use flow::{Answer, Attempt, Began, Begun, SignedIn, begin, finish, redirect};
pub use groups::{add_rule, groups, preview, preview_without, remove_rule, settle};
pub use logout::{back_channel, back_channel_at, end, ended_at, ends};
pub use providers::{choices, list, remove, save, set_enabled};
