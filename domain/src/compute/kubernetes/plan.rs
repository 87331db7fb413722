//! What a launch would write, compared with what is there by the API server itself (server-side dry run). Nothing is changed.

use super::{
    Cluster, api, launch,
    manifests::{Furniture, claim, furniture, limits, namespace, own_binding, pod, quota, secret},
    names,
};
use crate::{
    compute::{Secret, Workload},
    error::{Error, Result},
    model::{DryRun, Manifest, Quota},
};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{Api, Resource};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Every object that a launch of this workload needs, in the order in which they are made.
pub(super) async fn of_launch(cluster: &Cluster, workload: &Workload, most: &Quota) -> Result<Vec<Manifest>> {
    launch::check(workload)?;
    let (team, config) = (&workload.team, &cluster.config);
    let name = names::namespace(&config.prefix, team)?;
    let mut all = of_team(cluster, team, most).await?;
    let place = Place::of(cluster, &name, &all[0]);
    let volumes = std::iter::once(&workload.home).chain(workload.volumes.iter().map(|mount| &mount.volume));
    for volume in volumes {
        all.push(place.left(&claim(config, team, &name, volume.as_str())?).await?);
    }
    if !workload.secrets.is_empty() || workload.header.is_some() {
        let hidden = Workload {
            secrets: workload.secrets.keys().map(|name| (name.clone(), Secret(String::new()))).collect(),
            header: workload.header.as_ref().map(|(name, _)| (name.clone(), Secret(String::new()))),
            ..workload.clone()
        };
        all.push(place.planned(&secret(&config.prefix, &hidden, &name, None)).await?);
    }
    all.push(place.planned(&pod(config, workload, &name)?).await?);
    Ok(all)
}

/// What stands in a team's namespace before its first pod, the namespace first.
pub(super) async fn of_team(cluster: &Cluster, team: &str, most: &Quota) -> Result<Vec<Manifest>> {
    let config = &cluster.config;
    let name = names::namespace(&config.prefix, team)?;
    let namespace = planned(&Api::<Namespace>::all(cluster.client.clone()), &namespace(config, team, &name)).await?;
    let place = Place::of(cluster, &name, &namespace);
    let Furniture { account, policies } = furniture(config, team, &name);
    let mut all = vec![namespace];
    if let (Some(own), Some(own_account)) = (&config.own_namespace, &config.own_account) {
        all.push(place.left(&own_binding(config, team, &name, (own, own_account))).await?);
    }
    all.push(place.planned(&account).await?);
    for policy in &policies {
        all.push(place.planned(policy).await?);
    }
    if let Some(quota) = quota(config, team, &name, most) {
        all.push(place.planned(&quota).await?);
    }
    if let Some(limits) = limits(config, team, &name, most) {
        all.push(place.planned(&limits).await?);
    }
    Ok(all)
}

/// A team's namespace, which may not be there yet, or be somebody else's.
struct Place<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    /// Why nothing in it is asked for.
    unasked: Option<String>,
}

impl<'a> Place<'a> {
    fn of(cluster: &'a Cluster, name: &'a str, namespace: &Manifest) -> Self {
        let unasked = match (&namespace.verdict, &namespace.before) {
            (DryRun::Refused(_), _) => Some(format!("Namespace {name} is not Slipway's.")),
            (_, None) => Some(format!("The cluster can be asked once namespace {name} is there; the first launch makes it.")),
            _ => None,
        };
        Self { cluster, namespace: name, unasked }
    }

    async fn planned<K>(&self, wanted: &K) -> Result<Manifest>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
    {
        match &self.unasked {
            None => planned(&api::within(&self.cluster.client, self.namespace), wanted).await,
            Some(why) => Ok(manifest(wanted, None, yaml(wanted)?, DryRun::Unasked(why.clone()))),
        }
    }

