//! The engine `kubernetes`: a pod for each launch, in a namespace for each team, seen through one shared watch.

mod api;
mod capacity;
mod check;
mod config;
mod engine;
mod facts;
mod forward;
mod launch;
mod logs;
mod manifests;
mod memory;
mod names;
mod offers;
mod pending;
mod plan;
pub mod quantity;
pub mod room;
mod stop;
mod teams;
mod volumes;
pub mod waiting;
mod watches;

pub use config::KubernetesConfig;

use super::{Fact, State};
use crate::{
    clock::Clock,
    error::{Error, Result},
    lease::Lease,
    model::Millis,
};
use capacity::Others;
use forward::Forwards;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Client,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::reflector::{self, Store},
};
use memory::{Memory, lock};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
    time::timeout,
};
use tower::filter::FilterLayer;
use watches::Heard;

/// How long the first list may take before whoever asks is told that the cluster is silent.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// What the engine holds while the portal runs.
struct Cluster {
    client: Client,
    config: KubernetesConfig,
    clock: Clock,
    /// Whether Slipway is itself a pod, so that it reaches others by their addresses.
    inside: bool,
    pods: Store<Pod>,
    nodes: Store<Node>,
    facts: broadcast::Sender<Fact>,
    memory: Mutex<Memory>,
    forwards: Mutex<Forwards>,
    others: tokio::sync::Mutex<Others>,
    heard: Heard,
    /// Changes with every word of a pod.
    pod_news: watch::Sender<()>,
}

/// Runs workloads as pods of a cluster.
pub struct KubernetesEngine {
    cluster: Arc<Cluster>,
    watches: Vec<AbortHandle>,
}

impl KubernetesEngine {
    /// Starts the engine; what runs is found by its labels. A cluster that does not answer yet is waited for, not refused. It changes nothing in the
    /// cluster but while `lease` is held.
    ///
    /// # Errors
    /// `Unavailable` where there are no usable credentials.
    pub async fn start(mut config: KubernetesConfig, clock: Clock, lease: Arc<Lease>) -> Result<Arc<Self>> {
        let client = connect(&config, lease).await?;
        if config.kubeconfig.is_none() {
            config.own_namespace = Some(client.default_namespace().to_owned());
            config.own_account = own_account().await;
        }
        let (pods, pod_writer) = reflector::store();
        let (nodes, node_writer) = reflector::store();
        let cluster = Arc::new(Cluster {
            client,
            inside: config.kubeconfig.is_none(),
            config,
            clock,
            pods,
            nodes,
            facts: broadcast::channel(4096).0,
            memory: Mutex::default(),
            forwards: Mutex::default(),
            others: tokio::sync::Mutex::default(),
            heard: Heard::default(),
            pod_news: watch::channel(()).0,
        });
        let mut watches = watches::start(&cluster, pod_writer, node_writer);
        watches.push(pending::start(&cluster));
        Ok(Arc::new(Self { cluster, watches }))
    }

    /// When the cluster was last heard of; 0 where it never was. What the engine tells is as of then.
    pub fn heard_at(&self) -> Millis {
        self.cluster.heard.at()
    }
}

impl Drop for KubernetesEngine {
    fn drop(&mut self) {
        self.watches.iter().for_each(AbortHandle::abort);
        lock(&self.cluster.forwards).close_all();
    }
}

async fn connect(config: &KubernetesConfig, lease: Arc<Lease>) -> Result<Client> {
    let unusable = |e: &dyn std::fmt::Display| Error::Unavailable(format!("The cluster cannot be reached with what was given: {e}"));
    let mut client = match &config.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|e| unusable(&e))?;
            kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(|e| unusable(&e))?
        }
        None => kube::Config::incluster().map_err(|e| unusable(&e))?,
    };
    client.connect_timeout = Some(Duration::from_secs(5));
    let client = ClientBuilder::try_from(client).map_err(|e| unusable(&e))?;
    Ok(client.with_layer(&FilterLayer::new(move |request| api::gate(&lease, request))).build())
}

