//! Ways in that a review found, and that stay closed: other people's codes, and readers that outstay.

use crate::{evil::Evil, house::House};
use server::http::accept::Limits;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn a_code_lets_in_only_the_browser_that_asked_for_it() {
    let house = House::new().await;
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let host = house.notebook_host(&id);
    let opened = house.get(&format!("/t/red/notebooks/{id}/open"), &[("cookie", &ada)]).await;
    let begin = format!("http://{host}/_slipway/begin");
    assert_eq!((opened.status, opened.header("location")), (303, Some(begin.as_str())), "no code before the browser is marked");
    for state in ["x", "a%0d%0ab", &"g".repeat(64)] {
        let opened = house.get(&format!("/t/red/notebooks/{id}/open?state={state}"), &[("cookie", &ada)]).await;
        assert_eq!(opened.header("location"), Some(begin.as_str()), "{state}");
    }

    let (path, nonce) = house.way_in(&id, &ada).await;
    let (_, of_another) = house.way_in(&id, &ada).await;
    assert_ne!(nonce, of_another);
    for cookie in ["", "slipway-nonce=", of_another.as_str()] {
        let entered = house.get(&path, &[("host", &host), ("cookie", cookie)]).await;
        assert_eq!((entered.status, entered.header("set-cookie")), (303, None), "{cookie}");
        assert_eq!(entered.header("location"), Some(format!("{}/notebooks/{id}/open", house.origin()).as_str()));
    }
    let entered = house.get(&path, &[("host", &host), ("cookie", &nonce)]).await;
    assert!(entered.cookie().starts_with("slipway-notebook="), "{}", entered.text);
    let begun = house.get("/_slipway/begin", &[("host", &host), ("cookie", &nonce)]).await;
    assert_eq!(begun.cookie(), nonce, "two tabs that open at once share it");
    assert!(
        begun.header("set-cookie").is_some_and(|c| c.contains("; HttpOnly") && c.contains("; SameSite=Lax") && c.contains("; Max-Age="))
    );
}

#[tokio::test]
async fn a_download_from_a_notebook_is_cut_when_its_person_signs_out() {
    let house = House::new().await;
    // More is promised than ever comes.
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin").await;
    house.stage.listens_on(evil.address);
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let (ticket, host) = (house.ticket(&id, &ada).await, house.notebook_host(&id));
    let mut stream = TcpStream::connect(house.address).await.expect("connected");
    stream.write_all(format!("GET /file HTTP/1.1\r\nHost: {host}\r\nCookie: {ticket}\r\n\r\n").as_bytes()).await.expect("sent");
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while !read.ends_with(b"begin") {
        let count = stream.read(&mut buffer).await.expect("bytes");
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend(&buffer[..count]);
    }
    assert_eq!(house.post("/api/identity/sign_out", &ada, "").await.status, 200);
    house.portal.clock.advance(10_000);
    let cut = tokio::time::timeout(Duration::from_mins(1), async { while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {} }).await;
    assert!(cut.is_ok(), "still open after a minute");
}

#[tokio::test]
async fn a_client_that_never_reads_gives_its_slot_back() {
    let limits = Limits { written_within: Duration::from_millis(300), connections: 1, ..Limits::default() };
    let house = House::with(limits, None).await;
    // More than the kernel keeps for a reader that does not come.
    let evil = Evil::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n{}", "x".repeat(64_000_000))).await;
    house.stage.listens_on(evil.address);
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let (ticket, host) = (house.ticket(&id, &ada).await, house.notebook_host(&id));
    let mut stream = TcpStream::connect(house.address).await.expect("connected");
    stream.write_all(format!("GET /file HTTP/1.1\r\nHost: {host}\r\nCookie: {ticket}\r\n\r\n").as_bytes()).await.expect("sent");
    // There is one slot: this is answered once the other is given up.
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
    drop(stream);
}

#[tokio::test]
async fn who_holds_their_share_of_connections_gets_no_more() {
    let limits = Limits { per_loopback: 2, ..Limits::default() };
    let house = House::with(limits, None).await;
    let held = [TcpStream::connect(house.address).await.expect("connected"), TcpStream::connect(house.address).await.expect("connected")];
    assert_eq!(house.get("/healthz", &[]).await.status, 0, "closed without an answer");
    drop(held);
    while house.get("/healthz", &[]).await.status != 200 {
        tokio::task::yield_now().await;
    }
}
