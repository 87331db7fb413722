//! A node that is only an object, and what its kubelet would do: what the API server, scheduler and controllers see is a node like any other.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::cluster::{CORNER, until};
use futures::StreamExt;
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::{
        WatchStreamExt,
        watcher::{self, watcher},
    },
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;

const NAMESPACE: &str = "kube-node-lease";

pub async fn start(client: Client, name: String, corner: String) -> JoinHandle<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let node = json!({"metadata": {"name": name, "labels": {CORNER: corner}}});
    nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    let has = json!({"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "8"});
    let says = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Played", "message": ""});
    let info =
        ["machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion", "kubeProxyVersion"]
            .map(|field| (field.to_owned(), json!("played")));
    let mut info: serde_json::Map<String, Value> = info.into_iter().collect();
    info.extend([("operatingSystem".to_owned(), json!("linux")), ("architecture".to_owned(), json!("amd64"))]);
    let status = json!({"status": {
        "capacity": has, "allocatable": has, "nodeInfo": info, "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
        "conditions": [says("Ready", "True"), says("MemoryPressure", "False"), says("DiskPressure", "False"), says("PIDPressure", "False")],
    }});
    nodes.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    beat(&client, &name).await;
    until("the node takes pods", async || nodes.get(&name).await.unwrap().spec.is_none_or(|s| s.taints.is_none_or(|t| t.is_empty()))).await;
    tokio::spawn(async move { tokio::join!(beats(&client, &name), play(&client, &name)).0 })
}

pub async fn remove(client: &Client, name: &str) {
    let _ = Api::<Node>::all(client.clone()).delete(name, &DeleteParams::default()).await;
    let _ = Api::<Lease>::namespaced(client.clone(), NAMESPACE).delete(name, &DeleteParams::default()).await;
}

async fn beat(client: &Client, name: &str) {
    let now = k8s_openapi::jiff::Timestamp::now();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": format!("{now:.6}")},
    });
    let leases: Api<Lease> = Api::namespaced(client.clone(), NAMESPACE);
    leases.patch(name, &PatchParams::apply("kubelet").force(), &Patch::Apply(&lease)).await.unwrap();
}

async fn beats(client: &Client, name: &str) {
    let mut every = tokio::time::interval(Duration::from_secs(10));
    loop {
        every.tick().await;
        beat(client, name).await;
    }
}

async fn play(client: &Client, name: &str) {
    let all: Api<Pod> = Api::all(client.clone());
    let mine = watcher::Config::default().fields(&format!("spec.nodeName={name}"));
    let mut pods = std::pin::pin!(watcher(all, mine).default_backoff().applied_objects());
    while let Some(pod) = pods.next().await {
        if let Ok(pod) = pod {
            act(client, &pod).await;
        }
    }
}

async fn act(client: &Client, pod: &Pod) {
    let (namespace, name) = (pod.metadata.namespace.as_deref().unwrap(), pod.metadata.name.as_deref().unwrap());
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let image = pod.spec.as_ref().unwrap().containers[0].image.clone().unwrap();
    let tag = image.rsplit(':').next().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        // One whose node is away is never said to have ended.
        if tag != "hangs" {
            let this = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
            let _ = pods.delete(name, &DeleteParams::default().grace_period(0).preconditions(this)).await;
        }
        return;
    }
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending");
    let begun = pod.status.as_ref().is_some_and(|s| s.container_statuses.is_some());
    if phase != "Pending" || begun {
        return;
    }
    let now = k8s_openapi::jiff::Timestamp::now();
    let now = format!("{now:.0}");
    let status = |phase: &str, ready: bool, state: Value| {
        let word = if ready { "True" } else { "False" };
        json!({"status": {
            "phase": phase, "podIP": "192.0.2.10", "podIPs": [{"ip": "192.0.2.10"}], "startTime": now,
            "conditions": [{"type": "Ready", "status": word, "lastTransitionTime": now}],
            "containerStatuses": [{"name": "notebook", "image": image, "imageID": "", "ready": ready, "restartCount": 0, "started": ready, "state": state}],
        }})
    };
    let terminated = |code: i32, reason: &str, message: &str| json!({"terminated": {"exitCode": code, "reason": reason, "message": message, "startedAt": now, "finishedAt": now}});
    let next = match tag {
        "never-starts" => return,
        "is-missing" => status("Pending", false, json!({"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}})),
        "uses-too-much" => status("Failed", false, terminated(137, "OOMKilled", "")),
        "lacks-the-program" => {
            status("Failed", false, terminated(128, "StartError", "exec: \"serve\": executable file not found in $PATH"))
        }
        "exits-0" => status("Succeeded", false, terminated(0, "Completed", "")),
        _ if tag.starts_with("exits-") => status("Failed", false, terminated(tag["exits-".len()..].parse().unwrap(), "Error", "")),
        "starts-slowly" => status("Running", false, json!({"running": {"startedAt": now}})),
        _ => status("Running", true, json!({"running": {"startedAt": now}})),
    };
    // It may be gone, or changed, meanwhile; then the watch tells of it anew.
    let _ = pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(&next)).await;
}
