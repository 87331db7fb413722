//! A team's quota as the cluster holds it: what Slipway counts before a launch, the API server refuses whoever makes the pod.

use super::meta;
use crate::{
    compute::kubernetes::{
        config::KubernetesConfig,
        names::{QUOTA, labels},
    },
    model::Quota,
};
use k8s_openapi::{
    api::core::v1::{LimitRange, LimitRangeItem, LimitRangeSpec, ResourceQuota, ResourceQuotaSpec},
    apimachinery::pkg::api::resource::Quantity,
};
use std::collections::BTreeMap;

/// What a container of somebody else's may have that does not say, and what it counts as. Slipway's own say what they want.
const USUAL: (u32, u64) = (1, 1024);
const COUNTS: (&str, u64) = ("100m", 128);

type Quantities = BTreeMap<String, Quantity>;

fn cpus(most: u32) -> Quantity {
    Quantity(most.to_string())
}

fn mib(most: u64) -> Quantity {
    Quantity(format!("{most}Mi"))
}

/// None where nothing is in it.
fn quantities<const N: usize>(all: [(&str, Option<Quantity>); N]) -> Option<Quantities> {
    let all: Quantities = all.into_iter().filter_map(|(name, quantity)| Some((name.to_owned(), quantity?))).collect();
    (!all.is_empty()).then_some(all)
}

/// What all pods of the namespace may ask for together; none where the quota limits nothing.
pub(in super::super) fn quota(config: &KubernetesConfig, team: &str, namespace: &str, quota: &Quota) -> Option<ResourceQuota> {
    let gpus = format!("requests.{}", config.gpu_resource);
    let hard = quantities([
        ("requests.cpu", quota.cpus.map(cpus)),
        ("requests.memory", quota.memory_mib.map(mib)),
        (&gpus, quota.gpus.map(cpus)),
    ])?;
    Some(ResourceQuota {
        metadata: meta(namespace, QUOTA, &labels(&config.prefix, team)),
        spec: Some(ResourceQuotaSpec { hard: Some(hard), ..ResourceQuotaSpec::default() }),
        status: None,
    })
}

/// What one container may have of it, and gets where it does not say.
pub(in super::super) fn limits(config: &KubernetesConfig, team: &str, namespace: &str, quota: &Quota) -> Option<LimitRange> {
    let of = |cpu: Option<u32>, memory: Option<u64>| quantities([("cpu", cpu.map(cpus)), ("memory", memory.map(mib))]);
    let max = of(quota.cpus, quota.memory_mib)?;
    let usual = of(quota.cpus.map(|most| most.min(USUAL.0)), quota.memory_mib.map(|most| most.min(USUAL.1)));
    // No more than it may have.
    let little = |most: u32| if most == 0 { cpus(0) } else { Quantity(COUNTS.0.to_owned()) };
    let counts = quantities([("cpu", quota.cpus.map(little)), ("memory", quota.memory_mib.map(|most| mib(most.min(COUNTS.1))))]);
    let item = LimitRangeItem {
        type_: "Container".to_owned(),
        max: Some(max),
        default: usual,
        default_request: counts,
        ..LimitRangeItem::default()
    };
    Some(LimitRange { metadata: meta(namespace, QUOTA, &labels(&config.prefix, team)), spec: Some(LimitRangeSpec { limits: vec![item] }) })
}
