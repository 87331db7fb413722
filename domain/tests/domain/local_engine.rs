//! What only the local engine must show: confinement, limits, adoption, and that nothing is left behind.

use crate::machine::{Machine, config, ended, log, processes_with, secret, server, start, stop};
use domain::{
    Clock, Error,
    compute::{ComputeEngine, Outcome, local::LocalEngine},
    model::{Level, Resources},
    random,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_a_clean_environment() {
    let machine = Machine::start().await;
    let mut workload = server("print('\\n'.join(sorted(os.environ)), flush=True)");
    workload.secrets.insert("API_KEY".into(), secret("k"));
    start(&*machine.engine, &workload).await;
    let lines = log(&*machine.engine, &workload.id).await;
    let mut expected = vec![
        "API_KEY",
        "BEFORE",
        "CUDA_VISIBLE_DEVICES",
        "HOME",
        "LANG",
        "LC_CTYPE",
        "LOGNAME",
        "MKL_NUM_THREADS",
        "NUMEXPR_MAX_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "PORT",
        "SHELL",
        "SLIPWAY_TEAM",
        "SLIPWAY_WORKLOAD_ID",
        "TERM",
        "TMPDIR",
        "USER",
    ];
    if !lines.iter().any(|l| l == "LC_CTYPE") {
        // Python itself adds it where the locale is C.
        expected.retain(|n| *n != "LC_CTYPE");
    }
    let got: Vec<&str> = lines.iter().map(String::as_str).filter(|l| !l.starts_with("[slipway]") && *l != "serving").collect();
    assert_eq!(got, expected);
    stop(&*machine.engine, &workload).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reaches_nothing_that_is_not_its_own() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    let data = fs::canonicalize(machine.folder.path()).unwrap();
    fs::write(data.join("portal.db"), "secret").unwrap();
    let mut other = server("open('private', 'w').write('x'); print(os.getpid(), flush=True)");
    other.secrets.insert("OTHER".into(), secret("s3cret"));
    start(engine, &other).await;
    let pid = log(engine, &other.id).await.iter().find_map(|l| l.parse::<i32>().ok()).unwrap();
    let volumes = data.join("volumes");
    let denied = [
        data.join("portal.db"),
        data.clone(),
        volumes.clone(),
        volumes.join(other.home.as_str()).join("private"),
        volumes.join(other.home.as_str()),
        data.join("workloads"),
        data.join("workloads").join(&other.id).join("shim.json"),
        data.join("workloads").join(&other.id).join("log"),
        format!("/proc/{pid}/environ").into(),
        format!("/proc/{pid}/mem").into(),
        format!("/proc/{pid}/root/etc/passwd").into(),
        format!("/proc/{}/environ", std::process::id()).into(),
        "/root".into(),
        "/home".into(),
        "/tmp".into(),
        "/dev/vda".into(),
    ];
    let code = r"
import signal
def attempt(what, action):
    try: action(); print('REACHED', what, flush=True)
    except OSError as e: pass
for path in os.environ['DENIED'].split(':'):
    attempt(path, lambda: os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1))
    attempt('write ' + path, lambda: open(path + '/x' if os.path.isdir(path) else path, 'ab').close())
attempt('write etc', lambda: open('/etc/slipway-test', 'w'))
attempt('write usr', lambda: open('/usr/slipway-test', 'w'))
attempt('signal', lambda: os.kill(int(os.environ['OTHER_PID']), 0))
attempt('signal portal', lambda: os.kill(int(os.environ['PORTAL_PID']), 0))
os.symlink(os.environ['DENIED'].split(':')[0], 'way-out')
attempt('link', lambda: open('way-out').read())
open(os.environ['TMPDIR'] + '/mine', 'w').write('x'); open('mine', 'w').write('x'); open('/dev/null', 'w').write('x')
print('tried', len(os.listdir('/usr')) > 0, flush=True)
";
    let mut spy = server(code);
    spy.env.insert("DENIED".into(), denied.map(|p| p.display().to_string()).join(":"));
    spy.env.insert("OTHER_PID".into(), pid.to_string());
    spy.env.insert("PORTAL_PID".into(), std::process::id().to_string());
    let findings = engine.check().await;
    let confinement = findings.iter().find(|f| f.name == "confinement").unwrap();
    assert_eq!(confinement.level, Level::Ok, "this test needs Linux 6.12: {confinement:?}");
    start(engine, &spy).await;
    let lines = log(engine, &spy.id).await;
    assert!(lines.contains(&"tried True".to_owned()), "{lines:#?}");
    let reached: Vec<_> = lines.iter().filter(|l| l.starts_with("REACHED")).collect();
    assert!(reached.is_empty(), "{reached:#?}");
    stop(engine, &spy).await;
    stop(engine, &other).await;
}

