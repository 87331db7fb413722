//! Ending a launch: its pod is marked, so that everybody who sees it go knows that it was asked to, and deleted with its grace.

use super::{
    Cluster, api, facts,
    memory::lock,
    names::{self, STOP, WORKLOAD},
    teams,
};
use crate::{
    compute::{Fact, Outcome, State, Workload},
    error::{Error, Result},
};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// The facts of the watch end the wait; where one was missed, it is looked again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Asks a pod to end. One that has ended or is going is only deleted, or left to go.
pub(super) async fn end(cluster: &Cluster, pod: &Pod) -> Result<()> {
    if facts::is_being_deleted(pod) {
        return Ok(());
    }
    let (namespace, name) = (pod.metadata.namespace.clone().unwrap_or_default(), pod.metadata.name.clone().unwrap_or_default());
    let pods = api::within::<Pod>(&cluster.client, &namespace);
    if !facts::has_terminated(pod) {
        let mark = json!({ "metadata": { "uid": pod.metadata.uid, "annotations": { STOP: "asked" } } });
        match api::find(pods.patch(&name, &PatchParams::default(), &Patch::Merge(&mark))).await {
            Ok(Some(_)) => {}
            // It is gone, or another pod has this name by now.
            Ok(None) | Err(Error::Conflict(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    api::delete(&pods, pod).await
}

/// Stops whatever launch of a workload runs.
pub(super) async fn stop(cluster: &Cluster, id: &str) -> Result<()> {
    cluster.listed().await?;
    let waited = {
        let mut memory = lock(&cluster.memory);
        let replacing = memory.replacing.remove(id);
        if let Some(replacing) = &replacing {
            replacing.task.abort();
            let state = State::Ended { outcome: Outcome::Stopped };
            let fact = Fact { id: id.to_owned(), launch: replacing.launch, at: cluster.clock.now(), state };
            memory.ended.insert(id.to_owned(), fact);
        }
        replacing.is_some()
    };
    let mut first = Ok(());
    for pod in cluster.pods_of(id).iter().filter(|pod| !facts::has_terminated(pod)) {
        // One that cannot be ended keeps no other.
        first = first.and(end(cluster, pod).await);
    }
    if waited {
        cluster.tell(id);
    }
    first
}

/// Forgets a workload whose launches have ended.
pub(super) async fn remove(cluster: &Cluster, id: &str) -> Result<()> {
    names::workload(id)?;
    cluster.listed().await?;
    let pods = cluster.pods_of(id);
    if lock(&cluster.memory).replacing.contains_key(id) || pods.iter().any(|pod| !facts::has_terminated(pod)) {
        return Err(Error::Conflict("It has not ended yet; stop it first.".to_owned()));
    }
    for pod in &pods {
        api::delete(&api::within::<Pod>(&cluster.client, pod.metadata.namespace.as_deref().unwrap_or_default()), pod).await?;
    }
    // Those that a crash left without an owner.
    let selector = format!("{},{WORKLOAD}={id}", names::selector(&cluster.config.prefix));
    for namespace in teams::namespaces(cluster).await? {
        let secrets = api::within::<Secret>(&cluster.client, &namespace);
        for secret in api::call(secrets.list_metadata(&ListParams::default().labels(&selector))).await?.items {
            api::delete(&secrets, &Secret { metadata: secret.metadata, ..Secret::default() }).await?;
        }
    }
    until(cluster, || cluster.pods_of(id).is_empty()).await;
    lock(&cluster.memory).forget(id);
    Ok(())
}

/// Waits a little for what the watch has yet to tell.
async fn until(cluster: &Cluster, so: impl Fn() -> bool) {
    let mut news = cluster.pod_news.subscribe();
    let wait = async {
        while !so() {
            if news.changed().await.is_err() {
                return;
            }
        }
    };
    let _ = timeout(LOOK_AGAIN, wait).await;
}

/// Waits until the cluster itself says that no pod of the workload is left; false where there is one of this launch or a later one, which another process
/// has made.
pub(super) async fn until_gone(cluster: &Cluster, workload: &Workload, namespace: &str) -> bool {
    let pods = api::within::<Pod>(&cluster.client, namespace);
    let selector = format!("{},{WORKLOAD}={}", names::selector(&cluster.config.prefix), workload.id);
    let is_ours = |pod: &Pod| facts::launch_of(pod).is_some_and(|(_, launch)| launch >= workload.launch);
    loop {
        until(cluster, || cluster.pods_of(&workload.id).iter().all(|pod| is_ours(pod))).await;
        match api::call(pods.list(&ListParams::default().labels(&selector))).await {
            Ok(left) if left.items.is_empty() => return true,
            Ok(left) if left.items.iter().any(is_ours) => return false,
            Ok(left) => {
                for pod in left.items.iter().filter(|pod| facts::launch_of(pod).is_some()) {
                    if let Err(error) = end(cluster, pod).await {
                        tracing::debug!(%error, "the launch before could not be ended yet");
                    }
                }
                cluster.tell(&workload.id);
            }
            Err(error) => tracing::debug!(%error, "the launch before cannot be looked at yet"),
        }
    }
}

/// What keeps a pod that is being deleted.
pub(super) fn lingering(pod: &Pod) -> String {
    match pod.metadata.finalizers.as_deref() {
        Some([first, ..]) if facts::is_being_deleted(pod) => {
            format!("The launch before it cannot be deleted: {first} keeps its pod. Ask the administrator to look at that.")
        }
        _ => "Waiting for the launch before it to end".to_owned(),
    }
}
