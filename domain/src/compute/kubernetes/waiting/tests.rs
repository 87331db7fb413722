//! Situations with known answers.

use super::{Situation, explain, quota};
use crate::compute::kubernetes::{quantity::Amount, room::Room};
use k8s_openapi::{
    api::core::v1::{Event, PersistentVolumeClaim, Pod},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use serde_json::json;

/// A pod that asks for 4 CPUs, 8 GiB and these GPUs.
fn pod(gpus: u32, status: serde_json::Value) -> Pod {
    let mut requests = json!({"cpu": "4", "memory": "8Gi"});
    if gpus > 0 {
        requests["nvidia.com/gpu"] = json!(gpus.to_string());
    }
    let container = json!({"name": "notebook", "image": "registry.example.com/a/lab:1", "resources": {"requests": requests}});
    serde_json::from_value(json!({"metadata": {"name": "nb"}, "spec": {"containers": [container]}, "status": status})).unwrap()
}
fn refused(gpus: u32, message: &str) -> Pod {
    pod(
        gpus,
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}),
    )
}
fn on_node(pod: Pod) -> Pod {
    let mut pod = pod;
    pod.spec.as_mut().unwrap().node_name = Some("node-a".into());
    pod
}
fn held(reason: &str, message: &str) -> Pod {
    let waiting = json!({"reason": reason, "message": message});
    let status = json!({"name": "notebook", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": waiting}});
    on_node(pod(0, json!({"phase": "Pending", "containerStatuses": [status]})))
}
fn event(reason: &str, message: &str) -> Event {
    serde_json::from_value(json!({"metadata": {}, "involvedObject": {}, "reason": reason, "message": message})).unwrap()
}
fn claim(class: Option<&str>, phase: &str) -> PersistentVolumeClaim {
    serde_json::from_value(json!({"metadata": {}, "spec": {"storageClassName": class}, "status": {"phase": phase}})).unwrap()
}
fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    serde_json::from_value(
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}),
    )
    .unwrap()
}
fn amount(cpus: u64, gib: u64, gpus: u64) -> Amount {
    Amount { milli_cpus: cpus * 1000, memory_mib: gib * 1024, gpus }
}
fn room(node: &str, total: (u64, u64, u64), free: (u64, u64, u64)) -> Room {
    let of = |(cpus, gib, gpus)| amount(cpus, gib, gpus);
    Room { node: node.into(), wanted: true, open: true, total: of(total), free: of(free), ..Room::default() }
}
fn shut(node: &str, why: &str) -> Room {
    Room { open: false, wanted: why != "not for notebooks", shut: Some(why.into()), ..room(node, (8, 32, 0), (8, 32, 0)) }
}
fn tainted(node: &str, taint: &str) -> Room {
    Room { taints: vec![taint.into()], ..room(node, (8, 32, 8), (8, 32, 8)) }
}

#[derive(Default)]
struct Case {
    pod: Pod,
    events: Vec<Event>,
    claims: Vec<PersistentVolumeClaim>,
    rooms: Vec<Room>,
    queue: Vec<Condition>,
}
fn of(pod: Pod) -> Case {
    Case { pod, ..Case::default() }
}
impl Case {
    fn event(mut self, reason: &str, message: &str) -> Self {
        self.events.push(event(reason, message));
        self
    }
    fn claim(mut self, class: Option<&str>, phase: &str) -> Self {
        self.claims.push(claim(class, phase));
        self
    }
    fn room(mut self, room: Room) -> Self {
        self.rooms.push(room);
        self
    }
    fn queue(mut self, kind: &str, status: &str, reason: &str, message: &str) -> Self {
        self.queue.push(condition(kind, status, reason, message));
        self
    }
    fn says(&self) -> String {
        let Self { pod, events, claims, rooms, queue } = self;
        explain(&Situation { pod, events, claims, rooms, gpu_resource: "nvidia.com/gpu", queue }).to_string()
    }
}

const CPU: &str = "0/2 nodes are available: 2 Insufficient cpu.";
const GPU: &str = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.";
const UNBOUND: &str = "0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.";

