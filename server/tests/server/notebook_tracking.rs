//! A notebook logs to the portal without being told how, and only while it runs.

use crate::house::House;
use domain::{
    model::{NotebookId, RunId},
    notebooks::{self, supervisor},
    tracking::runs,
};
use serde_json::Value;

/// Address and token as the notebook's programs find them.
fn variables(house: &House, id: &NotebookId) -> (String, String) {
    let workload = house.stage.workload(id.as_str());
    let token = workload.secrets.get("MLFLOW_TRACKING_TOKEN").expect("a token").0.clone();
    (workload.env.get("MLFLOW_TRACKING_URI").expect("an address").clone(), token)
}

async fn create_run(house: &House, token: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = house.send("POST", "/api/2.0/mlflow/runs/create", &headers, r#"{"experiment_id":"0"}"#).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_notebooks_run_links_back_to_it() {
    let house = House::new().await;
    let id = house.notebook().await;
    let (uri, token) = variables(&house, &id);
    assert_eq!(uri, house.portal.settings.address);
    let (status, body) = create_run(&house, &token).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("json");
    let run = RunId(body["run"]["info"]["run_id"].as_str().expect("an id").to_owned());
    let ada = house.test.caller("ada").await;
    assert_eq!(runs::get(&house.portal, &ada, "red", &run).await.expect("the run").notebook, Some(id));
    assert!(domain::tokens::list(&house.portal, &ada).await.expect("tokens").is_empty());
}

#[tokio::test]
async fn a_notebooks_token_ends_with_its_launch_and_the_next_one_has_its_own() {
    let house = House::new().await;
    let id = house.notebook().await;
    let (_, token) = variables(&house, &id);
    let ada = house.test.caller("ada").await;
    notebooks::stop(&house.portal, &ada, "red", &id).await.expect("stopping");
    for _ in 0..3 {
        supervisor::look(&house.portal).await;
    }
    assert_eq!(create_run(&house, &token).await.0, 401);
    notebooks::start(&house.portal, &ada, "red", &id).await.expect("started");
    for _ in 0..3 {
        supervisor::look(&house.portal).await;
    }
    let (_, next) = variables(&house, &id);
    assert_ne!(token, next);
    assert_eq!(create_run(&house, &next).await.0, 200);
    assert_eq!(create_run(&house, &token).await.0, 401);
}
