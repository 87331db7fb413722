//! The objects as they are written, kept as text beside these tests; and what must never be in them, whatever people type.

use super::{claim, furniture, limits, namespace, pod, quota, secret, violations};
use crate::{
    compute::{
        ActivityProbe, Mount, Secret, Workload,
        kubernetes::{config::KubernetesConfig, names},
    },
    model::{Quota, Resources},
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, HostPathVolumeSource, LocalObjectReference, Pod, SeccompProfile, Sysctl,
    Volume, VolumeMount,
};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// Compares with the file beside; with `SLIPWAY_TEST_UPDATE_SNAPSHOTS` set it is written instead.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn matches(name: &str, object: &impl Serialize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compute/kubernetes/manifests/snapshots").join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(object).unwrap() + "\n";
    if std::env::var_os("SLIPWAY_TEST_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{} has changed; look at the difference, then set SLIPWAY_TEST_UPDATE_SNAPSHOTS=1", path.display());
}

fn config() -> KubernetesConfig {
    KubernetesConfig {
        storage_class: Some("fast".into()),
        nodes: [("pool".to_owned(), "notebooks".to_owned())].into(),
        own_namespace: Some("slipway-system".into()),
        ..KubernetesConfig::new(None)
    }
}

fn lab() -> Workload {
    Workload {
        id: "nabcdefghijklmno".into(),
        launch: 3,
        team: "vision".into(),
        argv: ["jupyter-lab", "--ServerApp.ip={host}", "--ServerApp.port={port}", "--ServerApp.root_dir={home}"]
            .map(str::to_owned)
            .to_vec(),
        image: Some("registry.example.com/jupyter/base-notebook:lab-4.4.9".into()),
        python: None,
        env: BTreeMap::from([("GREETING".to_owned(), "costs $(HOME) $5".to_owned())]),
        secrets: BTreeMap::from([("JUPYTER_TOKEN".to_owned(), Secret("s3cret".into()))]),
        resources: Resources { cpus: 4, memory_mib: 8192, gpus: 2 },
        home: "vhomehomehomehom".to_owned().into(),
        volumes: vec![Mount { volume: "vdatadatadatadat".to_owned().into(), name: "images".into(), read_only: true }],
        repository: None,
        ready_path: "/api".into(),
        header: Some(("authorization".into(), Secret("token s3cret".into()))),
        activity: ActivityProbe::JupyterKernels,
    }
}

#[test]
fn the_objects_of_a_team_and_a_launch_are_as_kept() {
    let (config, lab) = (config(), lab());
    matches("namespace", &namespace(&config, "vision", "slipway-vision"));
    let furniture = furniture(&config, "vision", "slipway-vision");
    matches("service-account", &furniture.account);
    matches("network-policies", &furniture.policies);
    let most = Quota { cpus: Some(16), memory_mib: Some(65_536), gpus: Some(4) };
    matches("quota", &quota(&config, "vision", "slipway-vision", &most).unwrap());
    matches("limit-range", &limits(&config, "vision", "slipway-vision", &most).unwrap());
    let no_gpus = Quota { gpus: Some(0), ..Quota::default() };
    matches("quota-of-gpus", &quota(&config, "vision", "slipway-vision", &no_gpus).unwrap());
    assert!(limits(&config, "vision", "slipway-vision", &no_gpus).is_none());
    assert!(quota(&config, "vision", "slipway-vision", &Quota::default()).is_none());
    matches("claim", &claim(&config, "vision", "slipway-vision", "vhomehomehomehom").unwrap());
    matches("pod", &pod(&config, &lab, "slipway-vision").unwrap());
    matches("secret", &secret(&config.prefix, &lab, "slipway-vision", Some("uid-of-the-pod")));
    let plain =
        Workload { activity: ActivityProbe::None, header: None, secrets: BTreeMap::new(), volumes: vec![], ready_path: "/".into(), ..lab };
    matches("pod-plain", &pod(&KubernetesConfig::new(None), &plain, "slipway-vision").unwrap());
}

fn wrong(pod: &Pod) -> Vec<String> {
    violations(pod, "slipway-vision", &names::labels("slipway", "vision"))
}

#[test]
fn what_is_built_passes_the_last_look_and_secrets_stand_in_no_pod() {
    let built = pod(&config(), &lab(), "slipway-vision").unwrap();
    assert_eq!(wrong(&built), [] as [String; 0]);
    assert!(!serde_json::to_string(&built).unwrap().contains("s3cret"));
    assert!(!format!("{:?}", lab()).contains("s3cret"));
}

#[test]
fn what_people_type_stays_what_they_typed() {
    let mut odd = lab();
    odd.argv = ["{port}", "; rm -rf /", "$(touch x)", "`id`", "a\nb", "$$(HOME)", "$", "x\n  privileged: true"].map(str::to_owned).to_vec();
    let built = pod(&config(), &odd, "slipway-vision").unwrap();
    let spec = built.spec.clone().unwrap();
    let command = spec.containers[0].command.clone().unwrap();
    assert_eq!(command, ["8888", "; rm -rf /", "$$(touch x)", "`id`", "a\nb", "$$$$(HOME)", "$$", "x\n  privileged: true"]);
    let env = spec.containers[0].env.clone().unwrap();
    assert_eq!(env.iter().find(|e| e.name == "GREETING").unwrap().value.as_deref(), Some("costs $$(HOME) $$5"));
    assert!(env.iter().filter(|e| e.value_from.is_some()).all(|e| e.name == "JUPYTER_TOKEN"), "only what was sealed comes from a secret");
    assert_eq!(wrong(&built), [] as [String; 0]);
}

