//! A program in a notebook that answers whatever a test says, and keeps what it was sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub struct Evil {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Evil {
    /// Answers every connection with these bytes once it has read a head, and keeps the connection open.
    pub async fn answering(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, seen) = (listener.local_addr().expect("an address"), Arc::<Mutex<Vec<String>>>::default());
        let kept = seen.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, kept) = (answer.clone(), kept.clone());
                tokio::spawn(async move {
                    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
                    let mut index = None;
                    loop {
                        let Ok(count) = stream.read(&mut buffer).await else { return };
                        if count == 0 {
                            return;
                        }
                        read.extend(&buffer[..count]);
                        if read.windows(4).any(|w| w == b"\r\n\r\n") {
                            let first = index.is_none();
                            {
                                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                                let index = *index.get_or_insert(kept.len());
                                if index == kept.len() {
                                    kept.push(String::new());
                                }
                                kept[index] = String::from_utf8_lossy(&read).into_owned();
                            }
                            if first {
                                let _ = stream.write_all(&answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, seen, serving }
    }

    /// What each connection has sent so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
