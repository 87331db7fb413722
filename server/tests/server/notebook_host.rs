//! Who gets into a notebook's own host, and how: its owner, by a one-time code, for as long as they may.

use crate::{evil::Evil, house::House};
use domain::{Caller, model::Role, teams};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn its_owner_gets_in_with_a_code_that_works_once() {
    let house = House::new().await;
    let evil = Evil::answering(OK).await;
    house.stage.listens_on(evil.address);
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let host = house.notebook_host(&id);
    let (path, nonce) = house.way_in(&id, &ada).await;
    let entered = house.get(&path, &[("host", &host), ("cookie", &nonce)]).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    let cookie = entered.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("slipway-notebook=") && cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
    assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
    let pair = cookie.split(';').next().expect("its pair");
    let page = house.get("/lab?a=1", &[("host", &host), ("cookie", pair)]).await;
    assert_eq!((page.status, page.body.as_str()), (200, "hello"));
    assert!(page.header("x-request-id").is_some());
    let again = house.get(&path, &[("host", &host), ("cookie", &nonce)]).await;
    assert_eq!((again.status, again.header("set-cookie")), (303, None));
}

#[tokio::test]
async fn nobody_else_gets_a_byte_through() {
    let house = House::new().await;
    let evil = Evil::answering(OK).await;
    house.stage.listens_on(evil.address);
    let (id, other) = (house.notebook().await, house.notebook().await);
    let (ada, host) = (house.session("ada").await, house.notebook_host(&id));
    let of_other = house.ticket(&other, &ada).await;
    for who in ["vera", "root", "boss", "eve"] {
        let session = house.session(who).await;
        let opened = house.get(&format!("/t/red/notebooks/{id}/open"), &[("cookie", &session)]).await;
        assert!(!opened.header("location").unwrap_or_default().contains("_slipway"), "{who}");
        for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "PROPFIND"] {
            let origin = format!("http://{host}");
            let answer = house.send(method, "/api", &[("host", &host), ("origin", &origin), ("cookie", &session)], "").await;
            assert_eq!(answer.status, 401, "{method} as {who}");
        }
    }
    // A ticket of another notebook, the portal's own session, a made-up one, a token, and somebody else's host by header.
    let bearer = format!("Bearer {}", house.token("ada", Role::Member).await);
    let token = bearer.strip_prefix("Bearer ").expect("a token");
    for headers in [
        vec![("cookie", of_other.as_str())],
        vec![("cookie", ada.as_str())],
        vec![("cookie", "slipway-notebook=AAAA")],
        vec![("authorization", bearer.as_str())],
        vec![("x-forwarded-host", house.notebook_host(&other).as_str()), ("cookie", of_other.as_str())],
    ] {
        let answer = house.get(&format!("/?token={token}"), &[&[("host", host.as_str())], headers.as_slice()].concat()).await;
        assert_eq!(answer.status, 401, "{headers:?}");
    }
    assert_eq!(house.get("/", &[("host", &house.notebook_host(&"aaaaaaaaaaaaaaaa".into()))]).await.status, 401);
    assert_eq!(evil.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_person_without_a_ticket_is_sent_to_the_portal_and_comes_back() {
    let house = House::new().await;
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let host = house.notebook_host(&id);
    let visit = [("host", host.as_str()), ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let sent = house.get("/lab", &visit).await;
    let portal = format!("{}/notebooks/{id}/open", house.origin());
    assert_eq!((sent.status, sent.header("location")), (303, Some(portal.as_str())));
    let found = house.get(&format!("/notebooks/{id}/open"), &[("cookie", &ada)]).await;
    assert_eq!(found.header("location"), Some(format!("/t/red/notebooks/{id}/open").as_str()));
    let visitor = house.get(&format!("/notebooks/{id}/open"), &[]).await;
    assert_eq!(visitor.header("location"), Some(format!("/sign-in?next=/notebooks/{id}/open").as_str()));
    assert_eq!(house.get(&format!("/t/red/notebooks/{id}/open"), &[("cookie", &ada), ("sec-purpose", "prefetch")]).await.status, 403);
}

#[tokio::test]
async fn who_leaves_or_signs_out_is_out() {
    for way in ["sign out", "leave", "stop"] {
        let house = House::new().await;
        let evil = Evil::answering(OK).await;
        house.stage.listens_on(evil.address);
        let (id, ada) = (house.notebook().await, house.session("ada").await);
        let (ticket, host) = (house.ticket(&id, &ada).await, house.notebook_host(&id));
        let status = async || house.get("/api", &[("host", &host), ("cookie", &ticket)]).await.status;
        assert_eq!(status().await, 200);
        match way {
            "sign out" => assert_eq!(house.post("/api/identity/sign_out", &ada, "").await.status, 200),
            "leave" => {
                teams::remove_member(&house.portal, &Caller::console(), "red", &house.user_id("ada").await).await.expect("removed");
            }
            _ => assert_eq!(house.post("/api/notebooks/stop", &ada, &format!("team=red&id={id}")).await.status, 200),
        }
        // A positive answer may be trusted for a few seconds.
        house.portal.clock.advance(10_000);
        let status = status().await;
        assert!(matches!((way, status), ("stop", 503) | (_, 401)), "{way}: {status}");
    }
}

#[tokio::test]
async fn other_sites_cannot_act_in_a_notebook() {
    let house = House::new().await;
    let evil = Evil::answering(OK).await;
    house.stage.listens_on(evil.address);
    let (id, other) = (house.notebook().await, house.notebook().await);
    let ticket = house.ticket(&id, &house.session("ada").await).await;
    let (host, own) = (house.notebook_host(&id), format!("http://{}", house.notebook_host(&id)));
    let post = async |headers: &[(&str, &str)]| {
        house.send("POST", "/api/kernels", &[&[("host", host.as_str()), ("cookie", ticket.as_str())], headers].concat(), "").await.status
    };
    let portal = house.origin();
    let sibling = format!("http://{}", house.notebook_host(&other));
    for origin in ["https://evil.example", "null", &portal, &sibling] {
        assert_eq!(post(&[("origin", origin)]).await, 403, "{origin}");
    }
    assert_eq!(post(&[("origin", &own), ("sec-fetch-site", "same-site")]).await, 403);
    assert_eq!(post(&[]).await, 403);
    assert_eq!(evil.seen(), Vec::<String>::new());
    assert_eq!(post(&[("origin", &own), ("sec-fetch-site", "same-origin")]).await, 200);
}
