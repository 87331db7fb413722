//! Traces on a real database: spans in any order, what a trace is said from them, searches, assessments, and who sees what.

use domain::{
    Caller, Error, Portal, args,
    model::{
        Assessment, ExperimentId, Judgement, Pairs, Role, Span, SpanStatus, TRACE_LENGTH, TRACE_NAME, TRACE_SESSION, TRACE_SPANS_LOCATION,
        TRACE_TOKEN_USAGE, TraceInfo, TraceState,
    },
    testing::TestPortal,
    traces::{self, Aggregation, Arriving, AssessmentChange, Doomed, MetricsQuery, TraceSearch, View},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

const MS: i64 = 1_000_000;
const START: i64 = 1_767_225_600_000;

/// Team `vision` with ada (admin) and vera (viewer); team `speech` with eve (admin).
struct Lab {
    test: TestPortal,
    portal: Portal,
    ada: Caller,
    eve: Caller,
}

fn id(n: u32) -> String {
    format!("tr-{n:032x}")
}

/// A span of `trace`; `at` milliseconds after the start, 100 ms long.
fn span(n: u32, parent: Option<u32>, name: &str, at: i64, attributes: Value) -> Span {
    let Value::Object(attributes) = attributes else { panic!("an object") };
    Span {
        id: format!("{n:016x}"),
        parent_id: parent.map(|n| format!("{n:016x}")),
        name: name.into(),
        kind: 1,
        start: (START + at) * MS,
        end: Some((START + at + 100) * MS),
        status: SpanStatus::Ok,
        attributes,
        ..Span::default()
    }
}

fn of(trace: u32, spans: Vec<Span>) -> Vec<Arriving> {
    spans.into_iter().map(|span| Arriving { trace: id(trace), span, resource: Arc::new(Map::new()) }).collect()
}

fn zero() -> ExperimentId {
    ExperimentId("0".into())
}

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("vision", &[("ada", Role::Admin), ("vera", Role::Viewer)]).await;
        test.team("speech", &[("eve", Role::Admin)]).await;
        let (portal, ada, eve) = (test.portal.clone(), test.caller("ada").await, test.caller("eve").await);
        Self { test, portal, ada, eve }
    }

    async fn try_log(&self, spans: Vec<Arriving>) -> Result<(), Error> {
        traces::log_spans(&self.portal, &self.ada, "vision", &zero(), spans, None).await
    }

    async fn log(&self, trace: u32, spans: Vec<Span>) {
        self.try_log(of(trace, spans)).await.expect("logged");
    }

    async fn info(&self, trace: u32) -> TraceInfo {
        traces::info(&self.portal, &self.ada, "vision", &id(trace)).await.expect("the trace")
    }

    async fn get(&self, trace: u32) -> domain::model::Trace {
        traces::get(&self.portal, &self.ada, "vision", &id(trace), true).await.expect("the trace")
    }

    async fn start(&self, new: TraceInfo) -> TraceInfo {
        traces::start(&self.portal, &self.ada, "vision", new).await.expect("said")
    }

    async fn try_search(&self, filter: &str) -> Result<Vec<String>, Error> {
        let search = TraceSearch { experiments: vec![zero()], filter: filter.into(), most: 100, ..TraceSearch::default() };
        let page = traces::search(&self.portal, &self.ada, "vision", &search).await?;
        Ok(page.traces.into_iter().map(|t| t.id).collect())
    }

    async fn search(&self, filter: &str) -> Vec<String> {
        self.try_search(filter).await.unwrap_or_else(|e| panic!("{filter}: {e}"))
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.portal.db.fetch_one::<(i64,)>(sql, args![]).await.expect("a count").0
    }
}

