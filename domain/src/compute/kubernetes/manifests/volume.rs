//! A volume of Slipway as a claim in its team's namespace.

use super::meta;
use crate::{
    compute::kubernetes::{
        config::KubernetesConfig,
        names::{self, VOLUME},
    },
    error::Result,
};
use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

pub(in super::super) fn claim(config: &KubernetesConfig, team: &str, namespace: &str, volume: &str) -> Result<PersistentVolumeClaim> {
    let mut labels = names::labels(&config.prefix, team);
    labels.insert(VOLUME.to_owned(), volume.to_owned());
    let size = Quantity(format!("{}Gi", config.volume_gib));
    Ok(PersistentVolumeClaim {
        metadata: meta(namespace, &names::volume(volume)?, &labels),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: config.storage_class.clone(),
            resources: Some(VolumeResourceRequirements { requests: Some([("storage".to_owned(), size)].into()), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    })
}
