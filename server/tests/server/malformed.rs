//! Requests that two parsers could read differently: refused, and the connection closed.

use crate::{evil::Evil, house::House};

#[tokio::test]
async fn ambiguous_requests_never_reach_a_notebook() {
    let house = House::new().await;
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    house.stage.listens_on(evil.address);
    let id = house.notebook().await;
    let ticket = house.ticket(&id, &house.session("ada").await).await;
    let host = house.notebook_host(&id);
    let request = |extra: &str, body: &str| {
        format!("POST /x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {ticket}\r\n{extra}\r\n{body}")
    };
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (extra, body) in [
        ("Transfer-Encoding: chunked, identity\r\n", smuggled),
        ("Transfer-Encoding : chunked\r\n", smuggled),
        ("Transfer-Encoding: xchunked\r\n", smuggled),
        ("Content-Length: +5\r\n", "hello"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
        ("Content-Length: 5, 6\r\n", "hello!"),
        ("Content-Length: 0x5\r\n", "hello"),
        ("Host: other\r\nContent-Length: 0\r\n", ""),
        ("X: a\r\n b\r\nContent-Length: 0\r\n", ""),
    ] {
        let answer = house.raw(request(extra, body).as_bytes()).await;
        assert!([400, 421].contains(&answer.status) && answer.text.matches("HTTP/1.1 ").count() == 1, "{extra:?}: {}", answer.text);
    }
    assert_eq!(evil.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let house = House::new().await;
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    house.stage.listens_on(evil.address);
    let id = house.notebook().await;
    let ticket = house.ticket(&id, &house.session("ada").await).await;
    let host = house.notebook_host(&id);
    let answer = house
        .raw(
            format!(
                "POST /x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {ticket}\r\nContent-Length: 5\r\n\
                 Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"
            )
            .as_bytes(),
        )
        .await;
    // Whether it is refused or read as chunked, the notebook sees one meaning only and nothing of what follows.
    let seen = evil.seen().join("\n").to_ascii_lowercase();
    assert!(answer.status == 400 || answer.status == 200, "{}", answer.text);
    assert!(!(seen.contains("smuggled") || seen.contains("content-length") && seen.contains("transfer-encoding")), "{seen}");
}
