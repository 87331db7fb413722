//! Who may change traces, and what can be changed.

use super::{Lab, START, feedback, id, said, span, three, zero};
use domain::{
    Error,
    model::{Change, TRACE_NAME, TRACE_SPANS_LOCATION},
    traces::{self, Doomed},
};
use serde_json::json;

#[tokio::test]
async fn a_viewer_reads_traces_and_changes_none() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let vera = lab.test.caller("vera").await;
    assert!(traces::info(&lab.portal, &vera, "vision", &id(1)).await.is_ok());
    let refused = [
        traces::log_spans(&lab.portal, &vera, "vision", &zero(), Vec::new(), None).await.err(),
        traces::start(&lab.portal, &vera, "vision", said(2)).await.err(),
        traces::set_tag(&lab.portal, &vera, "vision", &id(1), "k", "v").await.err(),
        traces::delete(&lab.portal, &vera, "vision", &zero(), Doomed { ids: vec![id(1)], ..Doomed::default() }).await.err(),
        traces::assess(&lab.portal, &vera, "vision", feedback(1, "good", json!(true))).await.err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, Some(Error::Forbidden(_)))), "{refused:?}");
}

#[tokio::test]
async fn changes_are_told_to_the_teams_pages_and_what_changes_nothing_is_not() {
    let lab = Lab::new().await;
    let seen = async || {
        let events = domain::events::since(&lab.portal, 0).await.expect("events").expect("all of them");
        let told = |event: &&domain::model::Event| event.change == Change::Traces { experiment: zero() };
        events.iter().filter(told).inspect(|event| assert_eq!(event.team.as_deref(), Some("vision"))).count()
    };
    let one_more = async |than: usize| {
        while seen().await == than {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        seen().await
    };
    assert!(traces::set_tag(&lab.portal, &lab.ada, "vision", &id(1), "k", "v").await.is_err());
    let none = traces::delete(&lab.portal, &lab.ada, "vision", &zero(), Doomed { ids: vec![id(9)], ..Doomed::default() }).await;
    assert_eq!((none.expect("none"), seen().await), (0, 0));
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let mut told = one_more(0).await;
    lab.start(said(2)).await;
    told = one_more(told).await;
    traces::set_tag(&lab.portal, &lab.ada, "vision", &id(1), "k", "v").await.expect("set");
    told = one_more(told).await;
    let made = traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "good", json!(true))).await.expect("said");
    told = one_more(told).await;
    traces::remove_assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id).await.expect("gone");
    told = one_more(told).await;
    // Many at once are told together.
    let before = std::time::Instant::now();
    for i in 0..100 {
        traces::set_tag(&lab.portal, &lab.ada, "vision", &id(1), "k", &i.to_string()).await.expect("set");
    }
    let halves = usize::try_from(before.elapsed().as_millis() / 500).expect("small");
    told = one_more(told).await;
    assert!(told <= 5 + halves + 2, "{told} after {halves} half seconds");
    let gone = traces::delete(&lab.portal, &lab.ada, "vision", &zero(), Doomed { ids: vec![id(1)], ..Doomed::default() }).await;
    assert_eq!(gone.expect("one"), 1);
    one_more(told).await;
}

#[tokio::test]
async fn traces_are_deleted_by_id_or_by_age() {
    let lab = Lab::new().await;
    three(&lab).await;
    let delete = async |doomed| traces::delete(&lab.portal, &lab.ada, "vision", &zero(), doomed).await;
    for bad in [
        Doomed::default(),
        Doomed { ids: vec![id(1)], until: Some(1), most: None },
        Doomed { ids: vec![id(1)], until: None, most: Some(1) },
        Doomed { ids: vec![], until: Some(i64::MAX), most: Some(0) },
    ] {
        assert!(matches!(delete(bad).await, Err(Error::Invalid(_))));
    }
    assert_eq!(delete(Doomed { ids: vec![id(2), id(9)], ..Doomed::default() }).await.expect("deleted"), 1);
    assert_eq!(delete(Doomed { until: Some(START + 10_000), most: Some(1), ..Doomed::default() }).await.expect("deleted"), 1);
    assert_eq!(lab.search("").await, [id(3)], "the oldest goes first");
    assert_eq!(lab.count("SELECT COUNT(*) FROM spans").await, 1);
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit WHERE action = 'traces.delete'").await, 2);
}

#[tokio::test]
async fn tags_are_set_and_taken_away_but_for_those_that_say_where_the_trace_is() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let set = async |key: &str, value: &str| traces::set_tag(&lab.portal, &lab.ada, "vision", &id(1), key, value).await;
    set("k", "1").await.expect("set");
    set("k", "2\0").await.expect("set");
    set(TRACE_NAME, "better").await.expect("set");
    let tags = lab.info(1).await.tags;
    assert_eq!((tags["k"].as_str(), tags[TRACE_NAME].as_str()), ("2\u{fffd}", "better"));
    let delete = async |key: &str| traces::delete_tag(&lab.portal, &lab.ada, "vision", &id(1), key).await;
    delete("k").await.expect("deleted");
    assert!(matches!(delete("k").await, Err(Error::NotFound(_))));
    for key in [TRACE_SPANS_LOCATION, "mlflow.artifactLocation", "slipway.team"] {
        assert!(matches!(set(key, "x").await, Err(Error::Invalid(_))), "{key}");
    }
    assert!(matches!(delete(TRACE_SPANS_LOCATION).await, Err(Error::Invalid(_))));
    assert!(matches!(traces::set_tag(&lab.portal, &lab.eve, "speech", &id(1), "k", "v").await, Err(Error::NotFound("trace"))));
}
