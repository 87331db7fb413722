//! A team's namespace: made, owned and kept as it should be by Slipway. One that is somebody else's is refused.

use super::{
    Cluster, api,
    manifests::{Furniture, furniture, namespace},
    memory::lock,
    names,
};
use crate::error::{Error, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

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
    lock(&cluster.memory).namespaces.insert(team.to_owned());
    Ok(name)
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
