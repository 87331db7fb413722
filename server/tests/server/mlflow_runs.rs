//! Experiments, runs and metrics as MLflow's clients ask for them: what is answered, and what is refused how.

use crate::house::{Answer, House};
use domain::{
    Caller,
    model::{NewToken, Role},
    testing::email,
};
use serde_json::{Value, json};

/// A client with a token of a team.
struct Client {
    house: House,
    bearer: String,
}

const API: &str = "/api/2.0/mlflow/";

impl Client {
    async fn new() -> Self {
        let house = House::new().await;
        let bearer = format!("Bearer {}", house.token("ada", Role::Member).await);
        Self { house, bearer }
    }

    async fn send(&self, bearer: &str, path: &str, kind: &str, body: &str) -> Answer {
        let headers = [("authorization", bearer), ("content-type", kind)];
        self.house.send("POST", &format!("{API}{path}"), &headers, body).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(&self.bearer, path, "application/json", &body.to_string()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.house.get(&format!("{API}{path}"), &[("authorization", &self.bearer)]).await
    }

    async fn done(&self, path: &str, body: Value) -> Value {
        read(&self.post(path, &body).await)
    }

    async fn experiment(&self, name: &str) -> String {
        self.done("experiments/create", json!({ "name": name })).await["experiment_id"].as_str().expect("an id").to_owned()
    }

    async fn run(&self) -> String {
        self.done("runs/create", json!({ "experiment_id": "0" })).await["run"]["info"]["run_id"].as_str().expect("an id").to_owned()
    }

    async fn found(&self, run: &str) -> Value {
        read(&self.get(&format!("runs/get?run_id={run}")).await)["run"].take()
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

const INVALID: &str = "INVALID_PARAMETER_VALUE";
const ABSENT: &str = "RESOURCE_DOES_NOT_EXIST";

#[tokio::test]
async fn an_experiment_lives_as_mlflow_says() {
    let client = Client::new().await;
    let id = client.experiment("one").await;
    let experiment = read(&client.get(&format!("experiments/get?experiment_id={id}")).await)["experiment"].take();
    assert_eq!((&experiment["name"], &experiment["lifecycle_stage"]), (&json!("one"), &json!("active")));
    assert!(experiment["creation_time"].is_i64() && experiment["artifact_location"] == format!("mlflow-artifacts:/{id}"));
    assert_eq!(read(&client.get("experiments/get-by-name?experiment_name=Default").await)["experiment"]["experiment_id"], "0");
    refused(&client.post("experiments/create", &json!({ "name": "one" })).await, 400, "RESOURCE_ALREADY_EXISTS");
    client.done("experiments/set-experiment-tag", json!({ "experiment_id": id, "key": "k", "value": "1" })).await;
    client.done("experiments/update", json!({ "experimentId": id, "newName": "two" })).await;
    client.done("experiments/delete", json!({ "experiment_id": id })).await;
    let experiment = read(&client.get(&format!("experiments/get?experiment_id={id}")).await)["experiment"].take();
    assert_eq!((&experiment["name"], &experiment["lifecycle_stage"]), (&json!("two"), &json!("deleted")));
    assert_eq!(experiment["tags"], json!([{ "key": "k", "value": "1" }]));
    refused(&client.post("experiments/update", &json!({ "experiment_id": id, "new_name": "three" })).await, 400, INVALID);
    refused(&client.post("runs/create", &json!({ "experiment_id": id })).await, 400, INVALID);
    client.done("experiments/restore", json!({ "experiment_id": id })).await;
    refused(&client.post("experiments/restore", &json!({ "experiment_id": id })).await, 404, ABSENT);
    client.done("experiments/delete-experiment-tag", json!({ "experiment_id": id, "key": "k" })).await;
    refused(&client.get("experiments/get?experiment_id=99999").await, 404, ABSENT);
    assert!(refused(&client.post("experiments/create", &json!({})).await, 400, INVALID).contains("'name'"));
}

#[tokio::test]
async fn a_run_logs_and_is_read_under_either_name() {
    let client = Client::new().await;
    let run = client.run().await;
    client.done("runs/log-metric", json!({ "run_uuid": run, "key": "m", "value": "NaN", "timestamp": "1" })).await;
    client.done("runs/log-metric", json!({ "run_id": run, "key": "n", "value": "-Infinity", "timestamp": 1, "step": -3 })).await;
    client.done("runs/log-parameter", json!({ "run_id": run, "key": "empty", "value": "" })).await;
    client.done("runs/set-tag", json!({ "run_id": run, "key": "mlflow.runName", "value": "called" })).await;
    let status = client.done("runs/update", json!({ "run_id": run, "status": 3, "end_time": 77 })).await;
    assert_eq!((&status["run_info"]["status"], &status["run_info"]["end_time"]), (&json!("FINISHED"), &json!(77)));
    let found = read(&client.get(&format!("runs/get?run_uuid={run}")).await)["run"].take();
    assert_eq!(found["info"]["run_uuid"], json!(run));
    assert_eq!((&found["info"]["run_name"], &found["info"]["lifecycle_stage"]), (&json!("called"), &json!("active")));
    assert_eq!(found["data"]["metrics"][0], json!({ "key": "m", "value": "NaN", "timestamp": 1, "step": 0 }));
    assert_eq!(found["data"]["metrics"][1]["value"], json!(f64::MIN));
    assert_eq!((&found["data"]["params"], &found["inputs"]), (&json!([{ "key": "empty", "value": "" }]), &json!({})));
    client.done("runs/delete-tag", json!({ "run_id": run, "key": "mlflow.runName" })).await;
    client.done("runs/delete", json!({ "run_id": run })).await;
    for (path, more) in [
        ("log-parameter", json!({ "key": "a", "value": "b" })),
        ("set-tag", json!({ "key": "a", "value": "b" })),
        ("update", json!({ "status": "FAILED" })),
    ] {
        let mut body = more;
        body["run_id"] = json!(run);
        refused(&client.post(&format!("runs/{path}"), &body).await, 400, INVALID);
    }
    client.done("runs/restore", json!({ "run_id": run })).await;
    refused(&client.post("runs/update", &json!({ "run_id": run, "status": "DONE" })).await, 400, INVALID);
}

#[tokio::test]
async fn a_history_is_read_whole_in_pages_and_of_several_runs() {
    let client = Client::new().await;
    let run = client.run().await;
    let points: Vec<_> = (0..25).map(|i| json!({ "key": "m", "value": i, "timestamp": i, "step": i })).collect();
    client.done("runs/log-batch", json!({ "run_id": run, "metrics": points })).await;
    let path = format!("metrics/get-history?run_id={run}&metric_key=m");
    let all = read(&client.get(&path).await);
    assert_eq!((all["metrics"].as_array().map(Vec::len), all.get("next_page_token")), (Some(25), None));
    assert_eq!(all["metrics"][3], json!({ "key": "m", "value": 3.0, "timestamp": 3, "step": 3 }));
    let (mut steps, mut token) = (Vec::new(), String::new());
    loop {
        let page = read(&client.get(&format!("{path}&max_results=10&page_token={token}")).await);
        steps.extend(page["metrics"].as_array().expect("points").iter().map(|m| m["step"].as_i64().expect("a step")));
        match page["next_page_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(steps, (0..25).collect::<Vec<_>>());
    assert_eq!(read(&client.get(&format!("metrics/get-history?run_id={run}&metric_key=never")).await), json!({}));
    let several = format!("/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run}&run_id=x&metric_key=m");
    let several = read(&client.house.get(&several, &[("authorization", &client.bearer)]).await);
    assert_eq!((several["metrics"].as_array().map(Vec::len), &several["metrics"][0]["run_id"]), (Some(25), &json!(run)));
    let thin = read(&client.get(&format!("metrics/get-history-bulk-interval?run_ids={run}&metric_key=m&max_results=5")).await);
    let steps: Vec<_> = thin["metrics"].as_array().expect("points").iter().map(|m| m["step"].as_i64()).collect();
    assert_eq!(steps, [0, 6, 12, 18, 24].map(Some));
}

#[tokio::test]
async fn numbers_of_pages_and_points_that_make_no_sense_are_refused() {
    let client = Client::new().await;
    let run = client.run().await;
    let path = format!("metrics/get-history?run_id={run}&metric_key=m");
    for bad in ["-1", "0", "1e309", "x"] {
        refused(&client.get(&format!("{path}&max_results={bad}")).await, 400, INVALID);
    }
    read(&client.get(&format!("{path}&max_results=10")).await);
    for token in ["garbage", "MTA", "eyJvZmZzZXQiOiAxfQ=="] {
        refused(&client.get(&format!("{path}&page_token={token}")).await, 400, INVALID);
    }
    let interval = format!("metrics/get-history-bulk-interval?metric_key=m&run_ids={run}");
    for bad in ["max_results=0", "max_results=2501", "start_step=1", "start_step=2&end_step=1", "start_step=x&end_step=2"] {
        refused(&client.get(&format!("{interval}&{bad}")).await, 400, INVALID);
    }
    let many = (0..101).fold(String::new(), |many, i| many + "&run_ids=" + &i.to_string());
    refused(&client.get(&format!("metrics/get-history-bulk-interval?metric_key=m{many}")).await, 400, INVALID);
    refused(&client.get("metrics/get-history-bulk?metric_key=m").await, 400, INVALID);
}

#[tokio::test]
async fn numbers_that_do_not_fit_are_refused_and_odd_ones_kept() {
    let client = Client::new().await;
    let run = client.run().await;
    let log = async |value: &str, timestamp: &str, step: &str| {
        let body = format!(r#"{{"run_id":"{run}","key":"m","value":{value},"timestamp":{timestamp},"step":{step}}}"#);
        client.send(&client.bearer, "runs/log-metric", "application/json", &body).await
    };
    for (value, timestamp, step) in [
        ("1e400", "1", "1"),
        ("\"1e400\"", "1", "1"),
        ("\"abc\"", "1", "1"),
        ("null", "1", "1"),
        ("true", "1", "1"),
        ("1", "-1", "1"),
        ("1", "9223372036854775808", "1"),
        ("1", "null", "1"),
        ("1", "1", "9223372036854775808"),
        ("1", "1", "-9223372036854775809"),
        ("1", "1", "1.5"),
    ] {
        refused(&log(value, timestamp, step).await, 400, INVALID);
    }
    assert_eq!(client.found(&run).await["data"].get("metrics"), None);
    read(&log("-0.0", "9223372036854775807", "-9223372036854775808").await);
    let kept = read(&client.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await)["metrics"][0].take();
    assert_eq!((kept["value"].as_f64().map(f64::to_bits), &kept["step"]), (Some((-0.0_f64).to_bits()), &json!(i64::MIN)));
    assert_eq!(client.found(&run).await["data"]["metrics"][0]["timestamp"], json!(i64::MAX));
}

#[tokio::test]
async fn a_double_comes_back_to_the_last_bit() {
    let client = Client::new().await;
    let run = client.run().await;
    for value in [0.1, 1.0 / 3.0, 1e-300, 123_456_789.123_456_79, -5e-324, 9_007_199_254_740_992.0, f64::MAX] {
        client.done("runs/log-metric", json!({ "run_id": run, "key": "m", "value": value, "timestamp": 1 })).await;
    }
    let found = read(&client.get(&format!("metrics/get-history?run_id={run}&metric_key=m")).await);
    let mut values: Vec<f64> = found["metrics"].as_array().expect("points").iter().filter_map(|m| m["value"].as_f64()).collect();
    values.sort_by(f64::total_cmp);
    let bits: Vec<u64> = values.into_iter().map(f64::to_bits).collect();
    let expected = [-5e-324, 1e-300, 0.1, 1.0 / 3.0, 123_456_789.123_456_79, 9_007_199_254_740_992.0, f64::MAX];
    assert_eq!(bits, expected.map(f64::to_bits));
}

#[tokio::test]
async fn a_batch_beyond_the_limits_writes_nothing() {
    let client = Client::new().await;
    let run = client.run().await;
    let metrics = |count: usize| (0..count).map(|i| json!({ "key": format!("m{i}"), "value": 1, "timestamp": 1 })).collect::<Vec<_>>();
    let pairs = |count: usize| (0..count).map(|i| json!({ "key": format!("k{i}"), "value": "v" })).collect::<Vec<_>>();
    for batch in [
        json!({ "run_id": run, "metrics": metrics(1001) }),
        json!({ "run_id": run, "params": pairs(101) }),
        json!({ "run_id": run, "tags": pairs(101) }),
        json!({ "run_id": run, "metrics": metrics(900), "params": pairs(100), "tags": pairs(1) }),
        json!({ "run_id": run, "metrics": metrics(1), "tags": [{ "key": "big", "value": "x".repeat(1024 * 1024) }] }),
        json!({ "run_id": run, "metrics": metrics(1), "params": [{ "key": "p", "value": "1" }, { "key": "p", "value": "2" }] }),
    ] {
        refused(&client.post("runs/log-batch", &batch).await, 400, INVALID);
    }
    let missing = json!({ "run_id": run, "metrics": [{ "key": "a", "value": 1, "timestamp": 1 }, { "value": 1, "timestamp": 1 }] });
    assert!(refused(&client.post("runs/log-batch", &missing).await, 400, INVALID).contains("metrics[1].key"));
    let bad_name =
        json!({ "run_id": run, "metrics": [{ "key": "a", "value": 1, "timestamp": 1 }, { "key": "../x", "value": 1, "timestamp": 1 }] });
    assert!(refused(&client.post("runs/log-batch", &bad_name).await, 400, INVALID).contains("metrics[1].name"));
    assert_eq!(client.found(&run).await["data"].get("metrics"), None);
    client.done("runs/log-batch", json!({ "run_id": run, "metrics": metrics(800), "params": pairs(100), "tags": pairs(100) })).await;
    client.done("runs/log-batch", json!({ "run_id": run })).await;
    refused(&client.post("runs/log-batch", &json!({ "metrics": [] })).await, 400, INVALID);
    refused(&client.post("runs/log-batch", &json!({ "run_id": "b".repeat(32), "metrics": [] })).await, 404, ABSENT);
}

#[tokio::test]
async fn a_batch_whose_last_param_conflicts_leaves_nothing() {
    let client = Client::new().await;
    let run = client.run().await;
    client.done("runs/log-parameter", json!({ "run_id": run, "key": "p", "value": "1" })).await;
    let batch = json!({
        "run_id": run,
        "metrics": [{ "key": "m", "value": 1, "timestamp": 1 }],
        "params": [{ "key": "a", "value": "1" }, { "key": "p", "value": "2" }],
        "tags": [{ "key": "t", "value": "1" }],
    });
    refused(&client.post("runs/log-batch", &batch).await, 400, INVALID);
    let data = client.found(&run).await["data"].take();
    assert_eq!((data.get("metrics"), &data["params"]), (None, &json!([{ "key": "p", "value": "1" }])));
    assert_eq!(data["tags"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_field_that_is_said_twice_is_refused() {
    let client = Client::new().await;
    let (mine, theirs) = (client.run().await, client.run().await);
    for body in [
        format!(r#"{{"run_id":"{mine}","run_id":"{theirs}","key":"a","value":"b"}}"#),
        format!(r#"{{"run_id":"{mine}","runId":"{theirs}","key":"a","value":"b"}}"#),
    ] {
        refused(&client.send(&client.bearer, "runs/set-tag", "application/json", &body).await, 400, INVALID);
    }
    let body = json!({ "run_id": mine, "key": "a", "value": "b" });
    for query in [format!("run_id={theirs}"), format!("runId={theirs}")] {
        refused(&client.post(&format!("runs/set-tag?{query}"), &body).await, 400, INVALID);
    }
    client.done("runs/set-tag?trace=1", body).await;
    assert_eq!(client.found(&theirs).await["data"]["tags"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn json_in_another_kind_of_content_has_no_effect() {
    let client = Client::new().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = client.send(&client.bearer, "experiments/create", kind, r#"{"name":"planted"}"#).await;
        refused(&answer, 400, INVALID);
    }
    refused(&client.get("experiments/get-by-name?experiment_name=planted").await, 404, ABSENT);
}

#[tokio::test]
async fn what_the_server_decides_nobody_else_says() {
    let client = Client::new().await;
    for place in ["file:///etc", "/etc", "./here", "s3://b/../c", "s3://b/%2e%2e/c", "s3://b#x", "s3://b?x=1"] {
        refused(&client.post("experiments/create", &json!({ "name": "x", "artifact_location": place })).await, 400, INVALID);
    }
    let body = json!({ "name": "x", "team": "blue", "owner": "root", "lifecycle_stage": "deleted", "artifact_location": "s3://b/p" });
    let id = client.done("experiments/create", body).await["experiment_id"].take();
    let found = read(&client.get(&format!("experiments/get?experiment_id={}", id.as_str().expect("an id"))).await)["experiment"].take();
    assert_eq!((&found["lifecycle_stage"], &found["artifact_location"]), (&json!("active"), &json!("s3://b/p")));
    let run = client.run().await;
    client.done("runs/set-tag", json!({ "run_id": run, "key": "mlflow.user", "value": "root" })).await;
    refused(&client.post("runs/set-tag", &json!({ "run_id": run, "key": "slipway.team", "value": "blue" })).await, 400, INVALID);
    let batch = json!({ "run_id": run, "tags": [{ "key": "slipway.notebook", "value": "x" }] });
    refused(&client.post("runs/log-batch", &batch).await, 400, INVALID);
    let tag = json!({ "experiment_id": "0", "key": "slipway.team", "value": "blue" });
    refused(&client.post("experiments/set-experiment-tag", &tag).await, 400, INVALID);
    let ada = client.house.test.caller("ada").await;
    let kept = domain::tracking::runs::get(&client.house.portal, &ada, "red", &run.as_str().into()).await.expect("the run");
    assert_eq!(kept.created_by, "ada@example.com", "whatever its tags say");
}

#[tokio::test]
async fn names_with_hidden_or_too_many_characters_are_refused() {
    let client = Client::new().await;
    let run = client.run().await;
    for bad in ["a\0b", "a\u{202e}b", "a\u{200b}b", &"x".repeat(5000), "   "] {
        refused(&client.post("experiments/create", &json!({ "name": bad })).await, 400, INVALID);
    }
    for bad in ["../x", "/abs", "a//b", "a\0b", "a\u{202e}b", "a\u{200d}b", "x@y", &"k".repeat(251)] {
        for path in ["runs/log-parameter", "runs/set-tag"] {
            refused(&client.post(path, &json!({ "run_id": run, "key": bad, "value": "v" })).await, 400, INVALID);
        }
        let metric = json!({ "run_id": run, "key": bad, "value": 1, "timestamp": 1 });
        refused(&client.post("runs/log-metric", &metric).await, 400, INVALID);
    }
}

#[tokio::test]
async fn another_teams_experiments_and_runs_are_like_none() {
    let client = Client::new().await;
    let (experiment, run) = (client.experiment("one").await, client.run().await);
    let new = NewToken { name: "theirs".into(), team: "blue".into(), role: Role::Admin, days: 30 };
    let (_, secret) = domain::tokens::create_for(&client.house.portal, &Caller::console(), &email("eve"), new).await.expect("a token");
    let bearer = format!("Bearer {secret}");
    let (unknown, nowhere) = ("0".repeat(32), "99999".to_owned());
    for (path, own, other) in [
        ("experiments/delete", json!({ "experiment_id": experiment }), json!({ "experiment_id": nowhere })),
        ("experiments/restore", json!({ "experiment_id": experiment }), json!({ "experiment_id": nowhere })),
        (
            "experiments/update",
            json!({ "experiment_id": experiment, "new_name": "x" }),
            json!({ "experiment_id": nowhere, "new_name": "x" }),
        ),
        (
            "experiments/set-experiment-tag",
            json!({ "experiment_id": experiment, "key": "x" }),
            json!({ "experiment_id": nowhere, "key": "x" }),
        ),
        (
            "experiments/delete-experiment-tag",
            json!({ "experiment_id": experiment, "key": "x" }),
            json!({ "experiment_id": nowhere, "key": "x" }),
        ),
        ("runs/create", json!({ "experiment_id": experiment }), json!({ "experiment_id": nowhere })),
        ("runs/log-batch", json!({ "run_id": run }), json!({ "run_id": unknown })),
        (
            "runs/log-metric",
            json!({ "run_id": run, "key": "m", "value": 1, "timestamp": 1 }),
            json!({ "run_id": unknown, "key": "m", "value": 1, "timestamp": 1 }),
        ),
        ("runs/log-parameter", json!({ "run_id": run, "key": "m", "value": "1" }), json!({ "run_id": unknown, "key": "m", "value": "1" })),
        ("runs/set-tag", json!({ "run_id": run, "key": "m", "value": "1" }), json!({ "run_id": unknown, "key": "m", "value": "1" })),
        ("runs/delete-tag", json!({ "run_id": run, "key": "mlflow.runName" }), json!({ "run_id": unknown, "key": "mlflow.runName" })),
        ("runs/update", json!({ "run_id": run, "status": "FAILED" }), json!({ "run_id": unknown, "status": "FAILED" })),
        ("runs/delete", json!({ "run_id": run }), json!({ "run_id": unknown })),
        ("runs/restore", json!({ "run_id": run }), json!({ "run_id": unknown })),
    ] {
        let own = client.send(&bearer, path, "application/json", &own.to_string()).await;
        let other = client.send(&bearer, path, "application/json", &other.to_string()).await;
        assert_eq!((refused(&own, 404, ABSENT), own.status), (refused(&other, 404, ABSENT), other.status), "{path}");
    }
    let get = async |path: String| client.house.get(&format!("{API}{path}"), &[("authorization", &bearer)]).await;
    refused(&get(format!("experiments/get?experiment_id={experiment}")).await, 404, ABSENT);
    refused(&get("experiments/get-by-name?experiment_name=one".to_owned()).await, 404, ABSENT);
    refused(&get(format!("runs/get?run_id={run}")).await, 404, ABSENT);
    assert_eq!(read(&get(format!("metrics/get-history?run_id={run}&metric_key=m")).await), json!({}));
}

#[tokio::test]
async fn a_viewers_token_reads_and_logs_nothing() {
    let client = Client::new().await;
    let run = client.run().await;
    let bearer = format!("Bearer {}", client.house.token("vera", Role::Viewer).await);
    for (path, body) in [
        ("experiments/create", json!({ "name": "x" })),
        ("runs/create", json!({})),
        ("runs/log-batch", json!({ "run_id": run })),
        ("runs/delete", json!({ "run_id": run })),
    ] {
        refused(&client.send(&bearer, path, "application/json", &body.to_string()).await, 403, "PERMISSION_DENIED");
    }
    let answer = client.house.get(&format!("{API}runs/get?run_id={run}"), &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200);
    let nobody = client.house.get(&format!("{API}runs/get?run_id={run}"), &[]).await;
    refused(&nobody, 401, "UNAUTHENTICATED");
}
