//! What Prometheus reads, from the operator's listener and from nowhere else.

use crate::house::House;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use server::router;
use std::{collections::BTreeSet, time::Duration};
use tower::ServiceExt;

/// What a look at the operator's listener reads.
async fn look(house: &House) -> String {
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    let answer = router::operations(house.server.clone()).oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.expect("a body").into()).expect("text")
}

/// The value of a series, as its line begins.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn names(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn requests_are_counted_by_the_line_of_the_table_that_they_met() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let id = house.notebook().await;
    house.get("/healthz", &[]).await;
    house.get("/t/red/audit.csv", &[("cookie", &ada)]).await;
    house.get("/t/blue/audit.csv", &[("cookie", &ada)]).await;
    house.get(&format!("/t/red/notebooks/{id}"), &[("cookie", &ada)]).await;
    house.post("/api/notebooks/list", "", "").await;
    house.send("BREW", "/account", &[], "").await;
    house.get("/", &[("host", "attacker.test")]).await;
    house.get("/", &[("host", &house.notebook_host(&id))]).await;
    let text = look(&house).await;
    for (route, method, status, count) in [
        ("/healthz", "GET", "2xx", 1.0),
        ("/t/{team}/audit.csv", "GET", "4xx", 2.0),
        ("/t/{team}/notebooks/{id}", "GET", "2xx", 1.0),
        ("/api/notebooks/list", "POST", "4xx", 1.0),
        ("/account", "OTHER", "4xx", 1.0),
        ("(other host)", "GET", "4xx", 1.0),
        ("(notebook)", "GET", "4xx", 1.0),
    ] {
        let series = format!("slipway_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}");
        assert_eq!(value(&text, &series), Some(count), "{series}\n{text}");
    }
    assert_eq!(value(&text, "slipway_http_request_duration_seconds_count{route=\"/t/{team}/audit.csv\"}"), Some(2.0));
    assert_eq!(value(&text, "slipway_http_request_duration_seconds_bucket{route=\"/healthz\",le=\"+Inf\"}"), Some(1.0));
    for secret in ["red", "blue", "ada", "example.com", id.as_str(), "attacker", "BREW"] {
        assert!(!text.split(|c: char| !c.is_alphanumeric() && c != '.').any(|word| word == secret), "{secret} is told");
    }
}

#[tokio::test]
async fn whatever_is_asked_for_makes_few_series() {
    let house = House::new().await;
    house.get("/nothing/0", &[]).await;
    house.get("/t/a0/notebooks/b", &[]).await;
    house.send("M0", "/nothing", &[], "").await;
    let before = look(&house).await.lines().count();
    for n in 1..40 {
        house.get(&format!("/nothing/{n}"), &[]).await;
        house.get(&format!("/t/a{n}/notebooks/b"), &[]).await;
        house.send(&format!("M{n}"), "/nothing", &[], "").await;
    }
    assert_eq!(look(&house).await.lines().count(), before);
}

#[tokio::test]
async fn the_portal_does_not_tell_its_metrics_to_those_who_visit_it() {
    let house = House::new().await;
    for (name, status) in [("", 303), ("ada", 404), ("boss", 404)] {
        let cookie = if name.is_empty() { String::new() } else { house.session(name).await };
        let answer = house.get("/metrics", &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.body.contains("slipway_http_requests"));
    }
    // And the operator's listener has nothing else.
    let request = Request::get("/healthz").body(Body::empty()).expect("a request");
    assert_eq!(router::operations(house.server.clone()).oneshot(request).await.expect("an answer").status(), 404);
}

#[tokio::test]
async fn what_waits_and_what_runs_is_counted() {
    let house = House::new().await;
    let text = look(&house).await;
    assert_eq!(value(&text, "slipway_notebooks{phase=\"ready\"}"), Some(0.0));
    assert_eq!(value(&text, "slipway_streams_open"), Some(0.0));
    assert_eq!(value(&text, "slipway_database_up"), Some(1.0));
    house.notebook().await;
    let _seat = house.server.streams.seat("ada", 1).expect("a seat");
    let _waits = house.portal.db.beginning().wait();
    house.portal.looks.beat(Duration::from_millis(250));
    let text = look(&house).await;
    assert_eq!(value(&text, "slipway_notebooks{phase=\"ready\"}"), Some(1.0));
    assert_eq!(value(&text, "slipway_notebooks{phase=\"failed\"}"), Some(0.0));
    assert_eq!(value(&text, "slipway_streams_open"), Some(1.0));
    assert_eq!(value(&text, "slipway_database_transactions_waiting"), Some(1.0));
    assert_eq!(value(&text, "slipway_supervisor_looks_total"), Some(1.0));
    assert_eq!(value(&text, "slipway_supervisor_looks_seconds_total"), Some(0.25));
    // Nobody hands events out here.
    assert!(value(&text, "slipway_events_behind") > Some(0.0));
    assert!(value(&text, "process_resident_memory_bytes") > Some(1e6) && value(&text, "process_open_fds") > Some(3.0));
    let pump = tokio::spawn(domain::events::run(house.portal.clone(), 0));
    while value(&look(&house).await, "slipway_events_behind") != Some(0.0) {
        tokio::task::yield_now().await;
    }
    pump.abort();
}

#[tokio::test]
async fn a_database_that_is_down_is_told_and_hides_nothing_else() {
    let house = House::new().await;
    house.get("/healthz", &[]).await;
    house.portal.db.close().await;
    let text = look(&house).await;
    assert_eq!(value(&text, "slipway_database_up"), Some(0.0));
    assert_eq!(value(&text, "slipway_http_requests_total{route=\"/healthz\",method=\"GET\",status=\"2xx\"}"), Some(1.0));
    assert_eq!(value(&text, "slipway_notebooks{phase=\"ready\"}"), None);
}

#[tokio::test]
async fn the_dashboard_shows_all_that_is_told_and_nothing_else() {
    let house = House::new().await;
    house.get("/healthz", &[]).await;
    house.portal.looks.beat(Duration::from_millis(1));
    let text = look(&house).await;
    let told = names(&text);
    let dashboard = include_str!("../../../deploy/grafana/slipway.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().expect("an expression");
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let metrics: Vec<_> = words.filter(|word| word.starts_with("slipway_") || word.starts_with("process_")).collect();
            assert!(!metrics.is_empty(), "{expression}");
            for metric in metrics {
                assert!(told.contains(metric), "{metric} is not told");
                shown.insert(metric.to_owned());
            }
        }
    }
    let hidden: Vec<_> = told.into_iter().filter(|name| name.starts_with("slipway_") && !shown.contains(*name)).collect();
    // Of a histogram, quantiles need the buckets only.
    assert_eq!(hidden, ["slipway_http_request_duration_seconds_count", "slipway_http_request_duration_seconds_sum"]);
}