/// Where a pod finds the token of its service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The name of the service account that this pod is.
async fn own_account() -> Option<String> {
    account_of(&tokio::fs::read_to_string(TOKEN).await.ok()?)
}

/// A token's subject is `system:serviceaccount:<namespace>:<name>`.
fn account_of(token: &str) -> Option<String> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let (kind, name) = claims.get("sub")?.as_str()?.rsplit_once(':')?;
    kind.starts_with("system:serviceaccount:").then(|| name.to_owned())
}

impl Cluster {
    /// Waits until the cluster has been listed once.
    async fn listed(&self) -> Result<()> {
        let both = async { tokio::join!(self.pods.wait_until_ready(), self.nodes.wait_until_ready()) };
        match timeout(FIRST_LIST, both).await {
            Ok((Ok(()), Ok(()))) => Ok(()),
            _ => Err(Error::Unavailable("The cluster does not answer yet.".to_owned())),
        }
    }

    /// The pods of all workloads, with those that the watch does not know yet.
    fn all_pods(&self) -> Vec<Arc<Pod>> {
        let mut all = self.pods.state();
        let made = lock(&self.memory).made.values().map(|m| m.pod.clone()).collect::<Vec<_>>();
        all.retain(|pod| facts::launch_of(pod).is_some());
        for pod in made {
            if !all.iter().any(|p| p.metadata.uid == pod.metadata.uid) {
                all.push(pod);
            }
        }
        all
    }

    /// The pods of a workload, the latest launch first.
    fn pods_of(&self, id: &str) -> Vec<Arc<Pod>> {
        let mut found = self.pods.state_filter(|pod| facts::launch_of(pod).is_some_and(|(of, _)| of == id));
        if let Some(made) = lock(&self.memory).made.get(id).map(|m| m.pod.clone())
            && !found.iter().any(|p| p.metadata.uid == made.metadata.uid)
        {
            found.push(made);
        }
        found.sort_by_key(|pod| std::cmp::Reverse(facts::launch_of(pod).map_or(0, |(_, launch)| launch)));
        found
    }

    /// What is so of a workload, from what is known here.
    fn known(&self, id: &str) -> Option<Fact> {
        let latest = self.pods_of(id).into_iter().next();
        let memory = lock(&self.memory);
        if let Some(replacing) = memory.replacing.get(id) {
            let step = latest.as_deref().map_or_else(|| "Starting".to_owned(), stop::lingering);
            let state = State::Preparing { step, done: 0, total: 0 };
            return Some(Fact { id: id.to_owned(), launch: replacing.launch, at: self.clock.now(), state });
        }
        let Some(pod) = latest else { return memory.ended.get(id).cloned() };
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let step = || memory.waits.get(&uid).cloned().unwrap_or_else(|| waiting::at_first(&pod));
        facts::fact(&pod, step, self.clock.now())
    }

    /// Tells those who watch, where there is something new.
    fn tell(&self, id: &str) {
        if let Some(fact) = self.known(id)
            && lock(&self.memory).is_news(&fact)
        {
            let _ = self.facts.send(fact);
        }
    }

    /// A pod that a list or a watch has shown to be gone.
    fn bury(&self, pod: &Pod) {
        lock(&self.forwards).close(pod.metadata.uid.as_deref().unwrap_or_default());
        lock(&self.memory).bury(pod, self.clock.now());
        if let Some((id, _)) = facts::launch_of(pod) {
            self.tell(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::account_of;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    #[test]
    fn a_pods_token_names_its_account() {
        let token = |claims: &str| format!("e30.{}.signature\n", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(account_of(&token(r#"{"sub":"system:serviceaccount:slipway:portal"}"#)), Some("portal".to_owned()));
        for other in [token(r#"{"sub":"ada"}"#), token("{}"), token("x"), String::new(), "a.b".to_owned()] {
            assert_eq!(account_of(&other), None, "{other}");
        }
    }
}
