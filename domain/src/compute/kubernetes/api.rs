//! Calls to the API server: bounded in time, refusals in sentences, and nothing written that is not ours.

use super::names::{self, MANAGER};
use crate::{
    error::{Error, Result},
    lease::Lease,
};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug, time::Duration};
use tokio::time::timeout;

/// Longer than this nobody waits for one answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);
/// A refusal may quote a whole object.
const REASON_CHARS: usize = 400;

/// One call, bounded; the refusal in words of the portal.
pub(super) async fn call<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T> {
    match timeout(ANSWER_TIME, request).await {
        Ok(answer) => answer.map_err(|e| translate(&e)),
        Err(_) => Err(silent("it did not answer in time")),
    }
}

/// The same where what is asked for may be absent.
pub(super) async fn find<T>(request: impl Future<Output = kube::Result<T>>) -> Result<Option<T>> {
    let answer = timeout(ANSWER_TIME, request).await.map_err(|_| silent("it did not answer in time"))?;
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(translate(&error)),
    }
}

/// What a process that does not look after notebooks may ask of the cluster: to be shown things, what it may do, and what would be.
#[derive(Debug, thiserror::Error)]
#[error("Another process of this portal looks after notebooks now.")]
struct NotOurs;

/// Lets changes through only while the lease is held. The one way of every request.
pub(super) fn gate<B>(
    lease: &Lease,
    request: hyper::Request<B>,
) -> std::result::Result<hyper::Request<B>, Box<dyn std::error::Error + Send + Sync>> {
    let is_dry = |pair: &str| pair == "dryRun=All";
    let may_be_dry = matches!(*request.method(), hyper::Method::POST | hyper::Method::PATCH);
    let looks = matches!(*request.method(), hyper::Method::GET | hyper::Method::HEAD)
        || request.uri().path().starts_with("/apis/authorization.k8s.io/")
        || may_be_dry && request.uri().query().is_some_and(|query| query.split('&').any(is_dry));
    if looks || lease.is_held() { Ok(request) } else { Err(NotOurs.into()) }
}

fn silent(why: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("The cluster does not answer now: {why}"))
}

pub(super) fn translate(error: &kube::Error) -> Error {
    let kube::Error::Api(status) = error else {
        let cause = root(error);
        return if cause == NotOurs.to_string() { Error::Unavailable(cause) } else { silent(cause) };
    };
    refusal(status.code, &status.message)
}

/// The innermost cause: "connection refused" rather than `ServiceError`.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// What the API server's refusals mean.
fn refusal(code: u16, message: &str) -> Error {
    let text: String = message.chars().filter(|c| !c.is_control()).take(REASON_CHARS).collect();
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest.trim().to_owned());
    match code {
        // What one container may have of a quota (LimitRange).
        403 if text.contains("usage per Container") || text.contains("usage per Pod") => {
            let detail = text.rsplit_once("is forbidden: ").map_or(text.as_str(), |(_, detail)| detail);
            Error::QuotaExceeded(format!("The team's quota in the cluster does not allow it: {detail}."))
        }
        403 if text.contains("exceeded quota") => {
            let detail = after("exceeded quota: ").unwrap_or_default();
            Error::QuotaExceeded(super::waiting::quota(&detail).to_string())
        }
        403 | 409 if text.contains("being terminated") => Error::Conflict(
            "The team's namespace is being deleted in the cluster. Wait until it is gone, or ask the administrator why it stays."
                .to_owned(),
        ),
        _ if text.contains("denied the request") || text.contains("violates PodSecurity") => {
            Error::Conflict(format!("A rule of the cluster refuses it: {text}"))
        }
        401 => Error::Unavailable("The cluster does not know Slipway: its credentials are not accepted.".to_owned()),
        403 => Error::Conflict(format!(
            "The cluster does not let Slipway do this: {text}. Ask the administrator; slipway check lists what is missing."
        )),
        404 => Error::NotFound("object in the cluster"),
        409 => Error::Conflict(format!("The cluster has something else by this name: {text}")),
        400 | 422 => Error::Conflict(format!("The cluster refuses it: {text}")),
        _ => silent(text),
    }
}

