//! A way to the API server that a test can cut: connections stay open and nothing passes, as when a network is partitioned.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use std::{net::SocketAddr, path::Path};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Gate {
    open: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    /// A kubeconfig that leads through the gate.
    pub kubeconfig: tempfile::NamedTempFile,
}

impl Gate {
    pub async fn before(kubeconfig: &Path) -> Self {
        let text = std::fs::read_to_string(kubeconfig).unwrap();
        let server = text.lines().find_map(|line| line.trim().strip_prefix("server: https://")).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text.replace(&server, &here.to_string())).unwrap();
        let (open, opened) = watch::channel(true);
        let there: SocketAddr = server.parse().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let opened = opened.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(there).await else { return };
                    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                    tokio::join!(pass(near_read, far_write, opened.clone()), pass(far_read, near_write, opened));
                });
            }
        });
        Self { open, task, kubeconfig: file }
    }

    pub fn close(&self) {
        self.open.send_replace(false);
    }
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What comes while the gate is closed is lost, and with it the connection: but nobody is told.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, opened: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    let mut lost = false;
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                lost |= !*opened.borrow();
                if !lost && to.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
        }
    }
}
