//! Webhooks: other services are told what happens in a team's registry, at least once, in order for each model, and never to an address
//! inside the network.

mod address;
mod log;
mod log_store;
mod outbound;
mod outbox;
mod outbox_store;
mod registered;
mod store;
mod worker;

pub(crate) use outbox::{Happening, enqueue};
pub use {
    address::{Allowed, Target, is_public},
    log::{ATTEMPTS_MOST, log, replay},
    outbound::{Lookup, Outbound},
    registered::{create, delete, get, list, new_secret, test, update},
    worker::{look, run, sweep},
};