#[test]
fn the_last_look_refuses_whatever_came_into_a_pod_on_the_way() {
    type Change = fn(&mut Pod);
    fn container(pod: &mut Pod) -> &mut Container {
        &mut pod.spec.as_mut().unwrap().containers[0]
    }
    fn spec(pod: &mut Pod) -> &mut k8s_openapi::api::core::v1::PodSpec {
        pod.spec.as_mut().unwrap()
    }
    fn volume(pod: &mut Pod, source: Volume) {
        spec(pod).volumes.as_mut().unwrap().push(source);
    }
    let changes: &[(&str, Change)] = &[
        ("hostNetwork", |p| spec(p).host_network = Some(true)),
        ("hostPID", |p| spec(p).host_pid = Some(true)),
        ("hostIPC", |p| spec(p).host_ipc = Some(true)),
        ("shareProcessNamespace", |p| spec(p).share_process_namespace = Some(true)),
        ("hostPort", |p| {
            container(p).ports = Some(vec![ContainerPort { container_port: 80, host_port: Some(80), ..ContainerPort::default() }]);
        }),
        ("privileged", |p| container(p).security_context.as_mut().unwrap().privileged = Some(true)),
        ("escalation", |p| container(p).security_context.as_mut().unwrap().allow_privilege_escalation = None),
        ("root", |p| container(p).security_context.as_mut().unwrap().run_as_user = Some(0)),
        ("root of the pod", |p| spec(p).security_context.as_mut().unwrap().run_as_user = Some(0)),
        ("not non-root", |p| spec(p).security_context.as_mut().unwrap().run_as_non_root = None),
        ("SYS_ADMIN", |p| {
            container(p).security_context.as_mut().unwrap().capabilities =
                Some(Capabilities { add: Some(vec!["SYS_ADMIN".into()]), drop: Some(vec!["ALL".into()]) });
        }),
        ("capabilities kept", |p| container(p).security_context.as_mut().unwrap().capabilities = None),
        ("procMount", |p| container(p).security_context.as_mut().unwrap().proc_mount = Some("Unmasked".into())),
        ("Unconfined", |p| {
            spec(p).security_context.as_mut().unwrap().seccomp_profile =
                Some(SeccompProfile { type_: "Unconfined".into(), localhost_profile: None });
        }),
        ("sysctls", |p| spec(p).security_context.as_mut().unwrap().sysctls = Some(vec![Sysctl { name: "a".into(), value: "b".into() }])),
        ("hostPath", |p| {
            let host_path = Some(HostPathVolumeSource { path: "/".into(), type_: None });
            volume(p, Volume { name: "x".into(), host_path, ..Volume::default() });
        }),
        ("token", |p| {
            volume(
                p,
                Volume {
                    name: "x".into(),
                    projected: Some(k8s_openapi::api::core::v1::ProjectedVolumeSource::default()),
                    ..Volume::default()
                },
            );
        }),
        ("secret volume", |p| {
            volume(
                p,
                Volume { name: "x".into(), secret: Some(k8s_openapi::api::core::v1::SecretVolumeSource::default()), ..Volume::default() },
            );
        }),
        ("disk of the node", |p| {
            volume(p, Volume { name: "x".into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() });
        }),
        ("subPath", |p| {
            container(p).volume_mounts.as_mut().unwrap().push(VolumeMount { sub_path: Some("../../etc".into()), ..VolumeMount::default() });
        }),
        ("envFrom", |p| container(p).env_from = Some(vec![])),
        ("account", |p| spec(p).service_account_name = Some("default".into())),
        ("automount", |p| spec(p).automount_service_account_token = Some(true)),
        ("pull secret", |p| spec(p).image_pull_secrets = Some(vec![LocalObjectReference { name: "x".into() }])),
        ("priority", |p| spec(p).priority_class_name = Some("system-node-critical".into())),
        ("nodeName", |p| spec(p).node_name = Some("control-plane".into())),
        ("tolerations", |p| spec(p).tolerations = Some(vec![])),
        ("scheduler", |p| spec(p).scheduler_name = Some("mine".into())),
        ("runtimeClass", |p| spec(p).runtime_class_name = Some("kata".into())),
        ("init container", |p| spec(p).init_containers = Some(vec![Container::default()])),
        ("second container", |p| spec(p).containers.push(Container::default())),
        ("ephemeral container", |p| spec(p).ephemeral_containers = Some(vec![])),
        ("lifecycle", |p| container(p).lifecycle = Some(k8s_openapi::api::core::v1::Lifecycle::default())),
        ("no limits", |p| container(p).resources.as_mut().unwrap().limits = None),
        ("namespace", |p| p.metadata.namespace = Some("kube-system".into())),
        ("label", |p| {
            p.metadata.labels.as_mut().unwrap().insert("sidecar.istio.io/inject".into(), "false".into());
        }),
        ("managed by another", |p| {
            p.metadata.labels.as_mut().unwrap().insert("app.kubernetes.io/managed-by".into(), "x".into());
        }),
        ("annotation", |p| {
            p.metadata.annotations.get_or_insert_default().insert("nginx.ingress.kubernetes.io/configuration-snippet".into(), "x".into());
        }),
        ("finalizer", |p| p.metadata.finalizers = Some(vec!["a/b".into()])),
        ("owner", |p| p.metadata.owner_references = Some(vec![])),
        ("host aliases", |p| spec(p).host_aliases = Some(vec![])),
        ("service links", |p| spec(p).enable_service_links = None),
    ];
    for (name, change) in changes {
        let mut built = pod(&config(), &lab(), "slipway-vision").unwrap();
        change(&mut built);
        assert_ne!(wrong(&built), [] as [String; 0], "{name}");
    }
}
