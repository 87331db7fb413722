//! Looks again and again at pods that do not run yet, and keeps the sentence that says why.

use super::{Cluster, api, capacity, facts, memory::lock, waiting};
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::api::ListParams;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// A pod that is placed and started in this time needs no explanation.
const EVERY: Duration = Duration::from_secs(3);
/// Pods that are looked at in one round: what they wait for is mostly the same.
const AT_ONCE: usize = 20;

/// Starts the look-out. It ends with the engine.
pub(super) fn start(cluster: &Arc<Cluster>) -> tokio::task::AbortHandle {
    let cluster = cluster.clone();
    tokio::spawn(async move {
        let mut turn = 0;
        loop {
            sleep(EVERY).await;
            look(&cluster, &mut turn).await;
        }
    })
    .abort_handle()
}

fn waits(pod: &Pod) -> bool {
    facts::phase(pod) == "Pending" && !facts::is_being_deleted(pod)
}

async fn look(cluster: &Arc<Cluster>, turn: &mut usize) {
    let mut pods: Vec<Arc<Pod>> = cluster.pods.state_filter(waits);
    if pods.is_empty() {
        return;
    }
    pods.sort_by(|a, b| a.metadata.uid.cmp(&b.metadata.uid));
    let first = *turn % pods.len();
    *turn = first + AT_ONCE;
    let Ok(rooms) = capacity::rooms(cluster).await else { return };
    for pod in pods.iter().cycle().skip(first).take(AT_ONCE.min(pods.len())) {
        let Some((id, _)) = facts::launch_of(pod) else { continue };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let events = events(cluster, namespace, pod).await;
        let claims = claims(cluster, namespace, pod).await;
        let gpu_resource = &cluster.config.gpu_resource;
        let situation = waiting::Situation { pod, events: &events, claims: &claims, rooms: &rooms, gpu_resource, queue: &[] };
        let sentence = waiting::explain(&situation).to_string();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        // The pod may have gone on, or away, meanwhile.
        if cluster.pods.find(|p| p.metadata.uid == pod.metadata.uid).is_some_and(|p| waits(&p)) {
            lock(&cluster.memory).waits.insert(uid, sentence);
            cluster.tell(id);
        }
    }
}

/// Of the pod and of its claims, the latest last. None where they cannot be read: the pod itself says most of it.
async fn events(cluster: &Cluster, namespace: &str, pod: &Pod) -> Vec<Event> {
    let all = api::within::<Event>(&cluster.client, namespace);
    let about = |kind: &str, name: &str| ListParams::default().fields(&format!("involvedObject.kind={kind},involvedObject.name={name}"));
    let mut params = vec![about("Pod", pod.metadata.name.as_deref().unwrap_or_default())];
    if facts::waiting(pod).is_none() {
        params.extend(claim_names(pod).map(|name| about("PersistentVolumeClaim", name)));
    }
    let mut found = Vec::new();
    for params in params {
        found.extend(api::call(all.list(&params)).await.map(|list| list.items).unwrap_or_default());
    }
    let at = |event: &Event| event.last_timestamp.as_ref().map(facts::millis).or(event.event_time.as_ref().map(|t| t.0.as_millisecond()));
    found.sort_by_key(at);
    found
}

fn claim_names(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.as_ref().and_then(|s| s.volumes.as_deref()).unwrap_or_default();
    volumes.iter().filter_map(|v| v.persistent_volume_claim.as_ref().map(|c| c.claim_name.as_str()))
}

async fn claims(cluster: &Cluster, namespace: &str, pod: &Pod) -> Vec<PersistentVolumeClaim> {
    let scheduled = pod.spec.as_ref().is_some_and(|s| s.node_name.is_some());
    if scheduled {
        return Vec::new();
    }
    let all = api::within::<PersistentVolumeClaim>(&cluster.client, namespace);
    let mut found = Vec::new();
    for name in claim_names(pod) {
        found.extend(api::find(all.get(name)).await.ok().flatten());
    }
    found
}
