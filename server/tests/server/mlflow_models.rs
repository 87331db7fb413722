//! Logged models, inputs and outputs of runs, evaluation datasets and scorers as MLflow's clients ask for them.

use crate::house::{Answer, House};
use domain::{
    Caller,
    model::{NewToken, Role},
    testing::email,
};
use serde_json::{Value, json};

/// Clients with tokens: ada of `red`, vera who only sees `red`, eve of `blue`.
struct Clients {
    house: House,
    ada: String,
    vera: String,
    eve: String,
}

impl Clients {
    async fn new() -> Self {
        let house = House::new().await;
        let (ada, vera) = (house.token("ada", Role::Member).await, house.token("vera", Role::Viewer).await);
        let new = NewToken { name: "test".into(), team: "blue".into(), role: Role::Admin, days: 30 };
        let eve = domain::tokens::create_for(&house.portal, &Caller::console(), &email("eve"), new).await.expect("a token").1;
        Self { house, ada, vera, eve }
    }

    async fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.house.send(method, &format!("/api/{path}"), &headers, &text).await
    }

    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(&self.ada, method, path, &body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    async fn refused(&self, method: &str, path: &str, body: Value, status: u16, code: &str) -> String {
        let answer = self.ask(&self.ada, method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.body);
        let refusal: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(refusal["error_code"], code, "{refusal}");
        refusal["message"].as_str().expect("a message").to_owned()
    }

    async fn run(&self) -> String {
        let made = self.done("POST", "2.0/mlflow/runs/create", json!({ "experiment_id": "0" })).await;
        made["run"]["info"]["run_id"].as_str().expect("an id").to_owned()
    }

    async fn model(&self, name: &str) -> String {
        let made = self.done("POST", MODELS, json!({ "experiment_id": "0", "name": name })).await;
        made["model"]["info"]["model_id"].as_str().expect("an id").to_owned()
    }
}

const MODELS: &str = "2.0/mlflow/logged-models";
const INVALID: &str = "INVALID_PARAMETER_VALUE";
const ABSENT: &str = "RESOURCE_DOES_NOT_EXIST";

#[tokio::test]
async fn a_logged_model_lives_as_mlflow_says() {
    let c = Clients::new().await;
    let run = c.run().await;
    let body = json!({ "experimentId": "0", "name": "net", "modelType": "agent", "source_run_id": run,
        "params": [{ "key": "p", "value": "1" }], "tags": [{ "key": "t", "value": "2" }] });
    let made = c.done("POST", MODELS, body).await["model"].take();
    let id = made["info"]["model_id"].as_str().expect("an id").to_owned();
    assert!(id.len() == 34 && id.starts_with("m-"), "{id}");
    assert_eq!(made["info"]["status"], "LOGGED_MODEL_PENDING");
    assert_eq!(made["info"]["artifact_uri"], format!("mlflow-artifacts:/0/models/{id}/artifacts"));
    assert!(made["info"]["creation_timestamp_ms"].is_i64() && made["info"]["source_run_id"] == run.as_str());
    assert_eq!(made["data"]["params"], json!([{ "key": "p", "value": "1" }]));
    let one = format!("{MODELS}/{id}");
    for (status, shown) in [(json!(2), "LOGGED_MODEL_READY"), (json!("LOGGED_MODEL_UPLOAD_FAILED"), "LOGGED_MODEL_UPLOAD_FAILED")] {
        assert_eq!(c.done("PATCH", &one, json!({ "model_id": id, "status": status })).await["model"]["info"]["status"], shown);
    }
    for status in [json!("READY"), json!(0), json!(9)] {
        c.refused("PATCH", &one, json!({ "status": status }), 400, INVALID).await;
    }
    c.done("POST", &format!("{one}/params"), json!({ "params": [{ "key": "q", "value": "3" }] })).await;
    c.done("PATCH", &format!("{one}/tags"), json!({ "tags": [{ "key": "x", "value": "y" }] })).await;
    c.done("DELETE", &format!("{one}/tags/t"), Value::Null).await;
    c.refused("DELETE", &format!("{one}/tags/t"), Value::Null, 404, ABSENT).await;
    let got = c.done("GET", &one, Value::Null).await["model"].take();
    assert_eq!(got["info"]["tags"], json!([{ "key": "x", "value": "y" }]));
    assert_eq!(got["data"]["params"].as_array().map(Vec::len), Some(2));
    c.done("DELETE", &one, Value::Null).await;
    c.refused("GET", &one, Value::Null, 404, ABSENT).await;
    assert_eq!(c.done("GET", &format!("{one}?allow_deleted=true"), Value::Null).await["model"]["info"]["name"], "net");
}

