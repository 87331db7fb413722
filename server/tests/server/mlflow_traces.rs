//! Traces as OpenTelemetry's exporters and MLflow's clients ask for them: what is answered, and what is refused how.

use crate::house::{Answer, House};
use domain::{
    Caller,
    model::{ExperimentId, NewToken, Role},
    testing::email,
    tracking,
};
use serde_json::{Value, json};

struct Client {
    house: House,
    bearer: String,
}

const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACE: &str = "tr-0af7651916cd43dd8448eb211c80319c";
const INVALID: &str = "INVALID_PARAMETER_VALUE";
const ABSENT: &str = "RESOURCE_DOES_NOT_EXIST";
const NANO: i64 = 1_767_225_600_000_000_000;

fn spans() -> Value {
    let root = json!({ "traceId": ID, "spanId": "b7ad6b7169203331", "name": "ask", "kind": 1, "startTimeUnixNano": NANO.to_string(),
        "endTimeUnixNano": (NANO + 1_500_000_000).to_string(), "status": { "code": 1 },
        "attributes": [{ "key": "mlflow.spanInputs", "value": { "kvlistValue": { "values": [{ "key": "q", "value": { "intValue": "1" } }] } } },
            { "key": "score", "value": { "doubleValue": 0.5 } }],
        "events": [{ "timeUnixNano": NANO.to_string(), "name": "begun", "attributes": [] }] });
    let child = json!({ "traceId": ID, "spanId": "00f067aa0ba902b7", "parentSpanId": "b7ad6b7169203331", "name": "call",
        "startTimeUnixNano": (NANO + 1).to_string(), "endTimeUnixNano": (NANO + 2).to_string() });
    json!({ "resourceSpans": [{ "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "bot" } }] },
        "scopeSpans": [{ "scope": { "name": "x" }, "spans": [root, child] }] }] })
}

/// One span in protobuf.
fn protobuf() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, u8::try_from(content.len()).expect("short")], content].concat();
    let time = |number: u8, at: i64| [&[number << 3 | 1][..], &at.to_le_bytes()].concat();
    let attribute = [field(1, b"lang"), field(2, &field(1, b"rust"))].concat();
    let trace: Vec<u8> = (0..32).step_by(2).map(|i| u8::from_str_radix(&ID[i..i + 2], 16).expect("hexadecimal")).collect();
    let span =
        [field(1, &trace), field(2, &[7; 8]), field(5, b"step"), time(7, NANO), time(8, NANO + 1_000_000), field(9, &attribute)].concat();
    field(1, &field(2, &field(2, &span)))
}

impl Client {
    async fn new() -> Self {
        let house = House::new().await;
        let bearer = format!("Bearer {}", house.token("ada", Role::Member).await);
        Self { house, bearer }
    }

    async fn export(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.house.send("POST", "/v1/traces", &[&[("authorization", self.bearer.as_str())], headers].concat(), body).await
    }

    async fn export_json(&self, experiment: &str, body: &Value) -> Answer {
        self.export(&[("content-type", "application/json"), ("x-mlflow-experiment-id", experiment)], &body.to_string()).await
    }

    async fn export_bytes(&self, body: &[u8]) -> Answer {
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: {}\r\nContent-Type: application/x-protobuf\r\n\
             X-MLflow-Experiment-Id: 0\r\nContent-Length: {}\r\n\r\n",
            self.house.host(),
            self.bearer,
            body.len()
        );
        self.house.raw(&[head.as_bytes(), body].concat()).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        self.house.send(method, &format!("/api/{path}"), &headers, &body.to_string()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.house.get(&format!("/api/{path}"), &[("authorization", &self.bearer)]).await
    }

