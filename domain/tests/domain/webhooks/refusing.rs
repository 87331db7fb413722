//! Where webhooks do not go, and what they do not wait for.

use super::{
    Tower, form,
    receiver::{HOST, Manner, Receiver},
};
use domain::{Error, random, webhooks};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A-HOOK-04: the name has a public address when it is saved, and one of this machine when it is sent to.
#[tokio::test]
async fn a_name_that_moves_inside_the_network_is_not_followed_there() {
    let [a, b] = random::bytes::<2>();
    let inside = IpAddr::from([127, a, b, 7]);
    let canary = tokio::net::TcpListener::bind((inside, 8443)).await.expect("a port of this machine");
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = asked.clone();
    let lookup: webhooks::Lookup = Arc::new(move |_| {
        let first = counting.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move { Ok(vec![if first { IpAddr::from([1, 1, 1, 1]) } else { inside }]) })
    });
    let tower = Tower::with(&[], lookup).await;
    let hook = webhooks::create(tower.portal(), &tower.ada, "vision", form("https://rebind.example:8443/")).await.expect("public so far");
    tower.model("net").await;
    tower.look().await;
    let failed = tower.get(&hook.id).await;
    assert!(failed.last_error.is_some_and(|e| e.contains("inside the network")));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "looked up once to save and once to send");
    let connected = tokio::time::timeout(std::time::Duration::ZERO, canary.accept()).await;
    assert!(connected.is_err(), "nobody connected");
    let refused = webhooks::create(tower.portal(), &tower.ada, "vision", form("https://rebind.example:8443/")).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

/// A-HOOK-05.
#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let receiver = Receiver::new(Manner::Redirect).await;
    let tower = Tower::new(&[&receiver]).await;
    let hook = tower.hook(&receiver).await;
    tower.model("net").await;
    assert_eq!(tower.look().await, 1);
    assert_eq!(receiver.connections(), 1);
    let failed = tower.get(&hook.id).await;
    assert_eq!(failed.waiting, 1);
    assert!(failed.last_error.is_some_and(|e| e.contains("redirects are not followed")));
}

/// A-HOOK-09.
#[tokio::test]
async fn an_answer_is_cut_at_its_limits_and_nobody_else_waits() {
    let manners = [Manner::EndlessBody, Manner::EndlessHeaders, Manner::SlowBody, Manner::Silent];
    let mut receivers = Vec::new();
    for manner in manners {
        receivers.push(Receiver::new(manner).await);
    }
    let good = Receiver::new(Manner::Status(200)).await;
    let tower = Tower::new(&receivers.iter().chain([&good]).collect::<Vec<_>>()).await;
    let mut hooks = Vec::new();
    for receiver in &receivers {
        hooks.push(tower.hook(receiver).await);
    }
    tower.hook_of_speech(&good).await;
    let tests = hooks.iter().map(|hook| webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None));
    let said: Vec<_> = futures::future::join_all(tests).await.into_iter().map(|s| s.expect("tested")).collect();
    assert!(said[0].success && said[0].response_body.as_ref().is_some_and(|b| b.len() == 64 * 1024), "read to the limit and no further");
    assert!(!said[1].success && said[1].error.is_some(), "{:?}", said[1]);
    assert!(said[2].success && said[2].response_body.as_ref().is_some_and(|b| b.len() < 100), "the status was said");
    assert!(!said[3].success && said[3].error.as_ref().is_some_and(|e| e.contains("10 seconds")), "{:?}", said[3]);
    // Every place that a team has is taken by its slow receiver; another team is told meanwhile.
    let working = tokio::spawn(webhooks::run(tower.portal().clone()));
    tower.model("net").await;
    while receivers[3].requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    domain::registry::create(tower.portal(), &tower.eve, "speech", "other", None, Vec::new()).await.expect("a model");
    while good.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    working.abort();
}

#[tokio::test]
async fn a_receiver_must_show_a_certificate_that_is_trusted() {
    let (known, unknown) = (Receiver::new(Manner::Status(200)).await, Receiver::new(Manner::Status(200)).await);
    let mut tower = Tower::new(&[&known]).await;
    let allow = vec![webhooks::Allowed { host: HOST.to_owned(), port: unknown.port }];
    let here: webhooks::Lookup = Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }));
    tower.test.portal.outbound = Arc::new(webhooks::Outbound::with(allow, here, std::slice::from_ref(&known.certificate)));
    let hook = tower.hook(&unknown).await;
    let said = webhooks::test(tower.portal(), &tower.ada, "vision", &hook.id, None).await.expect("tested");
    assert!(!said.success && said.error.is_some_and(|e| e.contains("secure connection")));
    assert!(unknown.requests().is_empty());
}
