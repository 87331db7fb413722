//! Promotions through both doors: what MLflow's clients are refused and told, and that the pages work without scripts.

use crate::house::{Answer, House};
use domain::{
    model::{NewModelVersion, NewRun, PromotionStage, Role, Stage},
    promotion, registry, tracking,
};
use serde_json::{Value, json};

/// Team `red` with the recommended flow and the model `net`, whose version 1 is `champion` and in Production; version 2 is nothing yet.
struct Shelf {
    house: House,
    bearer: String,
}

impl Shelf {
    async fn new() -> Self {
        let house = House::new().await;
        let bearer = format!("Bearer {}", house.token("ada", Role::Member).await);
        let shelf = Self { house, bearer };
        let (ada, portal) = (shelf.house.test.caller("ada").await, &shelf.house.portal);
        registry::create(portal, &ada, "red", "net", None, Vec::new()).await.expect("a model");
        for _ in 0..2 {
            let run = tracking::runs::create(portal, &ada, "red", NewRun::default()).await.expect("a run").id;
            let new = NewModelVersion { name: "net".into(), source: format!("runs:/{run}/model"), ..NewModelVersion::default() };
            registry::create_version(portal, &ada, "red", new).await.expect("a version");
        }
        registry::set_alias(portal, &ada, "red", "net", "champion", 1).await.expect("pointed");
        registry::set_stage(portal, &ada, "red", ("net", 1), Stage::Production, false).await.expect("moved");
        promotion::use_recommended(portal, &shelf.house.test.caller("root").await, "red").await.expect("a flow");
        shelf
    }

    /// As MLflow's client of ada's.
    async fn client(&self, method: &str, path: &str, body: Value) -> Answer {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        self.house.send(method, &format!("/api/2.0/mlflow/{path}"), &headers, &body.to_string()).await
    }

    async fn page(&self, who: &str, path: &str) -> Answer {
        self.house.get(path, &[("cookie", &self.house.session(who).await)]).await
    }

    /// A form as a browser without scripts posts it from `page`; where that sends it.
    async fn form(&self, who: &str, name: &str, body: &str, page: &str) -> String {
        let (cookie, origin) = (self.house.session(who).await, self.house.origin());
        let referer = format!("{origin}{page}");
        let headers = [("cookie", cookie.as_str()), ("origin", &origin), ("accept", "text/html"), ("referer", &referer)];
        let answer = self.house.send("POST", &format!("/api/promotion/{name}"), &headers, body).await;
        assert!(matches!(answer.status, 302 | 303), "{name}: {} {}", answer.status, answer.body);
        answer.header("location").expect("a way on").trim_start_matches(&origin).trim_end_matches('?').to_owned()
    }
}

#[track_caller]
fn shows(answer: &Answer, all: &[&str], none: &[&str]) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    for text in all {
        assert!(answer.body.contains(text), "{text} is missing: {}", answer.body);
    }
    for text in none {
        assert!(!answer.body.contains(text), "{text} is there: {}", answer.body);
    }
}

