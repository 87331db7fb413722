//! A corner of the cluster for one test: a prefix of its own, a node that is only an object, and a loop that plays its kubelet.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::kubelet;
use crate::machine::{Bench, Does};
use domain::{
    Clock,
    compute::{
        ActivityProbe, ComputeEngine, Workload,
        kubernetes::{KubernetesConfig, KubernetesEngine},
    },
    lease::Lease,
    model::Resources,
    random,
};
use k8s_openapi::api::{
    core::v1::{Namespace, Pod, Secret},
    storage::v1::StorageClass,
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Which nodes a test's pods may go to.
pub const CORNER: &str = "slipway.test/corner";
const CLASS: &str = "slipway-test";

/// The kubeconfig to test with; prints what is left out where there is none.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration; the environment names the cluster")]
pub fn kubeconfig() -> Option<PathBuf> {
    let path = std::env::var_os("SLIPWAY_TEST_KUBECONFIG").filter(|p| !p.is_empty());
    if path.is_none() {
        eprintln!("left out: no cluster in SLIPWAY_TEST_KUBECONFIG; scripts/with-kubernetes.sh starts one");
    }
    path.map(PathBuf::from)
}

pub async fn client(path: &PathBuf) -> Client {
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(path).unwrap(), &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

pub struct Corner {
    pub kubeconfig: PathBuf,
    pub client: Client,
    pub prefix: String,
    pub node: String,
    pub engine: Arc<KubernetesEngine>,
    kubelet: Option<JoinHandle<()>>,
}

impl Corner {
    /// With a node of 8 CPUs, 32 GiB and 8 GPUs whose kubelet is played.
    pub async fn start() -> Option<Self> {
        let corner = Self::bare(CLASS, None).await?;
        let kubelet = kubelet::start(corner.client.clone(), corner.node.clone(), corner.prefix.clone()).await;
        until("the engine sees its node", async || corner.engine.capacity().await.is_ok_and(|c| c.cpus_total == 8 && c.cpus_used == 0))
            .await;
        Some(Self { kubelet: Some(kubelet), ..corner })
    }

    /// Without a node of its own, or on this one.
    pub async fn bare(class: &str, node: Option<&str>) -> Option<Self> {
        let kubeconfig = kubeconfig()?;
        let client = client(&kubeconfig).await;
        let prefix = format!("t{}", &random::id::<String>()[..8]);
        make_class(&client).await;
        let node = node.map_or_else(|| format!("node-{prefix}"), str::to_owned);
        let config = config(&kubeconfig, &prefix, class);
        let engine = KubernetesEngine::start(config, Clock::system(), Lease::for_ever().into()).await.unwrap();
        Some(Self { kubeconfig, client, prefix, node, engine, kubelet: None })
    }

    pub fn config(&self) -> KubernetesConfig {
        config(&self.kubeconfig, &self.prefix, CLASS)
    }

    /// Another process's view of the same corner.
    pub async fn another(&self) -> Arc<KubernetesEngine> {
        KubernetesEngine::start(self.config(), Clock::system(), Lease::for_ever().into()).await.unwrap()
    }

    pub fn namespace(&self) -> String {
        format!("{}-vision", self.prefix)
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace())
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace())
    }

    /// Names of the pods of a workload, as the API server has them.
    pub async fn pod_names(&self, id: &str) -> Vec<String> {
        let found = self.pods().list(&ListParams::default().labels(&format!("slipway.internal/workload={id}"))).await.unwrap();
        found.items.into_iter().map(|pod| pod.metadata.name.unwrap()).collect()
    }

    /// Takes everything away again; the namespaces go by themselves.
    pub async fn end(mut self) {
        if let Some(kubelet) = self.kubelet.take() {
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            for namespace in
                namespaces.list(&ListParams::default().labels(&format!("slipway.internal/portal={}", self.prefix))).await.unwrap()
            {
                let _ = namespaces.delete(namespace.metadata.name.as_deref().unwrap(), &DeleteParams::default()).await;
            }
            let pods: Api<Pod> = Api::all(self.client.clone());
            let ours = ListParams::default().fields(&format!("spec.nodeName={}", self.node));
            until("the pods are gone", async || pods.list(&ours).await.unwrap().items.is_empty()).await;
            kubelet.abort();
            kubelet::remove(&self.client, &self.node).await;
        }
    }
}

pub fn config(kubeconfig: &std::path::Path, prefix: &str, class: &str) -> KubernetesConfig {
    KubernetesConfig {
        prefix: prefix.to_owned(),
        storage_class: Some(class.to_owned()),
        volume_gib: 1,
        nodes: [(CORNER.to_owned(), prefix.to_owned())].into(),
        ..KubernetesConfig::new(Some(kubeconfig.to_owned()))
    }
}

/// One that the controller manager makes volumes for.
async fn make_class(client: &Client) {
    let classes: Api<StorageClass> = Api::all(client.clone());
    let class = json!({"metadata": {"name": CLASS}, "provisioner": "kubernetes.io/host-path", "reclaimPolicy": "Delete"});
    match classes.create(&PostParams::default(), &serde_json::from_value(class).unwrap()).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        made => drop(made.unwrap()),
    }
}

/// Waits for a condition, at most a minute.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let wait = async {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        while !so().await {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), wait).await.is_ok(), "waited too long until {what}");
}

pub fn workload() -> Workload {
    Workload {
        id: random::id(),
        launch: 1,
        team: "vision".into(),
        argv: ["serve", "--port={port}"].map(str::to_owned).to_vec(),
        image: Some("localhost/fake:serves".into()),
        python: None,
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        resources: Resources { cpus: 1, memory_mib: 512, gpus: 0 },
        home: random::id(),
        volumes: vec![],
        repository: None,
        ready_path: "/".into(),
        header: None,
        activity: ActivityProbe::None,
    }
}

/// A workload that the played kubelet does with as the tag of its image says.
pub fn fake(tag: &str) -> Workload {
    Workload { image: Some(format!("localhost/fake:{tag}")), ..workload() }
}

impl Bench for Corner {
    fn engine(&self) -> Arc<dyn ComputeEngine> {
        self.engine.clone()
    }
    fn workload(&self, does: Does) -> Workload {
        match does {
            Does::Serve => fake("serves"),
            Does::Exit(code) => fake(&format!("exits-{code}")),
            Does::BeMissing => fake("lacks-the-program"),
        }
    }
}
