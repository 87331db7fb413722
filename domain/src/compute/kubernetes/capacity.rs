//! What the cluster has for notebooks, and what is taken of it by anybody.

use super::{Cluster, api, facts, names, quantity, room};
use crate::{
    error::{Error, Result},
    model::{Capacity, Gpu, NodeRoom},
};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{Api, api::ListParams};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Pods that are not ours are asked for at most so often; ours are watched.
const OTHERS_FOR: Duration = Duration::from_secs(10);
/// Pages show figures; nobody waits long for them.
const OTHERS_ANSWER: Duration = Duration::from_secs(4);
const PAGE: u32 = 500;

/// Pods of others, as of a moment ago.
#[derive(Default)]
pub(super) struct Others(Option<(Instant, Arc<Vec<Pod>>)>);

/// The running pods that this portal did not make.
async fn others(cluster: &Cluster) -> Result<Arc<Vec<Pod>>> {
    let mut kept = cluster.others.lock().await;
    if let Some((at, pods)) = &kept.0
        && at.elapsed() < OTHERS_FOR
    {
        return Ok(pods.clone());
    }
    let found = match (list(cluster).await, &kept.0) {
        (Ok(found), _) => Arc::new(found),
        // What they took a while ago is nearer to the truth than nothing.
        (Err(Error::Unavailable(_)), Some((_, before))) => before.clone(),
        (Err(error), _) => return Err(error),
    };
    kept.0 = Some((Instant::now(), found.clone()));
    Ok(found)
}

async fn list(cluster: &Cluster) -> Result<Vec<Pod>> {
    let everywhere: Api<Pod> = Api::all(cluster.client.clone());
    let others = format!("{}!={}", names::PORTAL, cluster.config.prefix);
    let mut params = ListParams::default().fields("status.phase!=Succeeded,status.phase!=Failed").labels(&others).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = timeout(OTHERS_ANSWER, api::call(everywhere.list(&params))).await;
        let page = page.map_err(|_| Error::Unavailable("The cluster does not answer now.".to_owned()))??;
        found.extend(page.items);
        match page.metadata.continue_.filter(|c| !c.is_empty()) {
            Some(next) => params.continue_token = Some(next),
            None => return Ok(found),
        }
    }
}

/// Every node with what is left of it now.
pub(super) async fn rooms(cluster: &Cluster) -> Result<Vec<room::Room>> {
    cluster.listed().await?;
    let (others, ours, nodes) = (others(cluster).await?, cluster.all_pods(), cluster.nodes.state());
    let pods = others.iter().chain(ours.iter().map(AsRef::as_ref));
    Ok(room::rooms(nodes.iter().map(AsRef::as_ref), pods, &cluster.config.nodes, &cluster.config.gpu_resource))
}

/// Totals over the nodes that notebooks may run on.
pub(super) async fn capacity(cluster: &Cluster) -> Result<Capacity> {
    let rooms = rooms(cluster).await?;
    let (nodes, ours) = (cluster.nodes.state(), cluster.all_pods());
    let takes = |room: &&room::Room| room.wanted && room.taints.is_empty();
    let whole_of = |a: quantity::Amount| (whole(a.milli_cpus), a.memory_mib, u32::try_from(a.gpus).unwrap_or(u32::MAX));
    let node = |room: &room::Room| {
        let free = if room.open { room.free } else { quantity::Amount::default() };
        NodeRoom { total: whole_of(room.total), free: whole_of(free) }
    };
    let kinds: BTreeSet<NodeRoom> = rooms.iter().filter(takes).map(node).collect();
    let mut capacity = Capacity { nodes: Some(kinds.into_iter().collect()), ..Capacity::default() };
    let (mut milli_total, mut milli_used) = (0_u64, 0_u64);
    // One that is away or cordoned for a while is taken as full: what waits for it waits, and is not refused.
    for room in rooms.iter().filter(takes) {
        let used = if room.open { room.total.minus(room.free) } else { room.total };
        milli_total += room.total.milli_cpus;
        milli_used += used.milli_cpus;
        capacity.memory_mib_total += room.total.memory_mib;
        capacity.memory_mib_used += used.memory_mib;
        let node = nodes.iter().find(|n| n.metadata.name.as_deref() == Some(&room.node));
        capacity.gpus.extend(gpus(cluster, room, node.map(AsRef::as_ref), &ours));
    }
    // What is promised to launches that no node has yet.
    for pod in ours.iter().filter(|pod| !facts::has_terminated(pod) && pod.spec.as_ref().is_none_or(|s| s.node_name.is_none())) {
        let wanted = quantity::Amount::of_pod(pod, &cluster.config.gpu_resource);
        milli_used += wanted.milli_cpus;
        capacity.memory_mib_used += wanted.memory_mib;
        let id = facts::launch_of(pod).map(|(id, _)| id.to_owned());
        let free = capacity.gpus.iter_mut().filter(|g| g.used_by.is_none());
        free.take(usize::try_from(wanted.gpus).unwrap_or(usize::MAX)).for_each(|g| g.used_by.clone_from(&id));
    }
    capacity.gpus.iter_mut().enumerate().for_each(|(i, gpu)| gpu.index = u32::try_from(i).unwrap_or(u32::MAX));
    capacity.cpus_total = whole(milli_total);
    capacity.cpus_used = whole(milli_used.next_multiple_of(1000)).min(capacity.cpus_total);
    capacity.memory_mib_used = capacity.memory_mib_used.min(capacity.memory_mib_total);
    if capacity.gpus.is_empty() {
        capacity.gpu_note = Some(format!("No node offers {}.", cluster.config.gpu_resource));
    }
    Ok(capacity)
}

fn whole(milli: u64) -> u32 {
    u32::try_from(milli / 1000).unwrap_or(u32::MAX)
}

/// A node's GPUs: counted, since only its kubelet knows which is whose.
fn gpus(cluster: &Cluster, room: &room::Room, node: Option<&Node>, ours: &[Arc<Pod>]) -> Vec<Gpu> {
    let label = |name: &str| node.and_then(|n| names::label(&n.metadata, name));
    let kind = label("nvidia.com/gpu.product").unwrap_or(&cluster.config.gpu_resource);
    let memory_mib = label("nvidia.com/gpu.memory").and_then(|m| m.parse().ok()).unwrap_or(0);
    let on_it =
        ours.iter().filter(|pod| !facts::has_terminated(pod) && pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) == Some(&room.node));
    let mut holders = Vec::new();
    for pod in on_it {
        let count = quantity::Amount::of_pod(pod, &cluster.config.gpu_resource).gpus;
        let id = facts::launch_of(pod).map_or_else(String::new, |(id, _)| id.to_owned());
        holders.extend((0..count).map(|_| id.clone()));
    }
    let used = if room.open { room.total.gpus - room.free.gpus } else { room.total.gpus };
    (0..room.total.gpus)
        .map(|i| Gpu {
            index: 0,
            uuid: String::new(),
            name: format!("{kind} on {}", room.node),
            memory_mib,
            used_by: (i < used).then(|| holders.get(usize::try_from(i).unwrap_or(usize::MAX)).cloned().unwrap_or_default()),
            utilisation_percent: None,
            memory_used_mib: None,
        })
        .collect()
}
