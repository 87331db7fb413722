//! Web sockets to a notebook: refused before they open, checked on both sides, and cut when their person is out.

use crate::{
    evil::Evil,
    house::{Answer, House},
};
use domain::model::NotebookId;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The key of RFC 6455's example, and its answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn switching(accept: &str) -> String {
    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
}

struct Room {
    house: House,
    evil: Evil,
    id: NotebookId,
    session: String,
    ticket: String,
}

impl Room {
    async fn with(answer: String) -> Self {
        let (house, evil) = (House::new().await, Evil::answering(answer).await);
        house.stage.listens_on(evil.address);
        let (id, session) = (house.notebook().await, house.session("ada").await);
        let ticket = house.ticket(&id, &session).await;
        Self { house, evil, id, session, ticket }
    }

    fn host(&self) -> String {
        self.house.notebook_host(&self.id)
    }

    /// A handshake as a browser sends it, with these headers in place of its own where they have the same name.
    fn handshake(&self, changed: &[(&str, &str)]) -> String {
        let (host, own) = (self.host(), format!("http://{}", self.host()));
        let usual = [
            ("Host", host.as_str()),
            ("Origin", own.as_str()),
            ("Cookie", self.ticket.as_str()),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ];
        let mut text = "GET /api/kernels/1/channels HTTP/1.1\r\n".to_owned();
        for (name, value) in usual {
            let value = changed.iter().find(|(n, _)| *n == name).map_or(value, |(_, v)| *v);
            if !value.is_empty() {
                text.extend([name, ": ", value, "\r\n"]);
            }
        }
        text + "\r\n"
    }

    /// The answer to a handshake that is expected to fail.
    async fn refused(&self, changed: &[(&str, &str)]) -> Answer {
        let text = self.handshake(changed);
        // Ends the connection once it is answered, where it is not upgraded.
        let mut stream = TcpStream::connect(self.house.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 64 * 1024];
        let count = stream.read(&mut answer).await.expect("an answer");
        let text = String::from_utf8_lossy(&answer[..count]).into_owned();
        let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Answer { status, headers: Vec::new(), body: String::new(), text }
    }
}

#[tokio::test]
async fn a_handshake_from_elsewhere_or_without_a_ticket_is_refused_before_it_opens() {
    let room = Room::with(switching(ACCEPT)).await;
    let evil_host = format!("http://{}.evil.example", room.host());
    for origin in ["https://evil.example", "null", &evil_host, &room.house.origin(), ""] {
        assert_eq!(room.refused(&[("Origin", origin)]).await.status, 403, "{origin}");
    }
    assert_eq!(room.refused(&[("Cookie", "")]).await.status, 401);
    assert_eq!(room.refused(&[("Cookie", &room.session)]).await.status, 401);
    assert_eq!(room.evil.seen(), Vec::<String>::new());
    assert_eq!(room.house.post("/api/identity/sign_out", &room.session, "").await.status, 200);
    room.house.portal.clock.advance(10_000);
    assert_eq!(room.refused(&[]).await.status, 401);
    assert_eq!(room.evil.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn only_a_true_handshake_goes_on() {
    let room = Room::with(switching(ACCEPT)).await;
    for changed in
        [("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "short"), ("Sec-WebSocket-Key", ""), ("Connection", "keep-alive")]
    {
        assert_eq!(room.refused(&[changed]).await.status, 400, "{changed:?}");
    }
    assert_eq!(room.evil.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn only_a_true_answer_opens_the_tunnel() {
    for (answer, expected) in [
        (switching("wrong"), 502),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n".to_owned(), 502),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned(), 200),
        ("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n".to_owned(), 426),
    ] {
        let room = Room::with(answer.clone()).await;
        let refused = room.refused(&[]).await;
        assert_eq!(refused.status, expected, "{answer}");
    }
}

#[tokio::test]
async fn an_open_tunnel_carries_both_ways_counts_as_use_and_is_cut_when_its_person_signs_out() {
    let greeting = "\u{81}";
    let room = Room::with(format!("{}{greeting}", switching(ACCEPT))).await;
    let mut stream = TcpStream::connect(room.house.address).await.expect("connected");
    stream.write_all(room.handshake(&[]).as_bytes()).await.expect("sent");
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while !read.windows(greeting.len()).any(|w| w == greeting.as_bytes()) {
        let count = stream.read(&mut buffer).await.expect("bytes");
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend(&buffer[..count]);
    }
    assert!(String::from_utf8_lossy(&read).starts_with("HTTP/1.1 101"), "{}", String::from_utf8_lossy(&read));

    let touched = || room.house.portal.touches.last(&room.id);
    let before = touched();
    room.house.portal.clock.advance(1_000);
    // A pong, then a text frame.
    stream.write_all(&[0x8a, 0x80, 1, 2, 3, 4]).await.expect("sent");
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.expect("sent");
    while !room.evil.seen().concat().ends_with("hi") {
        tokio::task::yield_now().await;
    }
    assert!(touched() > before);

    assert_eq!(room.house.post("/api/identity/sign_out", &room.session, "").await.status, 200);
    room.house.portal.clock.advance(10_000);
    let cut = tokio::time::timeout(Duration::from_mins(1), async { while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {} }).await;
    assert!(cut.is_ok(), "still open after a minute");
}
