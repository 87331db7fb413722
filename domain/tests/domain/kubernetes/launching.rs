//! Launching on Kubernetes: once and only once, whoever tries, and how it ends.

use super::cluster::{Corner, fake, until};
use crate::machine::{ended, reaches, ready, secret, start, stop};
use domain::{
    Clock, Error,
    compute::{ComputeEngine, Outcome, State, Workload, kubernetes::KubernetesEngine},
    lease::Lease,
    model::Resources,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

fn with_secrets() -> Workload {
    let mut workload = fake("serves");
    workload.secrets.insert("TOKEN".into(), secret("s3cret"));
    workload.header = Some(("authorization".into(), secret("token s3cret")));
    workload
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_that_many_make_at_once_on_kubernetes_is_one_pod() {
    let Some(corner) = Corner::start().await else { return };
    let others = [corner.another().await, corner.another().await];
    for _ in 0..5 {
        let workload = with_secrets();
        let made =
            futures::future::join_all([&corner.engine, &others[0], &others[1], &corner.engine].map(|engine| engine.ensure(&workload)))
                .await;
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        assert_eq!(corner.pod_names(&workload.id).await, [format!("nb-{}-1", workload.id)]);
        ready(&*others[1], &workload).await;
        // Whoever stops it, the others know why it ended.
        others[0].stop(&workload.id).await.unwrap();
        for engine in [&corner.engine, &others[0], &others[1]] {
            assert_eq!(ended(&**engine, &workload).await, Outcome::Stopped);
        }
    }
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_on_kubernetes_that_is_cut_short_anywhere_is_taken_up_and_made_once() {
    let Some(corner) = Corner::start().await else { return };
    start(&*corner.engine, &fake("serves")).await;
    for after in 0..20_u64 {
        let workload = with_secrets();
        // The process dies at some moment of the launch; the next one knows nothing of it.
        let dying = corner.another().await;
        dying.status(&workload.id).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(after * 3), dying.ensure(&workload)).await;
        drop(dying);
        let next = corner.another().await;
        next.ensure(&workload).await.unwrap();
        ready(&*next, &workload).await;
        assert_eq!(corner.pod_names(&workload.id).await.len(), 1);
        let name = format!("nb-{}-1", workload.id);
        assert_eq!(corner.secrets().get(&name).await.unwrap().data.unwrap()["TOKEN"].0, b"s3cret");
        assert_eq!(stop(&*next, &workload).await, Outcome::Stopped);
        next.remove(&workload.id).await.unwrap();
        until("its secret is gone", async || corner.secrets().get_opt(&name).await.unwrap().is_none()).await;
    }
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_comes_later_finds_what_runs_on_kubernetes() {
    let Some(corner) = Corner::start().await else { return };
    let workload = with_secrets();
    start(&*corner.engine, &workload).await;
    let later = corner.another().await;
    assert_eq!(later.status(&workload.id).await.unwrap().unwrap().state, State::Ready);
    assert_eq!(later.list().await.unwrap().len(), 1);
    later.ensure(&workload).await.unwrap();
    assert_eq!(corner.pod_names(&workload.id).await.len(), 1);
    assert_eq!(stop(&*later, &workload).await, Outcome::Stopped);
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_on_kubernetes_says_how_it_ended() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let end = async |tag: &str| {
        let workload = fake(tag);
        engine.ensure(&workload).await.unwrap();
        ended(engine, &workload).await
    };
    assert!(matches!(end("uses-too-much").await, Outcome::Failed { reason, .. } if reason.contains("more memory")));
    assert!(matches!(end("exits-139").await, Outcome::Failed { reason, .. } if reason.contains("signal 11")));
    // Deleted behind Slipway's back.
    let workload = fake("serves");
    start(engine, &workload).await;
    corner.pods().delete(&format!("nb-{}-1", workload.id), &DeleteParams::default()).await.unwrap();
    assert!(matches!(ended(engine, &workload).await, Outcome::Failed { reason, .. } if reason.contains("somebody else")));
    // And started again.
    let again = Workload { launch: 2, ..workload };
    start(engine, &again).await;
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_fetched_on_kubernetes_is_told_of_and_can_be_stopped() {
    let Some(corner) = Corner::start().await else { return };
    let workload = fake("is-missing");
    corner.engine.ensure(&workload).await.unwrap();
    let told =
        |state: &State| matches!(state, State::Preparing { step, .. } if step.contains("There is no image localhost/fake:is-missing."));
    reaches(&*corner.engine, &workload, told).await;
    assert_eq!(stop(&*corner.engine, &workload).await, Outcome::Stopped);
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gpus_on_kubernetes_are_asked_for_counted_and_waited_for() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let ask = |gpus| Workload { resources: Resources { cpus: 1, memory_mib: 512, gpus }, ..fake("serves") };
    let capacity = engine.capacity().await.unwrap();
    assert_eq!((capacity.gpus_total(), capacity.cpus_total, capacity.memory_mib_total), (8, 8, 32 << 10));
    assert!(matches!(engine.ensure(&ask(9)).await, Err(Error::Invalid(_))), "no more than there are");
    let six = ask(6);
    start(engine, &six).await;
    let pod = corner.pods().get(&format!("nb-{}-1", six.id)).await.unwrap();
    let resources = pod.spec.unwrap().containers[0].resources.clone().unwrap();
    assert_eq!(resources.limits.unwrap()["nvidia.com/gpu"].0, "6");
    let capacity = engine.capacity().await.unwrap();
    assert_eq!((capacity.gpus_used(), capacity.gpus[0].used_by.as_deref()), (6, Some(six.id.as_str())));
    let four = ask(4);
    engine.ensure(&four).await.unwrap();
    let told = |state: &State| matches!(state, State::Preparing { step, .. } if step.contains("4 GPUs (2 of 8 free)") && step.contains("2 GPUs with"));
    reaches(engine, &four, told).await;
    stop(engine, &six).await;
    ready(engine, &four).await;
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_on_kubernetes_that_does_not_go_keeps_the_next_launch_waiting_with_a_reason() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let workload = fake("serves");
    start(engine, &workload).await;
    let name = format!("nb-{}-1", workload.id);
    let finalizers = |list: serde_json::Value| Patch::Merge(json!({"metadata": {"finalizers": list}}));
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(["example.com/keeps"]))).await.unwrap();
    engine.stop(&workload.id).await.unwrap();
    let next = Workload { launch: 2, ..workload.clone() };
    engine.ensure(&next).await.unwrap();
    let told = |state: &State| matches!(state, State::Preparing { step, .. } if step.contains("example.com/keeps keeps its pod"));
    reaches(engine, &next, told).await;
    assert_eq!(corner.pod_names(&workload.id).await, std::slice::from_ref(&name), "never two at a time");
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(null))).await.unwrap();
    ready(engine, &next).await;
    assert_eq!(corner.pod_names(&workload.id).await, [format!("nb-{}-2", workload.id)]);
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_on_kubernetes_that_waits_for_the_one_before_can_be_stopped() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let workload = fake("hangs");
    start(engine, &workload).await;
    let next = Workload { launch: 2, ..workload.clone() };
    engine.ensure(&next).await.unwrap();
    engine.stop(&next.id).await.unwrap();
    let name = format!("nb-{}-1", workload.id);
    corner.pods().delete(&name, &DeleteParams::default().grace_period(0)).await.unwrap();
    assert_eq!(ended(engine, &next).await, Outcome::Stopped);
    assert!(corner.pod_names(&workload.id).await.is_empty());
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_the_lease_changes_nothing_on_kubernetes_and_sees_everything() {
    let Some(corner) = Corner::start().await else { return };
    let lease = Arc::<Lease>::default();
    let without = KubernetesEngine::start(corner.config(), Clock::system(), lease).await.unwrap();
    let workload = fake("serves");
    let refused = without.ensure(&workload).await.unwrap_err();
    assert!(matches!(&refused, Error::Unavailable(why) if why.contains("Another process")), "{refused}");
    let namespaces: Api<Namespace> = Api::all(corner.client.clone());
    assert!(namespaces.get_opt(&corner.namespace()).await.unwrap().is_none());
    start(&*corner.engine, &workload).await;
    ready(&*without, &workload).await;
    assert!(matches!(without.stop(&workload.id).await, Err(Error::Unavailable(_))));
    assert!(matches!(without.delete_volume(&workload.home).await, Err(Error::Unavailable(_))));
    assert_eq!(corner.pod_names(&workload.id).await.len(), 1);
    corner.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_had_begun_on_kubernetes_when_it_lost_the_lease_is_dropped_for_what_another_made() {
    let Some(corner) = Corner::start().await else { return };
    let engine = &*corner.engine;
    let workload = fake("serves");
    start(engine, &workload).await;
    let name = format!("nb-{}-1", workload.id);
    let finalizers = |list: serde_json::Value| Patch::Merge(json!({"metadata": {"finalizers": list}}));
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(["example.com/keeps"]))).await.unwrap();
    let next = Workload { launch: 2, ..workload.clone() };
    engine.ensure(&next).await.unwrap();
    // It would make the second launch once the first is gone; the lease is lost before, and another makes a third.
    engine.anew();
    let another = corner.another().await;
    let third = Workload { launch: 3, ..workload.clone() };
    another.ensure(&third).await.unwrap();
    corner.pods().patch(&name, &PatchParams::default(), &finalizers(json!(null))).await.unwrap();
    ready(&*another, &third).await;
    // The first holds the lease again.
    engine.anew();
    ready(engine, &third).await;
    assert_eq!(corner.pod_names(&workload.id).await, [format!("nb-{}-3", workload.id)]);
    corner.end().await;
}
