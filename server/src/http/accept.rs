//! Our own accept loop: `axum::serve` sets neither a timer nor `TCP_NODELAY`, so that slow clients would hold connections for ever.

use super::{
    Peer, Slot,
    proxies::{Network, asker, is_proxy},
    stall::Unstalled,
    streams::{Seat, Streams},
};
use axum::Router;
use hyper_util::{rt::TokioIo, rt::TokioTimer, service::TowerToHyperService};
use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt;

/// What one client may hold of the process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections: u32,
    /// Of `connections`, those of one peer: an IPv4 address, or the /64 that one IPv6 customer has.
    pub per_peer: usize,
    /// Of `connections`, those of this machine, or of one of the proxies: a TLS proxy brings everybody's.
    pub per_loopback: usize,
    /// TLS proxies elsewhere, which are believed who asks.
    pub proxies: &'static [Network],
    /// From the first byte (or the end of the last request) to the end of the headers.
    pub headers_within: Duration,
    pub headers: usize,
    /// Bytes.
    pub header_size: usize,
    /// A peer that takes nothing for so long, while there is something to send, is given up.
    pub written_within: Duration,
    /// How long open requests may still run once the process is asked to end.
    pub grace: Duration,
}

impl Limits {
    pub const DEFAULT: Self = Self {
        connections: 4096,
        per_peer: 512,
        per_loopback: 4096,
        proxies: &[],
        headers_within: Duration::from_secs(10),
        headers: 100,
        header_size: 32 * 1024,
        written_within: Duration::from_secs(30),
        grace: Duration::from_secs(5),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Serves `router` until `shutdown` is ready and the open requests are done or the grace is over.
pub async fn run(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let shares = Streams::default();
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
                    // Who holds their whole share is closed at once, so that the others find slots.
                    let Some(seat) = share(&shares, peer.ip(), &limits) else { continue };
                    let slot = Slot(Arc::new((slot, seat)));
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

fn share(shares: &Streams, peer: IpAddr, limits: &Limits) -> Option<Seat> {
    let brings_all = peer.to_canonical().is_loopback() || is_proxy(limits.proxies, peer);
    let most = if brings_all { limits.per_loopback } else { limits.per_peer };
    shares.seat(&holder(peer), most)
}

/// Who counts as one peer.
fn holder(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
    }
}

async fn connection(stream: TcpStream, peer: Peer, slot: Slot, router: Router, limits: Limits, mut stopping: watch::Receiver<bool>) {
    // Answers come in chunks: Nagle's algorithm would hold back each for 40 ms.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let asker = Peer(SocketAddr::new(asker(limits.proxies, peer.0.ip(), request.headers()), peer.0.port()));
        request.extensions_mut().insert(asker);
        request.extensions_mut().insert(slot.clone());
        request.map(axum::body::Body::new)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_headers(limits.headers)
        .max_header_size(limits.header_size)
        .serve_connection(TokioIo::new(Unstalled::new(stream, limits.written_within)), TowerToHyperService::new(service))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_an_address_or_a_customers_network() {
        let of = |text: &str| holder(text.parse().expect("an address"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn a_peer_gets_its_share_and_this_machine_a_larger_one() {
        let (shares, limits) = (Streams::default(), Limits { per_peer: 1, per_loopback: 2, ..Limits::default() });
        let take = |text: &str| share(&shares, text.parse().expect("an address"), &limits);
        let held = [take("192.0.2.1"), take("192.0.2.2"), take("127.0.0.1"), take("::ffff:127.0.0.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("192.0.2.1").is_none() && take("127.0.0.1").is_none());
        drop(held);
        assert!(take("192.0.2.1").is_some());
    }

    #[test]
    fn a_proxy_gets_the_larger_share() {
        let proxies = vec!["10.0.0.0/8".parse().expect("a network")].leak();
        let (shares, limits) = (Streams::default(), Limits { per_peer: 1, per_loopback: 2, proxies, ..Limits::default() });
        let take = |text: &str| share(&shares, text.parse().expect("an address"), &limits);
        let held = [take("10.0.0.1"), take("10.0.0.1"), take("11.0.0.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("10.0.0.1").is_none() && take("11.0.0.1").is_none());
    }
}
