//! A portal that is killed and comes back: nothing is lost, nothing runs twice, nobody else is touched.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use crate::machine::{config, ended, log, processes_with, ready, secret, server, start, stop};
use domain::{
    Clock,
    compute::{ComputeEngine, Outcome, local::LocalEngine},
};
use std::{fs, sync::Arc, time::Duration};

/// Runs an engine as a portal would, and lets it go without a word, as kill -9 does.
fn with_portal<T>(data: &std::path::Path, work: impl AsyncFnOnce(Arc<LocalEngine>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let result = runtime.block_on(async { work(LocalEngine::start(config(data), Clock::system()).await.unwrap()).await });
    runtime.shutdown_background();
    result
}

#[test]
fn a_new_portal_adopts_what_runs_and_knows_what_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut workload = server("import time\nprint('pid', os.getpid(), flush=True)");
    workload.secrets.insert("TOKEN".into(), secret("token s3cret"));
    workload.header = Some(("authorization".into(), secret("token s3cret")));
    let finished = server("sys.exit(7)");
    let unsupervised = server("");
    let shim_record = |w: &domain::compute::Workload| {
        let text = fs::read(folder.path().join("workloads").join(&w.id).join("shim.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    };
    with_portal(folder.path(), async |engine| {
        start(&*engine, &workload).await;
        engine.ensure(&finished).await.unwrap();
        ended(&*engine, &finished).await;
        start(&*engine, &unsupervised).await;
    });
    let pid = |w: &domain::compute::Workload| i32::try_from(shim_record(w)["process"]["pid"].as_i64().unwrap()).unwrap();
    // Its supervisor dies while no portal looks.
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid(&unsupervised)).unwrap(), rustix::process::Signal::KILL).unwrap();
    with_portal(folder.path(), async |engine| {
        let shim = pid(&workload);
        engine.ensure(&workload).await.unwrap();
        ready(&*engine, &workload).await;
        assert_eq!(pid(&workload), shim, "the same process, not a second one");
        assert_eq!(log(&*engine, &workload.id).await.iter().filter(|l| l.starts_with("pid ")).count(), 1);
        assert_eq!(engine.capacity().await.unwrap().cpus_used, 1);
        engine.ensure(&finished).await.unwrap();
        assert_eq!(ended(&*engine, &finished).await, Outcome::Exited { code: 7 });
        let lost = ended(&*engine, &unsupervised).await;
        assert!(matches!(&lost, Outcome::Failed { reason, .. } if reason.contains("supervisor")), "{lost:?}");
        assert_eq!(processes_with(&format!("{}:1", unsupervised.id)), [0; 0]);
    });
    with_portal(folder.path(), async |engine| {
        // Known again by what the machine says alone, with the header that its readiness needs.
        ready(&*engine, &workload).await;
        assert_eq!(stop(&*engine, &workload).await, Outcome::Stopped);
        assert_eq!(processes_with(&workload.id), [0; 0]);
    });
}

#[test]
fn a_busy_program_is_adopted_without_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let busy = r"
import time
class Once(http.server.HTTPServer):
    asked = 0
    def process_request(self, request, address):
        Once.asked += 1
        if Once.asked > 1:
            print('busy', flush=True)
            time.sleep(600)
        super().process_request(request, address)
http.server.HTTPServer = Once
";
    let workload = server(busy);
    with_portal(folder.path(), async |engine| {
        start(&*engine, &workload).await;
        let address = engine.address(&workload.id).await.unwrap();
        let _asked = tokio::net::TcpStream::connect(address).await.unwrap();
        while !log(&*engine, &workload.id).await.contains(&"busy".to_owned()) {
            let end = engine.logs(&workload.id, None, 1).await.unwrap().next;
            engine.log_grows(&workload.id, end).await.unwrap();
        }
    });
    with_portal(folder.path(), async |engine| {
        ready(&*engine, &workload).await;
        assert!(engine.address(&workload.id).await.is_ok());
        assert_eq!(stop(&*engine, &workload).await, Outcome::Stopped);
    });
}

#[test]
fn a_portal_killed_at_any_moment_of_a_launch_leaves_one_process_or_a_report() {
    let folder = tempfile::tempdir().unwrap();
    for moment in 0..20_u64 {
        let mut workload = server("print('started', flush=True)");
        with_portal(folder.path(), async |engine| {
            engine.ensure(&workload).await.unwrap();
            // Not for a condition: the point is to be cut off anywhere.
            let _ = tokio::time::timeout(Duration::from_millis(moment * 8), ready(&*engine, &workload)).await;
        });
        with_portal(folder.path(), async |engine| {
            if engine.status(&workload.id).await.unwrap().is_none() {
                engine.ensure(&workload).await.unwrap();
            }
            ready(&*engine, &workload).await;
            let starts = log(&*engine, &workload.id).await.iter().filter(|l| *l == "started").count();
            assert_eq!(starts, 1, "killed after {} ms", moment * 8);
            assert_eq!(processes_with(&format!("shim\0{}:1", workload.id)).len(), 0);
            assert_eq!(processes_with(&format!("SLIPWAY_WORKLOAD_ID={}:1", workload.id)).len(), 1);
            workload.launch = 1;
            assert_eq!(stop(&*engine, &workload).await, Outcome::Stopped);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_number_of_a_dead_shim_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a stranger is not the engine's")]
    let mut stranger = tokio::process::Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
    let workload = server("");
    let home = folder.path().join("workloads").join(&workload.id);
    fs::create_dir_all(&home).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let record = serde_json::json!({
        "id": workload.id, "launch": 1, "process": {"pid": stranger.id().unwrap(), "start": 1}, "boot": boot.trim(), "port": 1,
        "ready_path": "/", "activity": "none", "resources": workload.resources, "gpus": [], "cpus": [0],
    });
    fs::write(home.join("shim.json"), record.to_string()).unwrap();
    let engine = LocalEngine::start(config(folder.path()), Clock::system()).await.unwrap();
    assert!(matches!(ended(&*engine, &workload).await, Outcome::Failed { .. }));
    engine.stop(&workload.id).await.unwrap();
    engine.remove(&workload.id).await.unwrap();
    assert!(stranger.try_wait().unwrap().is_none(), "still runs");
}
