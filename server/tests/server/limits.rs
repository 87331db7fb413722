//! Sizes and times: what is too large, too deep or too slow ends early and costs others nothing.

use crate::house::House;
use server::http::accept::Limits;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let long = "a".repeat(9 * 1024);
    assert_eq!(house.get(&format!("/account?{long}"), &[("cookie", &ada)]).await.status, 414);
    assert_eq!(house.get("/account", &[("cookie", &"c".repeat(64 * 1024))]).await.status, 431);
    let many: Vec<(String, String)> = (0..10_000).map(|n| (format!("h{n}"), "v".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(house.get("/account", &many).await.status, 431);
    let large = format!("name={}", "a".repeat(1024 * 1024));
    assert_eq!(house.post("/api/teams/create", &ada, &large).await.status, 413);
    assert_eq!(house.get("/account", &[("cookie", &ada)]).await.status, 200, "others are served");
}

#[tokio::test]
async fn a_chunked_body_ends_at_the_limit() {
    let house = House::new().await;
    let (ada, own, host) = (house.session("ada").await, house.origin(), house.host());
    let mut stream = TcpStream::connect(house.address).await.expect("connected");
    let head = format!(
        "POST /api/teams/create HTTP/1.1\r\nHost: {host}\r\nOrigin: {own}\r\nCookie: {ada}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let (mut from, mut to) = stream.into_split();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let sending = async {
        let mut sent = 0_u64;
        while to.write_all(chunk.as_bytes()).await.is_ok() && sent < 64 * 1024 * 1024 {
            sent += 0x10000;
        }
        sent
    };
    let mut answer = vec![0; 4096];
    let (sent, read) = tokio::join!(sending, from.read(&mut answer));
    assert!(String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).starts_with("HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    assert!(sent < 64 * 1024 * 1024, "the connection was closed");
}

#[tokio::test]
async fn compressed_and_unknown_bodies_are_refused_and_deep_ones_are_no_danger() {
    let house = House::new().await;
    let (boss, own) = (house.session("boss").await, house.origin());
    let post = async |extra: &[(&str, &str)], body: &str| {
        let headers = [&[("cookie", boss.as_str()), ("origin", own.as_str())], extra].concat();
        house.send("POST", "/api/environments/save", &headers, body).await.status
    };
    assert_eq!(post(&[("content-encoding", "gzip"), ("content-type", "application/json")], "x").await, 415);
    assert_eq!(post(&[("content-type", "text/plain")], "{}").await, 415);
    assert_eq!(post(&[("content-type", "multipart/form-data; boundary=x")], "--x--").await, 415);
    assert_eq!(post(&[("content-type", "application/json")], &"[".repeat(100_000)).await, 400);
    let deep = format!("{{\"environment\":{}", "{\"a\":".repeat(100_000));
    assert_eq!(post(&[("content-type", "application/json")], &deep).await, 400);
    let form = format!("form{}=1", "[a]".repeat(10_000));
    assert_eq!(post(&[], &form).await, 400);
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn slow_headers_are_closed_and_others_are_served_meanwhile() {
    let limits = Limits { headers_within: Duration::from_millis(500), connections: 8, ..Limits::default() };
    let house = House::with(limits, None).await;
    let started = Instant::now();
    let slow = (0..6).map(|_| async {
        let mut stream = TcpStream::connect(house.address).await.expect("connected");
        let mut rest = Vec::new();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await;
        // Until the other end closes.
        let _ = stream.read_to_end(&mut rest).await;
    });
    let served = async { assert_eq!(house.get("/healthz", &[]).await.status, 200) };
    tokio::join!(futures::future::join_all(slow), served);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn more_connections_than_there_are_slots_wait_for_one() {
    let limits = Limits { headers_within: Duration::from_millis(500), connections: 2, ..Limits::default() };
    let house = House::with(limits, None).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(house.address).await.expect("connected"));
    }
    // Served once the idle ones have been closed.
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
}