    /// A token of eve's in the team `blue`, and an experiment there.
    async fn blue(&self) -> (String, ExperimentId) {
        let new = NewToken { name: "test".into(), team: "blue".into(), role: Role::Admin, days: 30 };
        let token = domain::tokens::create_for(&self.house.portal, &Caller::console(), &email("eve"), new).await.expect("a token").1;
        let eve = self.house.test.caller("eve").await;
        let hers = tracking::experiments::create(&self.house.portal, &eve, "blue", "hers", None, &[]).await.expect("an experiment");
        (format!("Bearer {token}"), hers)
    }
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

/// That it was refused in MLflow's shape; gives the message.
fn refused(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["error_code"], code, "{body}");
    body["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn spans_arrive_as_json_and_are_read_as_mlflow_says() {
    let client = Client::new().await;
    assert_eq!(read(&client.export_json("0", &spans()).await), json!({}));
    let info = read(&client.get(&format!("3.0/mlflow/traces/{TRACE}")).await)["trace"]["trace_info"].take();
    assert_eq!((&info["trace_id"], &info["state"]), (&json!(TRACE), &json!("OK")));
    assert_eq!((&info["request_time"], &info["execution_duration"]), (&json!("2026-01-01T00:00:00Z"), &json!("1.500s")));
    let location = json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": "0" } });
    assert_eq!((&info["trace_location"], &info["request_preview"]), (&location, &json!("{\"q\":1}")));
    assert_eq!((&info["tags"]["service.name"], &info["tags"]["mlflow.trace.spansLocation"]), (&json!("bot"), &json!("TRACKING_STORE")));
    let trace = read(&client.get(&format!("3.0/mlflow/traces/get?trace_id={TRACE}&allow_partial=False")).await)["trace"].take();
    let root = &trace["spans"][0];
    assert_eq!((&root["trace_id"], &root["span_id"]), (&json!("CvdlGRbNQ92ESOshHIAxnA=="), &json!("t61rcWkgMzE=")));
    assert_eq!((&root["start_time_unix_nano"], &root["status"]["code"]), (&json!(NANO), &json!("STATUS_CODE_OK")));
    let inputs = json!({ "key": "mlflow.spanInputs",
        "value": { "kvlist_value": { "values": [{ "key": "q", "value": { "int_value": 1 } }] } } });
    assert_eq!((&root["attributes"][0], &root["events"][0]["name"]), (&inputs, &json!("begun")));
    assert_eq!((&trace["spans"][1]["name"], &trace["spans"][1]["parent_span_id"]), (&json!("call"), &json!("t61rcWkgMzE=")));
    let file = client.get(&format!("2.0/mlflow/get-trace-artifact?request_id={TRACE}")).await;
    assert!(file.header("content-disposition").is_some_and(|d| d.contains("traces.json")), "{:?}", file.headers);
    let file = read(&file);
    let attributes = &file["spans"][0]["attributes"];
    assert_eq!(
        (&attributes["mlflow.spanInputs"], &attributes["mlflow.traceRequestId"]),
        (&json!("{\"q\":1}"), &json!(format!("\"{TRACE}\"")))
    );
    let batch = read(&client.get(&format!("3.0/mlflow/traces/batchGet?trace_ids={TRACE}&trace_ids=tr-1")).await);
    assert_eq!(batch["traces"].as_array().map(Vec::len), Some(1));
    let infos = read(&client.call("POST", "3.0/mlflow/traces/batchGetInfos", &json!({ "trace_ids": [TRACE] })).await);
    assert_eq!(infos["trace_infos"][0]["trace_id"], TRACE);
}

#[tokio::test]
async fn spans_arrive_as_protobuf_and_are_answered_in_protobuf() {
    let client = Client::new().await;
    let answer = client.export_bytes(&protobuf()).await;
    assert_eq!((answer.status, answer.header("content-type"), answer.body.as_str()), (200, Some("application/x-protobuf"), ""));
    let span = read(&client.get(&format!("3.0/mlflow/traces/get?trace_id={TRACE}")).await)["trace"]["spans"][0].take();
    assert_eq!((&span["name"], &span["attributes"][0]["value"]), (&json!("step"), &json!({ "string_value": "rust" })));
}

#[tokio::test]
async fn what_is_no_export_of_spans_is_refused() {
    let client = Client::new().await;
    let json = ("content-type", "application/json");
    let to_zero = ("x-mlflow-experiment-id", "0");
    let body = spans().to_string();
    assert!(refused(&client.export(&[json], &body).await, 400, INVALID).contains("x-mlflow-experiment-id"));
    refused(&client.export(&[json, to_zero, to_zero], &body).await, 400, INVALID);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/octet-stream"] {
        refused(&client.export(&[("content-type", kind), to_zero], &body).await, 400, INVALID);
    }
    for encoding in ["gzip", "deflate", "br", "identity, gzip"] {
        refused(&client.export(&[json, to_zero, ("content-encoding", encoding)], "\u{1f}\u{8b}").await, 415, INVALID);
    }
    for bad in ["{}", "[]", "nope", "{\"resourceSpans\": 5}", "{\"resourceSpans\": []}", &"[".repeat(100_000)] {
        refused(&client.export(&[json, to_zero], bad).await, 400, INVALID);
    }
    for bad in [&b"nope"[..], &[0xff; 100], &protobuf()[..20], b""] {
        refused(&client.export_bytes(bad).await, 400, INVALID);
    }
    let with = |change: fn(&mut Value)| {
        let mut request = spans();
        change(&mut request["resourceSpans"][0]["scopeSpans"][0]["spans"][1]);
        request
    };
    for bad in [
        with(|span| span["traceId"] = "".into()),
        with(|span| span["traceId"] = "0".repeat(32).into()),
        with(|span| span["traceId"] = "../../../../../../../../etc/pass".into()),
        with(|span| span["spanId"] = "".into()),
        with(|span| span["spanId"] = "b7ad".into()),
        with(|span| span["startTimeUnixNano"] = json!(-1)),
        with(|span| span["startTimeUnixNano"] = json!(9_223_372_036_854_775_808_u64)),
        with(|span| span["name"] = json!({})),
        with(|span| span["attributes"] = (0..1001).map(|i| json!({ "key": i.to_string(), "value": {} })).collect()),
        with(|span| span["attributes"] = json!([{ "key": "a", "value": { "stringValue": "x".repeat(9 * 1024 * 1024) } }])),
    ] {
        refused(&client.export_json("0", &bad).await, 400, INVALID);
    }
    refused(&client.get(&format!("3.0/mlflow/traces/{TRACE}")).await, 404, ABSENT);
}

