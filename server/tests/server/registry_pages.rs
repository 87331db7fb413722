//! The registry's pages: what is on them for whom, what is refused, and that they work without scripts.

use crate::house::{Answer, House};
use domain::{
    model::{NewModelVersion, NewRun, Role, RunId, TAG_IS_PROMPT, Tag},
    registry, tracking,
};

const ML_MODEL: &str = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn: {}\nmlflow_version: 3.18.0\n\
    saved_input_example_info:\n  artifact_path: input_example.json\n\
    signature:\n  inputs: '[{\"type\": \"double\", \"name\": \"petal width\", \"required\": true}, {\"type\":\n    \"array\", \"items\": {\"type\": \"long\"}, \"name\": \"it''s\", \"required\": false}]'\n  outputs: null\n  params: null\n";

/// Team `red` with the model `net`: version 1 is `champion` and has files, version 2 has none.
struct Shelf {
    house: House,
    run: RunId,
    root: String,
}

impl Shelf {
    async fn new() -> Self {
        let house = House::new().await;
        let ada = house.test.caller("ada").await;
        let run = tracking::runs::create(&house.portal, &ada, "red", NewRun { name: "depth-4".into(), ..NewRun::default() }).await;
        let run = run.expect("a run");
        let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").expect("ours").to_owned();
        let shelf = Self { house, run: run.id, root };
        shelf.upload("model/MLmodel", ML_MODEL).await;
        shelf.upload("model/input_example.json", "{\"columns\": [\"petal width\"]}").await;
        let metric = serde_json::json!({ "run_id": shelf.run, "key": "accuracy", "value": 0.9375, "timestamp": 1, "step": 0 });
        shelf.send("POST", "/api/2.0/mlflow/runs/log-metric", &metric.to_string()).await;
        registry::create(&shelf.house.portal, &ada, "red", "net", Some("Churn by month\nmore"), vec![Tag::new("area", "sales")])
            .await
            .expect("a model");
        for path in ["model", "other"] {
            shelf.version("net", &format!("runs:/{}/{path}", shelf.run)).await;
        }
        registry::set_alias(&shelf.house.portal, &ada, "red", "net", "champion", 1).await.expect("an alias");
        shelf
    }

