//! The quota of a team, as the API server holds it.

use super::{
    cluster::{Corner, until},
    portal::House,
};
use domain::{
    Caller,
    model::{Phase, Quota},
    notebooks::supervisor,
    teams,
};
use k8s_openapi::api::core::v1::{LimitRange, Pod, ResourceQuota};
use kube::{Api, api::PostParams};
use serde_json::json;

const ONE_CPU: Quota = Quota { cpus: Some(1), memory_mib: Some(4096), gpus: Some(0) };

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_of_a_team_stands_in_its_namespace_follows_each_change_and_goes_with_it() {
    let Some(corner) = Corner::start().await else { return };
    let house = House::on(corner.engine.clone()).await;
    let set = async |quota| teams::set_quota(house.portal(), &Caller::console(), "vision", quota).await.unwrap();
    let quotas: Api<ResourceQuota> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let ranges: Api<LimitRange> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let cpus = async || quotas.get_opt("slipway").await.unwrap().and_then(|q| q.spec?.hard?.get("requests.cpu").map(|q| q.0.clone()));

    // Before there is a namespace, it waits for it.
    set(ONE_CPU).await;
    let supervisor = tokio::spawn(supervisor::run(house.portal().clone()));
    let first = house.launch("first", "2").await.unwrap().id;
    house.reaches(&first, Phase::Ready).await;
    let hard = quotas.get("slipway").await.unwrap().spec.unwrap().hard.unwrap();
    let hard: Vec<(&str, &str)> = hard.iter().map(|(name, most)| (name.as_str(), most.0.as_str())).collect();
    assert_eq!(hard, [("requests.cpu", "1"), ("requests.memory", "4Gi"), ("requests.nvidia.com/gpu", "0")]);
    assert_eq!(ranges.get("slipway").await.unwrap().spec.unwrap().limits[0].max.as_ref().unwrap()["cpu"].0, "1");

    // The next one waits in Slipway's own queue, and whoever goes past Slipway is refused by the cluster.
    let second = house.launch("second", "2").await.unwrap().id;
    until("it says why it waits", async || house.get(&second).await.reason.is_some_and(|r| r.contains("1 of 1 in use) in the quota")))
        .await;
    assert!(corner.pod_names(second.as_str()).await.is_empty());
    let past: Pod = serde_json::from_value(json!({
        "metadata": {"name": "past"},
        "spec": {"containers": [{"name": "past", "image": "localhost/fake:serves", "securityContext": {"allowPrivilegeEscalation": false,
            "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}}]},
    }))
    .unwrap();
    let refused = corner.pods().create(&PostParams::default(), &past).await.unwrap_err().to_string();
    assert!(refused.contains("exceeded quota: slipway"), "what asks for nothing counts as the usual: {refused}");

    // More of it is there within moments, for both.
    set(Quota { cpus: Some(2), ..ONE_CPU }).await;
    house.reaches(&second, Phase::Ready).await;
    assert_eq!(cpus().await.as_deref(), Some("2"));

    // A process that begins anew brings what was changed meanwhile; none is none, and somebody else's stays.
    supervisor.abort();
    let foreign = json!({"metadata": {"name": "theirs"}, "spec": {"hard": {"requests.cpu": "64"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(foreign).unwrap()).await.unwrap();
    set(Quota { memory_mib: None, ..ONE_CPU }).await;
    let supervisor = tokio::spawn(supervisor::run(house.portal().clone()));
    until("the change is there", async || cpus().await.as_deref() == Some("1")).await;
    let hard = quotas.get("slipway").await.unwrap().spec.unwrap().hard.unwrap();
    let hard: Vec<(&str, &str)> = hard.iter().map(|(name, most)| (name.as_str(), most.0.as_str())).collect();
    assert_eq!(hard, [("requests.cpu", "1"), ("requests.nvidia.com/gpu", "0")], "what is no longer limited is free");
    set(Quota::default()).await;
    until("it is gone", async || quotas.get_opt("slipway").await.unwrap().is_none() && ranges.get_opt("slipway").await.unwrap().is_none())
        .await;
    assert!(quotas.get_opt("theirs").await.unwrap().is_some());
    supervisor.abort();
    corner.end().await;
}