fn said(trace: u32) -> TraceInfo {
    TraceInfo {
        id: id(trace),
        experiment: zero(),
        request_time: START,
        duration: Some(1234),
        state: TraceState::Ok,
        client_request_id: Some("req-1".into()),
        request_preview: Some("hello".into()),
        response_preview: None,
        metadata: Pairs::from([(TRACE_TOKEN_USAGE.into(), r#"{"input_tokens":3,"output_tokens":4,"total_tokens":7}"#.into())]),
        tags: Pairs::from([("topic".into(), "weather".into()), (TRACE_NAME.into(), "ask".into())]),
        assessments: Vec::new(),
    }
}

fn feedback(trace: u32, name: &str, value: Value) -> Assessment {
    Assessment {
        id: String::new(),
        trace: id(trace),
        name: name.into(),
        span: None,
        source_type: "HUMAN".into(),
        source_id: "ada".into(),
        judgement: Judgement::Feedback { value, error: None },
        rationale: None,
        metadata: Pairs::new(),
        overrides: None,
        valid: true,
        created_at: 0,
        updated_at: 0,
    }
}

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
    let other = domain::tracking::experiments::create(&lab.portal, &lab.ada, "vision", "other", None, &[]).await.expect("an experiment");
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
    let hers = domain::tracking::experiments::create(&lab.portal, &lab.eve, "speech", "hers", None, &[]).await.expect("an experiment");
    let her_run =
        domain::tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
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

/// Three traces: two answers about weather by one model, one failure with nested spans.
async fn three(lab: &Lab) {
    for (n, city, cost) in [(1, "Paris", 0.5), (2, "paris, Texas", 1.5)] {
        let call = json!({ "mlflow.spanType": "LLM", "mlflow.llm.model": "small", "mlflow.llm.cost": { "total_cost": cost },
            "mlflow.chat.tokenUsage": { "input_tokens": 10 * n, "output_tokens": 1, "total_tokens": 10 * n + 1 } });
        let root = json!({ "mlflow.spanInputs": { "city": city }, "mlflow.traceTag.topic": "weather" });
        lab.log(n, vec![span(1, None, "ask", i64::from(n) * 1000, root), span(2, Some(1), "call", i64::from(n) * 1000 + 10, call)]).await;
    }
    let failed =
        Span { status: SpanStatus::Error, ..span(1, None, "fail", 3000, json!({ "mlflow.spanType": "TOOL", "tool": "search_42" })) };
    lab.log(3, vec![failed]).await;
}

#[tokio::test]
async fn a_search_finds_what_its_filter_says() {
    let lab = Lab::new().await;
    three(&lab).await;
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "score", json!(0.9))).await.expect("assessed");
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(2, "score", json!("bad"))).await.expect("assessed");
    traces::link_prompts(&lab.portal, &lab.ada, "vision", &id(2), &[("greet".into(), 3)]).await.expect("linked");
    let run = domain::tracking::runs::create(&lab.portal, &lab.ada, "vision", domain::model::NewRun::default()).await.expect("a run").id;
    traces::link_run(&lab.portal, &lab.ada, "vision", &[id(3), id(99)], &run).await.expect("linked");
    let by_run = format!("attributes.run_id = '{run}'");
    let cases: Vec<(&str, Vec<u32>)> = vec![
        ("", vec![3, 2, 1]),
        ("tags.topic = 'weather'", vec![2, 1]),
        ("tags.topic != 'weather'", vec![]),
        ("tag.topic IS NULL", vec![3]),
        ("tags.topic LIKE 'wea%'", vec![2, 1]),
        ("tags.topic ILIKE 'WEA%' AND name = 'ask'", vec![2, 1]),
        ("tags.topic LIKE 'WEA%'", vec![]),
        ("tags.topic RLIKE '^w.*r$'", vec![2, 1]),
        ("attributes.status = 'ERROR'", vec![3]),
        ("trace.status IN ('OK', 'ERROR')", vec![3, 2, 1]),
        ("status NOT IN ('OK')", vec![3]),
        ("trace.name LIKE 'f%'", vec![3]),
        ("tags.`mlflow.traceName` = 'fail'", vec![3]),
        ("timestamp_ms >= 1767225602000", vec![3, 2]),
        ("execution_time_ms > 99.5 AND end_time_ms < 1767225603000", vec![2, 1]),
        ("span.type = 'LLM'", vec![2, 1]),
        ("span.name = 'call' AND span.type = 'TOOL'", vec![]),
        ("span.name LIKE 'c%' AND span.status = 'OK'", vec![2, 1]),
        ("span.attributes.tool RLIKE 'search_[0-9]+'", vec![3]),
        ("span.attributes.tool = 'search_42' AND span.name = 'fail'", vec![3]),
        ("span.attributes.tool LIKE 'search'", vec![]),
        ("trace.text LIKE '%Paris%'", vec![1]),
        ("text ILIKE '%PARIS%'", vec![2, 1]),
        ("span.content LIKE '%Texas%'", vec![2]),
        ("feedback.score > 0.5", vec![1]),
        ("feedback.score = 'bad'", vec![2]),
        ("feedback.score LIKE 'b%'", vec![2]),
        ("feedback.score IS NULL", vec![3]),
        ("feedback.score IS NOT NULL", vec![2, 1]),
        ("expectation.score IS NOT NULL", vec![]),
        ("prompt = 'greet/3'", vec![2]),
        ("issue.id = 'i'", vec![]),
        (&by_run, vec![3]),
        ("request_id = 'tr-00000000000000000000000000000001'", vec![1]),
        ("metadata.`mlflow.trace.tokenUsage` LIKE '%\"total_tokens\":11%'", vec![1]),
    ];
    for (filter, expected) in cases {
        assert_eq!(lab.search(filter).await, expected.into_iter().map(id).collect::<Vec<_>>(), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_is_refused() {
    let lab = Lab::new().await;
    let before = lab.count("SELECT COUNT(*) FROM audit").await;
    let long = format!("tags.a RLIKE '{}'", "((a{1,100}){1,100}){1,100}");
    for bad in [
        "tags.a = 'x'; DROP TABLE traces--",
        "tags.a = '' OR '1'='1'",
        "nothing.a = 'x'",
        "surprise = 'x'",
        "timestamp_ms = 'x'",
        "timestamp_ms LIKE 'x'",
        "tags.a > 'x'",
        "span.nothing = 'x'",
        "span.attributes. = 'x'",
        "span.content = 'x'",
        "tags.a RLIKE '('",
        &long,
        "prompt = 'a'",
        "prompt LIKE 'a/1'",
        "feedback.a IN ('x')",
        "issue.name = 'x'",
        "status = 1",
    ] {
        assert!(matches!(lab.try_search(bad).await, Err(Error::Invalid(_))), "{bad}");
    }
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit").await, before);
}

#[tokio::test]
async fn a_regular_expression_takes_linear_time() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({ "text": "a".repeat(100_000) }))]).await;
    let begun = std::time::Instant::now();
    assert_eq!(lab.search("span.attributes.text RLIKE '^(a+)+$'").await, [id(1)]);
    assert!(lab.search("span.attributes.text RLIKE '^(a+)+b$'").await.is_empty());
    assert!(lab.search("trace.text LIKE '%a%a%a%a%a%a%b%c%'").await.is_empty());
    assert!(begun.elapsed().as_secs() < 20);
}