#[tokio::test]
async fn an_export_that_is_too_long_is_refused() {
    let client = Client::new().await;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/x-protobuf\r\nX-MLflow-Experiment-Id: 0\r\n\
         Content-Length: 99999999999\r\nConnection: close\r\n\r\n",
        client.house.host(),
        client.bearer
    );
    let answer = client.house.raw(head.as_bytes()).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    // Two bytes each on the wire, many more in memory.
    let refusal = refused(&client.export_bytes(&[1 << 3 | 2, 0].repeat(1_000_001)).await, 400, INVALID);
    assert!(refusal.contains("more than"), "{refusal}");
}

#[tokio::test]
async fn another_teams_experiments_runs_and_traces_are_not_there() {
    let client = Client::new().await;
    let (blue, hers) = client.blue().await;
    let foreign = client.export_json(hers.as_str(), &spans()).await;
    let unknown = client.export_json("987654", &spans()).await;
    assert_eq!((foreign.status, &foreign.body), (404, &unknown.body), "a foreign experiment looks like none");
    let kind = ("content-type", "application/json");
    let her_headers = [("authorization", blue.as_str()), kind, ("x-mlflow-experiment-id", hers.as_str())];
    assert_eq!(client.house.send("POST", "/v1/traces", &her_headers, &spans().to_string()).await.status, 200);
    for (method, path, body) in [
        ("GET", format!("3.0/mlflow/traces/{TRACE}"), json!(null)),
        ("GET", format!("3.0/mlflow/traces/get?trace_id={TRACE}"), json!(null)),
        ("GET", format!("2.0/mlflow/traces/{TRACE}/info"), json!(null)),
        ("GET", format!("2.0/mlflow/get-trace-artifact?request_id={TRACE}"), json!(null)),
        ("PATCH", format!("3.0/mlflow/traces/{TRACE}/tags"), json!({ "key": "a", "value": "b" })),
        ("DELETE", format!("2.0/mlflow/traces/{TRACE}/tags"), json!({ "key": "a" })),
        ("PATCH", format!("2.0/mlflow/traces/{TRACE}"), json!({ "timestamp_ms": 1, "status": "OK" })),
        (
            "POST",
            format!("3.0/mlflow/traces/{TRACE}/assessments"),
            json!({ "assessment": { "assessment_name": "a", "feedback": { "value": 1 } } }),
        ),
        ("GET", format!("3.0/mlflow/traces/{TRACE}/assessments/a-1"), json!(null)),
        ("DELETE", format!("3.0/mlflow/traces/{TRACE}/assessments/a-1"), json!({})),
        (
            "POST",
            "2.0/mlflow/traces/link-prompts".to_owned(),
            json!({ "trace_id": TRACE, "prompt_versions": [{ "name": "p", "version": "1" }] }),
        ),
        ("POST", "3.0/mlflow/traces/delete-traces".to_owned(), json!({ "experiment_id": hers, "request_ids": [TRACE] })),
    ] {
        let ask = async |path: &str| if method == "GET" { client.get(path).await } else { client.call(method, path, &body).await };
        let (foreign, unknown) = (ask(&path).await, ask(&path.replace(TRACE, "tr-00000000000000000000000000000009")).await);
        refused(&foreign, 404, ABSENT);
        assert_eq!(foreign.body, unknown.body, "{method} {path}");
    }
    let search = json!({ "locations": [{ "mlflow_experiment": { "experiment_id": hers } }] });
    assert_eq!(read(&client.call("POST", "3.0/mlflow/traces/search", &search).await), json!({}));
    let batch = json!({ "trace_ids": [TRACE] });
    assert_eq!(read(&client.call("POST", "3.0/mlflow/traces/batchGetInfos", &batch).await), json!({}));
    let figures = json!({ "experiment_ids": [hers], "view_type": "TRACES", "metric_name": "trace_count", "aggregations": [{ "aggregation_type": 1 }] });
    assert_eq!(read(&client.call("POST", "3.0/mlflow/traces/metrics", &figures).await), json!({}));
    assert_eq!(client.export_json("0", &spans()).await.status, 200, "the id is free in this team");
}

