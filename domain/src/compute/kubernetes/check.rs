//! What the engine finds of the cluster and of what it may do there: for the System page and `slipway check`.

use super::{Cluster, api, facts, offers, teams};
use crate::{
    error::Result,
    model::{Finding, Level},
};
use futures::future::join_all;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, api::PostParams};

/// Group, resource, subresource, and the verbs.
type Need = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// What Slipway needs in the whole cluster.
const EVERYWHERE: [Need; 5] = [
    ("", "namespaces", "", &["get", "list", "create"]),
    ("", "nodes", "", &["list", "watch"]),
    ("", "pods", "", &["get", "list", "watch"]),
    ("", "persistentvolumeclaims", "", &["list"]),
    ("storage.k8s.io", "storageclasses", "", &["list"]),
];
/// What it needs in the namespaces of teams.
const IN_TEAMS: [Need; 11] = [
    ("", "namespaces", "", &["patch"]),
    ("", "pods", "", &["create", "patch", "delete"]),
    ("", "pods", "log", &["get"]),
    ("", "pods", "portforward", &["create"]),
    ("", "secrets", "", &["get", "list", "create", "patch", "delete"]),
    ("", "serviceaccounts", "", &["get", "create", "patch"]),
    ("", "persistentvolumeclaims", "", &["get", "create", "delete"]),
    ("", "events", "", &["list"]),
    ("", "resourcequotas", "", &["get", "create", "patch", "delete"]),
    ("", "limitranges", "", &["get", "create", "patch", "delete"]),
    ("networking.k8s.io", "networkpolicies", "", &["get", "create", "patch"]),
];
/// By which it gives itself the latter, where it runs in the cluster.
const BY_ITSELF: [Need; 1] = [("rbac.authorization.k8s.io", "rolebindings", "", &["create"])];
/// A pod that is being deleted for longer than this past its grace hangs, in milliseconds.
const HANGS: i64 = 60_000;

fn finding(name: &str, level: Level, message: impl Into<String>, remedy: &str) -> Finding {
    Finding { name: name.to_owned(), level, message: message.into(), remedy: remedy.to_owned() }
}

pub(super) async fn check(cluster: &Cluster) -> Vec<Finding> {
    let offers = match offers::find(cluster).await {
        Ok(offers) => offers,
        Err(error) => {
            let remedy = "See that the API server runs, and that kubeconfig or the pod's service account lead to it.";
            return vec![finding("cluster", Level::Error, error.to_string(), remedy)];
        }
    };
    let mut found = vec![
        finding("cluster", Level::Ok, format!("Kubernetes {} answers.", offers.version), ""),
        permissions(cluster).await,
        storage(cluster, &offers),
        nodes(cluster),
        gpus(&offers),
    ];
    let absent =
        "None of Kueue, KServe, Gateway API, Kubeflow Trainer, metrics and volume snapshots is there; nothing here needs them.".to_owned();
    let add_ons = if offers.add_ons.is_empty() { absent } else { format!("It also offers {}.", offers.add_ons.join(", ")) };
    found.push(finding("add-ons", Level::Ok, add_ons, ""));
    found.extend(hanging(cluster));
    found
}

/// Whether Slipway may do this, in this namespace or in all.
pub(super) async fn may(
    cluster: &Cluster,
    namespace: Option<&str>,
    (group, resource, sub, verb): (&str, &str, &str, &str),
) -> Result<bool> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let attributes = ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(sub.to_owned()).filter(|s| !s.is_empty()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    Ok(api::call(reviews.create(&PostParams::default(), &review)).await?.status.is_some_and(|status| status.allowed))
}

