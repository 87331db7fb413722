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
use k8s_openapi::api::core::v1::{LimitRange, Namespace, ResourceQuota};
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
    furnish(cluster, team, &name, &all, &there, &wanted).await?;
    lock(&cluster.memory).namespaces.insert(team.to_owned());
    Ok(name)
}

/// Makes what stands in a namespace of ours as it should be. What is refused keeps nothing else from being made: it is told at the end.
async fn furnish(cluster: &Cluster, team: &str, name: &str, all: &Api<Namespace>, there: &Namespace, wanted: &Namespace) -> Result<()> {
    if let (Some(own), Some(account)) = (&cluster.config.own_namespace, &cluster.config.own_account) {
        api::create(&api::within(&cluster.client, name), &own_binding(&cluster.config, team, name, (own, account))).await?;
        until_bound(cluster, name).await?;
    }
    let mut refused = None;
    let mut next = |made: Result<()>| match made {
        Err(silent @ Error::Unavailable(_)) => Err(silent),
        Err(refusal) => {
            refused.get_or_insert(refusal);
            Ok(())
        }
        Ok(()) => Ok(()),
    };
    next(api::apply(all, there, wanted).await.map(drop))?;
    let Furniture { account, policies } = furniture(&cluster.config, team, name);
    next(put(&api::within(&cluster.client, name), &account, &account).await)?;
    for policy in &policies {
        next(put(&api::within(&cluster.client, name), policy, policy).await)?;
    }
    keep_known_quota(cluster, team, name).await?;
    refused.map_or(Ok(()), Err)
}

/// The team's quota, where it is known by now. Slipway counts before it launches: what the cluster refuses of it keeps no launch back.
async fn keep_known_quota(cluster: &Cluster, team: &str, namespace: &str) -> Result<()> {
    let Some(quota) = lock(&cluster.memory).quotas.as_ref().map(|all| all.get(team).copied().unwrap_or_default()) else { return Ok(()) };
    match keep_quota(cluster, team, namespace, &quota).await {
        Err(silent @ Error::Unavailable(_)) => return Err(silent),
        Err(error) => tracing::warn!(team, %error, "the cluster refuses the quota of a team"),
        Ok(()) => {}
    }
    lock(&cluster.memory).kept_quotas.insert(team.to_owned(), quota);
    Ok(())
}

/// Makes the object, or brings the one that is there and ours up to date. It is made as `bare`: a field that only later writes declare goes when they no
/// longer do.
async fn put<K>(all: &Api<K>, bare: &K, wanted: &K) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let there = api::create(all, bare).await?;
    api::apply(all, &there, wanted).await.map(drop)
}

/// Makes what Slipway keeps for the team as it should be, although this process has done so before.
pub(super) async fn repair(cluster: &Cluster, team: &str) -> Result<()> {
    let name = names::namespace(&cluster.config.prefix, team)?;
    let all: Api<Namespace> = Api::all(cluster.client.clone());
    let there = api::find(all.get(&name)).await?;
    if let Some(there) = there.filter(|n| is_of(cluster, n, team) && n.metadata.deletion_timestamp.is_none()) {
        return furnish(cluster, team, &name, &all, &there, &namespace(&cluster.config, team, &name)).await;
    }
    // None, or none of ours: as at a launch.
    lock(&cluster.memory).namespaces.remove(team);
    ready(cluster, team).await.map(drop)
}

fn is_of(cluster: &Cluster, namespace: &Namespace, team: &str) -> bool {
    names::has_all(&namespace.metadata, &names::labels(&cluster.config.prefix, team))
}

/// Brings the quotas in the cluster up to date where they have changed since this process last did. A namespace that is not there yet gets its own as
/// it is made.
pub(super) async fn keep_quotas(cluster: &Cluster, quotas: &BTreeMap<String, Quota>) {
    let changed: Vec<(String, Quota)> = {
        let mut memory = lock(&cluster.memory);
        memory.quotas = Some(quotas.clone());
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
    if there.is_some_and(|n| is_of(cluster, &n, team)) {
        keep_quota(cluster, team, &name, quota).await?;
    }
    Ok(())
}

/// The quota of one namespace, as it should be.
async fn keep_quota(cluster: &Cluster, team: &str, namespace: &str, most: &Quota) -> Result<()> {
    let ours = names::labels(&cluster.config.prefix, team);
    let quotas = api::within::<ResourceQuota>(&cluster.client, namespace);
    match quota(&cluster.config, team, namespace, most) {
        // Of its limits each is a field of its own.
        Some(wanted) => put(&quotas, &ResourceQuota { spec: None, ..wanted.clone() }, &wanted).await?,
        None => remove(&quotas, &ours).await?,
    }
    let ranges = api::within::<LimitRange>(&cluster.client, namespace);
    match limits(&cluster.config, team, namespace, most) {
        Some(wanted) => put(&ranges, &wanted, &wanted).await,
        None => remove(&ranges, &ours).await,
    }
}

/// Removes the object of a quota; one of this name that is not ours is left.
async fn remove<K>(all: &Api<K>, ours: &BTreeMap<String, String>) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
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
