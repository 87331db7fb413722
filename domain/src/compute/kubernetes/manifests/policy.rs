//! The last look at a pod before it goes to the cluster: Pod Security `restricted`, and what Slipway forbids besides, whoever built it.

use crate::compute::kubernetes::names::{ACCOUNT, LAUNCH, WORKLOAD, has_all};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, SeccompProfile, Volume};
use std::collections::BTreeMap;

/// What is wrong with a pod of this team's labels; empty for one that may be created.
pub(in super::super) fn violations(pod: &Pod, namespace: &str, labels: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut require = |ok: bool, what: &str| {
        if !ok {
            wrong.push(what.to_owned());
        }
    };
    let meta = &pod.metadata;
    require(meta.namespace.as_deref() == Some(namespace), "namespace");
    require(has_all(meta, labels) && meta.labels.as_ref().is_some_and(|l| l.len() == labels.len() + 2), "labels");
    require([WORKLOAD, LAUNCH].iter().all(|l| meta.labels.as_ref().is_some_and(|all| all.contains_key(*l))), "labels of the launch");
    require(meta.owner_references.is_none() && meta.finalizers.is_none() && meta.generate_name.is_none(), "foreign metadata");
    require(meta.annotations.iter().flatten().all(|(name, _)| name.starts_with("slipway.internal/")), "annotations");
    let Some(spec) = &pod.spec else { return vec!["spec".to_owned()] };
    let off = |flag: Option<bool>| flag != Some(true);
    require(off(spec.host_network) && off(spec.host_pid) && off(spec.host_ipc) && off(spec.share_process_namespace), "host namespaces");
    require(spec.host_users != Some(true) && spec.host_aliases.is_none() && spec.dns_config.is_none(), "host names");
    require(
        spec.service_account_name.as_deref() == Some(ACCOUNT) && spec.automount_service_account_token == Some(false),
        "service account",
    );
    require(spec.service_account.as_deref().is_none_or(|a| a == ACCOUNT) && spec.image_pull_secrets.is_none(), "service account");
    require(spec.enable_service_links == Some(false), "service links");
    require(placed_by_nobody(spec), "placement");
    require(spec.init_containers.is_none() && spec.ephemeral_containers.is_none() && spec.containers.len() == 1, "other containers");
    let security = spec.security_context.clone().unwrap_or_default();
    require(security.run_as_non_root == Some(true) && security.run_as_user.is_none_or(|u| u > 0), "root");
    require(security.sysctls.is_none() && seccomp(security.seccomp_profile.as_ref()), "seccomp or sysctls");
    require(
        security.supplemental_groups.is_none() && security.fs_group.is_none_or(|g| g > 0) && security.run_as_group != Some(0),
        "groups",
    );
    require(spec.volumes.iter().flatten().all(ours), "volumes");
    require(spec.containers.iter().all(confined), "container security");
    wrong
}

fn placed_by_nobody(spec: &PodSpec) -> bool {
    spec.node_name.is_none()
        && spec.priority_class_name.is_none()
        && spec.priority.is_none()
        && spec.tolerations.is_none()
        && spec.scheduler_name.is_none()
        && spec.runtime_class_name.is_none()
        && spec.overhead.is_none()
}

fn seccomp(profile: Option<&SeccompProfile>) -> bool {
    profile.is_some_and(|p| p.type_ == "RuntimeDefault")
}

/// A claim of this namespace or shared memory, and no other kind: rebuilt from what may be, so that kinds not known here do not pass.
fn ours(volume: &Volume) -> bool {
    let claim = volume.persistent_volume_claim.as_ref().is_some_and(|c| c.claim_name.starts_with("vol-"));
    let memory = volume.empty_dir.as_ref().is_some_and(|e| e.medium.as_deref() == Some("Memory") && e.size_limit.is_some());
    let only = Volume {
        name: volume.name.clone(),
        persistent_volume_claim: volume.persistent_volume_claim.clone().filter(|_| claim),
        empty_dir: volume.empty_dir.clone().filter(|_| memory && !claim),
        ..Volume::default()
    };
    (claim || memory) && only == *volume
}

fn confined(container: &Container) -> bool {
    let Some(security) = &container.security_context else { return false };
    let capabilities = security.capabilities.clone().unwrap_or_default();
    let dropped = capabilities.drop.is_some_and(|all| all.iter().any(|c| c == "ALL")) && capabilities.add.is_none();
    let requests = container.resources.as_ref().and_then(|r| r.requests.as_ref());
    let limits = container.resources.as_ref().and_then(|r| r.limits.as_ref());
    security.privileged != Some(true)
        && security.allow_privilege_escalation == Some(false)
        && security.run_as_user.is_none_or(|u| u > 0)
        && security.run_as_non_root != Some(false)
        && security.proc_mount.as_deref().is_none_or(|p| p == "Default")
        && security.seccomp_profile.as_ref().is_none_or(|p| seccomp(Some(p)))
        && security.se_linux_options.is_none()
        && security.windows_options.is_none()
        && dropped
        && container.lifecycle.is_none()
        && container.volume_devices.is_none()
        && container.env_from.is_none()
        && container.ports.iter().flatten().all(|p| p.host_port.is_none() && p.host_ip.is_none())
        && container
            .volume_mounts
            .iter()
            .flatten()
            .all(|m| m.sub_path.is_none() && m.sub_path_expr.is_none() && m.mount_propagation.is_none())
        && requests.is_some()
        && requests == limits
}
