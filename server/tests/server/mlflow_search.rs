//! Searches as MLflow's clients ask for them: what is answered, and what is refused how.

use crate::house::{Answer, House};
use domain::{
    Caller,
    model::{NewToken, Role},
    testing::email,
};
use serde_json::{Value, json};

struct Client {
    house: House,
    bearer: String,
    /// Of another team.
    foreign: String,
}

impl Client {
    async fn new() -> Self {
        let house = House::new().await;
        let bearer = format!("Bearer {}", house.token("ada", Role::Member).await);
        let new = NewToken { name: "t".into(), team: "blue".into(), role: Role::Admin, days: 1 };
        let token = domain::tokens::create_for(&house.portal, &Caller::console(), &email("eve"), new).await.expect("a token").1;
        Self { house, bearer, foreign: format!("Bearer {token}") }
    }

    async fn as_caller(&self, bearer: &str, path: &str, body: &str) -> Answer {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        self.house.send("POST", &format!("/api/2.0/mlflow/{path}"), &headers, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.as_caller(&self.bearer, path, &body.to_string()).await
    }

    async fn done(&self, path: &str, body: Value) -> Value {
        read(&self.post(path, body).await)
    }

    async fn get(&self, path: &str) -> Answer {
        self.house.get(path, &[("authorization", &self.bearer)]).await
    }

    async fn experiment(&self, name: &str) -> String {
        self.done("experiments/create", json!({ "name": name })).await["experiment_id"].as_str().expect("an id").to_owned()
    }

    async fn run(&self, experiment: &str, start: i64, batch: Value) -> String {
        let made = self.done("runs/create", json!({ "experiment_id": experiment, "start_time": start })).await;
        let id = made["run"]["info"]["run_id"].as_str().expect("an id").to_owned();
        let mut batch = batch;
        batch["run_id"] = json!(id);
        self.done("runs/log-batch", batch).await;
        id
    }
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["error_code"], "INVALID_PARAMETER_VALUE", "{body}");
    body["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn a_search_gives_runs_exactly_as_getting_them_does() {
    let client = Client::new().await;
    let e = client.experiment("e").await;
    let logged = json!({
        "metrics": [
            { "key": "nan", "value": "NaN", "timestamp": 1, "step": -5 },
            { "key": "inf", "value": "Infinity", "timestamp": 1 },
            { "key": "third", "value": 0.333_333_333_333_333_3, "timestamp": 9_007_199_254_740_991_i64, "step": 7 },
            { "key": "tiny", "value": 5e-324, "timestamp": 0 },
            { "key": "zero", "value": -0.0, "timestamp": 0 },
        ],
        "params": [{ "key": "p", "value": "q\"uo\\te\n\u{1}ü😀" }, { "key": "empty", "value": "" }],
        "tags": [{ "key": "a/b c", "value": "v" }],
    });
    let full = client.run(&e, 5, logged).await;
    let bare = client.run("0", 4, json!({})).await;
    for (experiment, run) in [(&e, &full), (&"0".to_owned(), &bare)] {
        let got = read(&client.get(&format!("/api/2.0/mlflow/runs/get?run_id={run}")).await);
        let found = client.done("runs/search", json!({ "experiment_ids": [experiment] })).await;
        assert_eq!(found["runs"], json!([got["run"]]));
        assert!(found.get("next_page_token").is_none());
    }
    assert_eq!(client.done("runs/search", json!({ "experiment_ids": [] })).await, json!({}));
    assert_eq!(client.done("runs/search", json!({})).await, json!({}));
}

#[tokio::test]
async fn both_spellings_all_prefixes_and_both_methods_ask_the_same() {
    let client = Client::new().await;
    let e = client.experiment("e").await;
    let runs = [client.run(&e, 1, json!({})).await, client.run(&e, 2, json!({})).await];
    client.done("runs/delete", json!({ "run_id": runs[0] })).await;
    for body in [
        json!({ "experiment_ids": [e], "run_view_type": "ALL", "max_results": "1", "order_by": ["attributes.start_time ASC"] }),
        json!({ "experimentIds": [e], "runViewType": 3, "maxResults": 1, "orderBy": ["created"], "pageToken": "", "filter": "" }),
        json!({ "experiment_ids": [e], "run_view_type": "DELETED_ONLY", "max_results": null }),
    ] {
        for prefix in ["api", "ajax-api"] {
            let headers = [("authorization", client.bearer.as_str()), ("content-type", "application/json")];
            let answer = client.house.send("POST", &format!("/{prefix}/2.0/mlflow/runs/search"), &headers, &body.to_string()).await;
            let found = read(&answer);
            assert_eq!(found["runs"][0]["info"]["run_id"], json!(runs[0]), "{body}");
            assert_eq!(found["runs"].as_array().map(Vec::len), Some(1));
        }
    }
    let posted = client.done("experiments/search", json!({ "max_results": 5, "view_type": "ALL", "order_by": ["name ASC"] })).await;
    assert_eq!(posted["experiments"].as_array().map(Vec::len), Some(2));
    let asked = client.get("/api/2.0/mlflow/experiments/search?max_results=5&view_type=ALL&order_by=name%20ASC").await;
    assert_eq!(read(&asked), posted);
    let got = read(&client.get(&format!("/api/2.0/mlflow/experiments/get?experiment_id={e}")).await);
    assert_eq!(posted["experiments"][1], got["experiment"]);
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_in_mlflows_shape() {
    let client = Client::new().await;
    let e = client.experiment("e").await;
    for max_results in ["-1", "0", "50001", "1e309", "\"ten\"", "9223372036854775808"] {
        let body = format!("{{\"experiment_ids\":[\"{e}\"],\"max_results\":{max_results}}}");
        refused(&client.as_caller(&client.bearer, "runs/search", &body).await);
        let body = format!("{{\"max_results\":{max_results}}}");
        refused(&client.as_caller(&client.bearer, "experiments/search", &body).await);
    }
    refused(&client.post("experiments/search", json!({})).await);
    for filter in ["metrics.a > 1; DROP TABLE runs--", "params.x = '' OR '1'='1'", "nosuch.x = 'y'", "metrics.acc >"] {
        let message = refused(&client.post("runs/search", json!({ "experiment_ids": [e], "filter": filter })).await);
        assert!(message.contains("at character"), "{message}");
    }
    let long = "x".repeat(1_000_000);
    refused(&client.post("runs/search", json!({ "experiment_ids": [e], "filter": long })).await);
    refused(&client.post("experiments/search", json!({ "max_results": 5, "filter": long })).await);
    refused(&client.post("runs/search", json!({ "experiment_ids": [e], "order_by": ["metrics.a ASC; --"] })).await);
    refused(&client.post("runs/search", json!({ "experiment_ids": [e], "order_by": ["metrics.a", "metrics.a DESC"] })).await);
    refused(&client.post("runs/search", json!({ "experiment_ids": [e], "run_view_type": "SOME" })).await);
    refused(&client.post("runs/search", json!({ "experiment_ids": [e], "page_token": "eyJ4IjoxfQ==" })).await);
    refused(&client.post("experiments/search", json!({ "max_results": 5, "page_token": "eyJ4IjoxfQ==" })).await);
}

#[tokio::test]
async fn another_teams_experiment_answers_as_one_that_is_not_there() {
    let client = Client::new().await;
    let e = client.experiment("hidden").await;
    for i in 0..3 {
        client.run(&e, i, json!({ "params": [{ "key": "p", "value": "secret" }] })).await;
    }
    let own = client.done("runs/search", json!({ "experiment_ids": [e], "max_results": 2 })).await;
    let token = own["next_page_token"].as_str().expect("more").to_owned();
    let mut answers = Vec::new();
    for id in [e.as_str(), "987654321"] {
        for (filter, view) in [("", "ALL"), ("params.p = 'secret'", "ACTIVE_ONLY"), ("params.p LIKE '%", "ALL")] {
            let body = json!({ "experiment_ids": [id, id], "filter": filter, "run_view_type": view, "max_results": 1 });
            let answer = client.as_caller(&client.foreign, "runs/search", &body.to_string()).await;
            answers.push((answer.status, answer.body));
        }
    }
    let half = answers.len() / 2;
    assert_eq!(answers[..half], answers[half..]);
    assert_eq!(answers[0], (200, "{}".to_owned()));
    let both = json!({ "experiment_ids": [e, "0"], "max_results": 5 }).to_string();
    assert_eq!(client.as_caller(&client.foreign, "runs/search", &both).await.body, "{}");
    let stolen = json!({ "experiment_ids": [e], "max_results": 2, "page_token": token }).to_string();
    refused(&client.as_caller(&client.foreign, "runs/search", &stolen).await);
    let found = read(&client.as_caller(&client.foreign, "experiments/search", r#"{"max_results":10,"view_type":"ALL"}"#).await);
    assert_eq!(found["experiments"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["experiments"][0]["name"], "Default");
}
