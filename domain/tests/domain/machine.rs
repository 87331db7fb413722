//! A local engine on a folder of its own, and programs for it to run.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use domain::{
    Clock,
    compute::{
        ComputeEngine, Fact, Outcome, Secret, State, Workload,
        local::{LocalConfig, LocalEngine},
    },
    model::Resources,
    random,
};
use futures::StreamExt;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// Answers every GET with the text of its environment variable ANSWER, after running the code in BEFORE.
pub const SERVER: &str = r#"
import http.server, os, sys
exec(os.environ.get("BEFORE", ""))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if os.environ.get("TOKEN") and self.headers.get("Authorization") != os.environ["TOKEN"]:
            self.send_response(503); self.end_headers(); return
        body = os.environ.get("ANSWER", "hello").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

pub fn launcher() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let launcher = test.parent().unwrap().parent().unwrap().join("examples/launcher");
    assert!(launcher.exists(), "{} is missing: run all tests, or add --examples", launcher.display());
    launcher
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration; its machine's mirrors and certificates stand in the environment"
)]
pub fn config(data: &std::path::Path) -> LocalConfig {
    let mut config = LocalConfig::new(data, launcher());
    config.path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    config.install_env = std::env::vars().filter(|(name, _)| LocalConfig::is_install_variable(name)).collect();
    config
}

pub struct Machine {
    pub folder: tempfile::TempDir,
    pub engine: Arc<LocalEngine>,
}

impl Machine {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = LocalEngine::start(config(folder.path()), Clock::system()).await.unwrap();
        Self { folder, engine }
    }

    /// One where uv is not found, so that pip installs.
    pub async fn without_uv() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        config.path.retain(|place| !place.join("uv").exists());
        assert_eq!(config.find_uv(), None);
        let engine = LocalEngine::start(config, Clock::system()).await.unwrap();
        Self { folder, engine }
    }
}

/// What a program of the common contract does.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Serve,
    Exit(i32),
    BeMissing,
}

/// An engine, and programs that it can run.
pub trait Bench: Sync {
    fn engine(&self) -> Arc<dyn ComputeEngine>;
    fn workload(&self, does: Does) -> Workload;
}

impl Bench for Machine {
    fn engine(&self) -> Arc<dyn ComputeEngine> {
        self.engine.clone()
    }
    fn workload(&self, does: Does) -> Workload {
        match does {
            Does::Serve => server(""),
            Does::Exit(code) => server(&format!("sys.exit({code})")),
            Does::BeMissing => Workload { argv: vec!["no-such-program".into()], ..server("") },
        }
    }
}

/// A workload that serves, and runs `before` first.
pub fn server(before: &str) -> Workload {
    Workload {
        id: random::id(),
        launch: 1,
        team: "vision".into(),
        argv: ["python3", "-c", SERVER, "{port}"].map(str::to_owned).to_vec(),
        image: None,
        python: None,
        env: BTreeMap::from([("BEFORE".to_owned(), before.to_owned())]),
        secrets: BTreeMap::new(),
        resources: Resources { cpus: 1, memory_mib: 512, gpus: 0 },
        home: random::id(),
        volumes: vec![],
        repository: None,
        ready_path: "/".into(),
        header: None,
        activity: domain::compute::ActivityProbe::None,
    }
}

pub fn secret(text: &str) -> Secret {
    Secret(text.to_owned())
}

/// Waits for a state of this very launch, at most a minute.
pub async fn reaches(engine: &dyn ComputeEngine, workload: &Workload, wanted: impl Fn(&State) -> bool) -> Fact {
    let mut facts = engine.watch();
    let mut last = None;
    let wait = async {
        loop {
            if let Some(fact) = engine.status(&workload.id).await.unwrap().filter(|f| f.launch == workload.launch) {
                last = Some(fact.clone());
                if wanted(&fact.state) {
                    return fact;
                }
            }
            // A fact of any workload is a reason to look again; where none comes, look all the same.
            let _ = tokio::time::timeout(Duration::from_secs(1), facts.next()).await;
        }
    };
    match tokio::time::timeout(Duration::from_mins(1), wait).await {
        Ok(fact) => fact,
        Err(late) => panic!("{late}; last seen {last:?}; its log: {:#?}", log(engine, &workload.id).await),
    }
}

pub async fn ready(engine: &dyn ComputeEngine, workload: &Workload) {
    let fact = reaches(engine, workload, |s| matches!(s, State::Ready | State::Ended { .. })).await;
    assert_eq!(fact.state, State::Ready, "{:#?}", log(engine, &workload.id).await);
}

pub async fn ended(engine: &dyn ComputeEngine, workload: &Workload) -> Outcome {
    match reaches(engine, workload, |s| matches!(s, State::Ended { .. })).await.state {
        State::Ended { outcome } => outcome,
        state => panic!("{state:?}"),
    }
}

pub async fn start(engine: &dyn ComputeEngine, workload: &Workload) {
    engine.ensure(workload).await.unwrap();
    ready(engine, workload).await;
}

pub async fn stop(engine: &dyn ComputeEngine, workload: &Workload) -> Outcome {
    engine.stop(&workload.id).await.unwrap();
    ended(engine, workload).await
}

pub async fn log(engine: &dyn ComputeEngine, id: &str) -> Vec<String> {
    engine.logs(id, None, 1000).await.unwrap().lines.into_iter().map(|l| l.text).collect()
}

/// Processes with this text in their command line or, as `name=value`, in their environment.
pub fn processes_with(text: &str) -> Vec<i32> {
    let has = |pid: i32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.split(|b| *b == 0).any(|part| String::from_utf8_lossy(part).contains(text))
    };
    let state = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.unwrap().file_name().to_str()?.parse::<i32>().ok());
    all.filter(|pid| (has(*pid, "cmdline") || has(*pid, "environ")) && !state(*pid).contains(") Z ")).collect()
}