#[test]
fn each_situation_has_its_sentence() {
    let gated = || {
        let mut pod = pod(0, json!({"phase": "Pending"}));
        pod.spec.as_mut().unwrap().scheduling_gates =
            Some(vec![serde_json::from_value(json!({"name": "kueue.x-k8s.io/admission"})).unwrap()]);
        of(pod)
    };
    let big = |free| room("node-a", (16, 64, 8), free);
    let table: Vec<(Case, &str)> = vec![
        // The scheduler: sizes.
        (of(pod(0, json!({"phase": "Pending"}))), "Waits for the cluster's scheduler."),
        (of(refused(0, CPU)), "Waits for CPUs: no node has as many free."),
        (of(refused(0, "0/1 nodes are available: 1 Insufficient memory.")), "Waits for memory: no node has as much free."),
        (of(refused(1, GPU)), "Waits for GPUs: no node has as many free."),
        (
            of(refused(0, CPU)).room(big((2, 32, 0))),
            "Waits for 4 CPUs (2 of 16 free) on one node; node-a comes nearest. 2 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 Insufficient memory.")).room(big((8, 3, 0))),
            "Waits for 8.0 GiB of memory (3.0 GiB of 64.0 GiB free) on one node; node-a comes nearest. 4 CPUs and 3.0 GiB of memory would start now.",
        ),
        (
            of(refused(4, GPU)).room(big((8, 32, 1))).room(room("node-b", (16, 64, 8), (8, 32, 2))),
            "Waits for 4 GPUs (2 of 8 free) on one node; node-b comes nearest. 2 GPUs with 4 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(1, GPU)).room(big((8, 32, 0))),
            "Waits for 1 GPU (0 of 8 free) on one node; node-a comes nearest. 4 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(2, "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu.")).room(big((1, 32, 1))),
            "Waits for 2 GPUs (1 of 8 free) and 4 CPUs (1 of 16 free) on one node; node-a comes nearest. 1 GPU with 1 CPU and 8.0 GiB of memory \
             would start now.",
        ),
        (of(refused(0, CPU)).room(big((0, 32, 0))), "Waits for 4 CPUs (0 of 16 free) on one node; node-a comes nearest."),
        (
            of(refused(0, CPU)).room(room("node-a", (2, 64, 0), (2, 64, 0))),
            "It can never start here: 4 CPUs were asked for on one node, and the largest has 2. 2 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(16, GPU)).room(big((16, 64, 8))),
            "It can never start here: 16 GPUs were asked for on one node, and the largest has 8. 8 GPUs with 4 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(1, GPU)).room(room("node-a", (8, 32, 0), (8, 32, 0))),
            "It can never start here: no node has a GPU. 4 CPUs and 8.0 GiB of memory would start now.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 Insufficient memory.")).room(room("node-a", (8, 4, 0), (8, 4, 0))),
            "It can never start here: 8.0 GiB of memory were asked for on one node, and the largest has 4.0 GiB. 4 CPUs and 4.0 GiB of memory would start now.",
        ),
        (
            of(refused(1, GPU)).room(room("gpu", (2, 64, 4), (2, 64, 4))).room(room("cpu", (16, 64, 0), (16, 64, 0))),
            "It can never start here: no one node has all that was asked for together. 1 GPU with 2 CPUs and 8.0 GiB of memory would start now.",
        ),
        (of(refused(0, CPU)).room(big((8, 32, 0))), "Room has just become free for it; the cluster tries again."),
        (
            of(refused(0, "0/1 nodes are available: 1 Too many pods.")).room(big((8, 32, 0))),
            "The nodes hold as many pods as they can. It starts once something has ended.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 Insufficient ephemeral-storage.")).room(big((8, 32, 0))),
            "No node has enough disk for it now.",
        ),
        // The scheduler: nodes.
        (of(refused(0, "no nodes available to schedule pods")), "The cluster has no node. Ask the administrator to add one."),
        (
            of(refused(0, "0/2 nodes are available: 2 node(s) didn't match node selector.")),
            "No node has the labels that notebooks need. Ask the administrator to look at kubernetes-nodes.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 node(s) were unschedulable.")),
            "The nodes are closed for maintenance. Ask the administrator when they open again.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 node(s) had taint {node.kubernetes.io/not-ready: }, that the pod didn't tolerate.")),
            "No node is ready. Ask the administrator to look at the nodes.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: only}.")),
            "The nodes keep notebooks away (taints). Ask the administrator for nodes that take them.",
        ),
        (
            of(refused(0, "0/3 nodes are available."))
                .room(shut("node-a", "cordoned"))
                .room(shut("node-b", "not ready"))
                .room(tainted("node-c", "gpu=only")),
            "No node takes notebooks now: node-a is cordoned, node-b is not ready, node-c keeps others away (gpu=only). Ask the administrator to open one.",
        ),
        (
            of(refused(
                0,
                "0/1 nodes are available: 1 node(s) had taint {node.kubernetes.io/disk-pressure: }, that the pod didn't tolerate.",
            ))
            .room(shut("node-a", "short of disk"))
            .room(shut("node-b", "not for notebooks")),
            "No node takes notebooks now: node-a is short of disk. Ask the administrator to open one.",
        ),
        (
            of(refused(0, "0/1 nodes are available.")).room(shut("node-b", "not for notebooks")),
            "No node has the labels that notebooks need. Ask the administrator to look at kubernetes-nodes.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 node(s) had a mood.")).room(big((8, 32, 0))),
            "No node takes it: 0/1 nodes are available: 1 node(s) had a mood.",
        ),
        (
            of(refused(1, GPU)).room(big((8, 32, 0))).event("TriggeredScaleUp", "pod triggered scale-up: [{gpu 0->1 (max: 4)}]"),
            "The cluster adds a node for it; that takes a few minutes.",
        ),
        // Volumes.
        (of(refused(0, UNBOUND)).claim(Some("fast"), "Pending"), "Waits for a volume of the class fast."),
        (
            of(refused(0, UNBOUND)).claim(None, "Pending"),
            "The cluster has no default storage class, so a volume of it cannot be made. Ask the administrator to set one.",
        ),
        (
            of(refused(0, UNBOUND))
                .claim(Some("nope"), "Pending")
                .event("ProvisioningFailed", "storageclass.storage.k8s.io \"nope\" not found"),
            "The cluster has no such storage class: storageclass.storage.k8s.io \"nope\" not found. Ask the administrator to set another.",
        ),
        (
            of(refused(0, UNBOUND)).claim(Some("fast"), "Pending").event("ProvisioningFailed", "failed to provision: disk quota reached"),
            "A volume of it cannot be made: failed to provision: disk quota reached. Ask the administrator.",
        ),
        (
            of(refused(0, UNBOUND)).claim(Some("fast"), "Lost"),
            "The storage behind a volume of it is lost. Ask the administrator; choose another volume to start now.",
        ),
        (
            of(refused(0, "persistentvolumeclaim \"vol-x\" not found")),
            "A volume of it was deleted in the cluster. Start it with another home or without that volume.",
        ),
        (
            of(refused(0, "persistentvolumeclaim \"vol-x\" is being deleted")),
            "A volume of it is being deleted in the cluster. Choose another volume.",
        ),
        (
            of(refused(0, "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had volume node affinity conflict."))
                .room(big((8, 32, 0))),
            "Its volume is bound to a zone or node that has no room for it. Choose another volume or a new one, or wait for room there.",
        ),
        (
            of(refused(0, "0/1 nodes are available: 1 node(s) exceed max volume count.")),
            "No node can take another volume. Stop something that has volumes, or use fewer.",
        ),
        (
            of(on_node(pod(0, json!({"phase": "Pending"}))))
                .event("FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) x"),
            "Its volume is still attached to another node. It starts once what uses the volume there has ended; stop that, or wait.",
        ),
        (
            of(held("ContainerCreating", ""))
                .event("FailedMount", "MountVolume.SetUp failed for volume \"pvc-1\" : mount failed: exit status 32"),
            "A volume of it cannot be mounted: MountVolume.SetUp failed for volume \"pvc-1\" : mount failed: exit status 32. Ask the administrator.",
        ),
        (
            of(held("ContainerCreating", ""))
                .event("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition"),
            "Its volumes take long to mount; it is tried again.",
        ),
        // Images.
        (of(held("InvalidImageName", "")), "registry.example.com/a/lab:1 is not the name of an image. Correct it under Environments."),
        (
            of(held("ErrImagePull", "rpc error: code = NotFound desc = failed to resolve reference: registry.example.com/a/lab:1: not found")),
            "There is no image registry.example.com/a/lab:1. Correct it under Environments, or choose another version.",
        ),
        (
            of(held("ImagePullBackOff", "Back-off pulling image"))
                .event("Failed", "Failed to pull image \"registry.example.com/a/lab:1\": unauthorized: access denied"),
            "The registry does not let the cluster have the image registry.example.com/a/lab:1. Ask the administrator for access to it.",
        ),
        (
            of(held("ErrImagePull", "toomanyrequests: You have reached your pull rate limit")),
            "The registry limits how often images are fetched; registry.example.com/a/lab:1 is tried again.",
        ),
        (
            of(held("ErrImagePull", "dial tcp: lookup quay.io: no such host")),
            "The registry of registry.example.com/a/lab:1 cannot be reached; it is tried again.",
        ),
        (
            of(held("ErrImagePull", "x509: certificate signed by unknown authority")),
            "The certificate of the registry of registry.example.com/a/lab:1 is not trusted by the node. Ask the administrator.",
        ),
        (
            of(held("ErrImagePull", "write /var/lib: no space left on device")),
            "Its node has no room for the image registry.example.com/a/lab:1. Ask the administrator to look at the node.",
        ),
        (
            of(held("ErrImageNeverPull", "")),
            "Its node does not have the image registry.example.com/a/lab:1 and may not fetch it. Ask the administrator.",
        ),
        (of(held("ImagePullBackOff", "Back-off pulling image")), "The image registry.example.com/a/lab:1 cannot be fetched; it is tried again."),
        (of(held("ContainerCreating", "")).event("Pulling", "Pulling image \"registry.example.com/a/lab:1\""), "Fetches the image registry.example.com/a/lab:1."),
        // The node.
        (of(held("ContainerCreating", "")), "node-a prepares it."),
        (
            of(held("CreateContainerConfigError", "secret \"nb\" not found")),
            "Its container lacks something in the cluster: secret \"nb\" not found. Stop it and start it again; if that does not help, ask the administrator.",
        ),
        (
            of(held("ContainerCreating", "")).event("FailedCreatePodSandBox", "Failed to create pod sandbox: no addresses left"),
            "Its node cannot give it a network: Failed to create pod sandbox: no addresses left. Ask the administrator to look at the node.",
        ),
        // Kueue.
        (gated(), "Waits for its turn in the cluster's queue."),
        (
            gated().queue(
                "QuotaReserved",
                "False",
                "Pending",
                "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed",
            ),
            "Waits in its queue for quota: couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed. \
             A smaller size may start sooner.",
        ),
        (
            gated().queue("QuotaReserved", "False", "Inadmissible", "LocalQueue red doesn't exist"),
            "Its queue does not take it: LocalQueue red doesn't exist. Ask the administrator to look at the queue.",
        ),
        (gated().queue("QuotaReserved", "True", "QuotaReserved", ""), "Its queue has room for it and checks whether it may start."),
        (
            gated().queue("Evicted", "True", "Preempted", "").queue("QuotaReserved", "False", "Pending", ""),
            "Its queue took its place back: something more important took its place. It waits for its turn again.",
        ),
        (gated().queue("QuotaReserved", "True", "QuotaReserved", "").queue("Admitted", "True", "Admitted", ""), "Its queue lets it start."),
    ];
    assert!(table.len() >= 50, "{}", table.len());
    for (case, sentence) in &table {
        assert_eq!(case.says(), *sentence, "{:?}", case.pod.status);
    }
}

#[test]
fn a_quota_says_what_is_used_of_what() {
    let detail = "team, requested: requests.cpu=4,requests.memory=8Gi, used: requests.cpu=2,requests.memory=2Gi, limited: requests.cpu=4,requests.memory=9Gi";
    let words = "The team's quota in the cluster is used up (cpu: 2 of 4 used, 4 asked for; memory: 2Gi of 9Gi used, 8Gi asked for).";
    assert_eq!(quota(detail).because, words);
    assert!(quota("who knows").because.contains("who knows"));
}