#[tokio::test]
async fn pages_follow_each_other_and_a_token_belongs_to_its_search() {
    let lab = Lab::new().await;
    for n in 1..=7 {
        lab.log(n, vec![span(1, None, if n % 2 == 0 { "even" } else { "odd" }, i64::from(n), json!({}))]).await;
    }
    for filter in ["", "name RLIKE 'even|odd'"] {
        let (mut found, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let search =
                TraceSearch { experiments: vec![zero()], filter: filter.into(), most: 3, page_token: token, ..TraceSearch::default() };
            let page = traces::search(&lab.portal, &lab.ada, "vision", &search).await.expect("a page");
            found.extend(page.traces.into_iter().map(|t| t.id));
            pages += 1;
            if pages == 1 {
                // One that comes meanwhile pushes nothing from page to page.
                lab.log(100 + u32::try_from(filter.len()).expect("small"), vec![span(1, None, "odd", 9000, json!({}))]).await;
            }
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found[found.len() - 7..], (1..=7).rev().map(id).collect::<Vec<_>>(), "{filter}");
        traces::delete(&lab.portal, &lab.ada, "vision", &zero(), Doomed { ids: vec![id(100), id(121)], ..Doomed::default() })
            .await
            .expect("gone");
    }
    let first = TraceSearch { experiments: vec![zero()], most: 3, ..TraceSearch::default() };
    let token = traces::search(&lab.portal, &lab.ada, "vision", &first).await.expect("a page").next.expect("more");
    for other in [
        TraceSearch { filter: "name = 'odd'".into(), ..first.clone() },
        TraceSearch { order_by: vec!["timestamp ASC".into()], ..first.clone() },
        TraceSearch { experiments: vec![], ..first.clone() },
    ] {
        let other = TraceSearch { page_token: Some(token.clone()), ..other };
        assert!(matches!(traces::search(&lab.portal, &lab.ada, "vision", &other).await, Err(Error::Invalid(_))), "{other:?}");
    }
    let hers = TraceSearch { page_token: Some(token), ..first.clone() };
    assert!(matches!(traces::search(&lab.portal, &lab.eve, "speech", &hers).await, Err(Error::Invalid(_))), "of another team");
    for (most, token) in [(0, None), (-1, None), (501, None), (5, Some("bm9wZQ".to_owned())), (5, Some("../x".to_owned()))] {
        let bad = TraceSearch { most, page_token: token, ..first.clone() };
        assert!(matches!(traces::search(&lab.portal, &lab.ada, "vision", &bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn traces_come_in_the_order_that_was_asked_for() {
    let lab = Lab::new().await;
    three(&lab).await;
    let ordered = async |by: &[&str]| {
        let order_by = by.iter().map(|&s| s.to_owned()).collect();
        let search = TraceSearch { experiments: vec![zero()], order_by, most: 10, ..TraceSearch::default() };
        traces::search(&lab.portal, &lab.ada, "vision", &search).await.map(|page| page.traces.into_iter().map(|t| t.id).collect::<Vec<_>>())
    };
    for (by, expected) in [
        (&["timestamp_ms ASC"][..], [1, 2, 3]),
        (&["tags.topic", "timestamp ASC"], [1, 2, 3]),
        (&["tags.topic DESC", "timestamp DESC"], [2, 1, 3]),
        (&["name DESC"], [3, 2, 1]),
        (&["status ASC", "execution_time_ms DESC"], [3, 2, 1]),
    ] {
        assert_eq!(ordered(by).await.expect("ordered"), expected.map(id), "{by:?}");
    }
    for bad in [&["nothing"][..], &["name ASC; --"], &["timestamp", "timestamp_ms DESC"], &["tags.a", "tags.a"], &["span.name"]] {
        assert!(matches!(ordered(bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn an_assessment_that_overrides_another_takes_its_place_until_it_goes() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let first = traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "good", json!(false))).await.expect("assessed");
    let second = Assessment { overrides: Some(first.id.clone()), ..feedback(1, "good", json!(true)) };
    let second = traces::assess(&lab.portal, &lab.ada, "vision", second).await.expect("assessed");
    let valid = async || lab.info(1).await.assessments.into_iter().map(|a| (a.id == first.id, a.valid)).collect::<BTreeMap<_, _>>();
    assert_eq!(valid().await, BTreeMap::from([(true, false), (false, true)]));
    traces::remove_assessment(&lab.portal, &lab.ada, "vision", &id(1), &second.id).await.expect("removed");
    traces::remove_assessment(&lab.portal, &lab.ada, "vision", &id(1), &second.id).await.expect("removed again");
    assert_eq!(valid().await, BTreeMap::from([(true, true)]));
    let nothing = Assessment { overrides: Some("a-none".into()), ..feedback(1, "good", json!(true)) };
    assert!(matches!(traces::assess(&lab.portal, &lab.ada, "vision", nothing).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_assessment_changes_in_what_it_says_and_not_in_what_it_is() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let mut new = feedback(1, "good", json!("yes"));
    new.metadata.insert("a".into(), "1".into());
    let made = traces::assess(&lab.portal, &lab.ada, "vision", new).await.expect("assessed");
    assert!(made.id.starts_with("a-") && made.created_at > 0, "{made:?}");
    lab.portal.clock.advance(1000);
    let change = AssessmentChange {
        judgement: Some(Judgement::Feedback { value: json!({ "n": [1, null] }), error: None }),
        rationale: Some("because".into()),
        metadata: Some(Pairs::from([("b".into(), "2".into())])),
        ..AssessmentChange::default()
    };
    let changed = traces::change_assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id, change).await.expect("changed");
    assert_eq!((changed.rationale.as_deref(), changed.metadata.len(), changed.updated_at - made.updated_at), (Some("because"), 2, 1000));
    assert_eq!(traces::assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id).await.expect("read"), changed);
    let other = AssessmentChange { judgement: Some(Judgement::Expectation { value: json!(1) }), ..AssessmentChange::default() };
    assert!(matches!(traces::change_assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id, other).await, Err(Error::Invalid(_))));
    for bad in [
        Assessment { name: String::new(), ..feedback(1, "", json!(1)) },
        Assessment { source_type: "ROOT".into(), ..feedback(1, "x", json!(1)) },
        Assessment { judgement: Judgement::Expectation { value: Value::Null }, ..feedback(1, "x", json!(1)) },
        Assessment { rationale: Some("x".repeat(2 * 1024 * 1024)), ..feedback(1, "x", json!(1)) },
        Assessment { id: "../x".into(), ..feedback(1, "x", json!(1)) },
    ] {
        assert!(matches!(traces::assess(&lab.portal, &lab.ada, "vision", bad).await, Err(Error::Invalid(_))));
    }
    assert!(matches!(traces::assessment(&lab.portal, &lab.eve, "speech", &id(1), &made.id).await, Err(Error::NotFound("trace"))));
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

#[tokio::test]
async fn a_deleted_experiment_takes_no_traces() {
    let lab = Lab::new().await;
    let old = domain::tracking::experiments::create(&lab.portal, &lab.ada, "vision", "old", None, &[]).await.expect("an experiment");
    domain::tracking::experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
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
    let long = "x".repeat(7 * 1024 * 1024);
    let most = u32::try_from(TRACE_LENGTH / 7 / 1024 / 1024).expect("few");
    let mut refused = 0;
    for n in 1..=most + 1 {
        let result = lab.try_log(of(1, vec![span(n, None, "a", 0, json!({ "text": long }))])).await;
        refused += u32::from(matches!(result, Err(Error::Invalid(_))));
    }
    assert_eq!(refused, 1);
    assert!(matches!(lab.try_log(of(2, vec![span(1, None, "a", 0, json!({ "text": long.repeat(2) }))])).await, Err(Error::Invalid(_))));
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

fn asked(view: View, metric: &str, aggregations: &[Aggregation]) -> MetricsQuery {
    MetricsQuery {
        experiments: vec![zero()],
        view,
        metric: metric.into(),
        aggregations: aggregations.to_vec(),
        dimensions: vec![],
        filters: vec![],
        interval_seconds: None,
        from: None,
        to: None,
        most: 100,
    }
}

/// Dimensions, value, bucket.
fn row(dimensions: &str, value: f64, bucket: Option<i64>) -> (String, f64, Option<i64>) {
    (dimensions.to_owned(), value, bucket)
}

#[tokio::test]
async fn figures_count_traces_spans_and_assessments() {
    let lab = Lab::new().await;
    three(&lab).await;
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "score", json!(0.5))).await.expect("assessed");
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(2, "score", json!(true))).await.expect("assessed");
    let figures = async |query: MetricsQuery| {
        let points = traces::metrics(&lab.portal, &lab.ada, "vision", &query).await.unwrap_or_else(|e| panic!("{query:?}: {e}"));
        points
            .into_iter()
            .map(|p| (p.dimensions.into_iter().map(|d| d.1).collect::<Vec<_>>().join("/"), p.values[0].1, p.bucket))
            .collect::<Vec<_>>()
    };
    let by = |mut query: MetricsQuery, dimensions: &[&str]| {
        query.dimensions = dimensions.iter().map(|&d| d.to_owned()).collect();
        query
    };
    let count = [Aggregation::Count];
    assert_eq!(figures(asked(View::Traces, "trace_count", &count)).await, [row("", 3.0, None)]);
    let by_name = figures(by(asked(View::Traces, "trace_count", &count), &["trace_name", "trace_status"])).await;
    assert_eq!(by_name, [row("ask/OK", 2.0, None), row("fail/ERROR", 1.0, None)]);
    assert_eq!(figures(asked(View::Traces, "input_tokens", &[Aggregation::Sum])).await, [row("", 30.0, None)]);
    assert_eq!(figures(asked(View::Traces, "latency", &[Aggregation::Percentile(50.0)])).await, [row("", 110.0, None)]);
    assert_eq!(figures(by(asked(View::Spans, "span_count", &count), &["span_type"])).await.len(), 3);
    assert_eq!(figures(by(asked(View::Spans, "total_cost", &[Aggregation::Avg]), &["span_model_name"])).await, [row("small", 1.0, None)]);
    assert_eq!(figures(asked(View::Assessments, "assessment_value", &[Aggregation::Max])).await, [row("", 1.0, None)]);
    let mut filtered = asked(View::Spans, "span_count", &count);
    filtered.filters = vec!["trace.tag.topic = 'weather'".into(), "span.name = 'call'".into()];
    assert_eq!(figures(filtered).await, [row("", 2.0, None)]);
    let mut bucketed = asked(View::Traces, "trace_count", &count);
    (bucketed.interval_seconds, bucketed.from, bucketed.to) = (Some(2), Some(START), Some(START + 3000));
    assert_eq!(figures(bucketed).await, [row("", 1.0, Some(START)), row("", 2.0, Some(START + 2000))]);
    assert!(traces::metrics(&lab.portal, &lab.eve, "speech", &asked(View::Traces, "trace_count", &count)).await.expect("none").is_empty());
}

#[tokio::test]
async fn figures_that_make_no_sense_are_refused() {
    let lab = Lab::new().await;
    let good = || asked(View::Traces, "latency", &[Aggregation::Avg]);
    for bad in [
        MetricsQuery { metric: "nothing".into(), ..good() },
        MetricsQuery { view: View::Spans, metric: "trace_count".into(), ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Sum], ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Percentile(101.0)], ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Percentile(f64::NAN)], ..good() },
        MetricsQuery { aggregations: vec![], ..good() },
        MetricsQuery { dimensions: vec!["span_name".into()], ..good() },
        MetricsQuery { dimensions: vec!["trace_name".into(), "trace_name".into()], ..good() },
        MetricsQuery { interval_seconds: Some(60), ..good() },
        MetricsQuery { interval_seconds: Some(-1), from: Some(0), to: Some(1), ..good() },
        MetricsQuery { filters: vec!["trace.status = 'OK' AND trace.status = 'OK'".into()], ..good() },
        MetricsQuery { filters: vec!["span.name = 'x'".into()], ..good() },
        MetricsQuery { filters: vec!["trace.status != 'OK'".into()], ..good() },
        MetricsQuery { most: 0, ..good() },
    ] {
        assert!(matches!(traces::metrics(&lab.portal, &lab.ada, "vision", &bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn two_filters_go_together_as_often_as_they_do() {
    let lab = Lab::new().await;
    three(&lab).await;
    let ask =
        async |a: &str, b: &str| traces::correlation(&lab.portal, &lab.ada, "vision", &[zero()], [a, b], Some("")).await.expect("compared");
    let together = ask("tags.topic = 'weather'", "span.type = 'LLM'").await;
    assert_eq!((together.first, together.second, together.both, together.total), (2, 2, 2, 3));
    assert_eq!(together.npmi(0.0), Some(1.0));
    let apart = ask("status = 'ERROR'", "name LIKE 'a%'").await;
    assert_eq!((apart.both, apart.npmi(0.0)), (0, Some(-1.0)));
    assert_eq!(ask("status = 'ERROR'", "name = 'none'").await.npmi(0.0), None);
}
