//! The way out: one HTTPS request to an address that was looked up once and vetted, without redirects, within limits.

use super::address::{Allowed, Host, Target};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::Notify, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

/// One request takes no longer than this, from the look-up to the last byte that is read.
const WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of an answer, headers and body each, that are read.
const ANSWER: usize = 64 * 1024;

/// Finds the addresses of a host's name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// How the portal reaches other services: whom it asks for addresses, whom it trusts, and which inner receivers the operator allows.
pub struct Outbound {
    lookup: Lookup,
    tls: Result<TlsConnector, String>,
    allow: Vec<Allowed>,
    wake: Notify,
}

impl Default for Outbound {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: u16,
    /// At most `ANSWER` bytes of it.
    pub body: String,
}

impl Outbound {
    /// Asks the system for addresses and trusts the public certificate authorities.
    pub fn new(allow: Vec<Allowed>) -> Self {
        let lookup: Lookup = Arc::new(|host| {
            Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.map(|found| found.ip()).collect()) })
        });
        Self::with(allow, lookup, &[])
    }

    /// With another look-up, and with authorities to trust beside the public ones.
    pub fn with(allow: Vec<Allowed>, lookup: Lookup, authorities: &[Vec<u8>]) -> Self {
        Self { lookup, tls: tls(authorities), allow, wake: Notify::new() }
    }

    /// Says that there may be something to deliver.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Reads an address and looks its host up, without connecting.
    ///
    /// # Errors
    /// A sentence that says why a webhook cannot go there.
    pub(super) async fn check(&self, url: &str) -> Result<Target, String> {
        let target = Target::parse(url, &self.allow)?;
        timeout(WITHIN, self.addresses(&target)).await.map_err(|_| "The host's address could not be found in time.".to_owned())??;
        Ok(target)
    }

    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, String> {
        let found = match &target.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) => (self.lookup)(name.clone()).await.map_err(|_| "The host's address cannot be found.".to_owned())?,
        };
        target.vet(found)
    }

    /// Posts JSON. Only an answer of 2xx is a success; a redirect is not followed.
    ///
    /// # Errors
    /// A sentence for whoever looks after the webhook. It says nothing of what is inside the network.
    pub(super) async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Result<Reply, String> {
        let target = Target::parse(url, &self.allow)?;
        let end = tokio::time::Instant::now() + WITHIN;
        let late = |_| "The receiver took longer than 10 seconds.".to_owned();
        let sending = async {
            let addresses = self.addresses(&target).await?;
            self.send(&target, &addresses, headers, body).await
        };
        let (answer, connection) = tokio::time::timeout_at(end, sending).await.map_err(late)??;
        let status = answer.status().as_u16();
        // The status has been said; a body that does not end changes nothing about it.
        let body = beginning(answer.into_body(), end).await;
        drop(connection);
        Ok(Reply { status, body })
    }

    async fn send(
        &self,
        target: &Target,
        addresses: &[IpAddr],
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(Response<Incoming>, Connection), String> {
        let tls = self.tls.as_ref().map_err(Clone::clone)?;
        let stream = connect(addresses, target.port).await?;
        let name = match &target.host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| "The host's name cannot be in a certificate.".to_owned())?,
            Host::Ip(ip) => ServerName::from(*ip),
        };
        let stream = tls.connect(name, stream).await.map_err(|e| format!("No secure connection could be made: {e}."))?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(ANSWER)
            .max_headers(100)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|_| "The receiver does not speak HTTP.".to_owned())?;
        let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
        let mut request = Request::post(&target.path)
            .header(header::HOST, target.authority())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "Slipway");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| "The request cannot be written.".to_owned())?;
        let answer = sender.send_request(request).await.map_err(|_| "The receiver broke off, or its answer is no HTTP.".to_owned())?;
        Ok((answer, connection))
    }
}

/// Ends with whoever waits for the answer.
struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, String> {
    for address in addresses {
        // One that does not answer must leave time for the next.
        if let Ok(Ok(stream)) = timeout(WITHIN / 3, TcpStream::connect((*address, port))).await {
            return Ok(stream);
        }
    }
    Err("The receiver cannot be reached.".to_owned())
}

/// What arrives of a body until the limit or the end of the time.
async fn beginning(mut body: Incoming, end: tokio::time::Instant) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    while bytes.len() < ANSWER {
        let Ok(Some(Ok(frame))) = tokio::time::timeout_at(end, body.frame()).await else { break };
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(ANSWER - bytes.len())]);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tls(authorities: &[Vec<u8>]) -> Result<TlsConnector, String> {
    let failed = |e: &dyn std::fmt::Display| format!("Secure connections cannot be made: {e}.");
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in authorities {
        roots.add(CertificateDer::from(authority.clone())).map_err(|e| failed(&e))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
