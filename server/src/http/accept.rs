//! Our own accept loop: `axum::serve` sets neither a timer nor `TCP_NODELAY`, so that slow clients would hold connections for ever.

use super::{Peer, Slot};
use axum::Router;
use hyper_util::{rt::TokioIo, rt::TokioTimer, service::TowerToHyperService};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt;

/// What one client may hold of the process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections: u32,
    /// From the first byte (or the end of the last request) to the end of the headers.
    pub headers_within: Duration,
    pub headers: usize,
    /// Bytes.
    pub header_size: usize,
    /// How long open requests may still run once the process is asked to end.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            headers_within: Duration::from_secs(10),
            headers: 100,
            header_size: 32 * 1024,
            grace: Duration::from_secs(5),
        }
    }
}

/// Serves `router` until `shutdown` is ready and the open requests are done or the grace is over.
pub async fn run(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let (stop, stopping) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        // No slot, no accept: who waits, waits in the kernel's queue.
        let accepted = async {
            let slot = slots.clone().acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            (slot, accepted) = accepted => match (slot, accepted) {
                (Some(slot), Ok((stream, peer))) => {
                    tokio::spawn(connection(stream, Peer(peer), slot, router.clone(), limits, stopping.clone()));
                }
                // Out of file descriptors, most often: a pause lets some be freed.
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                (None, _) => break,
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    let _ = tokio::time::timeout(limits.grace, slots.acquire_many(limits.connections)).await;
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    permit: OwnedSemaphorePermit,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers come in chunks: Nagle's algorithm would hold back each for 40 ms.
    let _ = stream.set_nodelay(true);
    let slot = Slot(Arc::new(permit));
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(slot.clone());
        request.map(axum::body::Body::new)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_headers(limits.headers)
        .max_header_size(limits.header_size)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut asked = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, peer = %peer.0, "a connection ended early");
                }
                return;
            }
            _ = stopping.wait_for(|stop| *stop), if !asked => {
                asked = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
