//! A receiver on this machine that speaks TLS and answers as a test says.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
    server::TlsStream,
};

pub const HOST: &str = "receiver.test";

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers this status.
    Status(u16),
    /// Sends on to itself.
    Redirect,
    /// Answers 200 and never ends its body.
    EndlessBody,
    /// Never ends its headers.
    EndlessHeaders,
    /// Answers 200 with a body that comes byte by byte.
    SlowBody,
    /// Says nothing.
    Silent,
}

pub struct Receiver {
    pub port: u16,
    /// Its own authority, DER.
    pub certificate: Vec<u8>,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    manner: Arc<Mutex<Manner>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn new(manner: Manner) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).expect("a certificate");
        let certificate = made.cert.der().to_vec();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let manner = Arc::new(Mutex::new(manner));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(serve(listener, acceptor, requests.clone(), connections.clone(), manner.clone()));
        Self { port, certificate, requests, connections, manner, serving }
    }

    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/hook", self.port)
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().expect("the manner") = manner;
    }

    /// Whole requests, in the order they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    /// The field `name` of each request's payload.
    pub fn names(&self) -> Vec<String> {
        let name = |request: &String| {
            let body: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
            body["data"]["name"].as_str().expect("a name").to_owned()
        };
        self.requests().iter().map(name).collect()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    manner: Arc<Mutex<Manner>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, requests, manner) = (acceptor.clone(), requests.clone(), manner.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let Some(request) = read(&mut stream).await else { return };
            requests.lock().expect("requests").push(request);
            let manner = *manner.lock().expect("the manner");
            let _ = answer(&mut stream, manner).await;
        });
    }
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok())?;
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    }
}

async fn answer(stream: &mut TlsStream<TcpStream>, manner: Manner) -> std::io::Result<()> {
    match manner {
        Manner::Status(status) => {
            stream.write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone").as_bytes()).await?;
            stream.flush().await?;
            stream.shutdown().await
        }
        Manner::Redirect => {
            stream.write_all(b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
            stream.flush().await
        }
        Manner::EndlessBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b'x'; 1024]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
        Manner::EndlessHeaders => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(b"X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").await?;
            }
        }
        Manner::SlowBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
        Manner::Silent => std::future::pending().await,
    }
}
