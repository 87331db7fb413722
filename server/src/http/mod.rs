//! HTTP below the routes: connections, hosts, origins, headers, limits, and who calls.

pub mod accept;
pub mod caller;
pub(crate) mod download;
pub mod errors;
pub mod guard;
pub mod headers;
mod origin;
pub mod proxies;
pub(crate) mod receive;
mod stall;
pub mod streams;

pub use origin::{Origin, Place};

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Who asks: the other end of the connection, or whom it names where it is one of the operator's proxies. No other header names anybody.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Counts against the cap on connections as long as a clone of it lives; streams hold one.
#[derive(Clone, Debug)]
pub struct Slot(#[expect(dead_code, reason = "held, not read")] pub(crate) Arc<(tokio::sync::OwnedSemaphorePermit, streams::Seat)>);

/// The id of this request, in its answer, in the audit trail and in the log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Whether the process was asked to stop and only finishes what it has.
#[derive(Clone, Debug, Default)]
pub struct Leaving(Arc<AtomicBool>);

impl Leaving {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
