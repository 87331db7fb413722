//! Tokens: one answer to every one that does not work, no other way to send one, and never more than their owner may now.

use crate::house::House;
use domain::{Caller, model::Role, teams};
use server::http::accept::Limits;

#[tokio::test]
async fn every_credential_that_does_not_work_gets_the_same_answer() {
    let house = House::new().await;
    let token = house.token("ada", Role::Member).await;
    let (bearer, again) = (format!("Bearer {token}"), format!("bearer {token}"));
    assert_eq!(house.get("/t/red/audit.csv", &[("authorization", &again)]).await.status, 403, "known, but not allowed");
    let dead = "Bearer slw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let cases: &[&[(&str, &str)]] = &[
        &[("authorization", "Bearer nothing")],
        &[("authorization", "Bearer ")],
        &[("authorization", dead)],
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", "Basic YWRhOm5vdGhpbmc=")],
        &[("authorization", "Digest x")],
    ];
    let mut bodies = Vec::new();
    let ada = house.session("ada").await;
    for headers in cases {
        // A live session beside it changes nothing: whoever sends a token is judged by it.
        let answer = house.get("/account", &[&[("cookie", ada.as_str())], *headers].concat()).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_token_in_the_address_is_nobody() {
    let house = House::new().await;
    let token = house.token("ada", Role::Member).await;
    for name in ["token", "access_token"] {
        assert_eq!(house.get(&format!("/t/red/audit.csv?{name}={token}"), &[]).await.status, 401);
    }
}

#[tokio::test]
async fn a_token_speaks_for_its_team_and_for_what_its_owner_may_now() {
    let house = House::new().await;
    teams::set_member(&house.portal, &Caller::console(), "blue", "ada@example.com", Role::Admin).await.expect("a member");
    let token = format!("Bearer {}", house.token("ada", Role::Member).await);
    let post = async |path: &str, body: &str| house.send("POST", path, &[("authorization", &token)], body).await.status;
    assert_eq!(post("/api/volumes/create", "team=red&name=one").await, 200);
    assert_eq!(post("/api/volumes/list", "team=blue").await, 404);
    teams::set_member(&house.portal, &Caller::console(), "red", "ada@example.com", Role::Viewer).await.expect("a viewer");
    assert_eq!(post("/api/volumes/create", "team=red&name=two").await, 403);
    teams::remove_member(&house.portal, &Caller::console(), "red", &house.user_id("ada").await).await.expect("removed");
    assert_eq!(post("/api/volumes/list", "team=red").await, 401);
}

#[tokio::test]
async fn a_token_makes_no_token_and_signs_in_as_a_password_too() {
    let house = House::new().await;
    let token = house.token("ada", Role::Member).await;
    let bearer = format!("Bearer {token}");
    let body = "new[name]=x&new[team]=red&new[role]=member&new[days]=300";
    assert_eq!(house.send("POST", "/api/identity/create_token", &[("authorization", &bearer)], body).await.status, 403);
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("ada@example.com:{token}"));
    let headers = [("authorization", &*format!("Basic {basic}"))];
    assert_eq!(house.send("POST", "/api/volumes/list", &headers, "team=red").await.status, 200);
}

#[tokio::test]
async fn a_token_that_asks_too_often_waits_and_no_other_does() {
    let house = House::settled(Limits::default(), None, |settings| settings.token_rate = Some(2)).await;
    let (noisy, quiet) = (house.token("ada", Role::Member).await, house.token("ada", Role::Member).await);
    let ask = async |token: &str| {
        let bearer = format!("Bearer {token}");
        house.get("/api/2.0/mlflow/experiments/get?experiment_id=0", &[("authorization", &bearer)]).await
    };
    for _ in 0..10 {
        assert_eq!(ask(&noisy).await.status, 200);
    }
    let refused = ask(&noisy).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert!(refused.body.contains("REQUEST_LIMIT_EXCEEDED"), "{}", refused.body);
    assert_eq!(ask(&quiet).await.status, 200);
    house.portal.clock.advance(1000);
    assert_eq!((ask(&noisy).await.status, ask(&noisy).await.status, ask(&noisy).await.status), (200, 200, 429));
}
