//! From queued to deleted, with crashes in between.

use super::{House, phases, request};
use domain::{
    Caller, Error, args,
    compute::{Outcome, State},
    model::{AuditFilter, Change, Phase, Progress, Resources},
    notebooks,
};

#[tokio::test]
async fn a_life_from_launch_to_stop_and_start() {
    let house = House::new().await;
    let id = house.launch(request("churn")).await.expect("launched").id;
    house.look().await;
    house.portal.clock.advance(1_000);
    house.paper.report(id.as_str(), State::Ready);
    house.look().await;
    let ready = house.get(&id).await;
    assert_eq!(phases(&ready), [Phase::Queued, Phase::Starting, Phase::Ready]);
    assert_eq!(ready.idle_stop_at, Some(house.portal.clock.now() + 60 * 60_000));
    assert_eq!(notebooks::upstream(&house.portal, &id).await.expect("an upstream").address.port(), 9);

    let stopping = notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    assert_eq!((stopping.phase, stopping.idle_stop_at), (Phase::Stopping, None));
    let again = notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    assert_eq!(again.timeline.len(), stopping.timeline.len(), "stopping twice is stopping once");
    assert!(matches!(notebooks::start(&house.portal, &house.ada, "red", &id).await, Err(Error::Conflict(_))));
    assert!(matches!(notebooks::upstream(&house.portal, &id).await, Err(Error::Conflict(_))));
    house.look().await;
    house.look().await;
    assert_eq!(house.get(&id).await.phase, Phase::Stopped);

    let started = notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    assert_eq!((started.launch, phases(&started)), (2, vec![Phase::Queued]));
    let twice = notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    assert_eq!(twice.launch, 2, "starting twice is starting once");
    house.look().await;
    assert_eq!(house.paper.begun(), [(id.0.clone(), 1), (id.0.clone(), 2)]);
    let audited = house.audited().await;
    assert_eq!(audited, ["ada notebook.launch", "ada notebook.stop", "ada notebook.start"]);
    let filter = AuditFilter { action: "notebook.start".into(), ..AuditFilter::default() };
    let records = domain::audit::list(&house.portal, &Caller::console(), &filter).await.expect("records");
    let change = (records[0].before.as_deref(), records[0].after.as_deref());
    assert_eq!(change, (Some(r#"{"launch":1}"#), Some(r#"{"launch":2}"#)), "what changed, and not the whole of it twice");
}

#[tokio::test]
async fn a_late_fact_of_an_earlier_launch_changes_nothing() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let late = house.paper.sheet().facts[id.as_str()].clone();
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    house.look().await;
    house.look().await;
    notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    let portal = house.portal.clone();
    let supervisor = tokio::spawn(async move { Box::pin(notebooks::supervisor::run(portal)).await });
    let reaches = async |phase| {
        let reached = async {
            while house.get(&id).await.phase != phase {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), reached).await.expect("the phase is reached");
    };
    reaches(Phase::Starting).await;
    house.paper.repeats(late);
    // Told in order: once this is followed, the late one was too.
    house.paper.report(id.as_str(), State::Ready);
    reaches(Phase::Ready).await;
    supervisor.abort();
    let present = house.get(&id).await;
    assert_eq!((present.launch, phases(&present)), (2, vec![Phase::Queued, Phase::Starting, Phase::Ready]));
}

#[tokio::test]
async fn preparing_shows_its_progress() {
    let house = House::new().await;
    house.paper.sheet().begins = Some(State::Preparing { step: "Installing jupyterlab".into(), done: 3, total: 9 });
    let id = house.launch(request("churn")).await.expect("launched").id;
    house.look().await;
    let preparing = house.get(&id).await;
    assert_eq!(preparing.phase, Phase::Preparing);
    assert_eq!(preparing.progress, Some(Progress { step: "Installing jupyterlab".into(), done: 3, total: 9 }));
    house.paper.report(id.as_str(), State::Starting);
    house.look().await;
    assert_eq!(house.get(&id).await.progress, None);
}

#[tokio::test]
async fn what_ends_by_itself_fails_with_a_reason_and_a_next_step() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    house.paper.ends(id.as_str(), Outcome::Exited { code: 3 });
    house.look().await;
    let failed = house.get(&id).await;
    assert_eq!(failed.phase, Phase::Failed);
    assert_eq!(failed.reason.as_deref(), Some("The program ended by itself with exit code 3."));
    assert_eq!(failed.next_step.as_deref(), Some("See the last lines of the log, then start it again."));
    assert_eq!(house.audited().await, ["ada notebook.launch", "system notebook.fail"]);
    house.look().await;
    assert_eq!(house.paper.begun().len(), 1, "nothing starts again by itself");

    notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    house.look().await;
    let outcome = Outcome::Failed { reason: "It used more memory than it has.".into(), next_step: "Give it more.".into() };
    house.paper.ends(id.as_str(), outcome);
    house.look().await;
    let failed = house.get(&id).await;
    assert_eq!((failed.reason.as_deref(), failed.next_step.as_deref()), (Some("It used more memory than it has."), Some("Give it more.")));
}

#[tokio::test]
async fn what_the_engine_refuses_fails_with_its_words() {
    let house = House::new().await;
    let id = house.launch(request("churn")).await.expect("launched").id;
    house.paper.sheet().refusal = Some(Error::Conflict("This machine has no git.".into()));
    house.look().await;
    let failed = house.get(&id).await;
    assert_eq!((failed.phase, failed.reason.as_deref()), (Phase::Failed, Some("This machine has no git.")));
    // A fault of ours is logged, never shown.
    notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    house.paper.sheet().refusal = Some(Error::Internal("/srv/slipway: EIO".into()));
    house.look().await;
    let failed = house.get(&id).await;
    assert!(failed.phase == Phase::Failed && !failed.reason.unwrap_or_default().contains("EIO"));
}

#[tokio::test]
async fn late_and_stale_facts_change_nothing() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    house.paper.report(id.as_str(), State::Starting);
    house.look().await;
    assert_eq!(house.get(&id).await.phase, Phase::Ready, "a notebook only moves on");
    house.paper.sheet().facts.get_mut(id.as_str()).expect("a fact").launch = 0;
    house.paper.ends(id.as_str(), Outcome::Exited { code: 1 });
    house.look().await;
    assert_ne!(house.get(&id).await.phase, Phase::Failed, "an older launch is not this one");
}