async fn permissions(cluster: &Cluster) -> Finding {
    // What it gives itself is looked at where it has done so.
    let team = match cluster.config.own_account {
        Some(_) => teams::namespaces(cluster).await.ok().and_then(|all| all.into_iter().next()),
        None => None,
    };
    let in_teams = if cluster.config.own_account.is_some() && team.is_none() { &BY_ITSELF[..] } else { &IN_TEAMS[..] };
    let everywhere = EVERYWHERE.iter().map(|need| (None, need));
    let asked = everywhere.chain(in_teams.iter().map(|need| (team.as_deref(), need)));
    let asked = asked
        .flat_map(|(namespace, (group, resource, sub, verbs))| verbs.iter().map(move |verb| (namespace, (*group, *resource, *sub, *verb))));
    let answers = join_all(asked.map(|(namespace, need)| async move {
        let (_, resource, sub, verb) = need;
        let slash = if sub.is_empty() { "" } else { "/" };
        let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        (!may(cluster, namespace, need).await.ok()?).then(|| format!("{verb} {resource}{slash}{sub}{place}"))
    }))
    .await;
    let missing: Vec<String> = answers.into_iter().flatten().collect();
    if missing.is_empty() {
        finding("permissions", Level::Ok, "Slipway may do everything that it needs to.", "")
    } else {
        let message = format!("Slipway may not: {}.", missing.join(", "));
        finding("permissions", Level::Error, message, "Give Slipway's account the roles of deploy/base/roles.yaml.")
    }
}

fn storage(cluster: &Cluster, offers: &offers::Offers) -> Finding {
    let names = offers.classes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let default = offers.classes.iter().find(|(_, default)| *default);
    match (&cluster.config.storage_class, default) {
        (Some(wanted), _) if offers.classes.iter().any(|(name, _)| name == wanted) => {
            finding("storage", Level::Ok, format!("Volumes are made in the class {wanted}."), "")
        }
        (Some(wanted), _) => {
            let message = format!("The cluster has no storage class {wanted}; it has: {names}.");
            finding("storage", Level::Error, message, "Set kubernetes-storage-class to one that is there.")
        }
        (None, Some((name, _))) => finding("storage", Level::Ok, format!("Volumes are made in the default class {name}."), ""),
        (None, None) => {
            let remedy = "Set kubernetes-storage-class, or mark a class as the default.";
            finding("storage", Level::Error, "The cluster has no default storage class: no volume could be made.", remedy)
        }
    }
}

fn nodes(cluster: &Cluster) -> Finding {
    match offers::nodes(cluster) {
        (all, 0) => finding(
            "nodes",
            Level::Warning,
            format!("None of {all} nodes takes notebooks."),
            "Add a node with the labels that kubernetes-nodes names, or change it.",
        ),
        (all, some) => finding("nodes", Level::Ok, format!("{some} of {all} nodes take notebooks."), ""),
    }
}

fn gpus(offers: &offers::Offers) -> Finding {
    let all: Vec<String> = offers.gpus.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let message = if all.is_empty() { "No node offers a GPU.".to_owned() } else { format!("GPUs: {}.", all.join(", ")) };
    finding("gpu", Level::Ok, message, "")
}

/// Pods that do not go although they should: somebody's finalizer, or a node that is away.
fn hanging(cluster: &Cluster) -> Option<Finding> {
    let late = |pod: &k8s_openapi::api::core::v1::Pod| {
        pod.metadata.deletion_timestamp.as_ref().is_some_and(|at| facts::millis(at) + HANGS < cluster.clock.now())
    };
    let names: Vec<String> = cluster
        .pods
        .state()
        .iter()
        .filter(|pod| late(pod))
        .map(|pod| {
            let kept = pod.metadata.finalizers.as_deref().unwrap_or_default().join(", ");
            let why = if kept.is_empty() { "its node does not say that it ended".to_owned() } else { format!("kept by {kept}") };
            format!(
                "{}/{} ({why})",
                pod.metadata.namespace.as_deref().unwrap_or_default(),
                pod.metadata.name.as_deref().unwrap_or_default()
            )
        })
        .collect();
    (!names.is_empty()).then(|| {
        let remedy = "Bring the node back or remove it from the cluster; take the finalizer away only if its owner is gone.";
        finding("pods that do not go", Level::Warning, names.join(", "), remedy)
    })
}
