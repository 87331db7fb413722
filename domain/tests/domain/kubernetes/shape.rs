//! What lies in the cluster after a launch, as the API server has it.

use super::cluster::{Corner, fake, until};
use crate::machine::{secret, start, stop};
use domain::{
    compute::{ComputeEngine, Mount},
    random,
};
use k8s_openapi::api::{
    core::v1::{Namespace, PersistentVolumeClaim},
    networking::v1::NetworkPolicy,
};
use kube::{Api, ResourceExt, api::ListParams};

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_on_kubernetes_is_a_restricted_pod_in_its_teams_walled_namespace() {
    let Some(corner) = Corner::start().await else { return };
    let mut workload = fake("serves");
    workload.argv = ["serve", "; rm -rf /", "$(HOME)", "`id`", "a\nb", "{host}:{port}"].map(str::to_owned).to_vec();
    workload.env.insert("PRICE".into(), "$(TOKEN) $5".into());
    workload.secrets.insert("TOKEN".into(), secret("s3cret"));
    workload.volumes = vec![Mount { volume: random::id(), name: "images".into(), read_only: true }];
    start(&*corner.engine, &workload).await;

    let namespace = Api::<Namespace>::all(corner.client.clone()).get(&corner.namespace()).await.unwrap();
    assert_eq!(namespace.labels()["pod-security.kubernetes.io/enforce"], "restricted");
    let walls: Api<NetworkPolicy> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let names: Vec<String> = walls.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["slipway-default-deny", "slipway-egress"]);

    let name = format!("nb-{}-1", workload.id);
    let pod = corner.pods().get(&name).await.unwrap();
    assert!(pod.metadata.managed_fields.iter().flatten().any(|f| f.manager.as_deref() == Some("slipway")));
    let spec = pod.spec.clone().unwrap();
    let container = &spec.containers[0];
    // What the server stored, after its defaults: nobody's token, no host, no root.
    assert_eq!((spec.service_account_name.as_deref(), spec.automount_service_account_token), (Some("slipway-notebook"), Some(false)));
    assert!(spec.volumes.iter().flatten().all(|v| v.persistent_volume_claim.is_some() || v.empty_dir.is_some()), "{:?}", spec.volumes);
    assert!(spec.host_network.is_none() && spec.host_pid.is_none() && spec.host_ipc.is_none() && spec.init_containers.is_none());
    let security = container.security_context.clone().unwrap();
    assert_eq!((security.allow_privilege_escalation, security.privileged), (Some(false), Some(false)));
    assert_eq!(security.capabilities.unwrap().drop.unwrap(), ["ALL"]);
    assert_eq!(spec.security_context.unwrap().run_as_user, Some(1000));
    // Kubernetes would have replaced names in single dollars.
    assert_eq!(container.command.clone().unwrap(), ["serve", "; rm -rf /", "$$(HOME)", "`id`", "a\nb", "0.0.0.0:8888"]);
    assert!(!serde_json::to_string(&pod).unwrap().contains("s3cret"));

    let secret = corner.secrets().get(&name).await.unwrap();
    assert_eq!(secret.owner_references()[0].uid, pod.uid().unwrap());
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(corner.client.clone(), &corner.namespace());
    assert_eq!(claims.list(&ListParams::default()).await.unwrap().items.len(), 2);

    // The secret goes with the pod, the volumes stay until they are deleted.
    stop(&*corner.engine, &workload).await;
    until("the secret is gone", async || corner.secrets().get_opt(&name).await.unwrap().is_none()).await;
    assert_eq!(claims.list(&ListParams::default()).await.unwrap().items.len(), 2);
    corner.engine.delete_volume(&workload.home).await.unwrap();
    corner.engine.delete_volume(&workload.home).await.unwrap();
    until("the home is gone", async || claims.get_opt(&format!("vol-{}", workload.home)).await.unwrap().is_none()).await;
    corner.end().await;
}
