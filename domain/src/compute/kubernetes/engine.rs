//! The seam, for a cluster.

use super::{
    KubernetesEngine, capacity, check, facts, forward, launch, logs, manifests::header_of, memory::lock, names, plan, stop, teams, volumes,
};
use crate::{
    compute::{Activity, ComputeEngine, Fact, Finding, Secret, State, Workload, probe},
    error::{Error, Result},
    model::{Capacity, Environment, LogPage, Manifest, Quota, VolumeId},
};
use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1 as core;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};
use tokio_stream::wrappers::BroadcastStream;

impl KubernetesEngine {
    /// The header of a launch that another process may have made.
    async fn header(&self, pod: &core::Pod) -> Result<Option<(String, Secret)>> {
        let name = pod.metadata.name.clone().unwrap_or_default();
        if let Some(known) = lock(&self.cluster.memory).headers.get(&name) {
            return Ok(known.clone());
        }
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let secrets = super::api::within::<core::Secret>(&self.cluster.client, namespace);
        let header = super::api::find(secrets.get(&name)).await?.as_ref().and_then(header_of);
        lock(&self.cluster.memory).headers.insert(name, header.clone());
        Ok(header)
    }
}

#[async_trait]
impl ComputeEngine for KubernetesEngine {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    async fn ensure(&self, workload: &Workload) -> Result<()> {
        launch::ensure(&self.cluster, workload).await
    }

    async fn manifests(&self, workload: &Workload, quota: &Quota) -> Result<Vec<Manifest>> {
        plan::of_launch(&self.cluster, workload, quota).await
    }

    fn namespace(&self, team: &str) -> Option<String> {
        names::namespace(&self.cluster.config.prefix, team).ok()
    }

    async fn belongings(&self, team: &str, quota: &Quota) -> Result<Vec<Manifest>> {
        plan::of_team(&self.cluster, team, quota).await
    }

    async fn repair(&self, team: &str) -> Result<()> {
        teams::repair(&self.cluster, team).await
    }

    async fn keep_quotas(&self, quotas: &BTreeMap<String, Quota>) {
        teams::keep_quotas(&self.cluster, quotas).await;
    }

    fn anew(&self) {
        lock(&self.cluster.memory).anew(self.cluster.clock.now());
    }

    async fn stop(&self, id: &str) -> Result<()> {
        stop::stop(&self.cluster, id).await
    }

    async fn remove(&self, id: &str) -> Result<()> {
        stop::remove(&self.cluster, id).await
    }

    async fn status(&self, id: &str) -> Result<Option<Fact>> {
        self.cluster.listed().await?;
        Ok(self.cluster.known(id))
    }

    async fn list(&self) -> Result<Vec<Fact>> {
        self.cluster.listed().await?;
        let pods = self.cluster.all_pods();
        let mut ids: BTreeSet<String> = pods.iter().filter_map(|pod| facts::launch_of(pod)).map(|(id, _)| id.to_owned()).collect();
        {
            let memory = lock(&self.cluster.memory);
            ids.extend(memory.ended.keys().chain(memory.replacing.keys()).cloned());
        }
        Ok(ids.iter().filter_map(|id| self.cluster.known(id)).collect())
    }

    fn watch(&self) -> BoxStream<'static, Fact> {
        // A reader that lagged behind finds later facts of the same workloads; `status` tells the rest.
        BroadcastStream::new(self.cluster.facts.subscribe()).filter_map(|fact| async { fact.ok() }).boxed()
    }

    async fn logs(&self, id: &str, from: Option<u64>, limit: u32) -> Result<LogPage> {
        logs::page(&self.cluster, names::workload(id)?, from, limit).await
    }

    async fn log_grows(&self, id: &str, from: u64) -> Result<bool> {
        logs::grows(&self.cluster, names::workload(id)?, from).await
    }

    async fn address(&self, id: &str) -> Result<SocketAddr> {
        forward::address(&self.cluster, id).await
    }

    async fn activity(&self, id: &str) -> Result<Option<Activity>> {
        let pod = self.cluster.pods_of(id).into_iter().next().ok_or(Error::NotFound("workload"))?;
        let path = pod.metadata.annotations.as_ref().and_then(|a| a.get(names::ACTIVITY)).cloned();
        let ready = self.cluster.known(id).is_some_and(|f| f.state == State::Ready);
        let Some(path) = path.filter(|_| ready) else { return Ok(None) };
        let header = self.header(&pod).await?;
        probe::jupyter_activity(self.address(id).await?, &path, header.as_ref()).await.map(Some)
    }

    async fn capacity(&self) -> Result<Capacity> {
        capacity::capacity(&self.cluster).await
    }

    async fn unavailable(&self, environment: &Environment) -> Option<String> {
        let none = environment.versions.iter().all(|version| version.image.is_none());
        none.then(|| "It has no image to run on Kubernetes. An administrator can add one to a version of it under Environments.".to_owned())
    }

    async fn is_cached(&self, _: &str) -> bool {
        false
    }

    /// The claim is made where the volume is first used, since only then its team is known.
    async fn create_volume(&self, id: &VolumeId) -> Result<()> {
        names::volume(id.as_str()).map(drop)
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<()> {
        volumes::delete(&self.cluster, id.as_str()).await
    }

    async fn volume_usage(&self, _: &VolumeId) -> Option<u64> {
        None
    }

    async fn check(&self) -> Vec<Finding> {
        if self.cluster.listed().await.is_err() {
            tracing::debug!("the cluster has not been listed yet");
        }
        check::check(&self.cluster).await
    }
}
