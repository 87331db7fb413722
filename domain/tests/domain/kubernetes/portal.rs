//! Notebooks of a portal on Kubernetes, from the launch to the deletion, by the verbs and the supervisor.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::cluster::{Corner, until};
use domain::{
    Caller, Clock, Portal,
    compute::ComputeEngine,
    environments,
    model::{Environment, EnvironmentVersion, LaunchRequest, Notebook, NotebookId, NotebookSpec, Phase, Program, Resources, Role},
    notebooks::{self, supervisor},
    testing::TestPortal,
};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, ResourceQuota};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;
use std::sync::Arc;

/// A portal with a team and something to launch.
pub struct House {
    pub test: TestPortal,
    pub ada: Caller,
}

/// One CPU and a home of its own.
pub fn request(name: &str, version: &str) -> LaunchRequest {
    let spec = NotebookSpec {
        name: name.into(),
        environment: "web".into(),
        version: version.into(),
        resources: Resources { cpus: 1, memory_mib: 512, gpus: 0 },
        home: name.into(),
        data: Vec::new(),
        env: Vec::new(),
        git: None,
        idle_minutes: None,
    };
    LaunchRequest { spec, secrets: Vec::new(), idempotency_key: String::new() }
}

impl House {
    pub async fn on(engine: Arc<dyn ComputeEngine>) -> Self {
        let mut test = TestPortal::with_clock(Clock::system()).await;
        test.portal.compute = engine;
        test.team("vision", &[("ada", Role::Member)]).await;
        let version = |name: &str, image: Option<&str>| EnvironmentVersion {
            name: name.into(),
            packages: Vec::new(),
            image: image.map(str::to_owned),
            deprecated: None,
        };
        let web = Environment {
            name: "web".into(),
            title: "Web".into(),
            description: String::new(),
            logo: "terminal".into(),
            program: Program::Command { argv: vec!["serve".into(), "{host}:{port}".into()] },
            versions: vec![version("2", Some("localhost/fake:serves")), version("1", None)],
            default_resources: Resources::default(),
            visible_to: vec![],
            enabled: true,
            updated_at: 0,
        };
        environments::save(&test.portal, &Caller::console(), web, true).await.unwrap();
        let ada = test.caller("ada").await;
        Self { test, ada }
    }

    pub fn portal(&self) -> &Portal {
        &self.test.portal
    }

    pub async fn launch(&self, name: &str, version: &str) -> domain::Result<Notebook> {
        notebooks::launch(self.portal(), &self.ada, "vision", request(name, version)).await
    }

    pub async fn get(&self, id: &NotebookId) -> Notebook {
        notebooks::get(self.portal(), &self.ada, "vision", id).await.unwrap()
    }

    pub async fn reaches(&self, id: &NotebookId, phase: Phase) {
        let reached = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            until("it is there", async || self.get(id).await.phase == phase).await;
        });
        if reached.await.is_err() {
            let (is, fact) = (self.get(id).await, self.portal().compute.status(id.as_str()).await);
            panic!("not {phase:?}: {:?} {:?}, {fact:?}", is.phase, is.timeline);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notebook_on_kubernetes_lives_from_launch_to_deletion_also_when_the_portal_dies_meanwhile() {
    let Some(corner) = Corner::start().await else { return };
    let mut house = House::on(corner.engine.clone()).await;
    let refused = house.launch("plain", "1").await.unwrap_err().to_string();
    assert!(refused.contains("no image"), "{refused}");

    let run = |portal: &Portal| tokio::spawn(supervisor::run(portal.clone()));
    let first = run(house.portal());
    let id = house.launch("churn", "2").await.unwrap().id;
    house.reaches(&id, Phase::Ready).await;
    let address = notebooks::upstream(house.portal(), &id).await.unwrap().address;
    assert!(address.ip().is_loopback(), "{address}");
    assert_eq!(corner.pod_names(id.as_str()).await, [format!("nb-{id}-1")]);

    // A quota of the cluster keeps the next one in the queue, with the reason.
    let quotas: Api<ResourceQuota> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let quota = json!({"metadata": {"name": "team"}, "spec": {"hard": {"requests.cpu": "1"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    until("the quota is counted", async || quotas.get("team").await.unwrap().status.is_some_and(|s| s.used.is_some())).await;
    let waits = house.launch("waits", "2").await.unwrap().id;
    until("it says why it waits", async || house.get(&waits).await.reason.is_some_and(|r| r.contains("cpu: 1 of 1 used, 1 asked for")))
        .await;
    assert_eq!(house.get(&waits).await.phase, Phase::Queued);

    // The portal dies while one is being stopped; the next one goes on with another engine.
    notebooks::stop(house.portal(), &house.ada, "vision", &id).await.unwrap();
    first.abort();
    house.test.portal.compute = corner.another().await;
    let second = run(house.portal());
    house.reaches(&id, Phase::Stopped).await;
    house.reaches(&waits, Phase::Ready).await;
    quotas.delete("team", &DeleteParams::default()).await.unwrap();

    notebooks::start(house.portal(), &house.ada, "vision", &id).await.unwrap();
    house.reaches(&id, Phase::Ready).await;
    assert_eq!(corner.pod_names(id.as_str()).await, [format!("nb-{id}-2")]);
    let timeline: Vec<Phase> = house.get(&id).await.timeline.iter().map(|change| change.phase).collect();
    assert_eq!(timeline.last(), Some(&Phase::Ready));

    // Taken away by somebody else: said so, and started again by hand.
    corner.pods().delete(&format!("nb-{id}-2"), &DeleteParams::default()).await.unwrap();
    house.reaches(&id, Phase::Failed).await;
    assert!(house.get(&id).await.reason.unwrap().contains("somebody else"));
    notebooks::start(house.portal(), &house.ada, "vision", &id).await.unwrap();
    house.reaches(&id, Phase::Ready).await;

    for notebook in [&id, &waits] {
        notebooks::delete(house.portal(), &house.ada, "vision", notebook, true).await.unwrap();
    }
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(corner.client.clone(), &corner.namespace());
    let left = |list: usize| list == 0;
    until("nothing of it is left", async || {
        let all = ListParams::default().labels("app.kubernetes.io/managed-by=slipway");
        left(corner.pods().list(&all).await.unwrap().items.len())
            && left(corner.secrets().list(&all).await.unwrap().items.len())
            && left(claims.list(&all).await.unwrap().items.len())
    })
    .await;
    second.abort();
    corner.end().await;
}
