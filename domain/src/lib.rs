//! Everything the portal can do, with no web in it.
//!
//! `model` holds the nouns and is compiled for the server and the browser. The rest holds the verbs and needs the feature `server`.

pub mod model;

#[cfg(feature = "server")]
pub mod access;
#[cfg(feature = "server")]
pub mod artifacts;
#[cfg(feature = "server")]
pub mod audit;
#[cfg(feature = "server")]
pub mod backup;
#[cfg(feature = "server")]
mod caller;
#[cfg(feature = "server")]
mod clock;
#[cfg(feature = "server")]
pub mod compute;
#[cfg(feature = "server")]
mod crash;
#[cfg(feature = "server")]
pub mod db;
#[cfg(feature = "server")]
pub mod demo;
#[cfg(feature = "server")]
pub mod environments;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
pub mod events;
#[cfg(feature = "server")]
pub mod home;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod import;
#[cfg(feature = "server")]
pub mod lease;
#[cfg(feature = "server")]
pub mod notebooks;
#[cfg(feature = "server")]
mod paging;
#[cfg(feature = "server")]
mod portal;
#[cfg(feature = "server")]
pub mod promotion;
#[cfg(feature = "server")]
pub mod random;
#[cfg(feature = "server")]
pub mod registry;
#[cfg(feature = "server")]
pub mod sealing;
#[cfg(feature = "server")]
pub mod sessions;
#[cfg(feature = "server")]
pub mod sso;
#[cfg(feature = "server")]
pub mod system;
#[cfg(feature = "server")]
pub mod teams;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "server")]
pub mod tokens;
#[cfg(feature = "server")]
pub mod traces;
#[cfg(feature = "server")]
pub mod tracking;
#[cfg(feature = "server")]
pub mod vitals;
#[cfg(feature = "server")]
pub mod volumes;
#[cfg(feature = "server")]
pub mod webhooks;

#[cfg(feature = "server")]
pub use {
    caller::{Caller, Identity, TeamScope, TokenScope, Via},
    clock::Clock,
    error::{Error, Result},
    portal::{Portal, Settings},
};