    /// As MLflow's client of ada's.
    async fn send(&self, method: &str, path: &str, body: &str) {
        let bearer = format!("Bearer {}", self.house.token("ada", Role::Member).await);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = self.house.send(method, path, &headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn upload(&self, path: &str, content: &str) {
        self.send("PUT", &format!("/api/2.0/mlflow-artifacts/artifacts/{}/{path}", self.root), content).await;
    }

    async fn version(&self, model: &str, source: &str) {
        let new = NewModelVersion { name: model.into(), source: source.into(), ..NewModelVersion::default() };
        registry::create_version(&self.house.portal, &self.house.test.caller("ada").await, "red", new).await.expect("a version");
    }

    async fn page(&self, who: &str, path: &str) -> Answer {
        self.house.get(path, &[("cookie", &self.house.session(who).await)]).await
    }

    /// A form as a browser without scripts posts it from `page`; where that sends it.
    async fn form(&self, who: &str, name: &str, body: &str, page: &str) -> String {
        let (cookie, origin) = (self.house.session(who).await, self.house.origin());
        let referer = format!("{origin}{page}");
        let headers = [("cookie", cookie.as_str()), ("origin", &origin), ("accept", "text/html"), ("referer", &referer)];
        let answer = self.house.send("POST", &format!("/api/registry/{name}"), &headers, body).await;
        assert!(matches!(answer.status, 302 | 303), "{name}: {} {}", answer.status, answer.body);
        answer.header("location").expect("a way on").trim_start_matches(&origin).trim_end_matches('?').to_owned()
    }
}

#[track_caller]
fn shows(answer: &Answer, status: u16, all: &[&str], none: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.body);
    for text in all {
        assert!(answer.body.contains(text), "{text} is missing: {}", answer.body);
    }
    for text in none {
        assert!(!answer.body.contains(text), "{text} is there: {}", answer.body);
    }
}

#[tokio::test]
async fn a_viewer_sees_the_models_and_nothing_to_press() {
    let shelf = Shelf::new().await;
    let ada = shelf.house.test.caller("ada").await;
    registry::create(&shelf.house.portal, &ada, "red", "greeting", None, vec![Tag::new(TAG_IS_PROMPT, "true")]).await.expect("a prompt");
    let list = shelf.page("vera", "/t/red/models").await;
    shows(&list, 200, &["href=\"/t/red/models/net\"", "Churn by month", "champion: 1", "Version 2", "sort=changed"], &["greeting"]);
    shows(&shelf.page("vera", "/t/red/models?q=zzz").await, 200, &["No model matches"], &[]);

    let buttons = ["Set alias", "Delete version", "Delete model", "Edit description", "Remove alias"];
    let model = shelf.page("vera", "/t/red/models/net").await;
    let run = format!("href=\"/t/red/runs/{}\"", shelf.run);
    shows(&model, 200, &["Version 1", "Version 2", "champion", "area=sales", "Churn by month\nmore", &run], &buttons);

    let version = shelf.page("vera", "/t/red/models/net/versions/1").await;
    let all = [
        "petal width",
        "it's",
        "list of long",
        "load_model(\"models:/net/1\")",
        "load_model(\"models:/net@champion\")",
        "depth-4",
        "0.9375",
        "?tab=reproduce",
        "python_function, sklearn",
        "MLflow 3.18.0",
        "href=\"/t/red/models/net/versions/1/files/MLmodel\"",
        "{\"columns\": [",
    ];
    shows(&version, 200, &all, &buttons);
    shows(&shelf.page("vera", "/t/red/models/net/versions/2").await, 200, &["None of its files are in Slipway"], &["Signature"]);
}

#[tokio::test]
async fn a_member_tends_models_without_scripts() {
    let shelf = Shelf::new().await;
    let model = "/t/red/models/net";
    shows(&shelf.page("ada", model).await, 200, &["Set alias", "Delete version", "Delete model", "Edit description", "Remove alias"], &[]);

    assert_eq!(shelf.form("ada", "set_alias", "team=red&model=net&alias=candidate&version=2", model).await, model);
    shows(&shelf.page("ada", "/t/red/models/net/versions/2").await, 200, &["models:/net@candidate"], &["models:/net@champion"]);
    let refused = shelf.form("ada", "set_alias", "team=red&model=net&alias=v7&version=2", model).await;
    shows(&shelf.page("ada", &refused).await, 200, &["reads like a version"], &[]);
    assert_eq!(shelf.form("ada", "remove_alias", "team=red&model=net&alias=champion", model).await, model);
    shows(&shelf.page("ada", model).await, 200, &["candidate"], &["champion:", "@champion"]);

    assert_eq!(shelf.form("ada", "describe_model", "team=red&model=net&description=One%0D%0ATwo", model).await, model);
    let version = format!("{model}/versions/1");
    assert_eq!(shelf.form("ada", "describe_version", "team=red&model=net&version=1&description=Third", &version).await, version);
    shows(&shelf.page("ada", model).await, 200, &["One\nTwo", "Third"], &[]);

    assert_eq!(shelf.form("ada", "delete_version", "team=red&model=net&version=1", &version).await, model);
    shows(&shelf.page("ada", &version).await, 404, &["Not found"], &[]);
    assert_eq!(shelf.form("ada", "delete_model", "team=red&model=net", model).await, "/t/red/models");
    shows(&shelf.page("ada", "/t/red/models").await, 200, &["No models yet", "mlflow.register_model"], &[]);
    shows(&shelf.page("ada", model).await, 404, &["Not found"], &[]);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_another_teams_look_the_same() {
    let shelf = Shelf::new().await;
    for (who, path) in [
        ("eve", "/t/red/models"),
        ("eve", "/t/red/models/net"),
        ("eve", "/t/red/models/net/versions/1"),
        ("eve", "/t/red/models/net/versions/1/files/MLmodel"),
        ("eve", "/t/blue/models/net"),
        ("eve", "/t/blue/models/net/versions/1"),
        ("boss", "/t/red/models/net"),
        ("ada", "/t/red/models/none"),
        ("ada", "/t/red/models/Net"),
        ("ada", "/t/red/models/net/versions/3"),
        ("ada", "/t/red/models/net/versions/0"),
        ("ada", "/t/red/models/net/versions/-1"),
        ("ada", "/t/red/models/net/versions/x"),
        ("ada", "/t/red/models/net/versions/99999999999999999999999"),
        ("ada", "/t/red/models/..%2f..%2fevil"),
        ("ada", "/t/red/models/net%00"),
    ] {
        let answer = shelf.page(who, path).await;
        assert_eq!(answer.status, 404, "{who} {path}: {}", answer.body);
    }
    // Who may not write is told so, and nothing changes.
    for (name, body) in [
        ("set_alias", "team=red&model=net&alias=prod&version=1"),
        ("delete_model", "team=red&model=net"),
        ("describe_model", "team=red&model=net&description=x"),
    ] {
        let refused = shelf.form("vera", name, body, "/t/red/models/net").await;
        assert!(refused.contains("__err="), "{name}: {refused}");
    }
    shows(&shelf.page("vera", "/t/red/models/net").await, 200, &["Churn by month"], &["prod"]);
}

#[tokio::test]
async fn a_version_says_where_it_comes_from_and_versions_are_compared_without_scripts() {
    let shelf = Shelf::new().await;
    let tags = [("mlflow.source.git.commit", "0f3c2a9be1d4476f"), ("mlflow.source.git.repoURL", "https://git.example.com/a/b.git")];
    for (key, value) in tags {
        let tag = serde_json::json!({ "run_id": shelf.run, "key": key, "value": value });
        shelf.send("POST", "/api/2.0/mlflow/runs/set-tag", &tag.to_string()).await;
    }
    let data = serde_json::json!({ "run_id": shelf.run, "datasets": [
        { "dataset": { "name": "customers", "digest": "7d0a1c55", "source_type": "local", "source": "{}" }, "tags": [] }
    ] });
    shelf.send("POST", "/api/2.0/mlflow/runs/log-inputs", &data.to_string()).await;
    let version = shelf.page("vera", "/t/red/models/net/versions/1").await;
    let all = [
        "customers 7d0a1c55",
        "href=\"https://git.example.com/a/b/commit/0f3c2a9be1d4476f\"",
        "This version: net version 1",
        "Alias: champion",
        "href=\"/t/red/models/net/versions/2\"",
        "Lineage of the version",
    ];
    shows(&version, 200, &all, &[]);
    shows(&shelf.page("vera", "/t/red/models/net").await, 200, &["form=\"compare-versions\"", "Compare version 2"], &[]);

    let compared = "/t/red/models/net/compare?versions=1&versions=2";
    shows(&shelf.page("vera", compared).await, 200, &["Version 1", "Input petal width", "MLmodel", "champion"], &["Nothing to compare"]);
    shows(&shelf.page("vera", &format!("{compared}&rows=all")).await, 200, &["depth-4", "0.9375"], &[]);
    for few in ["/t/red/models/net/compare", "/t/red/models/net/compare?versions=1,1"] {
        shows(&shelf.page("vera", few).await, 200, &["Nothing to compare"], &[]);
    }
    for (who, path) in [
        ("eve", compared.to_owned()),
        ("ada", "/t/red/models/none/compare?versions=1,2".to_owned()),
        ("ada", "/t/red/models/net/compare?versions=1,9".to_owned()),
        ("ada", "/t/red/models/net/compare?versions=1,x".to_owned()),
        ("ada", "/t/red/models/none/compare".to_owned()),
    ] {
        assert_eq!(shelf.page(who, &path).await.status, 404, "{who} {path}");
    }
    let many: Vec<String> = (1..30).map(|n| n.to_string()).collect();
    let answer = shelf.page("ada", &format!("/t/red/models/net/compare?versions={}", many.join(","))).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn a_file_that_a_version_holds_is_downloaded_and_no_other() {
    let shelf = Shelf::new().await;
    let root = "/t/red/models/net/versions/1/files";
    let file = shelf.page("vera", &format!("{root}/MLmodel")).await;
    assert_eq!((file.status, file.body.as_str()), (200, ML_MODEL));
    assert!(file.header("content-disposition").is_some_and(|d| d.starts_with("attachment")), "{}", file.text);
    assert_eq!(file.header("content-security-policy"), Some("sandbox; default-src 'none'"));
    // What came after the version was made is no part of it.
    shelf.upload("model/later.txt", "later").await;
    shelf.upload("beside.txt", "beside").await;
    for path in ["later.txt", "../beside.txt", "..%2fbeside.txt", "%2e%2e/beside.txt", "/etc/passwd", "MLmodel/x", "nothing", "."] {
        let answer = shelf.page("ada", &format!("{root}/{path}")).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {} {}", answer.status, answer.body);
    }
    assert_eq!(shelf.house.get(&format!("{root}/MLmodel"), &[]).await.status, 401);
}

#[tokio::test]
async fn a_name_or_a_text_of_markup_is_shown_as_text() {
    let shelf = Shelf::new().await;
    let (name, ada) = ("a \"b\" <img src=x>?#100%", shelf.house.test.caller("ada").await);
    let description = "</script><script>alert(1)</script>";
    registry::create(&shelf.house.portal, &ada, "red", name, Some(description), vec![Tag::new("k", "<b>bold</b>")]).await.expect("a model");
    shelf.version(name, &format!("runs:/{}/model", shelf.run)).await;
    let page = "/t/red/models/a%20%22b%22%20%3Cimg%20src%3Dx%3E%3F%23100%25";
    shows(&shelf.page("ada", "/t/red/models").await, 200, &[page], &["<img src=x>", "<script>alert"]);
    for path in [page.to_owned(), format!("{page}/versions/1")] {
        shows(&shelf.page("ada", &path).await, 200, &["100%"], &["<img src=x>", "<script>alert", "<b>bold"]);
    }
}
