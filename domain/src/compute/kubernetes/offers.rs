//! What a cluster offers, found by asking it: never concluded from its version.

use super::{Cluster, api, names};
use crate::error::Result;
use k8s_openapi::api::{core::v1::Node, storage::v1::StorageClass};
use kube::{Api, Discovery, api::ListParams, discovery::ApiGroup};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;

const DISCOVERY_TIME: Duration = Duration::from_secs(30);
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// Resources that are GPUs, by what their vendors' plugins call them.
const GPUS: [(&str, &str); 4] =
    [("nvidia.com/gpu", "NVIDIA"), ("amd.com/gpu", "AMD"), ("gpu.intel.com/i915", "Intel"), ("gpu.intel.com/xe", "Intel")];

/// An add-on, by the kind that shows it is there.
const ADD_ONS: [(&str, &str, &str); 6] = [
    ("Kueue", "kueue.x-k8s.io", "ClusterQueue"),
    ("KServe", "serving.kserve.io", "InferenceService"),
    ("Gateway API", "gateway.networking.k8s.io", "Gateway"),
    ("Kubeflow Trainer", "trainer.kubeflow.org", "TrainJob"),
    ("metrics", "metrics.k8s.io", "PodMetrics"),
    ("volume snapshots", "snapshot.storage.k8s.io", "VolumeSnapshot"),
];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Offers {
    pub version: String,
    /// Names of the add-ons that are there.
    pub add_ons: Vec<&'static str>,
    /// Storage classes; true for the default.
    pub classes: Vec<(String, bool)>,
    /// Vendor or MIG profile, and how many all nodes offer.
    pub gpus: BTreeMap<String, u64>,
}

pub(super) async fn find(cluster: &Cluster) -> Result<Offers> {
    let version = api::call(cluster.client.apiserver_version()).await?.git_version;
    let discovery = timeout(DISCOVERY_TIME, Discovery::new(cluster.client.clone()).run()).await;
    let discovery = discovery.map_err(|e| crate::error::Error::Unavailable(e.to_string()))?.map_err(|e| api::translate(&e))?;
    let has = |group: &str, kind: &str| discovery.get(group).is_some_and(|group: &ApiGroup| group.recommended_kind(kind).is_some());
    let classes: Api<StorageClass> = Api::all(cluster.client.clone());
    let classes = api::call(classes.list(&ListParams::default())).await?.items;
    let is_default =
        |class: &StorageClass| class.metadata.annotations.as_ref().and_then(|a| a.get(DEFAULT_CLASS)).is_some_and(|v| v == "true");
    Ok(Offers {
        version,
        add_ons: ADD_ONS.iter().filter(|(_, group, kind)| has(group, kind)).map(|(name, ..)| *name).collect(),
        classes: classes.iter().map(|class| (class.metadata.name.clone().unwrap_or_default(), is_default(class))).collect(),
        gpus: gpus(&cluster.nodes.state()),
    })
}

fn gpus(nodes: &[Arc<Node>]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for (resource, count) in nodes.iter().filter_map(|n| n.status.as_ref()?.allocatable.as_ref()).flatten() {
        let profile = resource.strip_prefix("nvidia.com/mig-").map(|profile| format!("NVIDIA MIG {profile}"));
        let vendor = || GPUS.iter().find(|(name, _)| name == resource).map(|(_, vendor)| (*vendor).to_owned());
        if let Some(name) = profile.or_else(vendor) {
            *found.entry(name).or_default() += count.0.parse::<u64>().unwrap_or(0);
        }
    }
    found.retain(|_, count| *count > 0);
    found
}

/// Nodes, and how many of them take notebooks.
pub(super) fn nodes(cluster: &Cluster) -> (usize, usize) {
    let nodes = cluster.nodes.state();
    let wanted = nodes.iter().filter(|node| names::has_all(&node.metadata, &cluster.config.nodes)).count();
    (nodes.len(), wanted)
}