#[tokio::test]
async fn mlflow_clients_are_refused_what_is_protected_and_told_where_to_ask() {
    let shelf = Shelf::new().await;
    let promote = "/t/red/models/net/versions/2/promote?to=champion";
    let history = "/t/red/models/net/aliases/champion";
    for (method, path, body, page) in [
        ("POST", "registered-models/alias", json!({ "name": "net", "alias": "champion", "version": "2" }), promote),
        ("POST", "registered-models/alias", json!({ "name": "net", "alias": "staging", "version": "2" }), "promote?to=staging"),
        ("DELETE", "registered-models/alias", json!({ "name": "net", "alias": "champion" }), history),
        ("POST", "model-versions/transition-stage", json!({ "name": "net", "version": "2", "stage": "Production" }), promote),
        (
            "POST",
            "model-versions/transition-stage",
            json!({ "name": "net", "version": "2", "stage": "staging", "archive_existing_versions": true }),
            "promote?to=staging",
        ),
        ("POST", "model-versions/transition-stage", json!({ "name": "net", "version": "1", "stage": "Archived" }), history),
        ("DELETE", "model-versions/delete", json!({ "name": "net", "version": "1" }), history),
        ("POST", "registered-models/rename", json!({ "name": "net", "new_name": "web" }), history),
        ("DELETE", "registered-models/delete", json!({ "name": "net" }), history),
    ] {
        let answer = shelf.client(method, path, body.clone()).await;
        let said: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, said["error_code"].as_str()), (403, Some("PERMISSION_DENIED")), "{path} {body}: {}", answer.body);
        let message = said["message"].as_str().expect("a message");
        assert!(message.ends_with(page) && message.contains("protected in team red"), "{path} {body}: {message}");
    }
    // A prompt's tag opens no way around.
    assert_eq!(
        shelf
            .client("POST", "registered-models/set-tag", json!({ "name": "net", "key": "mlflow.prompt.is_prompt", "value": "true" }))
            .await
            .status,
        200
    );
    assert_eq!(
        shelf.client("POST", "registered-models/alias", json!({ "name": "net", "alias": "champion", "version": "2" })).await.status,
        403
    );
    // What is not protected goes on as before.
    for (method, path, body) in [
        ("POST", "registered-models/alias", json!({ "name": "net", "alias": "candidate", "version": "2" })),
        ("POST", "model-versions/transition-stage", json!({ "name": "net", "version": "2", "stage": "Archived" })),
        ("DELETE", "model-versions/delete", json!({ "name": "net", "version": "2" })),
    ] {
        assert_eq!(shelf.client(method, path, body).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_version_is_promoted_and_brought_back_by_plain_forms() {
    let shelf = Shelf::new().await;
    let promote = "/t/red/models/net/versions/2/promote";
    let page = shelf.page("ada", &format!("{promote}?to=champion")).await;
    shows(&page, &["What champion asks for", "Model card: Evaluation", "0 of 1.", "Version 1", "Ask for champion"], &[]);
    shows(&shelf.page("vera", promote).await, &["Members and admins of the team ask"], &["Ask for the promotion"]);

    let request = shelf.form("ada", "request", "team=red&model=net&version=2&alias=champion&note=Better", promote).await;
    assert!(request.starts_with("/t/red/reviews/"), "{request}");
    let id = request.trim_start_matches("/t/red/reviews/").to_owned();
    shows(&shelf.page("ada", &request).await, &["Better", "You asked for it", "Withdraw request", "Failing"], &["Approve promotion"]);
    shows(&shelf.page("root", "/t/red/reviews").await, &["net version 2 to champion", "Waits for you"], &[]);
    shows(&shelf.page("ada", "/t/red/reviews").await, &["net version 2 to champion"], &["Waits for you"]);
    shows(&shelf.page("vera", &request).await, &["Viewers do not review"], &["Approve promotion", "Withdraw request", "Ask for a waiver"]);

    let refused = shelf.form("ada", "approve", &format!("team=red&id={id}"), &request).await;
    shows(&shelf.page("ada", &refused).await, &["somebody else decides on it"], &[]);
    assert_eq!(shelf.form("root", "approve", &format!("team=red&id={id}&comment=Fine"), &request).await, request);
    shows(&shelf.page("ada", &request).await, &["Fine", "approved by root@example.com"], &[]);
    let card = "team=red&model=net&version=2&card[0][field]=Intended use&card[0][text]=A%0D%0AB&card[1][field]=Evaluation&card[1][text]=C&card[2][field]=Owner&card[2][text]=ada";
    shelf.form("ada", "save_card", card, "/t/red/models/net/versions/2").await;
    // What was approved had another card.
    shows(&shelf.page("root", &request).await, &["Lapsed", "no longer counts", "Approve promotion"], &[]);
    assert_eq!(shelf.form("root", "approve", &format!("team=red&id={id}&comment=Read"), &request).await, request);
    shows(&shelf.page("vera", "/t/red/models/net/versions/2").await, &["A\nB", "models:/net@champion", "Production"], &["Edit model card"]);
    shows(&shelf.page("vera", &request).await, &["Promoted", "Read"], &[]);

    let history = "/t/red/models/net/aliases/champion";
    shows(
        &shelf.page("ada", history).await,
        &["Protected", "Version 2 holds it", "Roll back to version 1"],
        &["Roll back to version 2", "Remove alias"],
    );
    assert_eq!(shelf.form("ada", "roll_back", "team=red&model=net&alias=champion&version=1&reason=Slow", history).await, history);
    shows(&shelf.page("vera", history).await, &["Version 1 holds it", "Rolled back", "Slow"], &["Roll back to version"]);
    shows(&shelf.page("root", history).await, &["Roll back to version 2", "Remove alias"], &[]);
}

#[tokio::test]
async fn a_flow_is_said_in_a_form_that_points_at_what_is_wrong() {
    let shelf = Shelf::new().await;
    let settings = "/t/red/settings/promotion";
    shows(
        &shelf.page("vera", settings).await,
        &["champion", "A team admin changes these settings"],
        &["Save stage", "Use the recommended flow"],
    );
    shows(&shelf.page("root", settings).await, &["Save stage", "Add a stage", "Save fields"], &["Use the recommended flow"]);
    let root = shelf.house.user_id("root").await;
    let form = |rules: &str| {
        format!(
            "team=red&form[old]=champion&form[alias]=champion&form[protected]=true&form[mlflow_stage]=Production&form[rules]={rules}\
             &form[card_fields][4]=Owner&form[tags]=a,+b&form[approvals]=1&form[reviewers][2]={root}"
        )
    };
    let wrong = shelf.form("root", "save_stage", &form("auc %3E%3D champion %2B much"), settings).await;
    assert!(wrong.contains("__err="), "{wrong}");
    assert_eq!(shelf.form("root", "save_stage", &form("auc %3E%3D champion %2B 0.5%25%0D%0Aloss %3C 0.2"), settings).await, settings);
    let flow = promotion::flow(&shelf.house.portal, &shelf.house.test.caller("ada").await, "red").await.expect("a flow");
    let expected = PromotionStage {
        alias: "champion".into(),
        protected: true,
        mlflow_stage: Some(Stage::Production),
        after_previous: false,
        rules: vec!["auc >= champion + 0.5%".into(), "loss < 0.2".into()],
        card_fields: vec!["Owner".into()],
        tags: vec!["a".into(), "b".into()],
        approvals: 1,
        reviewers: vec![root],
    };
    assert_eq!(flow.stage("champion"), Some(&expected));
    let refused = shelf.form("ada", "use_recommended", "team=red", settings).await;
    assert!(refused.contains("__err="), "{refused}");
}
