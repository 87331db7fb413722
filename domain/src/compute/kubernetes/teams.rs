//! A team's namespace: made, owned and kept as it should be by Slipway. One that is somebody else's is refused.

use super::{
    Cluster, api, check,
    manifests::{Furniture, furniture, limits, namespace, own_binding, quota},
    memory::lock,
    names,
};
use crate::{
    error::{Error, Result},
    model::Quota,
};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Resource, api::ListParams};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

/// How long the API server may take to learn of a binding, and how often it is asked.
const BOUND_WITHIN: Duration = Duration::from_secs(10);
const BOUND_AGAIN: Duration = Duration::from_millis(50);
/// Teams whose quota is brought up to date at the same time.
const AT_ONCE: usize = 8;

/// The team's namespace, ready for pods.
///
/// # Errors
/// `Conflict` where a namespace of this name is not Slipway's, or is being deleted.
pub(super) async fn ready(cluster: &Cluster, team: &str) -> Result<String> {
    let name = names::namespace(&cluster.config.prefix, team)?;
    if lock(&cluster.memory).namespaces.contains(team) {
        return Ok(name);
    }
    let wanted = namespace(&cluster.config, team, &name);
    let all: Api<Namespace> = Api::all(cluster.client.clone());
    let there = match api::create(&all, &wanted).await {
        Err(Error::Conflict(_)) if exists(&all, &name).await? => {
            return Err(Error::Conflict(format!(
                "The cluster already has a namespace {name} that Slipway did not make for team {team}. Ask the administrator to rename it, or to set \
                 another kubernetes-namespace-prefix."
            )));
        }
        made => made?,
    };
    if there.metadata.deletion_timestamp.is_some() {
        return Err(Error::Conflict(ending(&there)));
    }
    if let (Some(own), Some(account)) = (&cluster.config.own_namespace, &cluster.config.own_account) {
        api::create(&api::within(&cluster.client, &name), &own_binding(&cluster.config, team, &name, (own, account))).await?;
        until_bound(cluster, &name).await?;
    }
    api::apply(&all, &there, &wanted).await?;
    let Furniture { account, policies } = furniture(&cluster.config, team, &name);
    let accounts = api::within(&cluster.client, &name);
    let made = api::create(&accounts, &account).await?;
    api::apply(&accounts, &made, &account).await?;
    let walls = api::within(&cluster.client, &name);
    for policy in &policies {
        let made = api::create(&walls, policy).await?;
        api::apply(&walls, &made, policy).await?;
    }
    let quota = lock(&cluster.memory).quotas.get(team).copied().unwrap_or_default();
    match keep_quota(cluster, team, &name, &quota).await {
        // Nothing is wanted, and whatever is there is not ours to look at: no reason to launch nothing.
        Err(error) if quota.is_open() && !matches!(error, Error::Unavailable(_)) => {
            tracing::warn!(team, %error, "whether the cluster holds an old quota of a team cannot be seen");
        }
        kept => kept?,
    }
    let mut memory = lock(&cluster.memory);
    memory.kept_quotas.insert(team.to_owned(), quota);
    memory.namespaces.insert(team.to_owned());
    Ok(name)
}

/// Brings the quotas in the cluster up to date where they have changed since this process last did. A namespace that is not there yet gets its own as
/// it is made.
pub(super) async fn keep_quotas(cluster: &Cluster, quotas: &BTreeMap<String, Quota>) {
    let changed: Vec<(String, Quota)> = {
        let mut memory = lock(&cluster.memory);
        memory.quotas.clone_from(quotas);
        let gone = memory.kept_quotas.iter().filter(|(team, kept)| !kept.is_open() && !quotas.contains_key(*team));
        let gone = gone.map(|(team, _)| (team.clone(), Quota::default()));
        let differs = quotas.iter().filter(|(team, quota)| memory.kept_quotas.get(*team) != Some(quota));
        gone.chain(differs.map(|(team, quota)| (team.clone(), *quota))).collect()
    };
    // A silent cluster is not asked once more for every team.
    let silent = AtomicBool::new(false);
    stream::iter(changed)
        .for_each_concurrent(AT_ONCE, |(team, quota)| {
            let silent = &silent;
            async move {
                if silent.load(Relaxed) {
                    return;
                }
                match keep_quota_where_there(cluster, &team, &quota).await {
                    Err(error @ Error::Unavailable(_)) => {
                        silent.store(true, Relaxed);
                        tracing::warn!(team, %error, "the quota of a team could not be set in the cluster; trying again");
                        return;
                    }
                    // A refusal stays one until something changes; the next launch in the team says it, too.
                    Err(error) => tracing::warn!(team, %error, "the cluster refuses the quota of a team"),
                    Ok(()) => {}
                }
                lock(&cluster.memory).kept_quotas.insert(team, quota);
            }
        })
        .await;
}