#[tokio::test]
async fn a_logged_model_says_which_versions_come_from_it() {
    let c = Clients::new().await;
    let (model, other) = (c.model("net").await, c.model("other").await);
    let one = format!("{MODELS}/{model}");
    assert_eq!(c.done("GET", &one, Value::Null).await["model"]["info"].get("registrations"), None);
    c.done("PATCH", &format!("{one}/tags"), json!({ "tags": [{ "key": "mlflow.modelVersions", "value": "[]" }] })).await;
    c.done("POST", "2.0/mlflow/registered-models/create", json!({ "name": "wine" })).await;
    let version = json!({ "name": "wine", "source": format!("models:/{model}"), "model_id": model });
    for _ in 0..2 {
        c.done("POST", "2.0/mlflow/model-versions/create", version.clone()).await;
    }
    let both = json!([{ "name": "wine", "version": "1" }, { "name": "wine", "version": "2" }]);
    let got = c.done("GET", &one, Value::Null).await["model"]["info"].take();
    let tag = json!([{ "key": "mlflow.modelVersions", "value": r#"[{"name":"wine","version":1},{"name":"wine","version":2}]"# }]);
    assert_eq!((&got["registrations"], &got["tags"]), (&both, &tag));
    c.done("DELETE", "2.0/mlflow/model-versions/delete", json!({ "name": "wine", "version": "1" })).await;
    let found = c.done("POST", &format!("{MODELS}/search"), json!({ "experiment_ids": ["0"] })).await["models"].take();
    let of = |id: &str| found.as_array().and_then(|all| all.iter().find(|m| m["info"]["model_id"] == id)).map(|m| m["info"].clone());
    assert_eq!(of(&model).expect("found")["registrations"], json!([{ "name": "wine", "version": "2" }]));
    assert_eq!(of(&other).expect("found").get("registrations"), None);
}

#[tokio::test]
async fn a_logged_model_with_a_bad_name_or_none_of_what_it_needs_is_refused() {
    let c = Clients::new().await;
    for name in ["a/b", "a:b", "a.b", "a%2fb", "a\"b", "a'b", "a\u{0}b", "a\u{202e}b", &"n".repeat(501)] {
        c.refused("POST", MODELS, json!({ "experiment_id": "0", "name": name }), 400, INVALID).await;
    }
    let message = c.refused("POST", MODELS, json!({ "name": "x" }), 400, INVALID).await;
    assert!(message.contains("'experiment_id'"), "{message}");
    c.refused("POST", MODELS, json!({ "experiment_id": 5 }), 400, INVALID).await;
    c.refused("POST", MODELS, json!({ "experiment_id": "77" }), 404, ABSENT).await;
    let unnamed = c.done("POST", MODELS, json!({ "experiment_id": "0" })).await;
    assert!(unnamed["model"]["info"]["name"].as_str().is_some_and(|n| !n.is_empty()));
}

#[tokio::test]
async fn a_metric_with_a_model_shows_on_both() {
    let c = Clients::new().await;
    let (run, model) = (c.run().await, c.model("net").await);
    let metric = json!({ "run_id": run, "key": "f1", "value": 0.5, "timestamp": 1, "step": 2, "model_id": model,
        "dataset_name": "d", "dataset_digest": "1" });
    c.done("POST", "2.0/mlflow/runs/log-metric", metric).await;
    let nan = json!({ "key": "loss", "value": "NaN", "timestamp": 1, "modelId": model });
    c.done("POST", "2.0/mlflow/runs/log-batch", json!({ "run_id": run, "metrics": [nan] })).await;
    let shown = c.done("GET", &format!("{MODELS}/{model}"), Value::Null).await["model"]["data"]["metrics"].take();
    assert_eq!(
        shown,
        json!([
            { "key": "f1", "value": 0.5, "timestamp": 1, "step": 2, "dataset_name": "d", "dataset_digest": "1", "model_id": model, "run_id": run },
            { "key": "loss", "value": "NaN", "timestamp": 1, "step": 0, "model_id": model, "run_id": run },
        ])
    );
    let logged = c.done("GET", &format!("2.0/mlflow/runs/get?run_id={run}"), Value::Null).await;
    assert_eq!(logged["run"]["data"]["metrics"].as_array().map(Vec::len), Some(2));
    let unknown = json!({ "run_id": run, "key": "f2", "value": 1, "timestamp": 1, "model_id": "m-none" });
    c.refused("POST", "2.0/mlflow/runs/log-metric", unknown, 404, ABSENT).await;
}

#[tokio::test]
async fn logged_models_are_searched_in_pages() {
    let c = Clients::new().await;
    for name in ["a", "b", "c"] {
        c.model(name).await;
    }
    let path = format!("{MODELS}/search");
    let order = json!([{ "field_name": "name", "ascending": false }]);
    let ask = json!({ "experiment_ids": ["0", "77"], "order_by": order, "max_results": 2 });
    let page = c.done("POST", &path, ask.clone()).await;
    let names = |page: &Value| page["models"].as_array().map_or(0, Vec::len);
    assert_eq!((names(&page), &page["models"][0]["info"]["name"]), (2, &json!("c")));
    let mut next = ask.clone();
    next["page_token"] = page["next_page_token"].clone();
    let last = c.done("POST", &path, next.clone()).await;
    assert_eq!((names(&last), &last["models"][0]["info"]["name"], last.get("next_page_token")), (1, &json!("a"), None));
    next["filter"] = json!("name = 'a'");
    c.refused("POST", &path, next, 400, INVALID).await;
    for (field, bad) in [
        ("max_results", json!(0)),
        ("max_results", json!(-1)),
        ("max_results", json!(50_001)),
        ("max_results", json!("x")),
        ("page_token", json!("garbage")),
        ("filter", json!("name = 'a' OR 1 = 1")),
        ("order_by", json!([{ "field_name": "params.x" }])),
        ("order_by", json!([{}])),
        ("datasets", json!([{ "dataset_digest": "1" }])),
        ("experiment_ids", json!([])),
    ] {
        let mut ask = ask.clone();
        ask[field] = bad;
        c.refused("POST", &path, ask, 400, INVALID).await;
    }
}

#[tokio::test]
async fn inputs_and_outputs_show_on_their_run() {
    let c = Clients::new().await;
    let (run, model) = (c.run().await, c.model("net").await);
    let found = async || c.done("GET", &format!("2.0/mlflow/runs/get?run_id={run}"), Value::Null).await["run"].take();
    let empty = found().await;
    assert!(empty["inputs"] == json!({}) && empty.get("outputs").is_none());
    let dataset = json!({ "name": "ds", "digest": "d1", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}" });
    let tags = json!([{ "key": "mlflow.data.context", "value": "train" }]);
    let inputs = json!({ "run_id": run, "datasets": [{ "dataset": dataset, "tags": tags }], "models": [{ "model_id": model }] });
    c.done("POST", "2.0/mlflow/runs/log-inputs", inputs).await;
    c.done("POST", "2.0/mlflow/runs/outputs", json!({ "run_id": run, "models": [{ "model_id": model, "step": "4" }] })).await;
    let shown = found().await;
    assert_eq!(
        shown["inputs"],
        json!({ "dataset_inputs": [{ "dataset": dataset, "tags": tags }], "model_inputs": [{ "model_id": model }] })
    );
    assert_eq!(shown["outputs"], json!({ "model_outputs": [{ "model_id": model, "step": 4 }] }));
    let datasets = c.done("POST", "2.0/mlflow/experiments/search-datasets", json!({ "experiment_ids": ["0"] })).await;
    assert_eq!(datasets["dataset_summaries"], json!([{ "experiment_id": "0", "name": "ds", "digest": "d1", "context": "train" }]));
    for bad in [
        json!({ "run_id": run, "datasets": [{ "tags": [] }] }),
        json!({ "run_id": run, "datasets": [{ "dataset": { "name": "x" } }] }),
        json!({ "run_id": run, "datasets": [{ "dataset": { "name": "x".repeat(501), "digest": "1" } }] }),
        json!({ "run_id": run, "datasets": [{ "dataset": { "name": "x", "digest": "1" }, "tags": [{ "key": "k", "value": "v".repeat(501) }] }] }),
        json!({ "datasets": [] }),
    ] {
        c.refused("POST", "2.0/mlflow/runs/log-inputs", bad, 400, INVALID).await;
    }
    c.refused("POST", "2.0/mlflow/runs/outputs", json!({ "run_id": run }), 400, INVALID).await;
    let old = json!({ "artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": run }).to_string();
    c.done("POST", "2.0/mlflow/runs/log-model", json!({ "run_id": run, "model_json": old })).await;
    assert!(found().await["data"]["tags"].to_string().contains("mlflow.log-model.history"));
    c.refused("POST", "2.0/mlflow/runs/log-model", json!({ "run_id": run, "model_json": "{}" }), 400, INVALID).await;
}

#[tokio::test]
async fn an_evaluation_dataset_takes_records_as_text() {
    let c = Clients::new().await;
    let made = c
        .done("POST", "3.0/mlflow/datasets/create", json!({ "name": "qa", "experiment_ids": ["0"], "tags": "{\"a\":\"b\",\"n\":1}" }))
        .await;
    let id = made["dataset"]["dataset_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("d-") && made["dataset"]["tags"] == "{\"a\":\"b\",\"n\":\"1\"}" && made["dataset"].get("profile").is_none());
    assert_eq!(made["dataset"]["experiment_ids"], json!(["0"]));
    let (one, records) = (format!("3.0/mlflow/datasets/{id}"), format!("3.0/mlflow/datasets/{id}/records"));
    let text = json!([{ "inputs": { "q": "1" }, "expectations": { "a": 0.5 } }, { "inputs": { "q": "2" } }]).to_string();
    assert_eq!(c.done("POST", &records, json!({ "records": text })).await, json!({ "inserted_count": 2, "updated_count": 0 }));
    assert_eq!(c.done("POST", &records, json!({ "records": text })).await, json!({ "inserted_count": 0, "updated_count": 2 }));
    let page = c.done("GET", &format!("{records}?max_results=1"), Value::Null).await;
    let read: Value = serde_json::from_str(page["records"].as_str().expect("text")).expect("JSON");
    assert_eq!((&read[0]["inputs"], &read[0]["expectations"], &read[0]["tags"]), (&json!({ "q": "1" }), &json!({ "a": 0.5 }), &json!({})));
    let token = page["next_page_token"].as_str().expect("a token");
    let last = c.done("GET", &format!("{records}?max_results=1&page_token={token}"), Value::Null).await;
    assert!(last.get("next_page_token").is_none() && last["records"].as_str().is_some_and(|r| r.contains("\"q\":\"2\"")));
    assert_eq!(c.done("GET", &one, Value::Null).await["dataset"]["profile"], "{\"num_records\":2}");
    let record = read[0]["dataset_record_id"].clone();
    assert_eq!(c.done("DELETE", &records, json!({ "dataset_record_ids": [record] })).await, json!({ "deleted_count": 1 }));
    c.done("PATCH", &format!("{one}/tags"), json!({ "tags": "{\"c\":\"d\",\"gone\":null}" })).await;
    c.done("DELETE", &format!("{one}/tags/a"), Value::Null).await;
    c.done("POST", &format!("{one}/remove-experiments"), json!({ "experiment_ids": ["0"] })).await;
    assert_eq!(c.done("GET", &format!("{one}/experiment-ids"), Value::Null).await, json!({}));
    c.done("POST", &format!("{one}/add-experiments"), json!({ "experiment_ids": ["0"] })).await;
    let found = c.done("POST", "3.0/mlflow/datasets/search", json!({ "experiment_ids": ["0"], "filter_string": "name = 'qa'" })).await;
    assert_eq!(found["datasets"][0]["tags"], "{\"c\":\"d\",\"n\":\"1\"}");
    for bad in ["nope", "{}", "[{\"inputs\":5}]", "[{\"inputs\":{},\"source\":{\"source_type\":\"X\"}}]"] {
        c.refused("POST", &records, json!({ "records": bad }), 400, INVALID).await;
    }
    c.refused("PATCH", &format!("{one}/tags"), json!({ "tags": "[1]" }), 400, INVALID).await;
    c.done("DELETE", &one, Value::Null).await;
    c.refused("GET", &one, Value::Null, 404, ABSENT).await;
}

#[tokio::test]
async fn a_scorer_is_registered_in_versions() {
    let c = Clients::new().await;
    let body = json!({ "experiment_id": "0", "name": "tone", "serialized_scorer": "{\"a\":1}" });
    let made = c.done("POST", "3.0/mlflow/scorers/register", body.clone()).await;
    assert_eq!((&made["version"], &made["experiment_id"]), (&json!(1), &json!("0")));
    c.done("POST", "3.0/mlflow/scorers/register", body).await;
    let listed = c.done("GET", "3.0/mlflow/scorers/list?experiment_id=0", Value::Null).await;
    assert_eq!((&listed["scorers"][0]["scorer_version"], &listed["scorers"][0]["experiment_id"]), (&json!(2), &json!(0)));
    assert_eq!(c.done("GET", "3.0/mlflow/scorers/list?experiment_ids=0&experiment_ids=77", Value::Null).await, listed);
    c.refused("GET", "3.0/mlflow/scorers/list?experiment_ids=0&experiment_id=0", Value::Null, 400, INVALID).await;
    let one = c.done("GET", "3.0/mlflow/scorers/get?experiment_id=0&name=tone&version=1", Value::Null).await;
    assert_eq!(one["scorer"]["serialized_scorer"], "{\"a\":1}");
    let id = one["scorer"]["scorer_id"].as_str().expect("an id");
    assert_eq!(c.done("GET", &format!("3.0/mlflow/scorers/online-configs?scorer_ids={id}"), Value::Null).await, json!({ "configs": [] }));
    let versions = c.done("GET", "3.0/mlflow/scorers/versions?experiment_id=0&name=tone", Value::Null).await;
    assert_eq!(versions["scorers"].as_array().map(Vec::len), Some(2));
    c.done("DELETE", "3.0/mlflow/scorers/delete", json!({ "experiment_id": "0", "name": "tone" })).await;
    c.refused("GET", "3.0/mlflow/scorers/get?experiment_id=0&name=tone", Value::Null, 404, ABSENT).await;
    c.refused("POST", "3.0/mlflow/scorers/register", json!({ "experiment_id": "0", "name": "x", "serialized_scorer": "{" }), 400, INVALID)
        .await;
}

/// What another team has is answered like what nobody has, byte for byte, under both prefixes.
#[tokio::test]
async fn foreign_models_datasets_and_scorers_do_not_exist() {
    let c = Clients::new().await;
    let made = async |path: &str, body: Value| -> Value {
        let answer = c.ask(&c.eve, "POST", path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    };
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let model = text(&made(MODELS, json!({ "experiment_id": "0", "name": "theirs" })).await["model"]["info"]["model_id"]);
    let run = text(&made("2.0/mlflow/runs/create", json!({ "experiment_id": "0" })).await["run"]["info"]["run_id"]);
    let dataset = text(&made("3.0/mlflow/datasets/create", json!({ "name": "theirs" })).await["dataset"]["dataset_id"]);
    let experiment = text(&made("2.0/mlflow/experiments/create", json!({ "name": "theirs" })).await["experiment_id"]);
    made("3.0/mlflow/scorers/register", json!({ "experiment_id": experiment, "name": "s", "serialized_scorer": "{}" })).await;
    let mine = c.model("mine").await;
    let my_run = c.run().await;
    let (no_model, no_run, no_dataset) = (format!("m-{}", "0".repeat(32)), "0".repeat(32), format!("d-{}", "0".repeat(32)));
    let requests = |model: &str, run: &str, dataset: &str, experiment: &str| -> Vec<(&'static str, String, Value)> {
        let (m, d) = (format!("{MODELS}/{model}"), format!("3.0/mlflow/datasets/{dataset}"));
        vec![
            ("GET", m.clone(), Value::Null),
            ("GET", format!("{m}?allow_deleted=true"), Value::Null),
            ("PATCH", m.clone(), json!({ "status": 2 })),
            ("DELETE", m.clone(), Value::Null),
            ("POST", format!("{m}/params"), json!({ "params": [{ "key": "a", "value": "b" }] })),
            ("PATCH", format!("{m}/tags"), json!({ "tags": [{ "key": "a", "value": "b" }] })),
            ("DELETE", format!("{m}/tags/a"), Value::Null),
            ("POST", MODELS.to_owned(), json!({ "experiment_id": experiment, "name": "x" })),
            ("POST", MODELS.to_owned(), json!({ "experiment_id": "0", "name": "x", "source_run_id": run })),
            ("POST", "2.0/mlflow/runs/log-inputs".to_owned(), json!({ "run_id": run, "models": [{ "model_id": mine }] })),
            ("POST", "2.0/mlflow/runs/log-inputs".to_owned(), json!({ "run_id": my_run, "models": [{ "model_id": model }] })),
            ("POST", "2.0/mlflow/runs/outputs".to_owned(), json!({ "run_id": run, "models": [{ "model_id": mine }] })),
            ("POST", "2.0/mlflow/runs/outputs".to_owned(), json!({ "run_id": my_run, "models": [{ "model_id": model }] })),
            (
                "POST",
                "2.0/mlflow/runs/log-model".to_owned(),
                json!({ "run_id": run, "model_json": "{\"artifact_path\":\"\",\"flavors\":{},\"utc_time_created\":\"\",\"run_id\":\"\"}" }),
            ),
            ("GET", d.clone(), Value::Null),
            ("DELETE", d.clone(), Value::Null),
            ("GET", format!("{d}/records"), Value::Null),
            ("POST", format!("{d}/records"), json!({ "records": "[]" })),
            ("DELETE", format!("{d}/records"), json!({ "dataset_record_ids": [] })),
            ("PATCH", format!("{d}/tags"), json!({ "tags": "{}" })),
            ("DELETE", format!("{d}/tags/a"), Value::Null),
            ("POST", format!("{d}/add-experiments"), json!({})),
            ("POST", format!("{d}/remove-experiments"), json!({})),
            ("GET", format!("{d}/experiment-ids"), Value::Null),
            ("POST", "3.0/mlflow/datasets/create".to_owned(), json!({ "name": "x", "experiment_ids": [experiment] })),
            ("GET", format!("3.0/mlflow/scorers/list?experiment_id={experiment}"), Value::Null),
            ("GET", format!("3.0/mlflow/scorers/get?experiment_id={experiment}&name=s"), Value::Null),
            ("GET", format!("3.0/mlflow/scorers/versions?experiment_id={experiment}&name=s"), Value::Null),
            ("DELETE", "3.0/mlflow/scorers/delete".to_owned(), json!({ "experiment_id": experiment, "name": "s" })),
            (
                "POST",
                "3.0/mlflow/scorers/register".to_owned(),
                json!({ "experiment_id": experiment, "name": "s", "serialized_scorer": "{}" }),
            ),
        ]
    };
    let theirs = requests(&model, &run, &dataset, &experiment);
    let none = requests(&no_model, &no_run, &no_dataset, "77777");
    for ((method, path, body), (_, other, nothing)) in theirs.iter().zip(&none) {
        let (real, absent) = (c.ask(&c.ada, method, path, body).await, c.ask(&c.ada, method, other, nothing).await);
        assert_eq!((real.status, &real.body), (404, &absent.body), "{method} {path}");
        assert_eq!(absent.status, 404, "{method} {other}");
        let changes = *method != "GET";
        let viewed = c.ask(&c.vera, method, path, body).await.status;
        assert_eq!(viewed, if changes { 403 } else { 404 }, "{method} {path} as a viewer");
    }
    for (path, body) in [
        (format!("{MODELS}/search"), json!({ "experiment_ids": [experiment] })),
        ("3.0/mlflow/datasets/search".to_owned(), json!({ "experiment_ids": [experiment] })),
        ("2.0/mlflow/experiments/search-datasets".to_owned(), json!({ "experiment_ids": [experiment] })),
    ] {
        assert_eq!(c.done("POST", &path, body).await, json!({}), "{path}");
    }
    assert_eq!(c.done("GET", "3.0/mlflow/scorers/list", Value::Null).await, json!({}));
}

/// What is not there says so, and never succeeds in silence.
#[tokio::test]
async fn what_slipway_does_not_have_is_not_implemented() {
    let c = Clients::new().await;
    for (method, path) in [
        ("GET", "3.0/mlflow/gateway/secrets/list"),
        ("POST", "3.0/mlflow/gateway/endpoints/create"),
        ("GET", "2.0/mlflow/gateway-proxy"),
        ("POST", "3.0/mlflow/issues/search"),
        ("PATCH", "3.0/mlflow/issues/i-1"),
        ("GET", "3.0/mlflow/workspaces"),
        ("DELETE", "3.0/mlflow/workspaces/other"),
        ("POST", "3.0/mlflow/label-schemas/create"),
        ("POST", "3.0/mlflow/review-queues/items/add"),
        ("POST", "3.0/mlflow/prompt-optimization/jobs"),
        ("PUT", "3.0/mlflow/scorers/online-config"),
        ("POST", "3.0/mlflow/scorer/invoke"),
        ("POST", "2.0/mlflow/runs/create-promptlab-run"),
        ("GET", "2.0/mlflow/unified-traces"),
        ("POST", "2.0/mlflow/artifacts/presigned-upload-url"),
        ("POST", "3.0/mlflow/demo/generate"),
    ] {
        let message = c.refused(method, path, if method == "GET" { Value::Null } else { json!({}) }, 501, "NOT_IMPLEMENTED").await;
        assert!(message.ends_with("is not part of Slipway."), "{message}");
    }
}
