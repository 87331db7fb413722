//! What arrives: signed, at least once, in order, and on time for everybody else.

use super::{
    Tower, form,
    receiver::{Manner, Receiver},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    Error, args,
    model::{TAG_IS_PROMPT, Tag, WebhookForm},
    registry, webhooks,
};
use std::collections::{BTreeMap, BTreeSet};

const SECOND: i64 = 1000;
const HOUR: i64 = 60 * 60 * SECOND;

fn headers(request: &str) -> BTreeMap<String, String> {
    let head = request.split_once("\r\n\r\n").expect("a body").0;
    head.lines().filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect()
}

/// HMAC-SHA256 of a key of at most one block, written anew.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let sha256 = |data: Vec<u8>| ring::digest::digest(&ring::digest::SHA256, &data).as_ref().to_vec();
    let pad = |with: u8| (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let inner = sha256([pad(0x36), message.to_vec()].concat());
    sha256([pad(0x5c), inner].concat())
}

/// A-HOOK-10: as MLflow's clients check it.
#[tokio::test]
async fn a_delivery_is_signed_over_its_id_its_time_and_its_body() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    tower.model("net").await;
    assert_eq!(tower.look().await, 1);
    let request = receiver.requests().pop().expect("a request");
    let (sent, body) = (headers(&request), request.split_once("\r\n\r\n").expect("a body").1);
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    let signed = format!("{}.{}.{body}", sent["x-mlflow-delivery-id"], sent["x-mlflow-timestamp"]);
    assert_eq!(sent["x-mlflow-signature"], format!("v1,{}", STANDARD.encode(hmac(b"hunter2", signed.as_bytes()))));
    assert_eq!(sent["host"], format!("receiver.test:{}", receiver.port));
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["entity"], &body["action"]), (&"registered_model".into(), &"created".into()));
    assert_eq!(body["data"], serde_json::json!({ "name": "net", "tags": {}, "description": "" }));
    assert_eq!(body["timestamp"], "2026-01-01T00:00:00Z");
    let hook = tower.get(&hook.id).await;
    assert_eq!((hook.waiting, hook.dead, hook.last_error), (0, 0, None));
    assert!(hook.last_try_at.is_some() && hook.has_secret);
}

#[tokio::test]
async fn only_what_was_asked_for_is_told_and_prompts_are_told_as_prompts() {
    let receiver = Receiver::new(Manner::Status(204)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    let prompt = vec![Tag::new(TAG_IS_PROMPT, "true"), Tag::new("k", "v")];
    registry::create(tower.portal(), &tower.ada, "vision", "greet", Some("d"), prompt).await.expect("a prompt");
    registry::set_tag(tower.portal(), &tower.ada, "vision", "greet", Tag::new("a", "b")).await.expect("tagged");
    tower.model("net").await;
    registry::set_tag(tower.portal(), &tower.ada, "vision", "net", Tag::new("a", "b")).await.expect("tagged");
    registry::create(tower.portal(), &tower.eve, "speech", "other", None, Vec::new()).await.expect("another team's");
    tower.look().await;
    let told: Vec<String> = receiver
        .requests()
        .iter()
        .map(|r| serde_json::from_str::<serde_json::Value>(r.split_once("\r\n\r\n").expect("a body").1).expect("JSON"))
        .map(|b| format!("{}.{} {}", b["entity"].as_str().expect("text"), b["action"].as_str().expect("text"), b["data"]["name"]))
        .collect();
    assert_eq!(told, ["prompt.created \"greet\"", "prompt_tag.set \"greet\"", "registered_model.created \"net\""]);
    let off = WebhookForm { active: Some(false), ..WebhookForm::default() };
    webhooks::update(tower.portal(), &tower.ada, "vision", &hook.id, off).await.expect("switched off");
    tower.model("silent").await;
    assert_eq!(tower.look().await, 0);
}

#[tokio::test]
async fn what_is_told_and_what_is_changed_are_kept_together_or_not_at_all() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    tower.hook(&receiver).await;
    tower.portal().db.execute("ALTER TABLE webhook_deliveries RENAME TO elsewhere", args![]).await.expect("renamed");
    registry::create(tower.portal(), &tower.ada, "vision", "net", None, Vec::new()).await.expect_err("no outbox");
    assert!(matches!(registry::get(tower.portal(), &tower.ada, "vision", "net").await, Err(Error::NotFound(_))));
    tower.portal().db.execute("ALTER TABLE elsewhere RENAME TO webhook_deliveries", args![]).await.expect("renamed");
    assert_eq!(tower.look().await, 0);
}

