//! Notebooks: the verbs and the supervisor, against an engine on paper that reports what each test needs.

#[path = "notebooks/access.rs"]
mod access;
#[path = "notebooks/idle_stop.rs"]
mod idle_stop;
#[path = "notebooks/launching.rs"]
mod launching;
#[path = "notebooks/life.rs"]
mod life;
#[path = "notebooks/listing.rs"]
mod listing;
#[path = "notebooks/on_the_machine.rs"]
mod on_the_machine;
#[path = "notebooks/paper.rs"]
mod paper;
#[path = "notebooks/quotas.rs"]
mod quotas;
#[path = "notebooks/storage.rs"]
mod storage;
#[path = "notebooks/tickets.rs"]
mod tickets;

use domain::{
    Caller, Error, Portal, Result, args,
    compute::State,
    environments,
    model::{
        Deprecation, Environment, EnvironmentVersion, FieldError, LaunchRequest, Notebook, NotebookId, NotebookSpec, Phase, Program,
        Resources, Role,
    },
    notebooks::{self, supervisor},
    testing::TestPortal,
};
use paper::Paper;
use std::sync::Arc;

/// Team `red` with ada (member), bob (member), vera (viewer) and root (admin); team `blue` with eve (admin).
struct House {
    test: TestPortal,
    portal: Portal,
    paper: Arc<Paper>,
    ada: Caller,
}

impl House {
    async fn new() -> Self {
        Self::with(4, 0).await
    }

    async fn with(cpus: u32, gpus: u32) -> Self {
        let mut test = TestPortal::new().await;
        let paper = Arc::new(Paper::new(cpus, gpus));
        test.portal.compute = paper.clone();
        let members = [("ada", Role::Member), ("bob", Role::Member), ("vera", Role::Viewer), ("root", Role::Admin)];
        test.team("red", &members).await;
        test.team("blue", &[("eve", Role::Admin)]).await;
        let portal = test.portal.clone();
        for environment in [command("web", &[]), command("secret", &["blue"]), command("absent", &[])] {
            environments::save(&portal, &Caller::console(), environment, true).await.expect("an environment");
        }
        let ada = test.caller("ada").await;
        Self { test, portal, paper, ada }
    }

    async fn launch(&self, request: LaunchRequest) -> Result<Notebook> {
        notebooks::launch(&self.portal, &self.ada, "red", request).await
    }

    /// Launched, started by the supervisor, and reported ready.
    async fn ready(&self, name: &str) -> NotebookId {
        let id = self.launch(request(name)).await.expect("launched").id;
        self.look().await;
        self.paper.report(id.as_str(), State::Ready);
        self.look().await;
        assert_eq!(self.get(&id).await.phase, Phase::Ready);
        id
    }

    async fn look(&self) {
        supervisor::look(&self.portal).await;
    }

    async fn get(&self, id: &NotebookId) -> Notebook {
        notebooks::get(&self.portal, &self.ada, "red", id).await.expect("a notebook")
    }

    async fn names(&self) -> Vec<String> {
        let list = notebooks::list(&self.portal, &self.ada, "red").await.expect("a list");
        list.into_iter().map(|n| n.spec.name).collect()
    }

    /// `actor action` of the audit trail on notebooks, oldest first.
    async fn audited(&self) -> Vec<String> {
        let sql = "SELECT actor, action FROM audit WHERE action LIKE 'notebook.%' ORDER BY seq";
        let rows: Vec<(String, String)> = self.portal.db.fetch_all(sql, args![]).await.expect("the audit trail");
        rows.into_iter().map(|(actor, action)| format!("{} {action}", actor.split('@').next().unwrap_or_default())).collect()
    }
}

fn command(name: &str, visible_to: &[&str]) -> Environment {
    let version = |name: &str, deprecated| EnvironmentVersion { name: name.into(), packages: Vec::new(), image: None, deprecated };
    let old = Deprecation { message: "Use 2.".into(), successor: Some("2".into()) };
    Environment {
        name: name.into(),
        title: format!("The {name}"),
        description: String::new(),
        logo: "terminal".into(),
        program: Program::Command { argv: vec!["serve".into(), "{port}".into()] },
        versions: vec![version("2", None), version("1", Some(old))],
        default_resources: Resources::default(),
        visible_to: visible_to.iter().map(|t| (*t).to_owned()).collect(),
        enabled: true,
        updated_at: 0,
    }
}

/// One CPU and a home of its own.
fn request(name: &str) -> LaunchRequest {
    LaunchRequest {
        spec: NotebookSpec {
            name: name.into(),
            environment: "web".into(),
            version: "2".into(),
            resources: Resources { cpus: 1, memory_mib: 512, gpus: 0 },
            home: name.into(),
            data: Vec::new(),
            env: Vec::new(),
            git: None,
            idle_minutes: Some(60),
        },
        secrets: Vec::new(),
        idempotency_key: String::new(),
    }
}

/// The fields that were refused, or what else was said.
fn refused<T: std::fmt::Debug>(result: Result<T>) -> Vec<FieldError> {
    match result {
        Err(Error::Invalid(fields)) => fields,
        other => panic!("expected bad fields, got {other:?}"),
    }
}

fn phases(notebook: &Notebook) -> Vec<Phase> {
    notebook.timeline.iter().map(|change| change.phase).collect()
}
