//! One shared watch for each kind, whatever the number of notebooks and browsers; what it tells is kept, and told on.

use super::{Cluster, facts, memory::lock, names};
use crate::model::Millis;
use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Resource,
    runtime::{
        WatchStreamExt,
        reflector::store::Writer,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use std::{
    collections::HashSet,
    fmt::Debug,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{interval, timeout},
};

/// How often the cluster is asked whether it is there. A watch is silent where nothing happens, so its silence tells nothing.
const BEAT: Duration = Duration::from_secs(5);
const BEAT_ANSWER: Duration = Duration::from_secs(4);

/// When the cluster was last heard of.
#[derive(Default)]
pub(super) struct Heard {
    at: AtomicI64,
    /// Told when it answers again after a silence: a watch that was cut without a word would wait for minutes.
    again: Notify,
}

impl Heard {
    pub fn now(&self, now: Millis) {
        self.at.store(now, Ordering::SeqCst);
    }
    pub fn at(&self) -> Millis {
        self.at.load(Ordering::SeqCst)
    }
}

/// Starts the watches of a cluster. They end with the engine.
pub(super) fn start(cluster: &Arc<Cluster>, pods: Writer<Pod>, nodes: Writer<Node>) -> Vec<tokio::task::AbortHandle> {
    let ours = watcher::Config::default().labels(&names::selector(&cluster.config.prefix));
    let (for_pods, for_nodes, for_beat) = (cluster.clone(), cluster.clone(), cluster.clone());
    let tasks = [
        tokio::spawn(async move {
            let api = Api::all(for_pods.client.clone());
            watch(&for_pods, api, ours, pods, |event, before| {
                hear_of_pod(&for_pods, event, before);
                for_pods.pod_news.send_replace(());
            })
            .await;
        }),
        tokio::spawn(async move {
            let api = Api::all(for_nodes.client.clone());
            watch(&for_nodes, api, watcher::Config::default(), nodes, |_, _| {}).await;
        }),
        tokio::spawn(async move { beat(&for_beat).await }),
    ];
    tasks.iter().map(tokio::task::JoinHandle::abort_handle).collect()
}

/// Follows one kind for ever. `tell` gets each event after the store has it, with what the store held before a list.
async fn watch<K>(cluster: &Cluster, api: Api<K>, config: watcher::Config, mut writer: Writer<K>, tell: impl Fn(&Event<K>, &[Arc<K>]))
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let store = writer.as_reader();
    loop {
        let mut events = std::pin::pin!(watcher(api.clone(), config.clone()).default_backoff());
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = cluster.heard.again.notified() => break,
            };
            match event {
                Some(Ok(event)) => {
                    // The start of a list is no word from the cluster yet.
                    if !matches!(event, Event::Init) {
                        cluster.heard.now(cluster.clock.now());
                    }
                    let before = if matches!(event, Event::InitDone) { store.state() } else { Vec::new() };
                    writer.apply_watcher_event(&event);
                    tell(&event, &before);
                }
                Some(Err(error)) => tracing::debug!(%error, kind = %K::kind(&()), "a watch was interrupted; it goes on by itself"),
                None => break,
            }
        }
    }
}

fn hear_of_pod(cluster: &Cluster, event: &Event<Pod>, before: &[Arc<Pod>]) {
    match event {
        Event::Init => lock(&cluster.memory).lists += 1,
        Event::InitApply(_) => {}
        Event::Apply(pod) => {
            if let Some((id, _)) = facts::launch_of(pod) {
                let mut memory = lock(&cluster.memory);
                if memory.made.get(id).is_some_and(|m| m.pod.metadata.uid == pod.metadata.uid) {
                    memory.made.remove(id);
                }
                // What it waited for before it had a node is over.
                if pod.spec.as_ref().is_some_and(|s| s.node_name.is_some()) {
                    memory.waits.remove(pod.metadata.uid.as_deref().unwrap_or_default());
                }
                drop(memory);
                cluster.tell(id);
            }
        }
        Event::Delete(pod) => cluster.bury(pod),
        Event::InitDone => {
            // A whole list has come: what was there and is not in it is gone, and so is what was made before it began.
            let listed = cluster.pods.state();
            let uids: HashSet<_> = listed.iter().filter_map(|p| p.metadata.uid.as_deref()).collect();
            let is_listed = |pod: &Pod| pod.metadata.uid.as_deref().is_some_and(|uid| uids.contains(uid));
            let made: Vec<Arc<Pod>> = {
                let mut memory = lock(&cluster.memory);
                let lists = memory.lists;
                memory.made.retain(|_, made| !is_listed(&made.pod));
                memory.made.values().filter(|m| m.list < lists).map(|m| m.pod.clone()).collect()
            };
            for pod in before.iter().chain(&made).filter(|pod| !is_listed(pod)) {
                cluster.bury(pod);
            }
            for id in listed.iter().filter_map(|pod| facts::launch_of(pod)).map(|(id, _)| id) {
                cluster.tell(id);
            }
        }
    }
}

async fn beat(cluster: &Cluster) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut silent = false;
    loop {
        beats.tick().await;
        let answers = matches!(timeout(BEAT_ANSWER, cluster.client.apiserver_version()).await, Ok(Ok(_)));
        if answers {
            cluster.heard.now(cluster.clock.now());
            if silent {
                tracing::info!("the cluster answers again");
                cluster.heard.again.notify_waiters();
            }
        } else if !silent {
            tracing::warn!("the cluster does not answer; what is known of notebooks stays as it was");
        }
        silent = !answers;
    }
}
