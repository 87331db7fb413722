//! The API server cannot be reached: what is known stays as it was, and becomes right again once it can.

use super::{
    cluster::{Corner, fake, until},
    gate::Gate,
};
use crate::machine::{ended, start, stop};
use domain::{
    Clock, Error,
    compute::{ComputeEngine, Outcome, State, kubernetes::KubernetesEngine},
    lease::Lease,
};
use kube::api::DeleteParams;

#[tokio::test(flavor = "multi_thread")]
async fn silence_of_the_cluster_ends_no_notebook_and_what_happened_meanwhile_is_found() {
    let Some(corner) = Corner::start().await else { return };
    let gate = Gate::before(&corner.kubeconfig).await;
    let mut config = corner.config();
    config.kubeconfig = Some(gate.kubeconfig.path().to_owned());
    let clock = Clock::system();
    let engine = KubernetesEngine::start(config, clock.clone(), Lease::for_ever().into()).await.unwrap();
    let (stays, goes) = (fake("serves"), fake("serves"));
    start(&*engine, &stays).await;
    start(&*engine, &goes).await;
    assert!(clock.now() - engine.heard_at() < 10_000);

    gate.close();
    // Meanwhile one of them goes, and the engine cannot know.
    corner.pods().delete(&format!("nb-{}-1", goes.id), &DeleteParams::default()).await.unwrap();
    until("the silence is noticed", async || clock.now() - engine.heard_at() > 8_000).await;
    for workload in [&stays, &goes] {
        assert_eq!(engine.status(&workload.id).await.unwrap().unwrap().state, State::Ready, "silence is no end");
    }
    assert_eq!(engine.list().await.unwrap().len(), 2);
    assert!(matches!(engine.ensure(&fake("serves")).await, Err(Error::Unavailable(_))));

    gate.open();
    assert!(matches!(ended(&*engine, &goes).await, Outcome::Failed { .. }));
    assert_eq!(engine.status(&stays.id).await.unwrap().unwrap().state, State::Ready);
    until("it is heard again", async || clock.now() - engine.heard_at() < 6_000).await;
    assert_eq!(stop(&*engine, &stays).await, Outcome::Stopped);
    corner.end().await;
}
