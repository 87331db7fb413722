//! A launch's secrets: they go with its pod.

use super::meta;
use crate::compute::{
    Secret, Workload,
    kubernetes::names::{self, LAUNCH, WORKLOAD},
};
use k8s_openapi::{ByteString, api::core::v1 as core, apimachinery::pkg::apis::meta::v1::OwnerReference};

/// What Slipway sends with each request. No variable of the pod: the dash keeps it from being one.
const HEADER: &str = "slipway-header";

/// The secret of a launch, owned by its pod once there is one.
pub(in super::super) fn secret(prefix: &str, workload: &Workload, namespace: &str, owner: Option<&str>) -> core::Secret {
    let name = names::pod(&workload.id, workload.launch);
    let mut labels = names::labels(prefix, &workload.team);
    labels.insert(WORKLOAD.to_owned(), workload.id.clone());
    labels.insert(LAUNCH.to_owned(), workload.launch.to_string());
    let mut metadata = meta(namespace, &name, &labels);
    metadata.owner_references = owner.map(|uid| {
        vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: name.clone(),
            uid: uid.to_owned(),
            ..OwnerReference::default()
        }]
    });
    let mut data: std::collections::BTreeMap<_, _> =
        workload.secrets.iter().map(|(name, Secret(value))| (name.clone(), ByteString(value.clone().into_bytes()))).collect();
    if let Some((name, Secret(value))) = &workload.header {
        data.insert(HEADER.to_owned(), ByteString(format!("{name}: {value}").into_bytes()));
    }
    core::Secret { metadata, data: Some(data), type_: Some("Opaque".to_owned()), ..core::Secret::default() }
}

/// The header as a later process finds it.
pub(in super::super) fn header_of(secret: &core::Secret) -> Option<(String, Secret)> {
    let text = String::from_utf8(secret.data.as_ref()?.get(HEADER)?.0.clone()).ok()?;
    text.split_once(": ").map(|(name, value)| (name.to_owned(), Secret(value.to_owned())))
}
