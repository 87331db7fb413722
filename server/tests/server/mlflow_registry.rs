//! Registered models, versions, aliases and webhooks as MLflow's clients ask for them: what is answered, and what is refused how.

use crate::house::{Answer, House};
use domain::{
    Caller,
    model::{NewToken, Role},
    testing::email,
};
use serde_json::{Value, json};

/// Clients of two teams.
struct Clients {
    house: House,
    ours: String,
    theirs: String,
    viewer: String,
}

const API: &str = "/api/2.0/mlflow/";

impl Clients {
    async fn new() -> Self {
        let house = House::new().await;
        let ours = format!("Bearer {}", house.token("ada", Role::Member).await);
        let viewer = format!("Bearer {}", house.token("vera", Role::Viewer).await);
        let new = NewToken { name: "test".into(), team: "blue".into(), role: Role::Admin, days: 30 };
        let theirs = domain::tokens::create_for(&house.portal, &Caller::console(), &email("eve"), new).await.expect("a token").1;
        Self { house, ours, viewer, theirs: format!("Bearer {theirs}") }
    }

    async fn as_somebody(&self, bearer: &str, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        self.house.send(method, &format!("{API}{path}"), &headers, &body.to_string()).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.as_somebody(&self.ours, method, path, &body).await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.get_as(&self.ours, path, query).await
    }

    async fn get_as(&self, bearer: &str, path: &str, query: &[(&str, &str)]) -> Answer {
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.house.get(&format!("{API}{path}?{query}"), &[("authorization", bearer)]).await
    }

    /// A run of ours, and the artifact URI that its client is told.
    async fn run(&self) -> (String, String) {
        let run = read(&self.send("POST", "runs/create", json!({ "experiment_id": "0" })).await);
        let info = &run["run"]["info"];
        (info["run_id"].as_str().expect("an id").to_owned(), info["artifact_uri"].as_str().expect("a place").to_owned())
    }

    async fn model(&self, name: &str) {
        read(&self.send("POST", "registered-models/create", json!({ "name": name })).await);
    }

    /// A version of a model that is there.
    async fn version(&self, name: &str) -> Value {
        let (run, uri) = self.run().await;
        let body = json!({ "name": name, "source": format!("{uri}/model"), "run_id": run });
        read(&self.send("POST", "model-versions/create", body).await)["model_version"].take()
    }
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    assert_eq!((answer.status, body["error_code"].as_str()), (status, Some(code)), "{}", answer.body);
}

const INVALID: &str = "INVALID_PARAMETER_VALUE";
const MISSING: &str = "RESOURCE_DOES_NOT_EXIST";

#[tokio::test]
async fn a_model_is_made_described_renamed_tagged_and_deleted() {
    let c = Clients::new().await;
    let made = read(
        &c.send("POST", "registered-models/create", json!({ "name": "net", "description": "d", "tags": [{ "key": "k", "value": "v" }] }))
            .await,
    );
    assert_eq!(made["registered_model"]["tags"], json!([{ "key": "k", "value": "v" }]));
    assert!(made["registered_model"]["creation_timestamp"].is_i64() && made["registered_model"].get("latest_versions").is_none());
    refused(&c.send("POST", "registered-models/create", json!({ "name": "net" })).await, 400, "RESOURCE_ALREADY_EXISTS");
    refused(&c.send("POST", "registered-models/create", json!({})).await, 400, INVALID);
    refused(&c.get("registered-models/get", &[("name", "none")]).await, 404, MISSING);
    let updated = read(&c.send("PATCH", "registered-models/update", json!({ "name": "net", "description": "new" })).await);
    assert_eq!(updated["registered_model"]["description"], "new");
    read(&c.send("POST", "registered-models/set-tag", json!({ "name": "net", "key": "k", "value": "w" })).await);
    let renamed = read(&c.send("POST", "registered-models/rename", json!({ "name": "net", "new_name": "wire" })).await);
    assert_eq!(renamed["registered_model"]["tags"], json!([{ "key": "k", "value": "w" }]));
    for _ in 0..2 {
        read(&c.send("DELETE", "registered-models/delete-tag", json!({ "name": "wire", "key": "k" })).await);
    }
    assert!(read(&c.get("registered-models/get", &[("name", "wire")]).await)["registered_model"].get("tags").is_none());
    read(&c.send("DELETE", "registered-models/delete", json!({ "name": "wire" })).await);
    refused(&c.get("registered-models/get", &[("name", "wire")]).await, 404, MISSING);
    refused(&c.send("DELETE", "registered-models/delete", json!({ "name": "wire" })).await, 404, MISSING);
}