/// Makes an object, or finds the one that is there to be ours. A foreign one is refused and left alone.
pub(super) async fn create<K>(api: &Api<K>, object: &K) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = object.meta().name.clone().unwrap_or_default();
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    match timeout(ANSWER_TIME, api.create(&params, object)).await {
        Err(_) => Err(silent("it did not answer in time")),
        Ok(Ok(made)) => Ok(made),
        // Also the answer where an earlier try succeeded without our hearing of it.
        Ok(Err(kube::Error::Api(status))) if status.code == 409 && status.reason == "AlreadyExists" => {
            let there = find(api.get(&name)).await?.ok_or_else(|| silent(format!("{name} goes and comes")))?;
            let wanted = object.meta().labels.clone().unwrap_or_default();
            if is_ours(&there, &wanted) { Ok(there) } else { Err(foreign::<K>(&name)) }
        }
        Ok(Err(error)) => Err(translate(&error)),
    }
}

/// By the labels that say whose it is; others on it are its own affair.
pub(super) fn is_ours<K: Resource>(there: &K, wanted: &BTreeMap<String, String>) -> bool {
    names::has_all(
        there.meta(),
        &wanted.iter().filter(|(k, _)| !k.starts_with("pod-security")).map(|(k, v)| (k.clone(), v.clone())).collect(),
    )
}

pub(super) fn foreign<K: Resource<DynamicType = ()>>(name: &str) -> Error {
    Error::Conflict(format!(
        "The cluster already has a {} named {name} that Slipway did not make. It is left as it is; ask the administrator to rename or remove it.",
        K::kind(&())
    ))
}

/// Brings the fields that Slipway declares of an object of ours up to date. Bound to the very object that was found to be ours.
pub(super) async fn apply<K>(api: &Api<K>, there: &K, wanted: &K) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    patched(api, there, wanted, &PatchParams::apply(MANAGER).force()).await
}

async fn patched<K>(api: &Api<K>, there: &K, wanted: &K, params: &PatchParams) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let mut wanted = wanted.clone();
    wanted.meta_mut().uid.clone_from(&there.meta().uid);
    let name = wanted.meta().name.clone().unwrap_or_default();
    call(api.patch(&name, params, &Patch::Apply(&wanted))).await
}

/// What would become of `create`: the object as the server would store it, or its refusal.
pub(super) async fn try_create<K>(api: &Api<K>, object: &K) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    call(api.create(&PostParams { dry_run: true, field_manager: Some(MANAGER.to_owned()) }, object)).await
}

/// What would become of `apply`.
pub(super) async fn try_apply<K>(api: &Api<K>, there: &K, wanted: &K) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    patched(api, there, wanted, &PatchParams { dry_run: true, ..PatchParams::apply(MANAGER).force() }).await
}

/// Deletes this very object; one that is gone is no error.
pub(super) async fn delete<K>(api: &Api<K>, object: &K) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let name = object.meta().name.clone().unwrap_or_default();
    let this = Preconditions { uid: object.meta().uid.clone(), resource_version: None };
    match find(api.delete(&name, &DeleteParams::default().preconditions(this))).await {
        // Another object has the name by now.
        Err(Error::Conflict(_)) => Ok(()),
        answer => answer.map(drop),
    }
}

pub(super) fn within<K>(client: &Client, namespace: &str) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let quota =
            "pods \"nb-a-1\" is forbidden: exceeded quota: team, requested: requests.cpu=4, used: requests.cpu=2, limited: requests.cpu=4";
        let container = "pods \"nb-a-1\" is forbidden: maximum cpu usage per Container is 4, but limit is 8";
        assert!(
            matches!(refusal(403, container), Error::QuotaExceeded(t) if t.ends_with("maximum cpu usage per Container is 4, but limit is 8."))
        );
        assert!(matches!(refusal(403, quota), Error::QuotaExceeded(t) if t.contains("cpu: 2 of 4 used, 4 asked for")));
        let ending = "unable to create new content in namespace slipway-vision because it is being terminated";
        assert!(matches!(refusal(403, ending), Error::Conflict(t) if t.contains("is being deleted")));
        let denied = "admission webhook \"policy.example\" denied the request: images must come from our registry";
        assert!(matches!(refusal(400, denied), Error::Conflict(t) if t.contains("our registry")));
        assert!(matches!(refusal(403, "pods is forbidden: User \"x\" cannot create"), Error::Conflict(t) if t.contains("does not let")));
        assert!(matches!(refusal(503, "etcd"), Error::Unavailable(_)) && matches!(refusal(429, "slow down"), Error::Unavailable(_)));
    }
}
