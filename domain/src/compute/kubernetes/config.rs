//! What an operator chooses about the cluster. Everything else is asked of the cluster itself.

use std::{collections::BTreeMap, path::PathBuf};

/// What the engine `kubernetes` works with.
#[derive(Clone, Debug)]
pub struct KubernetesConfig {
    /// A kubeconfig; none for the service account of the pod that Slipway runs in.
    pub kubeconfig: Option<PathBuf>,
    /// A team's namespace is `<prefix>-<team>`. Also tells the objects of several portals in one cluster apart.
    pub prefix: String,
    /// Class of the volumes; none for the cluster's default.
    pub storage_class: Option<String>,
    /// Size of a new volume.
    pub volume_gib: u32,
    /// The extended resource that a GPU is.
    pub gpu_resource: String,
    /// Labels of the nodes that notebooks may run on; empty for all.
    pub nodes: BTreeMap<String, String>,
    /// Whether notebooks reach addresses outside the cluster.
    pub internet: bool,
    /// The namespace that Slipway itself runs in, whose pods may reach notebooks; found by the engine, none outside the cluster.
    pub own_namespace: Option<String>,
}

impl KubernetesConfig {
    pub fn new(kubeconfig: Option<PathBuf>) -> Self {
        Self {
            kubeconfig,
            prefix: "slipway".to_owned(),
            storage_class: None,
            volume_gib: 10,
            gpu_resource: "nvidia.com/gpu".to_owned(),
            nodes: BTreeMap::new(),
            internet: true,
            own_namespace: None,
        }
    }
}