#[tokio::test]
async fn versions_count_up_and_a_number_is_not_used_again() {
    let c = Clients::new().await;
    c.model("net").await;
    let first = c.version("net").await;
    assert_eq!((&first["version"], &first["status"], &first["current_stage"]), (&json!("1"), &json!("READY"), &json!("None")));
    assert_eq!(c.version("net").await["version"], "2");
    read(&c.send("DELETE", "model-versions/delete", json!({ "name": "net", "version": "2" })).await);
    assert_eq!(c.version("net").await["version"], "3");
    refused(&c.get("model-versions/get", &[("name", "net"), ("version", "2")]).await, 404, MISSING);
    refused(&c.get("model-versions/get", &[("name", "net"), ("version", "x")]).await, 400, INVALID);
    let uri = read(&c.get("model-versions/get-download-uri", &[("name", "net"), ("version", "1")]).await);
    assert_eq!(uri["artifact_uri"], first["source"]);
    let updated = read(&c.send("PATCH", "model-versions/update", json!({ "name": "net", "version": "1", "description": "best" })).await);
    assert_eq!(updated["model_version"]["description"], "best");
    read(&c.send("POST", "model-versions/set-tag", json!({ "name": "net", "version": "1", "key": "a", "value": "b" })).await);
    let found = read(&c.get("model-versions/search", &[("filter", "name = 'net' and tags.a = 'b'")]).await);
    assert_eq!(found["model_versions"][0]["version"], "1");
    read(&c.send("DELETE", "model-versions/delete-tag", json!({ "name": "net", "version": "1", "key": "a" })).await);
    read(&c.send("DELETE", "registered-models/delete", json!({ "name": "net" })).await);
    assert_eq!(read(&c.get("model-versions/search", &[("filter", "name = 'net'")]).await), json!({}));
}

