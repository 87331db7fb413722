//! A process in a pod on a real node: it answers, logs and ends. Where there is no real node, a line says so.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::cluster::{CORNER, Corner, until, workload};
use crate::{
    compute_contract::{get, keeps_the_common_contract},
    machine::{Bench, Does, log, start, stop},
};
use domain::{
    compute::{ComputeEngine, Outcome, Workload},
    random,
};
use k8s_openapi::api::core::v1::{Node, PersistentVolume};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use std::{os::unix::fs::PermissionsExt, sync::Arc};
use tokio::sync::{Mutex, MutexGuard};

const CLASS: &str = "slipway-by-hand";

/// There is one node, and what is used of it is counted.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

struct RealNode {
    corner: Corner,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The node's name; prints what is left out where there is none.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration; the environment names the node")]
fn node() -> Option<String> {
    let node = std::env::var("SLIPWAY_TEST_KUBERNETES_NODE").ok().filter(|n| !n.is_empty());
    if node.is_none() {
        eprintln!("left out: no real node in SLIPWAY_TEST_KUBERNETES_NODE; scripts/with-kubernetes.sh starts one where it runs as root");
    }
    node
}

impl RealNode {
    async fn start() -> Option<Self> {
        let node = node()?;
        let turn = ONE_AT_A_TIME.lock().await;
        let corner = Corner::bare(CLASS, Some(&node)).await?;
        let nodes: Api<Node> = Api::all(corner.client.clone());
        let label = json!({"metadata": {"labels": {CORNER: corner.prefix}}});
        nodes.patch(&node, &PatchParams::default(), &Patch::Merge(&label)).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let real = Self { corner, folder, _turn: turn };
        until("the engine sees its node", async || real.corner.engine.capacity().await.unwrap().cpus_total > 0).await;
        Some(real)
    }

    /// A folder of this machine as the volume that a claim of this name will get: the kubelet's own user made it for the pod's.
    async fn volume(&self, id: &str) {
        let path = self.folder.path().join(id);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        let volume = json!({"metadata": {"name": format!("{}-{id}", self.corner.prefix), "labels": {CORNER: self.corner.prefix}}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": CLASS, "hostPath": {"path": path},
            "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": self.corner.namespace(), "name": format!("vol-{id}")}}});
        let volumes: Api<PersistentVolume> = Api::all(self.corner.client.clone());
        volumes.create(&PostParams::default(), &serde_json::from_value(volume).unwrap()).await.unwrap();
    }

    fn runs(&self, script: &str) -> Workload {
        let home: String = random::id();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.volume(&home)));
        Workload {
            image: Some("localhost/busybox:1".into()),
            argv: ["/bin/sh", "-c", script, "sh", "{host}:{port}"].map(str::to_owned).to_vec(),
            home: home.into(),
            ..workload()
        }
    }

    async fn end(self) {
        let volumes: Api<PersistentVolume> = Api::all(self.corner.client.clone());
        let ours = ListParams::default().labels(&format!("{CORNER}={}", self.corner.prefix));
        let pods = self.corner.pods();
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            let _ = pods.delete(pod.metadata.name.as_deref().unwrap(), &DeleteParams::default().grace_period(0)).await;
        }
        until("the pods are gone", async || pods.list(&ListParams::default()).await.unwrap().items.is_empty()).await;
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.corner.client.clone());
        let _ = namespaces.delete(&self.corner.namespace(), &DeleteParams::default()).await;
        for volume in volumes.list(&ours).await.unwrap() {
            let _ = volumes.delete(volume.metadata.name.as_deref().unwrap(), &DeleteParams::default()).await;
        }
    }
}

/// Serves its working folder, and ends at once when asked to.
const SERVES: &str = "trap 'exit 0' TERM; echo serving; httpd -f -p $1 -h . & wait";

impl Bench for RealNode {
    fn engine(&self) -> Arc<dyn ComputeEngine> {
        self.corner.engine()
    }
    fn workload(&self, does: Does) -> Workload {
        match does {
            Does::Serve => self.runs(SERVES),
            Does::Exit(code) => self.runs(&format!("exit {code}")),
            Does::BeMissing => Workload { argv: vec!["no-such-program".into()], ..self.runs("") },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_node_the_kubernetes_engine_keeps_the_contract() {
    let Some(real) = RealNode::start().await else { return };
    keeps_the_common_contract(&real).await;
    real.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_node_of_kubernetes_a_program_answers_logs_and_keeps_its_files() {
    let Some(real) = RealNode::start().await else { return };
    let engine = &*real.corner.engine;
    let mut workload = real.runs(
        "trap 'exit 0' TERM; id -u; echo \"$ANSWER $TOKEN\" >> index.html; cat index.html; echo 'h\u{e9}llo <b>'; df -m /dev/shm | tail -1; \
         touch /var/run/secrets/kubernetes.io/serviceaccount/token 2>/dev/null && echo 'has a token'; httpd -f -p $1 -h . & wait",
    );
    workload.env.insert("ANSWER".into(), "the $(TOKEN) answer".into());
    workload.secrets.insert("TOKEN".into(), crate::machine::secret("s3cret"));
    start(engine, &workload).await;
    until("it answers", async || get(engine, &workload.id).await.contains("the $(TOKEN) answer s3cret")).await;
    let lines = log(engine, &workload.id).await;
    assert!(lines.contains(&"1000".to_owned()) && lines.contains(&"héllo <b>".to_owned()), "{lines:?}");
    assert!(!lines.contains(&"has a token".to_owned()), "{lines:?}");
    let shared =
        lines.iter().find(|l| l.contains("/dev/shm")).and_then(|l| l.split_whitespace().nth(1)).and_then(|mib| mib.parse::<u32>().ok());
    assert!(shared.is_some_and(|mib| mib > 64), "more shared memory than a container has by itself: {lines:?}");
    let page = engine.logs(&workload.id, Some(0), 1).await.unwrap();
    let rest = engine.logs(&workload.id, Some(page.next), 1000).await.unwrap();
    assert_eq!(page.lines.iter().chain(&rest.lines).map(|l| l.text.clone()).collect::<Vec<_>>(), lines);
    assert!(engine.log_grows(&workload.id, page.next).await.unwrap());

    // A forwarded connection goes with its pod, and files stay.
    let address = engine.address(&workload.id).await.unwrap();
    assert_eq!(engine.address(&workload.id).await.unwrap(), address, "one listener for one pod");
    assert_eq!(stop(engine, &workload).await, Outcome::Stopped);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens for a pod that is gone");
    workload.launch = 2;
    start(engine, &workload).await;
    until("the file is there", async || get(engine, &workload.id).await.matches("the $(TOKEN) answer s3cret").count() == 2).await;
    stop(engine, &workload).await;
    real.end().await;
}
