//! What a launch would write, seen before the click.

use super::{
    cluster::{Corner, until},
    portal::{self, House},
};
use domain::{
    Caller, Clock, args,
    compute::kubernetes::KubernetesEngine,
    lease::Lease,
    model::{DryRun, EnvVar, LaunchRequest, Manifest, NotebookSpec, Phase},
    notebooks::{self, supervisor},
    system, teams,
};
use k8s_openapi::api::{
    core::v1::{Namespace, ResourceQuota, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

fn request(name: &str) -> LaunchRequest {
    let secrets = vec![EnvVar { name: "API_KEY".into(), value: "s3cret-of-ada".into() }];
    LaunchRequest { secrets, ..portal::request(name, "2") }
}

fn find<'a>(all: &'a [Manifest], kind: &str, name: &str) -> &'a Manifest {
    all.iter().find(|m| m.kind == kind && (name.is_empty() || m.name == name)).unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_launch_would_write_is_seen_before_it_and_writes_nothing() {
    let Some(corner) = Corner::start().await else { return };
    let mut house = House::on(corner.engine.clone()).await;
    let namespaces: Api<Namespace> = Api::all(corner.client.clone());

    // Of a team that never launched: all of it is new, and nothing comes of looking.
    let first = notebooks::manifests(house.portal(), &house.ada, "vision", request("first")).await.expect("a look");
    let kinds: Vec<&str> = first.iter().map(|m| m.kind.as_str()).collect();
    let expected = ["Namespace", "ServiceAccount", "NetworkPolicy", "NetworkPolicy", "PersistentVolumeClaim", "Secret", "Pod"];
    assert_eq!(kinds, expected);
    assert!(first.iter().all(|m| m.before.is_none()));
    assert_eq!(first[0].verdict, DryRun::Accepted, "the cluster was asked of the namespace");
    assert!(matches!(&first[6].verdict, DryRun::Unasked(why) if why.contains(&corner.namespace())));
    assert!(first[5].after.contains("API_KEY") && first.iter().all(|m| !m.after.contains("s3cret") && !m.after.contains("czNjcmV0")));
    assert!(first[6].after.contains("image: \"localhost/fake:serves\"") || first[6].after.contains("image: localhost/fake:serves"));
    assert!(namespaces.get_opt(&corner.namespace()).await.expect("an answer").is_none());
    let sql = "SELECT (SELECT COUNT(*) FROM notebooks) + (SELECT COUNT(*) FROM volumes) + (SELECT COUNT(*) FROM tokens)";
    let (rows,): (i64,) = house.portal().db.fetch_one(sql, args![]).await.expect("a count");
    assert_eq!(rows, 0);

    // Once one has been launched the team's part is there as it should be.
    let running = tokio::spawn(supervisor::run(house.portal().clone()));
    let id = house.launch("first", "2").await.expect("launched").id;
    house.reaches(&id, Phase::Ready).await;
    running.abort();
    let look = async |house: &House| notebooks::manifests(house.portal(), &house.ada, "vision", request("second")).await.expect("a look");
    let second = look(&house).await;
    assert!(second[..4].iter().all(Manifest::is_same), "{second:#?}");
    assert!(second.iter().all(|m| m.verdict == DryRun::Accepted), "{second:#?}");
    assert!(second[4..].iter().all(|m| m.before.is_none()));
    // A home that is there stays as the cluster has it.
    let again = notebooks::manifests(
        house.portal(),
        &house.ada,
        "vision",
        LaunchRequest { spec: NotebookSpec { home: "first".into(), ..request("third").spec }, ..request("third") },
    );
    let again = again.await.expect("a look");
    assert!(find(&again, "PersistentVolumeClaim", "").is_same());

    assert!(teams::belongings(house.portal(), &Caller::console(), "vision").await.expect("a look").iter().all(Manifest::is_same));

    // What somebody has changed is seen as a change, and what is another's as a refusal.
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}});
    namespaces.patch(&corner.namespace(), &PatchParams::default(), &Patch::Merge(label)).await.expect("patched");
    let walls: Api<NetworkPolicy> = Api::namespaced(corner.client.clone(), &corner.namespace());
    walls.delete("slipway-egress", &DeleteParams::default()).await.expect("deleted");
    let accounts: Api<ServiceAccount> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let theirs = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}});
    accounts.patch("slipway-notebook", &PatchParams::default(), &Patch::Merge(theirs)).await.expect("patched");
    let quotas: Api<ResourceQuota> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let quota = json!({"metadata": {"name": "team"}, "spec": {"hard": {"requests.cpu": "1"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).expect("a quota")).await.expect("made");
    until("the quota is counted", async || quotas.get("team").await.is_ok_and(|q| q.status.is_some_and(|s| s.used.is_some()))).await;
    // A process that does not look after notebooks sees the same: a look is no change.
    house.test.portal.compute =
        KubernetesEngine::start(corner.config(), Clock::system(), Lease::default().into()).await.expect("an engine");
    let third = look(&house).await;
    let namespace = find(&third, "Namespace", "");
    assert!(
        namespace.before.as_ref().is_some_and(|b| b.contains("enforce: privileged")) && namespace.after.contains("enforce: restricted")
    );
    assert!(find(&third, "NetworkPolicy", "slipway-egress").before.is_none());
    assert!(matches!(&find(&third, "ServiceAccount", "").verdict, DryRun::Refused(why) if why.contains("did not make")));
    let refused = &find(&third, "Pod", "").verdict;
    assert!(matches!(refused, DryRun::Refused(why) if why.contains("cpu: 1 of 1 used, 1 asked for")), "{refused:?}");
    assert!(walls.get_opt("slipway-egress").await.expect("an answer").is_none(), "nothing was changed by looking");

    // An administrator has it repaired by the process that looks after notebooks; what is another's stays, and is told.
    let differing = async |house: &House| {
        let all = teams::belongings(house.portal(), &Caller::console(), "vision").await.expect("a look");
        all.iter().filter(|m| !m.is_same()).map(|m| m.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(differing(&house).await, ["Namespace", "ServiceAccount", "NetworkPolicy"]);
    let found = system::check(house.portal(), &Caller::console()).await.expect("a check");
    assert!(found.iter().any(|f| f.name == "namespaces" && f.message.contains("slipway-egress")), "{found:#?}");
    assert!(teams::repair(house.portal(), &house.ada, "vision").await.is_err(), "a member may not");
    teams::repair(house.portal(), &Caller::console(), "vision").await.expect("asked");
    house.test.portal.compute = corner.another().await;
    let running = tokio::spawn(supervisor::run(house.portal().clone()));
    until("all but what is another's is repaired", async || differing(&house).await == ["ServiceAccount"]).await;
    let ours = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "slipway"}}});
    accounts.patch("slipway-notebook", &PatchParams::default(), &Patch::Merge(ours)).await.expect("patched");
    teams::repair(house.portal(), &Caller::console(), "vision").await.expect("asked");
    until("all of it is", async || differing(&house).await.is_empty()).await;
    running.abort();
    assert!(walls.get_opt("slipway-egress").await.expect("an answer").is_some());
    corner.end().await;
}