#[tokio::test]
async fn stages_move_and_archive_what_was_there() {
    let c = Clients::new().await;
    c.model("net").await;
    c.version("net").await;
    c.version("net").await;
    let to = |version: &str, stage: &str, archive: bool| json!({ "name": "net", "version": version, "stage": stage, "archive_existing_versions": archive });
    read(&c.send("POST", "model-versions/transition-stage", to("1", "Production", false)).await);
    let moved = read(&c.send("POST", "model-versions/transition-stage", to("2", "production", true)).await);
    assert_eq!(moved["model_version"]["current_stage"], "Production");
    refused(&c.send("POST", "model-versions/transition-stage", to("2", "Nope", false)).await, 400, INVALID);
    refused(&c.send("POST", "model-versions/transition-stage", to("2", "Archived", true)).await, 400, INVALID);
    let latest = read(&c.get("registered-models/get-latest-versions", &[("name", "net")]).await);
    let stages: Vec<_> =
        latest["model_versions"].as_array().expect("a list").iter().map(|v| (v["version"].clone(), v["current_stage"].clone())).collect();
    assert_eq!(stages, [(json!("2"), json!("Production")), (json!("1"), json!("Archived"))]);
    let body = json!({ "name": "net", "stages": ["production"] });
    let latest = read(&c.send("POST", "registered-models/get-latest-versions", body).await);
    assert_eq!(latest["model_versions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_alias_points_to_one_version_and_goes_with_it() {
    let c = Clients::new().await;
    c.model("net").await;
    c.version("net").await;
    c.version("net").await;
    let set = |alias: &str, version: &str| json!({ "name": "net", "alias": alias, "version": version });
    for version in ["1", "2"] {
        read(&c.send("POST", "registered-models/alias", set("champion", version)).await);
        let found = read(&c.get("registered-models/alias", &[("name", "net"), ("alias", "champion")]).await);
        assert_eq!(found["model_version"]["version"], version);
        assert_eq!(found["model_version"]["aliases"], json!(["champion"]));
    }
    for bad in ["latest", "v1", "V22", "a b", "a/b", ""] {
        refused(&c.send("POST", "registered-models/alias", set(bad, "1")).await, 400, INVALID);
    }
    refused(&c.send("POST", "registered-models/alias", set("x", "9")).await, 404, MISSING);
    refused(&c.get("registered-models/alias", &[("name", "net"), ("alias", "nope")]).await, 400, INVALID);
    assert_eq!(read(&c.get("registered-models/alias", &[("name", "net"), ("alias", "latest")]).await)["model_version"]["version"], "2");
    read(&c.send("DELETE", "model-versions/delete", json!({ "name": "net", "version": "2" })).await);
    assert!(read(&c.get("registered-models/get", &[("name", "net")]).await)["registered_model"].get("aliases").is_none());
    read(&c.send("DELETE", "registered-models/alias", json!({ "name": "net", "alias": "champion" })).await);
}

/// A-REST-11 and A-REST-16.
#[tokio::test]
async fn names_are_unique_as_they_look_and_addressed_without_ambiguity() {
    let c = Clients::new().await;
    let long = "x".repeat(5000);
    for bad in [
        "../x",
        "a/b",
        "a:b",
        "a\0b",
        "a\u{202e}b",
        "a\u{200d}b",
        "models:/x",
        "@alias",
        "net@prod",
        "/1",
        " ",
        "\t",
        "a%2fb",
        "a%00b",
        "．．",
        &long,
    ] {
        refused(&c.send("POST", "registered-models/create", json!({ "name": bad })).await, 400, INVALID);
    }
    c.model("Model").await;
    for alike in ["model", "ｍodel", "%4dodel", "%254dodel", "MODEL"] {
        refused(&c.send("POST", "registered-models/create", json!({ "name": alike })).await, 400, INVALID);
        refused(&c.get("registered-models/get", &[("name", alike)]).await, 404, MISSING);
    }
    c.model("other").await;
    refused(&c.send("POST", "registered-models/rename", json!({ "name": "other", "new_name": "mOdel" })).await, 400, INVALID);
    refused(
        &c.send("POST", "registered-models/rename", json!({ "name": "other", "new_name": "Model" })).await,
        400,
        "RESOURCE_ALREADY_EXISTS",
    );
    read(&c.send("POST", "registered-models/rename", json!({ "name": "Model", "new_name": "model" })).await);
    for word in ["get", "search", "create"] {
        c.model(word).await;
        assert_eq!(read(&c.get("registered-models/get", &[("name", word)]).await)["registered_model"]["name"], word);
    }
}

/// A-ART-06 and A-ART-07.
#[tokio::test]
async fn a_version_comes_from_what_the_team_has_and_from_nothing_else() {
    let c = Clients::new().await;
    c.model("net").await;
    let (run, uri) = c.run().await;
    let create = async |source: &str, run: Option<&str>| {
        c.send("POST", "model-versions/create", json!({ "name": "net", "source": source, "run_id": run })).await
    };
    let unknown = json!({ "name": "none", "source": "s3://b/m" });
    refused(&c.send("POST", "model-versions/create", unknown).await, 404, MISSING);
    let parent = format!("{uri}/../x");
    for bad in [
        "file:///etc",
        "FILE://localhost/etc",
        "/etc",
        "./../../etc",
        "",
        "ftp://h/a",
        "http://h/a",
        "https://h/a",
        "dbfs:/x",
        "s3://not-ours/x",
        "mlflow-artifacts:/../../etc",
        "mlflow-artifacts:/x#/../../y",
        "mlflow-artifacts:/x?/../../y",
        "http:///#/../../../etc",
        "mlflow-artifacts://host/x",
        "mlflow-artifacts:/0",
        "runs:/",
        "runs:/x/y",
        "models:/",
        "models:///x",
        "models://host/x/1",
        "RUNS:/x",
        "runs://h/x/y",
        "dummy-source",
        "mlflow-artifacts:/%2e%2e/x",
        "model",
        &parent,
        &uri.replace("artifacts", "artifacts%2f.."),
    ] {
        refused(&create(bad, None).await, 400, INVALID);
        refused(&create(bad, Some(&run)).await, 400, INVALID);
    }
    for good in [format!("runs:/{run}/model"), format!("{uri}/model"), uri.clone()] {
        let made = read(&create(&good, Some(&run)).await);
        assert_eq!((&made["model_version"]["source"], &made["model_version"]["run_id"]), (&json!(good), &json!(run)));
    }
    let (other, _) = c.run().await;
    refused(&create(&format!("runs:/{run}/model"), Some(&other)).await, 400, INVALID);
    refused(&create(&format!("{uri}/model"), Some(&other)).await, 400, INVALID);
    let copied = read(&create("models:/net/1", None).await);
    assert_eq!((&copied["model_version"]["run_id"], &copied["model_version"]["source"]), (&json!(run), &json!("models:/net/1")));
    refused(&create("models:/net/99", None).await, 404, MISSING);
    refused(&create("models:/net/1", Some(&other)).await, 400, INVALID);
    let absent = format!("models:/m-{}", "0".repeat(32));
    refused(&create(&absent, None).await, 404, MISSING);
    // A run whose clients keep their artifacts elsewhere.
    let body = json!({ "name": "remote", "artifact_location": "s3://ours/x" });
    let experiment = read(&c.send("POST", "experiments/create", body).await)["experiment_id"].take();
    let made = read(&c.send("POST", "runs/create", json!({ "experiment_id": experiment })).await);
    let (run, uri) =
        (made["run"]["info"]["run_id"].as_str().expect("an id"), made["run"]["info"]["artifact_uri"].as_str().expect("a place"));
    read(&create(&format!("{uri}/model"), Some(run)).await);
    refused(&create("s3://ours/x/other", Some(run)).await, 400, INVALID);
    refused(&create(&format!("{uri}-not/model"), Some(run)).await, 400, INVALID);
}

/// A-ART-08 and A-TEN-02.
#[tokio::test]
async fn another_teams_models_runs_and_webhooks_are_like_ones_that_are_not_there() {
    let c = Clients::new().await;
    c.model("net").await;
    let version = c.version("net").await;
    read(&c.as_somebody(&c.theirs, "POST", "registered-models/create", &json!({ "name": "net2" })).await);
    let (run, source) = (version["run_id"].as_str().expect("a run"), version["source"].as_str().expect("a source"));
    let none = "f".repeat(32);
    for (theirs, nobodys) in [
        (format!("runs:/{run}/model"), format!("runs:/{none}/model")),
        ("models:/net/1".to_owned(), "models:/none/1".to_owned()),
        (source.to_owned(), source.replace(run, &none)),
    ] {
        let ask = async |source: &str| {
            let answer = c.as_somebody(&c.theirs, "POST", "model-versions/create", &json!({ "name": "net2", "source": source })).await;
            refused(&answer, 404, MISSING);
            answer.body
        };
        assert_eq!(ask(&theirs).await, ask(&nobodys).await);
    }
    for path in ["registered-models/get", "model-versions/get", "registered-models/get-latest-versions", "model-versions/get-download-uri"]
    {
        let foreign = c.get_as(&c.theirs, path, &[("name", "net"), ("version", "1")]).await;
        refused(&foreign, 404, MISSING);
        assert_eq!(foreign.body, c.get_as(&c.theirs, path, &[("name", "none"), ("version", "1")]).await.body);
    }
    refused(&c.as_somebody(&c.theirs, "DELETE", "registered-models/delete", &json!({ "name": "net" })).await, 404, MISSING);
    assert_eq!(read(&c.get_as(&c.theirs, "model-versions/search", &[]).await), json!({}));
    let models = read(&c.get_as(&c.theirs, "registered-models/search", &[]).await);
    assert_eq!(models["registered_models"].as_array().map(Vec::len), Some(1));
    let events = json!([{ "entity": "MODEL_VERSION", "action": "CREATED" }]);
    let made = read(&c.send("POST", "webhooks", json!({ "name": "w", "url": "https://1.1.1.1/x", "events": events })).await);
    let id = made["webhook"]["webhook_id"].as_str().expect("an id");
    for (method, body) in [("PATCH", json!({ "name": "x" })), ("DELETE", json!({}))] {
        refused(&c.as_somebody(&c.theirs, method, &format!("webhooks/{id}"), &body).await, 404, MISSING);
    }
    refused(&c.get_as(&c.theirs, &format!("webhooks/{id}"), &[]).await, 404, MISSING);
    assert_eq!(read(&c.get_as(&c.theirs, "webhooks", &[]).await), json!({}));
    // A viewer reads models and changes nothing; webhooks are not for viewers.
    read(&c.get_as(&c.viewer, "registered-models/get", &[("name", "net")]).await);
    refused(&c.as_somebody(&c.viewer, "DELETE", "registered-models/delete", &json!({ "name": "net" })).await, 403, "PERMISSION_DENIED");
    refused(&c.get_as(&c.viewer, "webhooks", &[]).await, 403, "PERMISSION_DENIED");
}

#[tokio::test]
async fn searches_filter_order_and_page() {
    let c = Clients::new().await;
    for name in ["Alpha", "beta", "gamma"] {
        let body = json!({ "name": name, "tags": [{ "key": "g", "value": name }, { "key": "all", "value": "x" }] });
        read(&c.send("POST", "registered-models/create", body).await);
    }
    let names = async |query: &[(&str, &str)]| -> Vec<String> {
        let found = read(&c.get("registered-models/search", query).await);
        let models = found["registered_models"].as_array().cloned().unwrap_or_default();
        models.iter().map(|m| m["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&[]).await, ["Alpha", "beta", "gamma"]);
    assert_eq!(names(&[("filter", "name LIKE 'a%'")]).await, [] as [&str; 0]);
    assert_eq!(names(&[("filter", "name ILIKE 'a%'")]).await, ["Alpha"]);
    assert_eq!(names(&[("filter", "name IN ('beta', 'gamma')"), ("order_by", "name DESC")]).await, ["gamma", "beta"]);
    assert_eq!(names(&[("filter", "tags.g = 'beta' AND tags.all = 'x'")]).await, ["beta"]);
    assert_eq!(names(&[("filter", "tags.g != 'beta'")]).await, ["Alpha", "gamma"]);
    assert_eq!(names(&[("order_by", "last_updated_timestamp DESC"), ("order_by", "name DESC")]).await, ["gamma", "beta", "Alpha"]);
    let first = read(&c.get("registered-models/search", &[("max_results", "2")]).await);
    let token = first["next_page_token"].as_str().expect("a token").to_owned();
    assert_eq!(names(&[("max_results", "2"), ("page_token", &token)]).await, ["gamma"]);
    for bad in [
        ("filter", "run_id = 'x'"),
        ("filter", "name > 'x'"),
        ("filter", "name = 3"),
        ("filter", "metrics.x = 'y'"),
        ("filter", "name = 'a' OR name = 'b'"),
        ("filter", "tags.a IS NULL"),
        ("order_by", "run_id"),
        ("order_by", "name SIDEWAYS"),
        ("max_results", "0"),
        ("max_results", "1001"),
        ("max_results", "x"),
        ("page_token", "x"),
    ] {
        refused(&c.get("registered-models/search", &[bad]).await, 400, INVALID);
    }
    refused(&c.get("registered-models/search", &[("order_by", "name"), ("order_by", "name DESC")]).await, 400, INVALID);
    let versions: Vec<Value> = vec![c.version("beta").await, c.version("beta").await, c.version("gamma").await];
    let numbers = async |filter: &str, order: &str| -> Vec<String> {
        let query: Vec<(&str, &str)> = [("filter", filter)].into_iter().chain((!order.is_empty()).then_some(("order_by", order))).collect();
        let found = read(&c.get("model-versions/search", &query).await);
        let list = found["model_versions"].as_array().cloned().unwrap_or_default();
        list.iter().map(|v| format!("{}{}", v["name"].as_str().expect("a name"), v["version"].as_str().expect("text"))).collect()
    };
    assert_eq!(numbers("name = 'beta'", "version_number ASC").await, ["beta1", "beta2"]);
    assert_eq!(numbers("version_number > 1", "").await, ["beta2"]);
    assert_eq!(numbers(&format!("run_id = '{}'", versions[2]["run_id"].as_str().expect("a run")), "").await, ["gamma1"]);
    assert_eq!(numbers(&format!("source_path = '{}'", versions[1]["source"].as_str().expect("a source")), "").await, ["beta2"]);
    for bad in [
        ("filter", "version_number LIKE '1'"),
        ("filter", "version_number = 1.5"),
        ("filter", "source_path IN ('x')"),
        ("max_results", "200001"),
    ] {
        refused(&c.get("model-versions/search", &[bad]).await, 400, INVALID);
    }
}

#[tokio::test]
async fn prompts_are_models_that_only_those_who_ask_for_them_find() {
    let c = Clients::new().await;
    let tag = json!([{ "key": "mlflow.prompt.is_prompt", "value": "true" }]);
    read(&c.send("POST", "registered-models/create", json!({ "name": "greet", "tags": tag })).await);
    c.model("net").await;
    let text = json!([{ "key": "mlflow.prompt.is_prompt", "value": "true" }, { "key": "mlflow.prompt.text", "value": "Hi {{name}}" }]);
    let version = |source: &str| json!({ "name": "greet", "source": source, "tags": text });
    read(&c.send("POST", "model-versions/create", version("dummy-source")).await);
    refused(&c.send("POST", "model-versions/create", version("/etc/passwd")).await, 400, INVALID);
    refused(&c.send("POST", "model-versions/create", json!({ "name": "net", "source": "models:/greet/1" })).await, 400, INVALID);
    let found = async |path: &str, filter: &str, list: &str| -> Vec<String> {
        let found = read(&c.get(path, &[("filter", filter)]).await);
        found[list].as_array().cloned().unwrap_or_default().iter().map(|m| m["name"].as_str().expect("a name").to_owned()).collect()
    };
    let is = "tags.`mlflow.prompt.is_prompt` = 'true'";
    assert_eq!(found("registered-models/search", "", "registered_models").await, ["net"]);
    assert_eq!(found("registered-models/search", "name = 'greet'", "registered_models").await, [] as [&str; 0]);
    assert_eq!(found("registered-models/search", "tags.`mlflow.prompt.is_prompt` != 'true'", "registered_models").await, ["net"]);
    assert_eq!(found("registered-models/search", is, "registered_models").await, ["greet"]);
    assert_eq!(found("registered-models/search", &format!("{is} AND name = 'greet'"), "registered_models").await, ["greet"]);
    assert_eq!(found("model-versions/search", "", "model_versions").await, [] as [&str; 0]);
    assert_eq!(found("model-versions/search", &format!("{is} AND name = 'greet'"), "model_versions").await, ["greet"]);
    refused(&c.send("POST", "registered-models/create", json!({ "name": "greet" })).await, 400, "RESOURCE_ALREADY_EXISTS");
}

#[tokio::test]
async fn tags_and_descriptions_have_limits() {
    let c = Clients::new().await;
    c.model("net").await;
    let set = |key: &str, value: &str| json!({ "name": "net", "key": key, "value": value });
    read(&c.send("POST", "registered-models/set-tag", set("k", &"x".repeat(100_000))).await);
    for (key, value) in [
        ("k", "x".repeat(100_001)),
        ("k", "a\0b".to_owned()),
        (&*"k".repeat(251), "v".to_owned()),
        ("a//b", "v".to_owned()),
        ("", "v".to_owned()),
    ] {
        refused(&c.send("POST", "registered-models/set-tag", set(key, &value)).await, 400, INVALID);
    }
    refused(&c.send("PATCH", "registered-models/update", json!({ "name": "net", "description": "a\0b" })).await, 400, INVALID);
}

/// A-HOOK-01 to 03, 06 to 08, 10 and 12.
#[tokio::test]
async fn a_webhook_is_checked_before_it_is_kept_and_never_gives_its_secret_back() {
    let c = Clients::new().await;
    let events = json!([{ "entity": "PROMPT_ALIAS", "action": "DELETED" }, { "entity": 1, "action": 1 }]);
    let hook = |url: &str| json!({ "name": "w", "url": url, "events": events, "secret": "hunter2", "status": "DISABLED" });
    for url in [
        "http://127.0.0.1:80/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://0.0.0.0/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://169.254.169.254/",
        "https://[::ffff:169.254.169.254]/",
        "https://metadata.google.internal/",
        "https://100.100.100.200/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://100.64.0.1/",
        "https://[fc00::1]/",
        "https://[fe80::1%25eth0]/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "file:///etc/passwd",
        "gopher://1.1.1.1/",
        "ftp://1.1.1.1/",
        "unix:/x",
        "data:,x",
        "http://good@127.0.0.1",
        "http://127.0.0.1#@good",
        "http://good\\@127.0.0.1",
        "https://1.1.1.1:22/",
        "https://1.1.1.1:5432/",
        "https://1.1.1.1/%0d%0aX: y",
        "https://1.1.1.1/\r\nX: y",
        "http://1.1.1.1/x",
        "not a url",
        "",
    ] {
        refused(&c.send("POST", "webhooks", hook(url)).await, 400, INVALID);
    }
    let made = read(&c.send("POST", "webhooks", hook("https://1.1.1.1/hook")).await);
    let id = made["webhook"]["webhook_id"].as_str().expect("an id").to_owned();
    let path = format!("webhooks/{id}");
    let got = c.get(&path, &[]).await;
    let read_back = read(&got);
    assert_eq!(read_back["webhook"]["status"], "DISABLED");
    let expected = json!([{ "entity": "PROMPT_ALIAS", "action": "DELETED" }, { "entity": "REGISTERED_MODEL", "action": "CREATED" }]);
    assert_eq!(read_back["webhook"]["events"], expected);
    let changed = read(&c.send("PATCH", &path, json!({ "status": "ACTIVE", "description": "e" })).await);
    assert_eq!((&changed["webhook"]["status"], &changed["webhook"]["description"]), (&json!("ACTIVE"), &json!("e")));
    for bad in [
        json!({ "url": "https://10.0.0.1/" }),
        json!({ "status": "MAYBE" }),
        json!({ "status": 7 }),
        json!({ "secret": "a\nb" }),
        json!({ "events": [{ "entity": "MODEL_VERSION", "action": "SET" }] }),
        json!({ "events": [{}] }),
        json!({ "events": [null] }),
        json!({ "name": "-x" }),
        json!({ "name": 3 }),
        json!({ "events": "x" }),
    ] {
        refused(&c.send("PATCH", &path, bad).await, 400, INVALID);
    }
    for bad in [json!({}), json!({ "name": "w" }), json!({ "name": "w", "url": "https://1.1.1.1/", "events": [] }), json!([]), json!(null)]
    {
        refused(&c.send("POST", "webhooks", bad).await, 400, INVALID);
    }
    let listed = c.get("webhooks", &[("max_results", "10")]).await;
    let audit: Vec<(Option<String>,)> = c.house.portal.db.fetch_all("SELECT after FROM audit", domain::args![]).await.expect("the trail");
    let kept: (String,) = c.house.portal.db.fetch_one("SELECT secret FROM webhooks", domain::args![]).await.expect("a row");
    for text in [&got.text, &listed.text, &format!("{audit:?}"), &kept.0] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    read(&c.send("DELETE", &path, json!({})).await);
    refused(&c.get(&path, &[]).await, 404, MISSING);
}
