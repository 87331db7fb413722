//! What every compute engine promises, tested against whichever is handed in.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use crate::machine::{Bench, Does, Machine, ended, log, reaches, ready, secret, server, start, stop};
use domain::{
    Error,
    compute::{ComputeEngine, Mount, Outcome, State, Workload},
    model::Resources,
    random,
};
use futures::StreamExt;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub async fn get(engine: &dyn ComputeEngine, id: &str) -> String {
    let mut stream = TcpStream::connect(engine.address(id).await.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_engine_keeps_the_contract() {
    let machine = Machine::start().await;
    let engine: Arc<dyn ComputeEngine> = machine.engine.clone();
    keeps_the_common_contract(&machine).await;
    runs_answers_logs_and_stops(&*engine).await;
    keeps_files_between_launches(&*engine).await;
    tells_how_a_program_ended(&*engine).await;
    replaces_an_older_launch_only_after_it_ended(&*engine).await;
    refuses_what_it_cannot_give(&*engine).await;
}

/// What every engine promises, whatever it runs programs as.
pub async fn keeps_the_common_contract(bench: &impl Bench) {
    lives_once(bench).await;
    ends_as_its_program_does(bench).await;
    runs_one_launch_at_a_time(bench).await;
    goes_on_from_an_earlier_launch_after_a_later_one_has_ended(bench).await;
    knows_nothing_of_bad_names(bench).await;
}

async fn lives_once(bench: &impl Bench) {
    let (engine, workload) = (bench.engine(), bench.workload(Does::Serve));
    let engine = &*engine;
    assert_eq!(engine.status(&workload.id).await.unwrap(), None);
    engine.stop(&workload.id).await.unwrap();
    let used = engine.capacity().await.unwrap().cpus_used;
    let facts = engine.watch();
    engine.ensure(&workload).await.unwrap();
    engine.ensure(&workload).await.unwrap();
    ready(engine, &workload).await;
    assert_eq!(engine.capacity().await.unwrap().cpus_used, used + 1);
    assert!(matches!(engine.remove(&workload.id).await, Err(Error::Conflict(_))));
    assert!(engine.list().await.unwrap().iter().any(|f| f.id == workload.id && f.state == State::Ready));
    assert_eq!(stop(engine, &workload).await, Outcome::Stopped);
    assert!(engine.address(&workload.id).await.is_err());
    assert_eq!(engine.capacity().await.unwrap().cpus_used, used);
    // Steps of preparing may be many, and a look at the right moment may miss that it starts; the order holds.
    let of_it = facts.filter(|f| std::future::ready(f.id == workload.id)).map(|f| f.state);
    let states: Vec<State> = of_it.take_while(|s| std::future::ready(!matches!(s, State::Ended { .. }))).collect().await;
    let mut rest = states.into_iter().skip_while(|s| matches!(s, State::Preparing { .. }) || *s == State::Starting);
    assert_eq!((rest.next(), rest.next(), rest.next()), (Some(State::Ready), Some(State::Stopping), None));
    // The same launch again changes nothing, also after its end.
    engine.ensure(&workload).await.unwrap();
    assert_eq!(ended(engine, &workload).await, Outcome::Stopped);
    engine.remove(&workload.id).await.unwrap();
    assert_eq!(engine.status(&workload.id).await.unwrap(), None);
    assert!(log(engine, &workload.id).await.is_empty());
}

async fn ends_as_its_program_does(bench: &impl Bench) {
    let engine = bench.engine();
    let end = async |does| {
        let workload = bench.workload(does);
        engine.ensure(&workload).await.unwrap();
        let outcome = ended(&*engine, &workload).await;
        engine.remove(&workload.id).await.unwrap();
        assert_eq!(engine.status(&workload.id).await.unwrap(), None);
        outcome
    };
    assert_eq!(end(Does::Exit(3)).await, Outcome::Exited { code: 3 });
    assert_eq!(end(Does::Exit(0)).await, Outcome::Exited { code: 0 });
    let missing = end(Does::BeMissing).await;
    assert!(
        matches!(&missing, Outcome::Failed { reason, .. } if reason.contains("not found") || reason.contains("not have the program")),
        "{missing:?}"
    );
}

async fn runs_one_launch_at_a_time(bench: &impl Bench) {
    let (engine, first) = (bench.engine(), bench.workload(Does::Serve));
    let engine = &*engine;
    start(engine, &first).await;
    let second = Workload { launch: 2, ..first.clone() };
    engine.ensure(&second).await.unwrap();
    ready(engine, &second).await;
    assert!(matches!(engine.ensure(&first).await, Err(Error::Conflict(_))));
    assert_eq!(reaches(engine, &second, |_| true).await.state, State::Ready);
    assert_eq!(stop(engine, &second).await, Outcome::Stopped);
    engine.remove(&second.id).await.unwrap();
}

async fn knows_nothing_of_bad_names(bench: &impl Bench) {
    let engine = bench.engine();
    for bad in ["../x", "", "a/b", "AAAAAAAAAAAAAAAA"] {
        assert!(engine.ensure(&Workload { id: bad.into(), ..bench.workload(Does::Serve) }).await.is_err());
        assert!(engine.ensure(&Workload { home: bad.into(), ..bench.workload(Does::Serve) }).await.is_err());
        assert_eq!(engine.status(bad).await.unwrap(), None);
        assert!(engine.logs(bad, None, 10).await.is_err());
        assert!(engine.create_volume(&bad.to_owned().into()).await.is_err());
    }
}

/// As after an older backup was restored.
async fn goes_on_from_an_earlier_launch_after_a_later_one_has_ended(bench: &impl Bench) {
    let engine = bench.engine();
    let engine = &*engine;
    let later = Workload { launch: 7, ..bench.workload(Does::Serve) };
    let earlier = Workload { launch: 3, ..later.clone() };
    start(engine, &later).await;
    assert!(matches!(engine.ensure(&earlier).await, Err(Error::Conflict(_))), "it still runs");
    stop(engine, &later).await;
    start(engine, &earlier).await;
    assert_eq!(stop(engine, &earlier).await, Outcome::Stopped);
}

async fn runs_answers_logs_and_stops(engine: &dyn ComputeEngine) {
    let mut workload = server("print('héllo <b>', flush=True)");
    workload.env.insert("ANSWER".into(), "the answer".into());
    workload.secrets.insert("TOKEN".into(), secret("token s3cret"));
    workload.header = Some(("authorization".into(), secret("token s3cret")));
    assert_eq!(engine.status(&workload.id).await.unwrap(), None);
    engine.stop(&workload.id).await.unwrap();

    let facts = engine.watch();
    engine.ensure(&workload).await.unwrap();
    engine.ensure(&workload).await.unwrap();
    ready(engine, &workload).await;
    assert!(get(engine, &workload.id).await.starts_with("HTTP/1.0 503"), "only the header opens it");
    assert_eq!(engine.capacity().await.unwrap().cpus_used, 1);
    assert!(matches!(engine.remove(&workload.id).await, Err(Error::Conflict(_))));

    let lines = log(engine, &workload.id).await;
    assert!(lines.contains(&"héllo <b>".to_owned()) && lines.contains(&"serving".to_owned()), "{lines:?}");
    let page = engine.logs(&workload.id, Some(0), 1).await.unwrap();
    let rest = engine.logs(&workload.id, Some(page.next), 1000).await.unwrap();
    assert_eq!(page.lines.iter().chain(&rest.lines).map(|l| l.text.clone()).collect::<Vec<_>>(), lines);
    assert!(engine.log_grows(&workload.id, page.next).await.unwrap());

    assert_eq!(stop(engine, &workload).await, Outcome::Stopped);
    assert!(engine.address(&workload.id).await.is_err());
    assert_eq!(engine.capacity().await.unwrap().cpus_used, 0);
    let states: Vec<State> = facts.map(|f| f.state).take_while(|s| std::future::ready(!matches!(s, State::Ended { .. }))).collect().await;
    assert!(matches!(states[0], State::Preparing { .. }), "{states:?}");
    assert_eq!(states[1..], [State::Starting, State::Ready, State::Stopping]);

    // The same launch again changes nothing, also after its end.
    engine.ensure(&workload).await.unwrap();
    assert_eq!(ended(engine, &workload).await, Outcome::Stopped);
    engine.remove(&workload.id).await.unwrap();
    assert_eq!(engine.status(&workload.id).await.unwrap(), None);
    assert!(log(engine, &workload.id).await.is_empty());
}

async fn keeps_files_between_launches(engine: &dyn ComputeEngine) {
    let volume = random::id();
    engine.create_volume(&volume).await.unwrap();
    let mut workload =
        server("open('kept', 'a').write('x'); open('data/shared/y', 'a').write('y'); print(open('kept').read(), flush=True)");
    workload.volumes = vec![Mount { volume: volume.clone(), name: "shared".into(), read_only: false }];
    start(engine, &workload).await;
    stop(engine, &workload).await;
    workload.launch = 2;
    start(engine, &workload).await;
    assert!(log(engine, &workload.id).await.contains(&"xx".to_owned()));
    assert!(engine.volume_usage(&volume).await.unwrap() > 0);
    stop(engine, &workload).await;

    // Read-only is kept, and what is no longer attached is gone.
    workload.launch = 3;
    workload.volumes[0].read_only = true;
    workload.volumes[0].name = "renamed".into();
    let code = "import os\nprint(os.listdir('data'), open('data/renamed/y').read(), flush=True)\n\
        try: open('data/renamed/y', 'a')\nexcept OSError as e: print(type(e).__name__, flush=True)";
    workload.env.insert("BEFORE".into(), code.into());
    start(engine, &workload).await;
    let lines = log(engine, &workload.id).await;
    assert!(lines.contains(&"['renamed'] yy".to_owned()) && lines.contains(&"PermissionError".to_owned()), "{lines:?}");
    stop(engine, &workload).await;
    engine.delete_volume(&volume).await.unwrap();
    engine.delete_volume(&volume).await.unwrap();
    assert_eq!(engine.volume_usage(&volume).await, None);
}

async fn tells_how_a_program_ended(engine: &dyn ComputeEngine) {
    let end = async |code: &str| {
        let workload = server(code);
        engine.ensure(&workload).await.unwrap();
        ended(engine, &workload).await
    };
    assert_eq!(end("sys.exit(3)").await, Outcome::Exited { code: 3 });
    assert_eq!(end("sys.exit(0)").await, Outcome::Exited { code: 0 });
    let killed = end("os.kill(os.getpid(), 11)").await;
    assert!(matches!(&killed, Outcome::Failed { reason, .. } if reason.contains("signal 11")), "{killed:?}");
    let missing = Workload { argv: vec!["no-such-program".into()], ..server("") };
    engine.ensure(&missing).await.unwrap();
    let outcome = ended(engine, &missing).await;
    assert!(matches!(&outcome, Outcome::Failed { reason, .. } if reason == "no-such-program was not found."), "{outcome:?}");
}

async fn replaces_an_older_launch_only_after_it_ended(engine: &dyn ComputeEngine) {
    // Would fail to take the lock if the older one still ran.
    let code = "import fcntl\nf = open('lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)";
    let first = server(code);
    start(engine, &first).await;
    let second = Workload { launch: 2, ..first.clone() };
    engine.ensure(&second).await.unwrap();
    ready(engine, &second).await;
    assert!(matches!(engine.ensure(&first).await, Err(Error::Conflict(_))));
    assert_eq!(reaches(engine, &second, |_| true).await.state, State::Ready);
    assert_eq!(stop(engine, &second).await, Outcome::Stopped);
}

async fn refuses_what_it_cannot_give(engine: &dyn ComputeEngine) {
    let capacity = engine.capacity().await.unwrap();
    let ask = |cpus, memory_mib, gpus| Workload { resources: Resources { cpus, memory_mib, gpus }, ..server("") };
    for too_much in [ask(capacity.cpus_total + 1, 128, 0), ask(1, u32::MAX, 0), ask(1, 128, capacity.gpus_total() + 1)] {
        assert!(matches!(engine.ensure(&too_much).await, Err(Error::Invalid(_))));
        assert_eq!(engine.status(&too_much.id).await.unwrap(), None);
    }
    let all = ask(capacity.cpus_total, 128, 0);
    start(engine, &all).await;
    let more = ask(1, 128, 0);
    assert!(matches!(engine.ensure(&more).await, Err(Error::Conflict(_))));
    stop(engine, &all).await;
    start(engine, &more).await;
    stop(engine, &more).await;
}