#[tokio::test]
async fn a_data_folder_that_notebooks_may_read_is_refused() {
    let shared = tempfile::tempdir().unwrap();
    let mut config = config(&shared.path().join("slipway"));
    config.readable = vec![shared.path().to_owned()];
    let refusal = LocalEngine::start(config.clone(), Clock::system()).await.err();
    let named = shared.path().display().to_string();
    assert!(matches!(&refusal, Some(Error::Unavailable(why)) if why.contains(&named) && why.contains("Move it")), "{refusal:?}");
    let findings = LocalEngine::inspect(config, Clock::system()).unwrap().check().await;
    let finding = findings.iter().find(|f| f.name == "data folder").unwrap();
    assert!(finding.level == Level::Error && finding.message.contains(&named), "{finding:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_cannot_lead_the_next_start_astray() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    let victim = random::id::<domain::model::VolumeId>();
    engine.create_volume(&victim).await.unwrap();
    let victim_folder = machine.folder.path().join("volumes").join(victim.as_str());
    fs::write(victim_folder.join("kept"), "x").unwrap();
    // `data` leads into another team's volume, where the next start would make and remove links.
    let mut workload = server(&format!("os.symlink('{}', 'data')", victim_folder.display()));
    start(engine, &workload).await;
    stop(engine, &workload).await;
    workload.launch = 2;
    workload.env.clear();
    let own = random::id::<domain::model::VolumeId>();
    workload.volumes = vec![domain::compute::Mount { volume: own, name: "own".into(), read_only: false }];
    start(engine, &workload).await;
    stop(engine, &workload).await;
    let names: Vec<_> = fs::read_dir(&victim_folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["kept"]);
    for folder in ["", "workloads", "volumes", "environments", &format!("workloads/{}", workload.id), &format!("volumes/{}", workload.home)]
    {
        let mode = fs::metadata(machine.folder.path().join(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_on_its_port_is_never_taken_for_it() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    // The squatter is a process outside the workload: this test, which the program tells its port through a file and waits for.
    let mut workload = server(
        "import time\nopen('port', 'w').write(os.environ['PORT'])\nwhile not os.path.exists('go'): time.sleep(0.01)\ntime.sleep(600)",
    );
    engine.ensure(&workload).await.unwrap();
    let home = machine.folder.path().join("volumes").join(workload.home.as_str());
    let deadline = Instant::now() + Duration::from_secs(30);
    let port: u16 = loop {
        assert!(Instant::now() < deadline, "{:?}", log(engine, &workload.id).await);
        if let Some(port) = fs::read_to_string(home.join("port")).ok().and_then(|p| p.parse().ok()) {
            break port;
        }
        tokio::task::yield_now().await;
    };
    let squatter = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    fs::write(home.join("go"), "").unwrap();
    let outcome = ended(engine, &workload).await;
    assert!(matches!(&outcome, Outcome::Failed { reason, .. } if reason.contains("took its port")), "{outcome:?}");
    drop(squatter);

    // A squatter that comes when the program has left its port, while it still runs.
    workload = server("import threading\nthreading.Timer(0, lambda: None)");
    start(engine, &workload).await;
    let address = engine.address(&workload.id).await.unwrap();
    assert_eq!(stop(engine, &workload).await, Outcome::Stopped);
    let _squatter = std::net::TcpListener::bind(address).unwrap();
    assert!(engine.address(&workload.id).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_a_stop() {
    let machine = Machine::start().await;
    let engine = &*machine.engine;
    let code = r#"
import subprocess, signal
stubborn = "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.setsid()\nif os.fork(): os._exit(0)\nif os.fork(): os._exit(0)\nprint('detached', flush=True)\ntime.sleep(600)"
subprocess.Popen([sys.executable, "-c", stubborn, "marker-" + os.environ["MARKER"]], env={})
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"#;
    let mut workload = server(code);
    workload.env.insert("MARKER".into(), workload.id.clone());
    let marker = format!("marker-{}", workload.id);
    start(engine, &workload).await;
    while !log(engine, &workload.id).await.contains(&"detached".to_owned()) {
        assert!(engine.log_grows(&workload.id, engine.logs(&workload.id, None, 1).await.unwrap().next).await.unwrap());
    }
    assert!(!processes_with(&marker).is_empty());
    let asked = Instant::now();
    assert_eq!(stop(engine, &workload).await, Outcome::Stopped);
    assert!(asked.elapsed() <= Duration::from_secs(15), "{:?}", asked.elapsed());
    assert_eq!(processes_with(&marker), [0; 0]);
    assert_eq!(processes_with(&workload.id), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_above_its_memory_is_ended_with_the_reason() {
    let machine = Machine::start().await;
    let mut workload = server("hoard = bytearray(os.urandom(1 << 20)) * 400\nprint('full', flush=True)");
    workload.resources = Resources { cpus: 1, memory_mib: 256, gpus: 0 };
    machine.engine.ensure(&workload).await.unwrap();
    let outcome = ended(&*machine.engine, &workload).await;
    let Outcome::Failed { reason, next_step } = &outcome else { panic!("{outcome:?}") };
    assert!(
        reason.starts_with("It used 0.") && reason.contains("of the 0.2 GiB of memory") && next_step.contains("more memory"),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_bound_to_its_cpus() {
    let machine = Machine::start().await;
    let workload = server("print('cpus', len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'], flush=True)");
    start(&*machine.engine, &workload).await;
    assert!(log(&*machine.engine, &workload.id).await.contains(&"cpus 1 1".to_owned()));
    stop(&*machine.engine, &workload).await;
}
