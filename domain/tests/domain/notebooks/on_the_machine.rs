//! Notebooks on the local engine: real processes, a real supervisor, restarts in between.

use super::{command, paper::Paper, request};
use crate::machine::{SERVER, config, processes_with};
use domain::{
    Caller, Clock, Portal,
    compute::local::LocalEngine,
    db::Db,
    environments,
    model::{EnvVar, LaunchRequest, Notebook, NotebookId, Phase, Program, Role},
    notebooks::{self, supervisor},
    testing::TestPortal,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
};

/// A portal with its engine and its supervisor, which can be killed and started again on the same data.
struct Living {
    test: TestPortal,
    portal: Portal,
    ada: Caller,
    /// Where the engine and the supervisor live; gone all at once, as a process is.
    life: Option<Runtime>,
}

/// Starts an engine and a supervisor in a runtime of their own, with their own way to the database.
async fn begin(portal: &mut Portal, test: &TestPortal) -> Runtime {
    let life = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (config, url) = (config(test.folder.path()), test.database.url.clone());
    let opened =
        async move { (LocalEngine::start(config, Clock::system()).await.expect("an engine"), Db::open(&url).await.expect("opened")) };
    let (engine, db) = life.spawn(opened).await.expect("a life");
    portal.compute = engine;
    life.spawn(supervisor::run(Portal { db, ..portal.clone() }));
    life
}

impl Living {
    async fn new() -> Self {
        let mut test = TestPortal::new().await;
        test.portal.clock = Clock::system();
        test.team("red", &[("ada", Role::Member)]).await;
        let mut web = command("web", &[]);
        web.program = Program::Command { argv: ["python3", "-c", SERVER, "{port}"].map(str::to_owned).to_vec() };
        environments::save(&test.portal, &Caller::console(), web, true).await.expect("an environment");
        let (mut portal, ada) = (test.portal.clone(), test.caller("ada").await);
        let life = Some(begin(&mut portal, &test).await);
        Self { test, portal, ada, life }
    }

    /// The portal dies as by kill -9: nobody looks after anything, and what runs runs on. Its database can still be written.
    fn die(&mut self) {
        if let Some(life) = self.life.take() {
            life.shutdown_background();
        }
        self.portal.compute = Arc::new(Paper::new(64, 0));
    }

    /// A new process of the portal finds the data of the old one.
    async fn live_again(&mut self) {
        self.life = Some(begin(&mut self.portal, &self.test).await);
    }

    async fn launch(&self, request: LaunchRequest) -> NotebookId {
        notebooks::launch(&self.portal, &self.ada, "red", request).await.expect("launched").id
    }

    async fn get(&self, id: &NotebookId) -> Notebook {
        notebooks::get(&self.portal, &self.ada, "red", id).await.expect("a notebook")
    }

