//! What is made before a program starts: Python environments and clones.

use crate::machine::{Machine, ended, log, processes_with, reaches, ready, server, start, stop};
use domain::compute::{ComputeEngine, Outcome, PythonEnvironment, Repository, State};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_python_environment_is_made_once_and_shared_while_it_is_made() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    let environment =
        PythonEnvironment { key: "test-1".into(), packages: vec!["six==1.16.*".into()], files: vec![("etc/told".into(), "yes".into())] };
    let mut first = server("import six; print('six', six.__version__, sys.prefix, flush=True)");
    first.python = Some(environment.clone());
    let mut second = server("import six");
    second.python = Some(environment.clone());
    assert!(!engine.is_cached("test-1").await);
    engine.ensure(&first).await.unwrap();
    engine.ensure(&second).await.unwrap();
    ready(engine, &first).await;
    ready(engine, &second).await;
    assert!(engine.is_cached("test-1").await);
    let prefix = fs::canonicalize(machine.folder.path().join("environments/test-1")).unwrap();
    assert_eq!(fs::read_to_string(prefix.join("etc/told")).unwrap(), "yes");
    let lines = log(engine, &first.id).await;
    assert!(lines.iter().any(|l| l.starts_with("six 1.16") && l.ends_with(&prefix.display().to_string())), "{lines:#?}");
    stop(engine, &first).await;
    stop(engine, &second).await;
    let mut third = server("import six");
    third.python = Some(environment);
    start(engine, &third).await;
    assert!(!log(engine, &third.id).await.iter().any(|l| l.contains("Collecting") || l.contains("Resolved")), "cached");
    stop(engine, &third).await;

    let mut broken = server("");
    broken.python = Some(PythonEnvironment { key: "test-2".into(), packages: vec!["six==0.0.0.1".into()], files: vec![] });
    engine.ensure(&broken).await.unwrap();
    let outcome = ended(engine, &broken).await;
    assert!(matches!(&outcome, Outcome::Failed { reason, .. } if reason.contains("six==0.0.0.1")), "{outcome:?}");
    assert!(!engine.is_cached("test-2").await);
    // One that is stopped while it installs is gone, and so is the installer.
    let mut stopped = server("");
    stopped.python = Some(PythonEnvironment { key: "test-3".into(), packages: vec!["six==1.16.*".into()], files: vec![] });
    engine.ensure(&stopped).await.unwrap();
    reaches(engine, &stopped, |s| matches!(s, State::Preparing { step, .. } if step.contains("Python"))).await;
    assert_eq!(stop(engine, &stopped).await, Outcome::Stopped);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_with("environments/test-3").is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes_with("environments/test-3"));
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pip_installs_where_there_is_no_uv_and_what_it_prints_is_kept() {
    let machine = Machine::without_uv().await;
    let engine = &*machine.engine;
    let mut workload = server("import six; print('six', six.__version__, flush=True)");
    workload.python = Some(PythonEnvironment { key: "test-pip".into(), packages: vec!["six==1.16.*".into()], files: vec![] });
    engine.ensure(&workload).await.unwrap();
    ready(engine, &workload).await;
    let lines = log(engine, &workload.id).await;
    assert!(lines.iter().any(|l| l.starts_with("Collecting six")) && lines.iter().any(|l| l.starts_with("six 1.16")), "{lines:#?}");
    stop(engine, &workload).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_cannot_be_cloned_says_why() {
    let machine = Machine::start().await;
    let mut workload = server("");
    for bad in ["file:///etc", "--upload-pack=touch x", "ext::sh -c touch% x"] {
        workload.repository = Some(Repository { url: bad.into(), branch: String::new() });
        assert!(machine.engine.ensure(&workload).await.is_err(), "{bad}");
    }
    workload.repository = Some(Repository { url: "http://127.0.0.1:1/a/b.git".into(), branch: "main".into() });
    machine.engine.ensure(&workload).await.unwrap();
    let outcome = ended(&*machine.engine, &workload).await;
    assert!(
        matches!(&outcome, Outcome::Failed { reason, .. } if reason.contains("could not be cloned") && reason.contains("127.0.0.1")),
        "{outcome:?}"
    );
}

/// A repository served over HTTP by git itself; prints its port.
const GIT_SERVER: &str = r#"
import http.server, os, subprocess, sys
root = sys.argv[1]
who = {f"GIT_{role}_{what}": "a" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
def git(*args): subprocess.run(("git", *args), cwd=root, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
git("init", "-b", "main", "work")
open(root + "/work/train.py", "w").write("print(1)")
git("-C", "work", "add", ".")
git("-C", "work", "commit", "-m", "first")
git("clone", "--bare", "work", "churn.git")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cgi = {"GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
               "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        answer = subprocess.run(("git", "http-backend"), input=body, env={**env, **cgi}, stdout=subprocess.PIPE).stdout
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items(): self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)
    do_POST = do_GET
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_cloned_before_the_first_start_and_kept_after() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    let served = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the other side of the clone is not the engine's")]
    let mut git = tokio::process::Command::new("python3")
        .args(["-c", GIT_SERVER, served.path().to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(git.stdout.take().unwrap()));
    let port = lines.next_line().await.unwrap().unwrap();
    let mut workload = server("print('cloned', os.listdir('churn'), flush=True)\nopen('churn/own', 'w')");
    workload.repository = Some(Repository { url: format!("http://127.0.0.1:{port}/churn.git"), branch: "main".into() });
    // What a home from elsewhere says of git is not asked: a hook would run with what is the operator's.
    engine.create_volume(&workload.home).await.unwrap();
    let home = fs::canonicalize(machine.folder.path().join("volumes").join(workload.home.as_str())).unwrap();
    let (hooks, hook, hooked) = (home.join("template/hooks"), home.join("template/hooks/post-checkout"), home.join("hooked"));
    fs::create_dir_all(hooks).unwrap();
    fs::write(&hook, format!("#!/bin/sh\nenv > {}\n", hooked.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.join(".gitconfig"), format!("[init]\n\ttemplateDir = {}\n", home.join("template").display())).unwrap();
    start(engine, &workload).await;
    assert!(!hooked.exists(), "a hook ran");
    let cloned = async || log(engine, &workload.id).await.into_iter().rfind(|l| l.starts_with("cloned")).unwrap();
    assert!(cloned().await.contains("train.py"));
    stop(engine, &workload).await;
    // The second start needs no repository any more, and keeps what was done in it.
    git.kill().await.unwrap();
    let again = domain::compute::Workload { launch: 2, ..workload.clone() };
    start(engine, &again).await;
    assert!(cloned().await.contains("own"));
    stop(engine, &again).await;
    let missing = domain::compute::Workload { id: domain::random::id(), home: domain::random::id(), ..workload.clone() };
    engine.ensure(&missing).await.unwrap();
    assert!(matches!(ended(engine, &missing).await, Outcome::Failed { reason, .. } if reason.contains("could not be cloned")));
}
