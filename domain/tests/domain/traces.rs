//! Traces on a real database: spans in any order, what a trace is said from them, searches, assessments, and who sees what.

mod arriving;
mod assessing;
mod changing;
mod figures;
mod searching;

use domain::{
    Caller, Error, Portal, args,
    model::{Assessment, ExperimentId, Judgement, Pairs, Role, Span, SpanStatus, TRACE_NAME, TRACE_TOKEN_USAGE, TraceInfo, TraceState},
    testing::TestPortal,
    traces::{self, Arriving, TraceSearch},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

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