    /// Waits at most a minute.
    async fn until(&self, id: &NotebookId, wanted: impl Fn(&Notebook) -> bool) -> Notebook {
        let wait = async {
            loop {
                let notebook = self.get(id).await;
                if wanted(&notebook) {
                    return notebook;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let Ok(notebook) = tokio::time::timeout(Duration::from_mins(1), wait).await else {
            panic!("never so: {:#?}; its log: {:#?}", self.get(id).await, self.log(id).await)
        };
        notebook
    }

    async fn reaches(&self, id: &NotebookId, phase: Phase) -> Notebook {
        self.until(id, |n| n.phase == phase).await
    }

    async fn log(&self, id: &NotebookId) -> Vec<String> {
        let page = notebooks::logs(&self.portal, &self.ada, "red", id, None, 1000).await.expect("a log");
        page.lines.into_iter().map(|l| l.text).collect()
    }

    /// What the program answers through the way that the proxy takes.
    async fn ask(&self, id: &NotebookId) -> String {
        let upstream = notebooks::upstream(&self.portal, id).await.expect("an upstream");
        let mut stream = tokio::net::TcpStream::connect(upstream.address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer.lines().last().unwrap_or_default().to_owned()
    }

    async fn stop(&self, id: &NotebookId) {
        notebooks::stop(&self.portal, &self.ada, "red", id).await.expect("stopped");
        self.reaches(id, Phase::Stopped).await;
    }

    /// Deletes everything, and checks that no process is left.
    async fn clean_up(mut self, ids: &[&NotebookId]) {
        for id in ids {
            notebooks::delete(&self.portal, &self.ada, "red", id, true).await.expect("deleted");
        }
        let gone = async {
            while !self.portal.compute.list().await.expect("a list").is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), gone).await.expect("the engine forgets what was deleted");
        self.die();
        for id in ids {
            assert_eq!(processes_with(id.as_str()), Vec::<i32>::new());
        }
    }
}

/// Runs `before` in Python, then answers with `answer`.
fn program(name: &str, before: &str, answer: &str) -> LaunchRequest {
    let mut asked = request(name);
    let variable = |name: &str, value: &str| EnvVar { name: name.into(), value: value.into() };
    asked.spec.env = vec![variable("BEFORE", before), variable("ANSWER", answer)];
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notebook_serves_stops_keeps_its_files_and_leaves_nothing_behind() {
    let living = Living::new().await;
    let count = "open('kept', 'a').write('x'); print('starts:', len(open('kept').read()), flush=True)";
    let id = living.launch(program("churn", count, "hello from churn")).await;
    let ready = living.reaches(&id, Phase::Ready).await;
    let phases = super::phases(&ready);
    assert_eq!((phases[0], phases[phases.len() - 1]), (Phase::Queued, Phase::Ready));
    assert!(ready.timeline.windows(2).all(|w| w[0].at <= w[1].at), "{:?}", ready.timeline);
    assert_eq!(living.ask(&id).await, "hello from churn");
    assert!(living.log(&id).await.iter().any(|l| l == "starts: 1"));
    living.stop(&id).await;
    assert_eq!(processes_with(id.as_str()), Vec::<i32>::new());
    notebooks::start(&living.portal, &living.ada, "red", &id).await.expect("started");
    living.reaches(&id, Phase::Ready).await;
    assert!(living.log(&id).await.iter().any(|l| l == "starts: 2"), "the file is there");
    living.clean_up(&[&id]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notebook_waits_for_cpus_and_starts_when_they_are_free() {
    let living = Living::new().await;
    let capacity = living.portal.compute.capacity().await.expect("a capacity");
    let mut first = program("first", "", "1");
    first.spec.resources.cpus = capacity.cpus_total;
    let first = living.launch(first).await;
    living.reaches(&first, Phase::Ready).await;
    let second = living.launch(program("second", "", "2")).await;
    let waiting = living.until(&second, |n| n.reason.is_some()).await;
    let reason = format!("Waits for 1 CPU (0 of {} free).", capacity.cpus_total);
    assert_eq!((waiting.phase, waiting.reason), (Phase::Queued, Some(reason)));
    living.stop(&first).await;
    living.reaches(&second, Phase::Ready).await;
    living.clean_up(&[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_portal_adopts_what_runs_and_obeys_what_was_wished() {
    let mut living = Living::new().await;
    let (keeps, stops) = (living.launch(program("keeps", "", "same")).await, living.launch(program("stops", "", "")).await);
    let before = living.reaches(&keeps, Phase::Ready).await;
    living.reaches(&stops, Phase::Ready).await;
    let pids = processes_with(keeps.as_str());
    living.die();
    // The wish was committed, and the portal killed before it could tell the engine.
    notebooks::stop(&living.portal, &living.ada, "red", &stops).await.expect("wished");
    let waits = living.launch(program("waits", "", "")).await;
    living.live_again().await;
    living.reaches(&stops, Phase::Stopped).await;
    living.reaches(&waits, Phase::Ready).await;
    let after = living.get(&keeps).await;
    assert_eq!((after.phase, after.launch, &after.timeline), (Phase::Ready, 1, &before.timeline));
    assert_eq!(processes_with(keeps.as_str()), pids, "the same processes, none twice");
    assert_eq!(living.ask(&keeps).await, "same");
    living.clean_up(&[&keeps, &stops, &waits]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_while_nobody_looks_is_reported_failed() {
    let mut living = Living::new().await;
    let id = living.launch(program("churn", "import threading; threading.Timer(2, lambda: os._exit(7)).start()", "")).await;
    living.reaches(&id, Phase::Ready).await;
    living.die();
    let ended = async {
        while !processes_with(id.as_str()).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ended).await.expect("it ends by itself");
    living.live_again().await;
    let failed = living.reaches(&id, Phase::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("The program ended by itself with exit code 7."));
    assert!(failed.next_step.is_some());
    living.clean_up(&[&id]).await;
}

impl Drop for Living {
    fn drop(&mut self) {
        self.die();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_killed_at_any_moment_leaves_one_process_for_each_wish_and_none_without() {
    let mut living = Living::new().await;
    let id = living.launch(program("churn", "", "")).await;
    let running = |launch: i64| processes_with(&format!("SLIPWAY_WORKLOAD_ID={id}:{launch}")).len();
    for moment in 0..20_u64 {
        let launch = i64::try_from(moment).expect("small") + 1;
        // Not for a condition: the point is to be cut off anywhere, while it starts and while it stops.
        tokio::time::sleep(Duration::from_millis(moment * 13)).await;
        living.die();
        living.live_again().await;
        let ready = living.until(&id, |n| n.phase.is_open() || n.phase.is_settled()).await;
        assert_eq!((ready.phase, ready.launch, running(launch)), (Phase::Ready, launch, 1), "killed after {} ms: {ready:?}", moment * 13);
        notebooks::stop(&living.portal, &living.ada, "red", &id).await.expect("wished");
        tokio::time::sleep(Duration::from_millis((20 - moment) * 5)).await;
        living.die();
        living.live_again().await;
        living.reaches(&id, Phase::Stopped).await;
        assert_eq!(processes_with(id.as_str()), Vec::<i32>::new(), "killed {} ms after it was asked to stop", (20 - moment) * 5);
        notebooks::start(&living.portal, &living.ada, "red", &id).await.expect("wished");
    }
    living.clean_up(&[&id]).await;
}