#[tokio::test]
async fn a_launch_that_the_machine_has_lost_starts_anew() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    house.paper.sheet().facts.clear();
    house.look().await;
    house.look().await;
    let notebook = house.get(&id).await;
    assert_eq!(phases(&notebook), [Phase::Queued, Phase::Starting, Phase::Ready, Phase::Queued, Phase::Starting]);
    assert_eq!(notebook.launch, 1);
}

#[tokio::test]
async fn a_wish_to_stop_outlives_a_crash() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    // The engine was asked, and the portal killed before it ended.
    house.paper.report(id.as_str(), State::Stopping);
    house.look().await;
    house.look().await;
    assert_eq!(house.get(&id).await.phase, Phase::Stopped);
}

#[tokio::test]
async fn what_runs_without_a_row_is_stopped_and_forgotten() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    house.portal.db.execute("DELETE FROM notebooks WHERE id = $1", args![&id]).await.expect("deleted");
    house.look().await;
    house.look().await;
    assert_eq!(house.paper.state(id.as_str()), None);
}

#[tokio::test]
async fn the_third_waits_says_for_what_and_starts_when_one_stops() {
    let house = House::with(2, 0).await;
    let first = house.ready("one").await;
    house.portal.clock.advance(1);
    house.ready("two").await;
    house.portal.clock.advance(1);
    let third = house.launch(request("three")).await.expect("launched").id;
    house.look().await;
    let waiting = house.get(&third).await;
    assert_eq!((waiting.phase, waiting.reason.as_deref()), (Phase::Queued, Some("Waits for 1 CPU (0 of 2 free).")));
    notebooks::stop(&house.portal, &house.ada, "red", &first).await.expect("stopped");
    house.look().await;
    house.look().await;
    let started = house.get(&third).await;
    assert_eq!((started.phase, started.reason), (Phase::Starting, None));
}

