//! A team's namespace, and what it holds from the start: walls, and an account that may do nothing.

use super::meta;
use crate::compute::kubernetes::{
    config::KubernetesConfig,
    names::{ACCOUNT, labels},
};
use k8s_openapi::{
    api::{
        core::v1::{Namespace, ServiceAccount},
        networking::v1::{
            IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
            NetworkPolicySpec,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};

/// Private and link-local ranges: the cluster's own machines, pods and services, and the cloud's metadata.
const INSIDE: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"];
const INSIDE_6: [&str; 2] = ["fc00::/7", "fe80::/10"];

pub(in super::super) fn namespace(config: &KubernetesConfig, team: &str, name: &str) -> Namespace {
    let mut all = labels(&config.prefix, team);
    for mode in ["enforce", "audit", "warn"] {
        all.insert(format!("pod-security.kubernetes.io/{mode}"), "restricted".to_owned());
    }
    Namespace { metadata: ObjectMeta { name: Some(name.to_owned()), labels: Some(all), ..ObjectMeta::default() }, ..Namespace::default() }
}

/// What stands in a team's namespace before its first pod.
pub(in super::super) struct Furniture {
    pub account: ServiceAccount,
    pub policies: Vec<NetworkPolicy>,
}

pub(in super::super) fn furniture(config: &KubernetesConfig, team: &str, namespace: &str) -> Furniture {
    let labels = labels(&config.prefix, team);
    let policy = |name: &str, spec| NetworkPolicy { metadata: meta(namespace, name, &labels), spec: Some(spec) };
    let mut egress = vec![dns()];
    if config.internet {
        egress.push(internet());
    }
    let mut policies = vec![
        policy("slipway-default-deny", rules(None, None)),
        policy("slipway-egress", NetworkPolicySpec { policy_types: Some(vec!["Egress".to_owned()]), ..rules(None, Some(egress)) }),
    ];
    // From outside the cluster Slipway comes through the API server and the kubelet, which policies do not concern.
    if let Some(own) = &config.own_namespace {
        let spec = rules(Some(vec![from_slipway(own)]), None);
        policies.push(policy("slipway-ingress", NetworkPolicySpec { policy_types: Some(vec!["Ingress".to_owned()]), ..spec }));
    }
    Furniture {
        account: ServiceAccount {
            metadata: meta(namespace, ACCOUNT, &labels),
            automount_service_account_token: Some(false),
            ..ServiceAccount::default()
        },
        policies,
    }
}

fn rules(ingress: Option<Vec<NetworkPolicyIngressRule>>, egress: Option<Vec<NetworkPolicyEgressRule>>) -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ingress,
        egress,
    }
}

fn dns() -> NetworkPolicyEgressRule {
    let port = |protocol: &str| NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(53)),
        ..NetworkPolicyPort::default()
    };
    NetworkPolicyEgressRule { ports: Some(vec![port("UDP"), port("TCP")]), to: None }
}

fn internet() -> NetworkPolicyEgressRule {
    let block = |cidr: &str, except: &[&str]| NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: cidr.to_owned(), except: Some(except.iter().map(|&e| e.to_owned()).collect()) }),
        ..NetworkPolicyPeer::default()
    };
    NetworkPolicyEgressRule { to: Some(vec![block("0.0.0.0/0", &INSIDE), block("::/0", &INSIDE_6)]), ports: None }
}

fn from_slipway(own: &str) -> NetworkPolicyIngressRule {
    let selector = |name: &str, value: &str| LabelSelector {
        match_labels: Some([(name.to_owned(), value.to_owned())].into()),
        ..LabelSelector::default()
    };
    let peer = NetworkPolicyPeer {
        namespace_selector: Some(selector("kubernetes.io/metadata.name", own)),
        pod_selector: Some(selector("app.kubernetes.io/name", "slipway")),
        ip_block: None,
    };
    NetworkPolicyIngressRule { from: Some(vec![peer]), ports: None }
}