async fn keep_quota_where_there(cluster: &Cluster, team: &str, quota: &Quota) -> Result<()> {
    let name = names::namespace(&cluster.config.prefix, team)?;
    let all: Api<Namespace> = Api::all(cluster.client.clone());
    let there = api::find(all.get(&name)).await?;
    if there.is_some_and(|n| names::has_all(&n.metadata, &names::labels(&cluster.config.prefix, team))) {
        keep_quota(cluster, team, &name, quota).await?;
    }
    Ok(())
}

/// The quota of one namespace, as it should be.
async fn keep_quota(cluster: &Cluster, team: &str, namespace: &str, wanted: &Quota) -> Result<()> {
    let ours = names::labels(&cluster.config.prefix, team);
    keep(&api::within(&cluster.client, namespace), &ours, quota(&cluster.config, team, namespace, wanted)).await?;
    keep(&api::within(&cluster.client, namespace), &ours, limits(&cluster.config, team, namespace, wanted)).await
}

/// Brings the object of a quota to what it should be, or removes it. One of this name that is not Slipway's is refused, and left where none is wanted.
async fn keep<K>(all: &Api<K>, ours: &BTreeMap<String, String>, wanted: Option<K>) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    if let Some(wanted) = wanted {
        let there = api::create(all, &wanted).await?;
        return api::apply(all, &there, &wanted).await.map(drop);
    }
    match api::find(all.get(names::QUOTA)).await?.filter(|there| names::has_all(there.meta(), ours)) {
        Some(there) => api::delete(all, &there).await,
        None => Ok(()),
    }
}

/// Waits until the API server, which learns of bindings a moment later, lets Slipway make pods in the namespace.
async fn until_bound(cluster: &Cluster, namespace: &str) -> Result<()> {
    let wait = async {
        let mut again = tokio::time::interval(BOUND_AGAIN);
        loop {
            again.tick().await;
            if check::may(cluster, Some(namespace), ("", "pods", "", "create")).await? {
                return Ok(());
            }
        }
    };
    let refused = || {
        Error::Conflict(format!(
            "The cluster does not let Slipway do anything in {namespace}. Ask the administrator; slipway check lists what is missing."
        ))
    };
    tokio::time::timeout(BOUND_WITHIN, wait).await.unwrap_or_else(|_| Err(refused()))
}

/// The namespaces of this portal's teams.
pub(super) async fn namespaces(cluster: &Cluster) -> Result<Vec<String>> {
    let all: Api<Namespace> = Api::all(cluster.client.clone());
    let ours = ListParams::default().labels(&names::selector(&cluster.config.prefix));
    Ok(api::call(all.list_metadata(&ours)).await?.items.into_iter().filter_map(|found| found.metadata.name).collect())
}

async fn exists(all: &Api<Namespace>, name: &str) -> Result<bool> {
    Ok(api::find(all.get(name)).await?.is_some())
}

/// Why a namespace that is being deleted is still there.
fn ending(namespace: &Namespace) -> String {
    let name = namespace.metadata.name.as_deref().unwrap_or_default();
    let conditions = namespace.status.iter().flat_map(|s| s.conditions.iter().flatten());
    let why: Vec<&str> = conditions.filter(|c| c.status == "True").filter_map(|c| c.message.as_deref()).collect();
    let why = if why.is_empty() { String::new() } else { format!(" What keeps it: {}", why.join(" ")) };
    format!("The namespace {name} is being deleted. Start it again once it is gone.{why}")
}