    /// One that is there is left as it is.
    async fn left<K>(&self, wanted: &K) -> Result<Manifest>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let name = wanted.meta().name.as_deref().unwrap_or_default();
        let all = api::within::<K>(&self.cluster.client, self.namespace);
        if self.unasked.is_none()
            && let Ok(Some(there)) = api::find(all.get(name)).await
            && api::is_ours(&there, &wanted.meta().labels.clone().unwrap_or_default())
        {
            let now = stored(&there)?;
            return Ok(manifest(&there, Some(now.clone()), now, DryRun::Accepted));
        }
        self.planned(wanted).await
    }
}

async fn planned<K>(all: &Api<K>, wanted: &K) -> Result<Manifest>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = wanted.meta().name.clone().unwrap_or_default();
    let there = match api::find(all.get(&name)).await {
        Ok(Some(there)) => there,
        Ok(None) => return Ok(manifest(wanted, None, yaml(wanted)?, verdict(api::try_create(all, wanted).await)?)),
        unseen => return Ok(manifest(wanted, None, yaml(wanted)?, verdict(unseen)?)),
    };
    // What is somebody else's is nothing to show.
    if !api::is_ours(&there, &wanted.meta().labels.clone().unwrap_or_default()) {
        return Ok(manifest(wanted, None, yaml(wanted)?, DryRun::Refused(api::foreign::<K>(&name).to_string())));
    }
    let before = stored(&there)?;
    match api::try_apply(all, &there, wanted).await {
        Ok(after) => Ok(manifest(wanted, Some(before), stored(&after)?, DryRun::Accepted)),
        refused => Ok(manifest(wanted, Some(before), yaml(wanted)?, verdict(refused)?)),
    }
}

/// A refusal is an answer; silence is none.
fn verdict<K>(answer: Result<K>) -> Result<DryRun> {
    match answer {
        Ok(_) => Ok(DryRun::Accepted),
        Err(error @ (Error::Conflict(_) | Error::QuotaExceeded(_) | Error::Invalid(_) | Error::Forbidden(_) | Error::NotFound(_))) => {
            Ok(DryRun::Refused(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn manifest<K: Resource<DynamicType = ()>>(object: &K, before: Option<String>, after: String, verdict: DryRun) -> Manifest {
    Manifest { kind: K::kind(&()).into_owned(), name: object.meta().name.clone().unwrap_or_default(), before, after, verdict }
}

/// An object as the server has it, without annotations: Slipway's own objects that stay have none, and what others note there is their affair.
fn stored(object: &impl Serialize) -> Result<String> {
    let mut value = value(object)?;
    if let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.remove("annotations");
    }
    yaml(&value)
}

fn value(object: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(object).map_err(|e| Error::internal("a manifest", e))
}

/// What people write of an object, without what the server keeps about it.
fn yaml(object: &impl Serialize) -> Result<String> {
    let mut value = value(object)?;
    if let Some(object) = value.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        for kept in ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"] {
            metadata.remove(kept);
        }
    }
    serde_saphyr::to_string(&value).map_err(|e| Error::internal("a manifest", e))
}

#[cfg(test)]
mod tests {
    use super::yaml;

    #[test]
    fn yaml_says_what_was_meant_and_nothing_of_the_servers() {
        let hard = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending"},
            "metadata": {"name": "a", "uid": "x", "managedFields": [], "labels": {"on": "true", "n": "012", "empty": ""}},
            "spec": {"command": ["no", "null", "a: b", "- x", "#", "line\nline", "$$(HOME)", "\u{7f}é", "1e3", "~", " pad "]},
        });
        let text = yaml(&hard).expect("yaml");
        let read: serde_json::Value = serde_saphyr::from_str(&text).expect("read again");
        assert_eq!(read["spec"], hard["spec"], "{text}");
        assert_eq!(read["metadata"], serde_json::json!({"name": "a", "labels": {"on": "true", "n": "012", "empty": ""}}), "{text}");
        assert!(read.get("status").is_none());
    }
}
