//! Pure builders of what Slipway writes into a cluster: the same input, the same object.

mod namespace;
mod pod;
mod policy;
mod quota;
mod secret;
mod volume;

pub(super) use namespace::{Furniture, furniture, namespace, own_binding};
pub(super) use pod::{CONTAINER, PORT, pod};
pub(super) use policy::violations;
pub(super) use quota::{limits, quota};
pub(super) use secret::{header_of, secret};
pub(super) use volume::claim;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

fn meta(namespace: &str, name: &str, labels: &BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta { namespace: Some(namespace.to_owned()), name: Some(name.to_owned()), labels: Some(labels.clone()), ..ObjectMeta::default() }
}

#[cfg(test)]
mod tests;
