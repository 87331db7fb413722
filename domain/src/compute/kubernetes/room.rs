//! What each node has and what is left of it.

use super::quantity::Amount;
use k8s_openapi::api::core::v1::{Node, Pod};
use std::collections::{BTreeMap, HashMap};

/// One node, as far as a launch is concerned.
#[derive(Clone, Debug, Default)]
pub struct Room {
    pub node: String,
    /// It has the labels that notebooks need.
    pub wanted: bool,
    /// Notebooks may go there, and it is ready and not cordoned.
    pub open: bool,
    /// Why it is not open, in a word or two.
    pub shut: Option<String>,
    /// Taints that a notebook does not tolerate, as `key=value`.
    pub taints: Vec<String>,
    pub total: Amount,
    pub free: Amount,
}

impl Room {
    pub(super) fn usable(&self) -> bool {
        self.open && self.taints.is_empty()
    }
}

/// Every node, with what these pods leave of it.
pub(super) fn rooms<'a>(
    nodes: impl Iterator<Item = &'a Node>,
    pods: impl Iterator<Item = &'a Pod>,
    wanted: &BTreeMap<String, String>,
    gpu_resource: &str,
) -> Vec<Room> {
    let mut used: HashMap<&str, Amount> = HashMap::new();
    for pod in pods.filter(|pod| !super::facts::has_terminated(pod)) {
        if let Some(node) = pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) {
            let sum = used.entry(node).or_default();
            *sum = sum.plus(Amount::of_pod(pod, gpu_resource));
        }
    }
    let mut rooms: Vec<Room> = nodes
        .map(|node| {
            let name = node.metadata.name.clone().unwrap_or_default();
            let allocatable = node.status.as_ref().and_then(|s| s.allocatable.clone()).unwrap_or_default();
            let total = Amount::of(&allocatable, gpu_resource);
            let free = total.minus(used.get(name.as_str()).copied().unwrap_or_default());
            let shut = shut(node, wanted);
            Room {
                wanted: super::names::has_all(&node.metadata, wanted),
                open: shut.is_none(),
                shut,
                taints: taints(node),
                total,
                free,
                node: name,
            }
        })
        .collect();
    rooms.sort_by(|a, b| a.node.cmp(&b.node));
    rooms
}

fn shut(node: &Node, wanted: &BTreeMap<String, String>) -> Option<String> {
    let conditions = node.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    let is = |kind: &str| conditions.iter().any(|c| c.type_ == kind && c.status == "True");
    if !super::names::has_all(&node.metadata, wanted) {
        return Some("not for notebooks".to_owned());
    }
    let states = [("DiskPressure", "disk"), ("MemoryPressure", "memory"), ("PIDPressure", "processes")];
    if !is("Ready") {
        return Some("not ready".to_owned());
    }
    if let Some((_, what)) = states.iter().find(|(kind, _)| is(kind)) {
        return Some(format!("short of {what}"));
    }
    let cordoned = node.spec.as_ref().is_some_and(|s| s.unschedulable == Some(true));
    cordoned.then(|| "cordoned".to_owned())
}

/// Those that keep a pod away; that a node is not ready or cordoned is told apart.
fn taints(node: &Node) -> Vec<String> {
    let all = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
    let keeps = |effect: &str| matches!(effect, "NoSchedule" | "NoExecute");
    let own = |key: &str| key.starts_with("node.kubernetes.io/");
    let shown = |value: Option<&str>| value.filter(|v| !v.is_empty()).map_or_else(String::new, |v| format!("={v}"));
    all.iter().filter(|t| keeps(&t.effect) && !own(&t.key)).map(|t| format!("{}{}", t.key, shown(t.value.as_deref()))).collect()
}
