//! Addresses that name no team, and the record of a run as a program reads it.

use crate::house::House;
use domain::{
    Caller,
    model::{ExperimentId, NewRun, Role, RunId},
    tracking,
};

async fn run(house: &House, who: &str, team: &str) -> RunId {
    tracking::runs::create(&house.portal, &house.test.caller(who).await, team, NewRun::default()).await.expect("a run").id
}

async fn experiment(house: &House, who: &str, team: &str) -> ExperimentId {
    tracking::experiments::create(&house.portal, &house.test.caller(who).await, team, "one", None, &[]).await.expect("an experiment")
}

#[tokio::test]
async fn an_address_without_a_team_leads_to_the_teams_page() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let to = async |path: &str, cookie: &str| {
        let answer = house.get(path, &[("cookie", cookie)]).await;
        (answer.status, answer.header("location").unwrap_or_default().to_owned())
    };
    let (mine, theirs) = (run(&house, "ada", "red").await, run(&house, "eve", "blue").await);
    let (own, foreign) = (experiment(&house, "ada", "red").await, experiment(&house, "eve", "blue").await);
    assert_eq!(to(&format!("/runs/{mine}"), &ada).await, (303, format!("/t/red/runs/{mine}")));
    assert_eq!(to(&format!("/experiments/{own}"), &ada).await, (303, format!("/t/red/experiments/{own}")));
    for path in [
        format!("/runs/{theirs}"),
        format!("/experiments/{foreign}"),
        "/runs/none".to_owned(),
        "/runs/..%2f..%2fevil".to_owned(),
        "/experiments/9999999".to_owned(),
        "/experiments/007".to_owned(),
        "/experiments/-1".to_owned(),
        // The number of red's Default, which nobody is told.
        "/experiments/1".to_owned(),
    ] {
        let answer = house.get(&path, &[("cookie", &ada)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
    }
    // Also where both teams are one's own.
    domain::teams::set_member(&house.portal, &Caller::console(), "blue", "ada@example.com", Role::Viewer).await.expect("a member");
    assert_eq!(to(&format!("/runs/{theirs}"), &ada).await.1, format!("/t/blue/runs/{theirs}"));
    assert_eq!(to("/experiments/0", &format!("{ada}; slipway-team=red")).await.1, "/t/red/experiments/0");
    assert_eq!(to("/experiments/0?team=blue", &format!("{ada}; slipway-team=red")).await.1, "/t/blue/experiments/0");
    assert_eq!(to("/experiments/0?team=none", &format!("{ada}; slipway-team=gone")).await.1, "/t/blue/experiments/0");
    let newt = house.session("newt").await;
    assert_eq!(to("/experiments/0", &newt).await.0, 404);
}

#[tokio::test]
async fn who_is_not_signed_in_gets_there_through_the_sign_in() {
    let house = House::new().await;
    let mine = run(&house, "ada", "red").await;
    let asked = house.get(&format!("/runs/{mine}"), &[]).await;
    assert_eq!((asked.status, asked.header("location")), (303, Some(format!("/sign-in?next=/runs/{mine}").as_str())));
    house.test.user("amy").await;
    domain::teams::set_member(&house.portal, &Caller::console(), "red", "amy@example.com", Role::Viewer).await.expect("a member");
    for (next, to) in [
        (format!("/runs/{mine}"), format!("/t/red/runs/{mine}")),
        ("/experiments/0".to_owned(), "/t/red/experiments/0".to_owned()),
        ("/account".to_owned(), "/account".to_owned()),
        ("/runs/none".to_owned(), "/runs/none".to_owned()),
    ] {
        let form = format!("email=amy@example.com&password={}&next={next}", domain::testing::PASSWORD);
        let origin = house.origin();
        let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin"), ("accept", "text/html")];
        let answer = house.send("POST", "/api/identity/sign_in", &headers, &form).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(to.as_str())), "{}", answer.body);
    }
}

#[tokio::test]
async fn every_page_carries_the_script_that_reads_the_links_of_mlflows_client() {
    let house = House::new().await;
    let page = house.get("/sign-in", &[]).await;
    let policy = page.header("content-security-policy").expect("a policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">{{\nconst m =")), "{}", page.body);
    assert!(page.body.contains("exec(location.hash)"));
}

#[tokio::test]
async fn the_record_of_a_run_is_read_by_a_program() {
    let house = House::new().await;
    let mine = run(&house, "ada", "red").await;
    let bearer = format!("Bearer {}", house.token("vera", Role::Viewer).await);
    let answer = house.get(&format!("/t/red/runs/{mine}/reproduce.json"), &[("authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let record: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((&record["run"], &record["created_by"]), (&mine.as_str().into(), &"ada@example.com".into()));
    assert!(record["datasets"].is_array() && record["versions"].is_array(), "{record}");
    for path in [format!("/t/blue/runs/{mine}/reproduce.json"), "/t/red/runs/none/reproduce.json".to_owned()] {
        assert_eq!(house.get(&path, &[("authorization", &bearer)]).await.status, 404, "{path}");
    }
}
