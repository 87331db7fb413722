//! One launch of a workload as a pod that passes Pod Security `restricted`.

use super::meta;
use crate::{
    compute::{
        ActivityProbe, Workload,
        kubernetes::{
            config::KubernetesConfig,
            names::{self, ACCOUNT, ACTIVITY, LAUNCH, WORKLOAD},
        },
    },
    error::{Error, Result},
    model::validate_name,
};
use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource, HTTPGetAction,
        PersistentVolumeClaimVolumeSource, Pod, PodSecurityContext, PodSpec, Probe, ResourceRequirements, SeccompProfile,
        SecretKeySelector, SecurityContext, TCPSocketAction, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use std::collections::BTreeMap;

pub(in super::super) const CONTAINER: &str = "notebook";
/// Where the home is: as Jupyter's own images have it.
const HOME: &str = "/home/jovyan";
/// What `{port}` becomes. Every pod has an address of its own.
pub(in super::super) const PORT: u16 = 8888;
/// The user of Jupyter's own images; a volume's files are made theirs.
const USER: i64 = 1000;
/// From SIGTERM to SIGKILL, in seconds.
const GRACE: i64 = 30;

/// The pod of this launch.
///
/// # Errors
/// `Invalid` where the workload has something that a pod cannot be given.
pub(in super::super) fn pod(config: &KubernetesConfig, workload: &Workload, namespace: &str) -> Result<Pod> {
    let image = workload.image.as_deref().ok_or_else(|| {
        Error::invalid("version", "This version has no image. Choose one that has, or add an image to it under Environments.")
    })?;
    let name = names::pod(&workload.id, workload.launch);
    let mut labels = names::labels(&config.prefix, &workload.team);
    labels.insert(WORKLOAD.to_owned(), workload.id.clone());
    labels.insert(LAUNCH.to_owned(), workload.launch.to_string());
    let mut metadata = meta(namespace, &name, &labels);
    if workload.activity == ActivityProbe::JupyterKernels {
        metadata.annotations = Some([(ACTIVITY.to_owned(), workload.ready_path.clone())].into());
    }
    let (volumes, mounts) = storage(workload)?;
    let container = Container {
        name: CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        // The command, so that an image's entrypoint does not come before it.
        command: Some(workload.argv.iter().map(|arg| argument(arg)).collect()),
        working_dir: Some(HOME.to_owned()),
        env: Some(environment(workload, &name)),
        ports: Some(vec![ContainerPort {
            name: Some("http".to_owned()),
            container_port: i32::from(PORT),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        resources: Some(resources(config, workload)),
        readiness_probe: Some(readiness(workload)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            privileged: Some(false),
            run_as_non_root: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            seccomp_profile: Some(runtime_default()),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(mounts),
        ..Container::default()
    };
    let spec = PodSpec {
        containers: vec![container],
        volumes: Some(volumes),
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(GRACE),
        service_account_name: Some(ACCOUNT.to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        node_selector: (!config.nodes.is_empty()).then(|| config.nodes.clone()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(runtime_default()),
            ..PodSecurityContext::default()
        }),
        ..PodSpec::default()
    };
    Ok(Pod { metadata, spec: Some(spec), status: None })
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}

/// Kubernetes replaces `$(NAME)` in commands and values; a doubled dollar stays a dollar and nothing else.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn argument(arg: &str) -> String {
    literal(&arg.replace("{host}", "0.0.0.0").replace("{port}", &PORT.to_string()).replace("{home}", HOME))
}

fn environment(workload: &Workload, secret: &str) -> Vec<EnvVar> {
    let plain = |name: &str, value: &str| EnvVar { name: name.to_owned(), value: Some(value.to_owned()), value_from: None };
    let sealed = |name: &str| {
        let selector = SecretKeySelector { name: secret.to_owned(), key: name.to_owned(), optional: None };
        EnvVar {
            name: name.to_owned(),
            value: None,
            value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() }),
        }
    };
    let own = [("HOME", HOME.to_owned()), ("PORT", PORT.to_string())];
    let set = |name: &str| workload.env.contains_key(name) || workload.secrets.contains_key(name);
    let own = own.iter().filter(|(name, _)| !set(name)).map(|(name, value)| plain(name, value));
    let env = workload.env.iter().filter(|(name, _)| !workload.secrets.contains_key(*name));
    own.chain(env.map(|(name, value)| plain(name, &literal(value)))).chain(workload.secrets.keys().map(|name| sealed(name))).collect()
}

fn resources(config: &KubernetesConfig, workload: &Workload) -> ResourceRequirements {
    let wanted = &workload.resources;
    let mut all: BTreeMap<String, Quantity> = BTreeMap::from([
        ("cpu".to_owned(), Quantity(wanted.cpus.to_string())),
        ("memory".to_owned(), Quantity(format!("{}Mi", wanted.memory_mib))),
    ]);
    if wanted.gpus > 0 {
        all.insert(config.gpu_resource.clone(), Quantity(wanted.gpus.to_string()));
    }
    ResourceRequirements { requests: Some(all.clone()), limits: Some(all), claims: None }
}

/// The kubelet knows no secret: a path that answers without one is asked, else whether anything listens.
fn readiness(workload: &Workload) -> Probe {
    let port = IntOrString::Int(i32::from(PORT));
    let open = workload.activity == ActivityProbe::JupyterKernels || (workload.header.is_none() && workload.ready_path != "/");
    let http = open.then(|| HTTPGetAction { path: Some(workload.ready_path.clone()), port: port.clone(), ..HTTPGetAction::default() });
    let tcp = (!open).then_some(TCPSocketAction { port, host: None });
    Probe {
        http_get: http,
        tcp_socket: tcp,
        period_seconds: Some(2),
        timeout_seconds: Some(5),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}

fn storage(workload: &Workload) -> Result<(Vec<Volume>, Vec<VolumeMount>)> {
    let claim = |name: &str, id: &str, read_only: bool| -> Result<Volume> {
        let source = PersistentVolumeClaimVolumeSource { claim_name: names::volume(id)?, read_only: read_only.then_some(true) };
        Ok(Volume { name: name.to_owned(), persistent_volume_claim: Some(source), ..Volume::default() })
    };
    let mount = |name: &str, path: String, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path,
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    // Kubernetes gives 64 MiB of shared memory; data loaders want more. What is written there counts as the pod's memory.
    let half = Quantity(format!("{}Mi", (workload.resources.memory_mib / 2).max(64)));
    let shared = EmptyDirVolumeSource { medium: Some("Memory".to_owned()), size_limit: Some(half) };
    let mut volumes = vec![
        claim("home", workload.home.as_str(), false)?,
        Volume { name: "shared-memory".to_owned(), empty_dir: Some(shared), ..Volume::default() },
    ];
    let mut mounts = vec![mount("home", HOME.to_owned(), false), mount("shared-memory", "/dev/shm".to_owned(), false)];
    for (i, data) in workload.volumes.iter().enumerate() {
        validate_name(&data.name, 40).map_err(|why| Error::invalid("data", why))?;
        volumes.push(claim(&format!("data-{i}"), data.volume.as_str(), data.read_only)?);
        mounts.push(mount(&format!("data-{i}"), format!("{HOME}/data/{}", data.name), data.read_only));
    }
    Ok((volumes, mounts))
}
