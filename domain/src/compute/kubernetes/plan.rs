//! What a launch would write, compared with what is there by the API server itself (server-side dry run). Nothing is changed.

use super::{
    Cluster, api, launch,
    manifests::{Furniture, claim, furniture, limits, namespace, pod, quota, secret},
    names,
};
use crate::{
    compute::{Secret, Workload},
    error::{Error, Result},
    model::{DryRun, Manifest, Quota},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Namespace, PersistentVolumeClaim},
};
use kube::{Api, Resource};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Every object that a launch of this workload needs, in the order in which they are made.
pub(super) async fn of_launch(cluster: &Cluster, workload: &Workload, most: &Quota) -> Result<Vec<Manifest>> {
    launch::check(workload)?;
    let (team, config) = (&workload.team, &cluster.config);
    let name = names::namespace(&config.prefix, team)?;
    let mut all = of_team(cluster, team, most).await?;
    let place = Place { cluster, namespace: &name, is_there: all.first().is_some_and(|namespace| namespace.before.is_some()) };
    let volumes = std::iter::once(&workload.home).chain(workload.volumes.iter().map(|mount| &mount.volume));
    for volume in volumes {
        all.push(place.claim(&claim(config, team, &name, volume.as_str())?).await?);
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
    let place = Place { cluster, namespace: &name, is_there: namespace.before.is_some() };
    let Furniture { account, policies } = furniture(config, team, &name);
    let mut all = vec![namespace, place.planned(&account).await?];
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

/// A team's namespace, which may not be there yet.
struct Place<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    is_there: bool,
}

impl Place<'_> {
    async fn planned<K>(&self, wanted: &K) -> Result<Manifest>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
    {
        if self.is_there {
            return planned(&api::within(&self.cluster.client, self.namespace), wanted).await;
        }
        let why = format!("The cluster can be asked once namespace {} is there; the first launch makes it.", self.namespace);
        Ok(manifest::<K>(wanted, None, yaml(wanted)?, DryRun::Unasked(why)))
    }

    /// A claim that is there stays as it is.
    async fn claim(&self, wanted: &PersistentVolumeClaim) -> Result<Manifest> {
        let name = wanted.metadata.name.as_deref().unwrap_or_default();
        let claims = api::within::<PersistentVolumeClaim>(&self.cluster.client, self.namespace);
        let there = if self.is_there { api::find(claims.get(name)).await? } else { None };
        match there {
            Some(there) if api::is_ours(&there, &wanted.metadata.labels.clone().unwrap_or_default()) => {
                let now = yaml(&there)?;
                Ok(manifest(&there, Some(now.clone()), now, DryRun::Accepted))
            }
            _ => self.planned(wanted).await,
        }
    }
}

async fn planned<K>(all: &Api<K>, wanted: &K) -> Result<Manifest>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = wanted.meta().name.clone().unwrap_or_default();
    let Some(there) = api::find(all.get(&name)).await? else {
        let verdict = verdict(api::try_create(all, wanted).await)?;
        return Ok(manifest(wanted, None, yaml(wanted)?, verdict));
    };
    let before = yaml(&there)?;
    if !api::is_ours(&there, &wanted.meta().labels.clone().unwrap_or_default()) {
        let why = api::foreign::<K>(&name).to_string();
        return Ok(manifest(wanted, Some(before), yaml(wanted)?, DryRun::Refused(why)));
    }
    match api::try_apply(all, &there, wanted).await {
        Ok(after) => Ok(manifest(wanted, Some(before), yaml(&after)?, DryRun::Accepted)),
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

/// What people write of an object, without what the server keeps about it.
fn yaml(object: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(object).map_err(|e| Error::internal("a manifest", e))?;
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