/// P20 and A-HOOK-11.
#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_ever_later_and_given_up_after_a_day() {
    let (bad, good) = (Receiver::new(Manner::Status(500)).await, Receiver::new(Manner::Status(200)).await);
    let tower = Tower::new(&[&bad, &good]).await;
    let hook = tower.hook(&bad).await;
    tower.hook_of_speech(&good).await;
    tower.model("net").await;
    let mut waits = Vec::new();
    let mut since = 0;
    for minute in 0..(25 * 60) {
        if tower.look().await > 0 {
            waits.push(minute - since);
            since = minute;
        }
        // Other teams are told at once, all the while.
        if minute % 300 == 0 {
            registry::create(tower.portal(), &tower.eve, "speech", &format!("m{minute}"), None, Vec::new()).await.expect("a model");
            tower.look().await;
            assert_eq!(good.requests().len(), minute / 300 + 1);
        }
        tower.portal().clock.advance(60 * SECOND);
    }
    assert!(waits.windows(2).all(|w| w[0] <= w[1]) && waits.iter().all(|w| *w <= 61), "{waits:?}");
    let tried = bad.requests().len();
    assert!((24..40).contains(&tried), "{tried}");
    let dead = tower.get(&hook.id).await;
    assert_eq!((dead.waiting, dead.dead), (0, 1));
    assert!(dead.last_error.is_some_and(|e| e.contains("500")));
    let ids: BTreeSet<String> = bad.requests().iter().map(|r| headers(r)["x-mlflow-delivery-id"].clone()).collect();
    assert_eq!(ids.len(), 1, "one delivery keeps its id");
    // A dead letter stands in nobody's way.
    bad.behave(Manner::Status(200));
    registry::set_tag(tower.portal(), &tower.ada, "vision", "net", Tag::new(TAG_IS_PROMPT, "true")).await.expect("tagged");
    assert_eq!(tower.look().await, 1);
}

#[tokio::test]
async fn deliveries_about_one_model_arrive_in_order_and_others_go_past() {
    let receiver = Receiver::new(Manner::Status(500)).await;
    let tower = Tower::new(&[&receiver]).await;
    tower.hook(&receiver).await;
    let prompt = vec![Tag::new(TAG_IS_PROMPT, "true")];
    registry::create(tower.portal(), &tower.ada, "vision", "first", None, prompt).await.expect("a prompt");
    tower.look().await;
    registry::set_tag(tower.portal(), &tower.ada, "vision", "first", Tag::new("n", "2")).await.expect("tagged");
    receiver.behave(Manner::Status(200));
    tower.model("second").await;
    assert_eq!(tower.look().await, 1, "the second delivery about the first model waits for the first");
    tower.portal().clock.advance(HOUR);
    assert_eq!(tower.look().await, 2);
    assert_eq!(receiver.names(), ["first", "second", "first", "first"]);
    assert!(receiver.requests()[3].contains("prompt_tag"));
}

#[tokio::test]
async fn two_processes_never_make_the_same_delivery_at_once() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    tower.hook(&receiver).await;
    for n in 0..12 {
        tower.model(&format!("m{n}")).await;
    }
    let looks = (0..3).map(|_| webhooks::look(tower.portal()));
    let made: usize = futures::future::join_all(looks).await.into_iter().map(|m| m.expect("looked")).sum();
    while tower.look().await > 0 {}
    let names = receiver.names();
    assert!(made <= 12 && names.len() == 12, "{made} {names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 12);
}

/// P20: a process that dies while it delivers loses nothing.
#[tokio::test]
async fn what_a_dead_process_had_taken_is_delivered_by_the_next() {
    let receiver = Receiver::new(Manner::Silent).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    for n in 0..20 {
        tower.model(&format!("m{n}")).await;
        let before = receiver.requests().len();
        let portal = tower.portal().clone();
        let looking = tokio::spawn(async move { webhooks::look(&portal).await });
        while receiver.requests().len() == before {
            tokio::task::yield_now().await;
        }
        // Dies here, with the request sent and no answer.
        looking.abort();
        let _ = looking.await;
        assert_eq!(tower.look().await, 0, "it is taken until it is clear that nobody is at it");
        tower.portal().clock.advance(61 * SECOND);
    }
    assert_eq!(tower.get(&hook.id).await.waiting, 20);
    receiver.behave(Manner::Status(200));
    while tower.get(&hook.id).await.waiting > 0 {
        tower.look().await;
        tower.portal().clock.advance(HOUR);
    }
    assert_eq!(receiver.names().into_iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(tower.get(&hook.id).await.dead, 0);
}

#[tokio::test]
async fn the_worker_delivers_as_soon_as_something_happens() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    tower.hook(&receiver).await;
    let working = tokio::spawn(webhooks::run(tower.portal().clone()));
    tower.model("net").await;
    while receiver.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    working.abort();
}

#[tokio::test]
async fn a_test_says_what_the_receiver_answered() {
    let receiver = Receiver::new(Manner::Status(418)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    let said = webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, Some("prompt_version.created")).await.expect("tested");
    assert_eq!((said.success, said.response_status, said.response_body.as_deref()), (false, Some(418), Some("done")));
    assert!(receiver.requests()[0].contains("\"template\":\"Hello {{name}}!\""));
    receiver.behave(Manner::Status(200));
    assert!(webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None).await.expect("tested").success);
    assert!(matches!(webhooks::test(tower.portal(), &tower.eve, "speech", &hook.id, None).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_secret_is_sealed_and_can_be_taken_away() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    let (kept,): (String,) = tower.portal().db.fetch_one("SELECT secret FROM webhooks", args![]).await.expect("a row");
    assert!(!kept.contains("hunter2") && !format!("{hook:?}").contains("hunter2"));
    let none = WebhookForm { secret: Some(String::new()), ..WebhookForm::default() };
    assert!(!webhooks::update(tower.portal(), &tower.ada, "vision", &hook.id, none).await.expect("changed").has_secret);
    tower.model("net").await;
    tower.look().await;
    assert!(!receiver.requests()[0].to_ascii_lowercase().contains("x-mlflow-signature"));
    assert!(webhooks::create(tower.portal(), &tower.eve, "vision", form(&receiver.url())).await.is_err());
}
