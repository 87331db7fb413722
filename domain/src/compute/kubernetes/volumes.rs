//! Volumes: a claim in the namespace of the team that first uses one.

use super::{Cluster, api, manifests::claim, names};
use crate::{
    compute::Workload,
    error::{Error, Result},
};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{Api, api::ListParams};

/// Makes the claims that a workload mounts, where they are not there.
pub(super) async fn ready(cluster: &Cluster, workload: &Workload, namespace: &str) -> Result<()> {
    let claims = api::within(&cluster.client, namespace);
    let volumes = std::iter::once(&workload.home).chain(workload.volumes.iter().map(|mount| &mount.volume));
    for volume in volumes {
        let wanted = claim(&cluster.config, &workload.team, namespace, volume.as_str())?;
        let there = api::create(&claims, &wanted).await?;
        if there.metadata.deletion_timestamp.is_some() {
            return Err(Error::Conflict("A volume of it is being deleted in the cluster. Choose another.".to_owned()));
        }
    }
    Ok(())
}

/// Deletes a volume's claim, in whichever team's namespace.
pub(super) async fn delete(cluster: &Cluster, volume: &str) -> Result<()> {
    let name = names::volume(volume)?;
    let selector = format!("{},{}={volume}", names::selector(&cluster.config.prefix), names::VOLUME);
    let everywhere: Api<PersistentVolumeClaim> = Api::all(cluster.client.clone());
    for found in api::call(everywhere.list(&ListParams::default().labels(&selector))).await?.items {
        let Some(namespace) = found.metadata.namespace.clone().filter(|_| found.metadata.name.as_deref() == Some(&name)) else { continue };
        api::delete(&api::within::<PersistentVolumeClaim>(&cluster.client, &namespace), &found).await?;
    }
    Ok(())
}