#[tokio::test]
async fn a_viewers_token_reads_traces_and_sends_none() {
    let client = Client::new().await;
    client.export_json("0", &spans()).await;
    let viewer = Client { bearer: format!("Bearer {}", client.house.token("vera", Role::Viewer).await), house: client.house };
    assert_eq!(viewer.get(&format!("3.0/mlflow/traces/{TRACE}")).await.status, 200);
    assert_eq!(viewer.export_json("0", &spans()).await.status, 403);
    assert_eq!(viewer.export(&[("content-type", "application/json")], "nope").await.status, 403, "before anything is read");
}

#[tokio::test]
async fn a_client_says_what_a_trace_is_and_finds_it() {
    let client = Client::new().await;
    let info = json!({ "trace_id": TRACE, "trace_location": { "type": 1, "mlflow_experiment": { "experiment_id": "0" } },
        "request_time": "2026-01-01T00:00:01.250Z", "executionDuration": "0.5s", "state": 2, "request_preview": "hi",
        "trace_metadata": { "mlflow.sourceRun": "r" }, "tags": { "mlflow.traceName": "ask", "mlflow.artifactLocation": "file:///etc", "k": "v" },
        "assessments": [{ "assessment_id": "a-1", "assessment_name": "good", "source": { "source_type": "HUMAN", "source_id": "ada" },
            "feedback": { "value": true }, "create_time": "2026-01-01T00:00:00Z" }] });
    let made =
        read(&client.call("POST", "3.0/mlflow/traces", &json!({ "trace": { "trace_info": info } })).await)["trace"]["trace_info"].take();
    assert_eq!((&made["state"], &made["execution_duration"]), (&json!("ERROR"), &json!("0.500s")));
    assert_eq!(made["tags"]["mlflow.artifactLocation"], format!("mlflow-artifacts:/0/traces/{TRACE}/artifacts"), "that is ours to say");
    assert_eq!((&made["assessments"][0]["feedback"]["value"], &made["assessments"][0]["valid"]), (&json!(true), &json!(true)));
    let search = json!({ "locations": [{ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": "0" } }],
        "filter": "tags.k = 'v' AND feedback.good = 'true'", "order_by": ["timestamp_ms DESC"], "max_results": "10" });
    let found = read(&client.call("POST", "3.0/mlflow/traces/search", &search).await);
    assert_eq!(found["traces"][0]["trace_id"], TRACE);
    let older = read(&client.get("2.0/mlflow/traces?experiment_ids=0&filter=name%20%3D%20%27ask%27").await);
    assert_eq!((&older["traces"][0]["request_id"], &older["traces"][0]["status"]), (&json!(TRACE), &json!("ERROR")));
    assert_eq!(older["traces"][0]["timestamp_ms"], 1_767_225_601_250_i64);
    for (bad, name) in [
        (
            json!({ "trace": { "trace_info": { "trace_id": "../x", "trace_location": info["trace_location"], "request_time": "2026-01-01T00:00:00Z" } } }),
            "trace_id",
        ),
        (
            json!({ "trace": { "trace_info": { "trace_id": "x", "trace_location": info["trace_location"], "request_time": "yesterday" } } }),
            "request_time",
        ),
        (json!({ "trace": { "trace_info": { "trace_id": "x", "request_time": "2026-01-01T00:00:00Z" } } }), "experiment_id"),
        (json!({}), "trace"),
    ] {
        let message = refused(&client.call("POST", "3.0/mlflow/traces", &bad).await, 400, INVALID);
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_used_is_refused() {
    let client = Client::new().await;
    client.export_json("0", &spans()).await;
    let here = json!([{ "mlflow_experiment": { "experiment_id": "0" } }]);
    for bad in [
        json!({}),
        json!({ "locations": here, "max_results": 0 }),
        json!({ "locations": here, "max_results": -1 }),
        json!({ "locations": here, "max_results": 501 }),
        json!({ "locations": here, "max_results": "ten" }),
        json!({ "locations": here, "filter": "name = 'x'; DROP TABLE traces--" }),
        json!({ "locations": here, "filter": "name = '' OR '1'='1'" }),
        json!({ "locations": here, "filter": 5 }),
        json!({ "locations": here, "order_by": ["name ASC; --"] }),
        json!({ "locations": here, "page_token": "bm9wZQ" }),
    ] {
        refused(&client.call("POST", "3.0/mlflow/traces/search", &bad).await, 400, INVALID);
    }
    assert_eq!(
        read(&client.call("POST", "3.0/mlflow/traces/search", &json!({ "locations": here, "max_results": null })).await)["traces"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn assessments_live_as_mlflow_says() {
    let client = Client::new().await;
    client.export_json("0", &spans()).await;
    let path = format!("3.0/mlflow/traces/{TRACE}/assessments");
    let create = async |assessment: Value| client.call("POST", &path, &json!({ "assessment": assessment })).await;
    let truth = json!({ "assessment_name": "truth", "source": { "source_type": 1, "source_id": "ada" },
        "expectation": { "serialized_value": { "serialization_format": "JSON_FORMAT", "value": "{\"n\": [1]}" } } });
    let made = read(&create(truth).await)["assessment"].take();
    let id = made["assessment_id"].as_str().expect("an id");
    assert_eq!((&made["trace_id"], &made["source"]["source_type"]), (&json!(TRACE), &json!("HUMAN")));
    let one = format!("{path}/{id}");
    let change = json!({ "assessment": { "expectation": { "value": "42" }, "assessment_name": "answer" }, "update_mask": "expectation,assessmentName" });
    read(&client.call("PATCH", &one, &change).await);
    let changed = read(&client.get(&one).await)["assessment"].take();
    assert_eq!((&changed["expectation"]["value"], &changed["assessment_name"]), (&json!("42"), &json!("answer")));
    for bad in [
        json!({ "assessment": { "feedback": { "value": 1 } }, "update_mask": "feedback" }),
        json!({ "assessment": { "source": { "source_id": "eve" } }, "update_mask": "source" }),
        json!({ "assessment": {} }),
        json!({ "update_mask": "rationale" }),
    ] {
        refused(&client.call("PATCH", &one, &bad).await, 400, INVALID);
    }
    for bad in [
        json!(null),
        json!({ "assessment_name": "x" }),
        json!({ "assessment_name": "x", "feedback": {}, "expectation": { "value": 1 } }),
        json!({ "assessment_name": "x", "feedback": {}, "source": { "source_type": "ROOT" } }),
        json!({ "assessment_name": "x", "feedback": {}, "create_time": "now" }),
        json!({ "feedback": {} }),
    ] {
        refused(&create(bad).await, 400, INVALID);
    }
    assert_eq!(read(&client.call("DELETE", &one, &json!({})).await), json!({}));
    refused(&client.get(&one).await, 404, ABSENT);
}

#[tokio::test]
async fn figures_and_correlations_are_answered_as_mlflow_does() {
    let client = Client::new().await;
    client.export_json("0", &spans()).await;
    let ask = json!({ "experiment_ids": ["0"], "view_type": "TRACES", "metric_name": "latency", "dimensions": ["trace_name"],
        "aggregations": [{ "aggregation_type": "PERCENTILE", "percentile_value": 50 }, { "aggregation_type": 3 }],
        "time_interval_seconds": "3600", "start_time_ms": 1_767_225_600_000_i64, "end_time_ms": 1_767_225_700_000_i64 });
    let point = read(&client.call("POST", "3.0/mlflow/traces/metrics", &ask).await)["data_points"][0].take();
    assert_eq!(
        point,
        json!({ "metric_name": "latency", "dimensions": { "trace_name": "ask", "time_bucket": "2026-01-01T00:00:00+00:00" },
        "values": { "P50.0": 1500.0, "AVG": 1500.0 } })
    );
    refused(&client.call("POST", "3.0/mlflow/traces/metrics", &json!({ "experiment_ids": ["0"] })).await, 400, INVALID);
    let correlate = json!({ "experiment_ids": ["0"], "filter_string1": "name = 'ask'", "filter_string2": "status = 'ERROR'" });
    let found = read(&client.call("POST", "3.0/mlflow/traces/calculate-filter-correlation", &correlate).await);
    assert_eq!((&found["npmi"], &found["filter1_count"], &found["total_count"]), (&json!("NaN"), &json!(1), &json!(1)));
}

#[tokio::test]
async fn traces_are_tagged_linked_and_deleted() {
    let client = Client::new().await;
    client.export_json("0", &spans()).await;
    let done = async |method: &str, path: &str, body: Value| read(&client.call(method, path, &body).await);
    assert_eq!(done("PATCH", &format!("2.0/mlflow/traces/{TRACE}/tags"), json!({ "key": "k", "value": "v" })).await, json!({}));
    assert_eq!(done("DELETE", &format!("3.0/mlflow/traces/{TRACE}/tags"), json!({ "key": "k" })).await, json!({}));
    refused(
        &client.call("PATCH", &format!("2.0/mlflow/traces/{TRACE}/tags"), &json!({ "key": "mlflow.artifactLocation", "value": "x" })).await,
        400,
        INVALID,
    );
    let run = done("POST", "2.0/mlflow/runs/create", json!({ "experiment_id": "0" })).await["run"]["info"]["run_id"].take();
    assert_eq!(done("POST", "2.0/mlflow/traces/link-to-run", json!({ "trace_ids": [TRACE], "run_id": run })).await, json!({}));
    let many: Vec<String> = (0..101).map(|i| format!("tr-{i}")).collect();
    refused(&client.call("POST", "2.0/mlflow/traces/link-to-run", &json!({ "trace_ids": many, "run_id": run })).await, 400, INVALID);
    let prompts = json!({ "trace_id": TRACE, "prompt_versions": [{ "name": "greet", "version": "2" }] });
    assert_eq!(done("POST", "2.0/mlflow/traces/link-prompts", prompts).await, json!({}));
    let search = json!({ "locations": [{ "mlflow_experiment": { "experiment_id": "0" } }], "filter": format!("run_id = '{}' AND prompt = 'greet/2'", run.as_str().expect("an id")) });
    assert_eq!(done("POST", "3.0/mlflow/traces/search", search).await["traces"][0]["trace_id"], TRACE);
    refused(&client.call("POST", "3.0/mlflow/traces/delete-traces", &json!({ "experiment_id": "0" })).await, 400, INVALID);
    let gone = done("POST", "2.0/mlflow/traces/delete-traces", json!({ "experiment_id": "0", "request_ids": [TRACE] })).await;
    assert_eq!(gone, json!({ "traces_deleted": 1 }));
    refused(&client.get(&format!("3.0/mlflow/traces/{TRACE}")).await, 404, ABSENT);
}

#[tokio::test]
async fn older_clients_begin_and_end_a_trace_over_http() {
    let client = Client::new().await;
    let start = json!({ "experiment_id": "0", "timestamp_ms": "1767225600000", "tags": [{ "key": "k", "value": "v" }] });
    let begun = read(&client.call("POST", "2.0/mlflow/traces", &start).await)["trace_info"].take();
    assert_eq!((&begun["status"], &begun["experiment_id"]), (&json!("IN_PROGRESS"), &json!("0")));
    let path = format!("2.0/mlflow/traces/{}", begun["request_id"].as_str().expect("an id"));
    let ended =
        read(&client.call("PATCH", &path, &json!({ "timestamp_ms": 1_767_225_600_250_i64, "status": "OK" })).await)["trace_info"].take();
    assert_eq!((&ended["status"], &ended["execution_time_ms"]), (&json!("OK"), &json!(250)));
    assert_eq!(read(&client.get(&format!("{path}/info")).await)["trace_info"], ended);
}
