//! Artifacts over HTTP, as MLflow's clients and as attackers send them.

use crate::house::{Answer, House};
use domain::{model::Role, random};

const ROOT: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A token's header.
async fn bearer(house: &House, name: &str, role: Role) -> String {
    format!("Bearer {}", house.token(name, role).await)
}

async fn ask(house: &House, token: &str, method: &str, path: &str, body: &str) -> Answer {
    house.send(method, &format!("{ROOT}/{path}"), &[("authorization", token)], body).await
}

async fn put(house: &House, token: &str, path: &str, body: &str) -> Answer {
    ask(house, token, "PUT", path, body).await
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "0/r/artifacts/d/x.txt", "hello").await.status, 200);
    let file = ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await;
    assert_eq!((file.status, file.body.as_str(), file.header("content-length")), (200, "hello", Some("5")));
    assert_eq!(file.header("etag"), Some(&*format!("\"{}\"", random::digest("hello"))));
    let head = ask(&house, &token, "HEAD", "0/r/artifacts/d/x.txt", "").await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("5")));
    assert_eq!(put(&house, &token, "0/r/artifacts/d/x.txt", "again").await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await.body, "again");
    let listed = house.get(&format!("{ROOT}?path=0/r/artifacts"), &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[{"path":"d","is_dir":true}]}"#), "{}", listed.text);
    let listed = house.get(&format!("{ROOT}?path=0/r/artifacts/d"), &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[{"path":"x.txt","is_dir":false,"file_size":5}]}"#), "{}", listed.text);
    assert_eq!(ask(&house, &token, "DELETE", "0/r/artifacts/", "").await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await.status, 404);
    let listed = house.get(ROOT, &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[]}"#), "{}", listed.text);
}
