//! Slipway's account in the cluster, with the roles of the manifests and nothing else.

use super::cluster::{Corner, client, config, fake, until};
use crate::machine::{secret, start, stop};
use domain::{
    Clock,
    compute::{
        ComputeEngine,
        kubernetes::{KubernetesConfig, KubernetesEngine},
    },
    lease::Lease,
    model::{DryRun, Level, Quota},
};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROLES: &str = include_str!("../../../../deploy/base/roles.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_of_the_manifests_are_enough_for_a_notebooks_whole_life_on_kubernetes() {
    let Some(corner) = Corner::start().await else { return };
    let params = PatchParams::apply("slipway-test").force();
    for document in ROLES.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if object["kind"] == "ClusterRole" {
            Api::<ClusterRole>::all(corner.client.clone()).patch(&name, &params, &Patch::Apply(&object)).await.map(drop).unwrap();
        } else {
            Api::<ClusterRoleBinding>::all(corner.client.clone()).patch(&name, &params, &Patch::Apply(&object)).await.map(drop).unwrap();
        }
    }
    // In the name of the account, as its pod would be.
    let mut file: Value = serde_saphyr::from_str(&std::fs::read_to_string(&corner.kubeconfig).unwrap()).unwrap();
    for user in file["users"].as_array_mut().unwrap() {
        user["user"]["as"] = json!("system:serviceaccount:slipway:slipway");
        user["user"]["as-groups"] = json!(["system:serviceaccounts", "system:serviceaccounts:slipway", "system:authenticated"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, file.to_string()).unwrap();
    let as_account = client(&path).await;
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(as_account, "kube-system");
    until("the roles are known", async || {
        let config = KubernetesConfig { own_namespace: Some("slipway".into()), own_account: Some("slipway".into()), ..corner.config() };
        let engine = KubernetesEngine::start(
            KubernetesConfig { kubeconfig: Some(path.clone()), ..config },
            Clock::system(),
            Lease::for_ever().into(),
        )
        .await
        .unwrap();
        engine.check().await.iter().any(|f| f.name == "permissions" && f.level == Level::Ok)
    })
    .await;
    assert!(secrets.list(&kube::api::ListParams::default()).await.is_err(), "it is not the administrator");

    let class = corner.config().storage_class.unwrap();
    let own = KubernetesConfig {
        own_namespace: Some("slipway".into()),
        own_account: Some("slipway".into()),
        ..config(&path, &corner.prefix, &class)
    };
    let engine = KubernetesEngine::start(own, Clock::system(), Lease::for_ever().into()).await.unwrap();
    let mut workload = fake("serves");
    workload.secrets.insert("TOKEN".into(), secret("s3cret"));
    let most = Quota { cpus: Some(8), memory_mib: Some(8192), gpus: None };
    engine.keep_quotas(&[("vision".to_owned(), most)].into()).await;
    start(&*engine, &workload).await;
    let seen = engine.manifests(&workload, &most).await.unwrap();
    assert!(seen.iter().any(|m| m.kind == "LimitRange") && seen.iter().all(|m| m.before.is_some()), "{seen:#?}");
    assert!(seen.iter().all(|m| m.verdict == DryRun::Accepted), "{seen:#?}");
    engine.keep_quotas(&BTreeMap::new()).await;
    assert!(engine.manifests(&workload, &Quota::default()).await.unwrap().iter().all(|m| m.kind != "LimitRange"));
    let quotas: Api<k8s_openapi::api::core::v1::ResourceQuota> = Api::namespaced(corner.client.clone(), &corner.namespace());
    assert!(quotas.get_opt("slipway").await.unwrap().is_none());
    let found = engine.check().await;
    let permissions = found.iter().find(|f| f.name == "permissions").unwrap();
    assert_eq!(permissions.level, Level::Ok, "{permissions:?}");
    stop(&*engine, &workload).await;
    engine.remove(&workload.id).await.unwrap();
    engine.delete_volume(&workload.home).await.unwrap();
    assert_eq!(engine.status(&workload.id).await.unwrap(), None);
    assert!(corner.pod_names(&workload.id).await.is_empty());
    corner.end().await;
}
