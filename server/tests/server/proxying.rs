//! What passes between a browser and a notebook, and what does not.

use crate::{
    evil::Evil,
    house::{Answer, House},
};
use domain::model::NotebookId;

struct Way {
    house: House,
    id: NotebookId,
    ticket: String,
}

impl Way {
    async fn to(evil: &Evil) -> Self {
        let house = House::new().await;
        house.stage.listens_on(evil.address);
        let id = house.notebook().await;
        let ticket = house.ticket(&id, &house.session("ada").await).await;
        Self { house, id, ticket }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = self.house.notebook_host(&self.id);
        self.house.get(path, &[&[("host", host.as_str()), ("cookie", self.ticket.as_str())], headers].concat()).await
    }
}

#[tokio::test]
async fn nothing_of_the_portal_reaches_the_program() {
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let way = Way::to(&evil).await;
    let headers = [
        ("cookie", "slipway=portal-secret; a=1; __Host-slipway=portal-secret"),
        ("x-portal-user", "root"),
        ("x_portal_user", "root"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABkAAQ"),
        ("x-custom", "kept"),
    ];
    let answer = way.get("/lab/tree/a%20b?x=%2F..%2F&y=1", &headers).await;
    assert_eq!(answer.status, 200);
    let seen = evil.seen().concat().to_ascii_lowercase();
    assert!(seen.starts_with("get /lab/tree/a%20b?x=%2f..%2f&y=1 http/1.1\r\n"), "{seen}");
    for gone in ["portal-secret", "slipway", "x-portal", "x_portal", "x-forwarded", "forwarded", "h2c", "http2-settings", "upgrade"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    assert!(
        seen.contains("a=1") && seen.contains("x-custom: kept") && seen.contains(&format!("host: {}", way.house.notebook_host(&way.id))),
        "{seen}"
    );
}

#[tokio::test]
async fn dot_segments_are_refused_in_every_spelling() {
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let way = Way::to(&evil).await;
    for path in ["/a/../b", "/..", "/%2e%2e/b", "/a/.%2E/b", "/a%2f..%2fb", "/a%5c..%5cb", "/a%00b"] {
        assert_eq!(way.get(path, &[]).await.status, 400, "{path}");
    }
    assert_eq!(evil.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_programs_answer_reaches_no_further_than_its_own_host() {
    let cookies = "Set-Cookie: c=x\r\n".repeat(150);
    let evil = Evil::answering(
        "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nSet-Cookie: slipway=stolen; Path=/\r\n\
         Set-Cookie: __Host-slipway=stolen; Path=/; Secure\r\nSet-Cookie: a=1; Domain=localhost\r\nService-Worker-Allowed: /\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nClear-Site-Data: \"*\"\r\n\
         Strict-Transport-Security: max-age=0\r\nAlt-Svc: h2=\":1\"\r\nNEL: {}\r\nReport-To: {}\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let way = Way::to(&evil).await;
    let answer = way.get("/", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://169.254.169.254/")), "passed on, never followed");
    for gone in [
        "set-cookie",
        "service-worker-allowed",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "clear-site-data",
        "strict-transport-security",
        "alt-svc",
        "nel",
        "report-to",
    ] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.headers.iter().any(|(n, v)| n == "content-security-policy" && v == "frame-ancestors 'self'"));

    let evil = Evil::answering(format!("HTTP/1.1 200 OK\r\n{cookies}Content-Length: 2\r\n\r\nok")).await;
    way.house.stage.listens_on(evil.address);
    let answer = way.get("/", &[]).await;
    // Either far more headers than any program needs, or no more cookies than a browser can bear.
    assert!(answer.status == 502 || answer.headers.iter().filter(|(n, _)| n == "set-cookie").count() <= 50, "{}", answer.status);
}

#[tokio::test]
async fn a_program_that_does_not_speak_http_is_a_bad_gateway() {
    for broken in [
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let evil = Evil::answering(broken).await;
        let way = Way::to(&evil).await;
        if broken.is_empty() {
            let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            way.house.stage.listens_on(nobody.local_addr().expect("an address"));
            drop(nobody);
        }
        assert_eq!(way.get("/", &[]).await.status, 502, "{broken:?}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(1_000_000));
    let way = Way::to(&Evil::answering(endless).await).await;
    assert_eq!(way.get("/", &[]).await.status, 502);
}

#[tokio::test]
async fn what_a_program_says_too_much_reaches_nobody() {
    let evil = Evil::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother").await;
    let way = Way::to(&evil).await;
    for _ in 0..3 {
        let answer = way.get("/", &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }
    assert_eq!(evil.seen().len(), 3, "a connection of its own for each request");
}

#[tokio::test]
async fn many_interim_answers_are_no_answer_of_their_own() {
    let evil =
        Evil::answering(format!("{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000)))
            .await;
    let way = Way::to(&evil).await;
    let answer = way.get("/", &[]).await;
    assert!(answer.status == 200 || answer.status == 502, "{}", answer.status);
    assert!(!answer.text.contains("103 Early"));
}
