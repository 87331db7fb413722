//! The log of deliveries: each try is kept for a week, and what was sent is sent again when somebody asks.

use super::{
    Tower, form,
    receiver::{Manner, Receiver},
};
use domain::{
    Caller, Error, args,
    model::{Role, WebhookAttempt, WebhookForm},
    webhooks,
};

const HOUR: i64 = 60 * 60 * 1000;

async fn log(tower: &Tower, id: &str) -> Vec<WebhookAttempt> {
    webhooks::log(tower.portal(), &tower.ada, "vision", id, None).await.expect("the log")
}

#[tokio::test]
async fn each_try_is_in_the_log_with_its_answer_and_when_it_is_tried_again() {
    let receiver = Receiver::new(Manner::Status(500)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    assert_eq!(log(&tower, &hook.id).await, []);
    tower.model("net").await;
    tower.look().await;
    tower.portal().clock.advance(HOUR);
    receiver.behave(Manner::Status(200));
    tower.look().await;
    let tries = log(&tower, &hook.id).await;
    let [arrived, failed] = tries.as_slice() else { panic!("{tries:?}") };
    assert_eq!((failed.event.as_str(), failed.about.as_str(), failed.test), ("registered_model.created", "net", false));
    assert_eq!((failed.status, failed.answer.as_deref()), (Some(500), Some("done")));
    assert!(failed.error.as_ref().is_some_and(|e| e.contains("500")) && failed.duration >= 0);
    assert_eq!(failed.next_at, Some(failed.at + 10_000));
    assert_eq!((arrived.status, &arrived.error, arrived.next_at), (Some(200), &None, None));
    assert_eq!(arrived.delivery, failed.delivery);
    assert_eq!(webhooks::log(tower.portal(), &tower.ada, "vision", &hook.id, Some(arrived.seq)).await.expect("older"), tries[1..]);

    webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None).await.expect("tested");
    receiver.behave(Manner::Redirect);
    webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None).await.expect("tested");
    let tries = log(&tower, &hook.id).await;
    assert!(tries.len() == 4 && tries[..2].iter().all(|t| t.test), "{tries:?}");
    assert!(tries[0].error.is_some() && tries[1].error.is_none());
}

#[tokio::test]
async fn what_was_sent_is_sent_again_as_a_delivery_of_its_own() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    tower.model("net").await;
    tower.look().await;
    let sent = log(&tower, &hook.id).await.remove(0);
    webhooks::replay(tower.portal(), &tower.ada, "vision", &hook.id, &sent.delivery).await.expect("again");
    assert_eq!(tower.look().await, 1);
    let body = |request: &str| request.split_once("\r\n\r\n").expect("a body").1.to_owned();
    let requests = receiver.requests();
    assert!(requests.len() == 2 && body(&requests[0]) == body(&requests[1]), "{requests:?}");
    let tries = log(&tower, &hook.id).await;
    assert!(tries.len() == 2 && tries[0].delivery != sent.delivery, "{tries:?}");
    let sql = "SELECT COUNT(*) FROM audit WHERE action = 'webhook.replay'";
    assert_eq!(tower.portal().db.fetch_one::<(i64,)>(sql, args![]).await.expect("a count"), (1,));
}

#[tokio::test]
async fn one_that_waits_is_tried_at_once_and_one_that_was_given_up_is_no_longer_dead() {
    let receiver = Receiver::new(Manner::Status(503)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    tower.model("net").await;
    tower.look().await;
    assert_eq!(tower.look().await, 0, "it waits");
    let sent = log(&tower, &hook.id).await.remove(0);
    let again = async || webhooks::replay(tower.portal(), &tower.ada, "vision", &hook.id, &sent.delivery).await;
    again().await.expect("again");
    assert_eq!(tower.look().await, 1);
    assert!(log(&tower, &hook.id).await.iter().all(|t| t.delivery == sent.delivery), "the same delivery, sooner");

    tower.portal().clock.advance(25 * HOUR);
    tower.look().await;
    assert_eq!((tower.get(&hook.id).await.waiting, tower.get(&hook.id).await.dead), (0, 1));
    receiver.behave(Manner::Status(200));
    again().await.expect("again");
    tower.look().await;
    let hook = tower.get(&hook.id).await;
    assert_eq!((hook.waiting, hook.dead, hook.last_error), (0, 0, None));
}

#[tokio::test]
async fn nobody_else_reads_the_log_or_sends_again() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    let theirs = webhooks::create(tower.portal(), &tower.eve, "speech", form(&receiver.url())).await.expect("a webhook");
    tower.test.user("vic").await;
    domain::teams::set_member(tower.portal(), &Caller::console(), "vision", "vic@example.com", Role::Viewer).await.expect("a viewer");
    let vic = tower.test.caller("vic").await;
    tower.model("net").await;
    tower.look().await;
    webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None).await.expect("tested");
    let [tested, sent] = log(&tower, &hook.id).await.try_into().expect("two tries");
    let (portal, id) = (tower.portal(), hook.id.as_str());
    for (who, team, hook, delivery) in [
        (&tower.eve, "vision", id, &sent),
        (&tower.eve, "speech", id, &sent),
        (&tower.eve, "speech", &theirs.id, &sent),
        (&tower.ada, "vision", id, &tested),
    ] {
        let refused = webhooks::replay(portal, who, team, hook, &delivery.delivery).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{team} {hook}: {refused:?}");
    }
    assert!(matches!(webhooks::log(portal, &tower.eve, "speech", id, None).await, Err(Error::NotFound(_))));
    assert!(matches!(webhooks::log(portal, &vic, "vision", id, None).await, Err(Error::Forbidden(_))));
    assert!(matches!(webhooks::replay(portal, &vic, "vision", id, &sent.delivery).await, Err(Error::Forbidden(_))));
    let pause = WebhookForm { active: Some(false), ..WebhookForm::default() };
    webhooks::update(portal, &tower.ada, "vision", id, pause).await.expect("paused");
    assert!(matches!(webhooks::replay(portal, &tower.ada, "vision", id, &sent.delivery).await, Err(Error::Conflict(_))));
    assert_eq!(receiver.requests().len(), 2, "the one that happened, and the test");
}

#[tokio::test]
async fn the_log_forgets_after_a_week_and_a_webhook_takes_its_log_with_it() {
    let receiver = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    tower.model("old").await;
    tower.look().await;
    tower.portal().clock.advance(6 * 24 * HOUR);
    tower.model("new").await;
    tower.look().await;
    tower.portal().clock.advance(25 * HOUR);
    webhooks::sweep(tower.portal()).await.expect("swept");
    let kept: Vec<String> = log(&tower, &hook.id).await.into_iter().map(|t| t.about).collect();
    assert_eq!(kept, ["new"]);
    webhooks::delete(tower.portal(), &tower.ada, "vision", &hook.id).await.expect("deleted");
    let sql = "SELECT (SELECT COUNT(*) FROM webhook_sent) + (SELECT COUNT(*) FROM webhook_attempts)";
    assert_eq!(tower.portal().db.fetch_one::<(i64,)>(sql, args![]).await.expect("a count"), (0,));
}