#[tokio::test]
async fn a_queued_launch_stops_without_ever_having_run() {
    let house = House::with(1, 0).await;
    house.ready("one").await;
    let second = house.launch(request("two")).await.expect("launched").id;
    house.look().await;
    notebooks::stop(&house.portal, &house.ada, "red", &second).await.expect("stopped");
    house.look().await;
    assert_eq!(house.get(&second).await.phase, Phase::Stopped);
    assert_eq!(house.paper.begun().len(), 1);
}

#[tokio::test]
async fn a_size_is_changed_while_stopped_and_counts_at_the_next_start() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let larger = Resources { cpus: 3, memory_mib: 1024, gpus: 0 };
    let resize = |resources: Resources| notebooks::resize(&house.portal, &house.ada, "red", &id, resources, Some(30));
    assert!(matches!(resize(larger.clone()).await, Err(Error::Conflict(_))));
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    house.look().await;
    house.look().await;
    assert_eq!(super::refused(resize(Resources { cpus: 0, ..larger.clone() }).await)[0].field, "cpus");
    assert_eq!(super::refused(resize(Resources { cpus: 99, ..larger.clone() }).await)[0].field, "cpus");
    let resized = resize(larger.clone()).await.expect("resized");
    assert_eq!((resized.spec.resources, resized.spec.idle_minutes), (larger.clone(), Some(30)));
    notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    house.look().await;
    assert_eq!(house.paper.workload(id.as_str()).resources, larger);
}

#[tokio::test]
async fn a_deleted_notebook_is_gone_at_once_and_its_name_is_free() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let before = domain::events::latest(&house.portal).await.expect("a number");
    notebooks::delete(&house.portal, &house.ada, "red", &id, true).await.expect("deleted");
    assert!(matches!(notebooks::get(&house.portal, &house.ada, "red", &id).await, Err(Error::NotFound("notebook"))));
    assert!(matches!(notebooks::delete(&house.portal, &house.ada, "red", &id, true).await, Err(Error::NotFound("notebook"))));
    assert!(house.names().await.is_empty());
    let home = house.paper.workload(id.as_str()).home;
    let second = house.launch(request("churn")).await.expect("the name and the home are free");
    house.look().await;
    house.look().await;
    assert_eq!(house.paper.state(id.as_str()), None);
    assert_ne!(house.paper.workload(second.id.as_str()).home, home, "a new home, not the old files");
    assert!(!house.paper.sheet().volumes.contains(home.as_str()), "the files are gone");
    let rows: Vec<(String,)> = house.portal.db.fetch_all("SELECT id FROM notebooks", args![]).await.expect("rows");
    assert_eq!(rows, [(second.id.0,)]);
    let events = domain::events::since(&house.portal, before).await.expect("events").expect("kept");
    let about_it: Vec<_> = events
        .iter()
        .filter(|e| match &e.change {
            Change::Notebook(n) => n.id == id,
            Change::NotebookDeleted { id: gone } => *gone == id.0,
            _ => false,
        })
        .map(|e| matches!(e.change, Change::NotebookDeleted { .. }))
        .collect();
    assert_eq!(about_it, [true], "it is reported gone once, and not heard of again");
}

#[tokio::test]
async fn storage_stays_unless_it_is_deleted_and_nobody_else_uses_it() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let home = house.paper.workload(id.as_str()).home;
    let mut other = request("other");
    other.spec.data = vec![domain::model::VolumeMount { volume: "churn".into(), read_only: true }];
    let other = house.launch(other).await.expect("launched").id;
    let refused = notebooks::delete(&house.portal, &house.ada, "red", &id, true).await;
    assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("Notebook other")), "{refused:?}");
    notebooks::delete(&house.portal, &house.ada, "red", &id, false).await.expect("deleted");
    house.look().await;
    house.look().await;
    assert!(house.paper.sheet().volumes.contains(home.as_str()));
    assert_eq!(house.names().await, ["other"]);
    let mut again = request("churn");
    again.spec.home = "churn".into();
    let again = house.launch(again).await.expect("launched").id;
    house.look().await;
    assert_eq!(house.paper.workload(again.as_str()).home, home, "the same files");
    assert_ne!(again, other);
}
