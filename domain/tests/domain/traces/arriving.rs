//! Spans as they arrive, and what a trace is said from them.

use super::{Lab, START, id, of, said, span, zero};
use domain::{
    Error, args,
    model::{
        ExperimentId, Pairs, SPAN_LENGTH, Span, TRACE_LENGTH, TRACE_NAME, TRACE_SESSION, TRACE_SPANS_LOCATION, TRACE_TOKEN_USAGE,
        TraceInfo, TraceState,
    },
    traces::{self, Doomed, TraceSearch},
    tracking,
};
use serde_json::{Value, json};

#[tokio::test]
async fn spans_make_a_trace_in_whatever_order_they_come() {
    let lab = Lab::new().await;
    lab.log(
        1,
        vec![span(
            2,
            Some(1),
            "call",
            50,
            json!({ "mlflow.chat.tokenUsage": { "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 } }),
        )],
    )
    .await;
    let early = lab.info(1).await;
    assert_eq!((early.state, early.request_time, early.duration), (TraceState::InProgress, START + 50, Some(100)));
    lab.log(
        1,
        vec![span(
            1,
            None,
            "ask",
            0,
            json!({ "mlflow.spanInputs": { "q": 1 }, "mlflow.spanOutputs": "yes", "session.id": "s1",
        "mlflow.traceTag.topic": "weather" }),
        )],
    )
    .await;
    let info = lab.info(1).await;
    assert_eq!((info.state, info.request_time, info.duration), (TraceState::Ok, START, Some(150)));
    assert_eq!((info.request_preview.as_deref(), info.response_preview.as_deref()), (Some(r#"{"q":1}"#), Some("\"yes\"")));
    assert_eq!((info.tags[TRACE_NAME].as_str(), info.tags["topic"].as_str()), ("ask", "weather"));
    assert_eq!((info.tags[TRACE_SPANS_LOCATION].as_str(), info.metadata[TRACE_SESSION].as_str()), ("TRACKING_STORE", "s1"));
    assert_eq!(serde_json::from_str::<Value>(&info.metadata[TRACE_TOKEN_USAGE]).expect("JSON")["total_tokens"], 15);
    let names: Vec<_> = lab.get(1).await.spans.into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["ask", "call"], "roots first");
}

#[tokio::test]
async fn the_same_span_twice_is_one() {
    let lab = Lab::new().await;
    let twice = [of(1, vec![span(1, None, "first", 0, json!({}))]), of(1, vec![span(1, None, "second", 0, json!({ "a": 1 }))])].concat();
    lab.try_log(twice).await.expect("logged");
    lab.log(1, vec![span(1, None, "third", 0, json!({ "a": 2 }))]).await;
    let spans = lab.get(1).await.spans;
    assert_eq!((spans.len(), spans[0].name.as_str(), &spans[0].attributes["a"]), (1, "third", &json!(2)));
}

#[tokio::test]
async fn what_the_client_says_about_a_trace_counts_more_than_its_spans() {
    for spans_first in [true, false] {
        let lab = Lab::new().await;
        let spans = || vec![span(1, None, "root", 7, json!({ "mlflow.chat.tokenUsage": { "input_tokens": 99 } }))];
        if spans_first {
            lab.log(1, spans()).await;
        }
        lab.start(said(1)).await;
        if !spans_first {
            lab.log(1, spans()).await;
        }
        let info = lab.info(1).await;
        assert_eq!((info.request_time, info.duration, info.tags[TRACE_NAME].as_str()), (START, Some(1234), "ask"), "{spans_first}");
        assert!(info.metadata[TRACE_TOKEN_USAGE].contains("\"total_tokens\":7"), "{info:?}");
        assert_eq!((info.tags["topic"].as_str(), info.client_request_id.as_deref()), ("weather", Some("req-1")));
        assert_eq!(lab.get(1).await.spans.len(), 1);
    }
}

#[tokio::test]
async fn a_request_is_written_whole_or_not_at_all() {
    let lab = Lab::new().await;
    let bad = Span { id: "x".into(), ..span(1, None, "bad", 0, json!({})) };
    let mixed = [of(1, vec![span(1, None, "good", 0, json!({}))]), of(2, vec![bad])].concat();
    assert!(matches!(lab.try_log(mixed).await, Err(Error::Invalid(_))));
    let other = tracking::experiments::create(&lab.portal, &lab.ada, "vision", "other", None, &[]).await.expect("an experiment");
    traces::log_spans(&lab.portal, &lab.ada, "vision", &other, of(2, vec![span(1, None, "there", 0, json!({}))]), None)
        .await
        .expect("logged");
    let into_both = [of(1, vec![span(1, None, "a", 0, json!({}))]), of(2, vec![span(2, None, "b", 0, json!({}))])].concat();
    assert!(matches!(lab.try_log(into_both).await, Err(Error::Invalid(_))), "a trace does not move between experiments");
    assert_eq!((lab.count("SELECT COUNT(*) FROM traces").await, lab.count("SELECT COUNT(*) FROM spans").await), (1, 1));
}

#[tokio::test]
async fn a_traces_id_of_another_team_is_neither_seen_nor_broken() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "secret", 0, json!({ "mlflow.spanInputs": "secret" }))]).await;
    let eve = &lab.eve;
    let foreign = format!("{:?}", traces::info(&lab.portal, eve, "speech", &id(1)).await.expect_err("foreign"));
    assert_eq!(foreign, format!("{:?}", traces::info(&lab.portal, eve, "speech", &id(9)).await.expect_err("unknown")));
    traces::log_spans(&lab.portal, eve, "speech", &zero(), of(1, vec![span(1, None, "hers", 0, json!({}))]), None).await.expect("her own");
    assert_eq!(traces::get(&lab.portal, eve, "speech", &id(1), true).await.expect("hers").spans[0].name, "hers");
    assert_eq!(lab.get(1).await.spans[0].name, "secret");
    let search = TraceSearch { experiments: vec![zero()], most: 10, ..TraceSearch::default() };
    let found = traces::search(&lab.portal, eve, "speech", &search).await.expect("found").traces;
    assert_eq!((found.len(), found[0].tags[TRACE_NAME].as_str()), (1, "hers"));
    let deleted = traces::delete(&lab.portal, eve, "speech", &zero(), Doomed { until: Some(i64::MAX / 8), ..Doomed::default() }).await;
    assert_eq!(deleted.expect("deleted"), 1, "her own only");
    assert_eq!(lab.search("").await, [id(1)]);
}

#[tokio::test]
async fn nobody_reaches_into_an_experiment_or_run_of_another_team() {
    let lab = Lab::new().await;
    let hers = tracking::experiments::create(&lab.portal, &lab.eve, "speech", "hers", None, &[]).await.expect("an experiment");
    let her_run = tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
    let spans = || of(1, vec![span(1, None, "a", 0, json!({}))]);
    let into = async |experiment: &ExperimentId, run| traces::log_spans(&lab.portal, &lab.ada, "vision", experiment, spans(), run).await;
    assert!(matches!(into(&hers, None).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(into(&ExperimentId("777".into()), None).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(into(&zero(), Some(&her_run)).await, Err(Error::NotFound("run"))));
    assert_eq!(lab.count("SELECT COUNT(*) FROM traces").await, 0);
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    assert!(matches!(traces::link_run(&lab.portal, &lab.ada, "vision", &[id(1)], &her_run).await, Err(Error::NotFound("run"))));
    let moved = traces::start(&lab.portal, &lab.ada, "vision", TraceInfo { experiment: hers.clone(), ..said(2) }).await;
    assert!(matches!(moved, Err(Error::NotFound("experiment"))));
    let both = TraceSearch { experiments: vec![zero(), hers], most: 10, ..TraceSearch::default() };
    assert_eq!(traces::search(&lab.portal, &lab.ada, "vision", &both).await.expect("found").traces.len(), 1);
}

#[tokio::test]
async fn a_deleted_experiment_takes_no_traces() {
    let lab = Lab::new().await;
    let old = tracking::experiments::create(&lab.portal, &lab.ada, "vision", "old", None, &[]).await.expect("an experiment");
    tracking::experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
    let late = traces::log_spans(&lab.portal, &lab.ada, "vision", &old, of(1, vec![span(1, None, "a", 0, json!({}))]), None).await;
    assert!(matches!(late, Err(Error::Invalid(_))), "{late:?}");
    assert!(matches!(
        traces::start(&lab.portal, &lab.ada, "vision", TraceInfo { experiment: old, ..said(1) }).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn a_trace_that_is_too_long_is_refused() {
    let lab = Lab::new().await;
    let long = json!({ "text": "x".repeat(SPAN_LENGTH) });
    assert!(matches!(lab.try_log(of(1, vec![span(1, None, "a", 0, long)])).await, Err(Error::Invalid(_))));
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    // As if it had grown for long.
    lab.portal.db.execute("UPDATE spans SET bytes = $1", args![TRACE_LENGTH]).await.expect("grown");
    assert!(matches!(lab.try_log(of(1, vec![span(2, None, "b", 0, json!({}))])).await, Err(Error::Invalid(_))));
    assert_eq!(lab.get(1).await.spans.len(), 1);
}

#[tokio::test]
async fn a_trace_is_whole_once_as_many_spans_have_come_as_its_client_said() {
    let lab = Lab::new().await;
    let mut info = said(1);
    info.metadata.insert("mlflow.trace.sizeStats".into(), r#"{"num_spans": 2}"#.into());
    lab.start(info).await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let whole = async || traces::get(&lab.portal, &lab.ada, "vision", &id(1), false).await;
    assert!(matches!(whole().await, Err(Error::NotFound(_))));
    assert!(traces::batch(&lab.portal, &lab.ada, "vision", &[id(1)], None).await.expect("none").is_empty());
    lab.log(1, vec![span(2, Some(1), "b", 0, json!({}))]).await;
    assert_eq!(whole().await.expect("whole").spans.len(), 2);
    assert_eq!(traces::batch(&lab.portal, &lab.ada, "vision", &[id(9), id(1)], None).await.expect("one").len(), 1);
    assert!(traces::batch_infos(&lab.portal, &lab.ada, "vision", &[id(1)], Some(&["5".into()])).await.expect("none").is_empty());
}

#[tokio::test]
async fn older_clients_begin_and_end_a_trace() {
    let lab = Lab::new().await;
    let begun =
        traces::start_v2(&lab.portal, &lab.ada, "vision", &zero(), START, Pairs::from([("k".into(), "v".into())]), Pairs::new()).await;
    let begun = begun.expect("begun");
    assert_eq!((begun.state, begun.duration, begun.tags["k"].as_str()), (TraceState::InProgress, None, "v"));
    let end = traces::End { at: START + 250, state: TraceState::Error, tags: begun.tags.clone(), metadata: Pairs::new() };
    let ended = traces::end_v2(&lab.portal, &lab.ada, "vision", &begun.id, end).await.expect("ended");
    assert_eq!((ended.state, ended.duration), (TraceState::Error, Some(250)));
}
