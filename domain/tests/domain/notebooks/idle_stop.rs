//! Idle stop, on a clock that the tests move.

use super::{House, request};
use domain::{
    Error,
    compute::{Activity, State},
    model::{NotebookId, Phase},
    notebooks::{self, idle},
};

const MINUTE: i64 = 60_000;

async fn after(house: &House, minutes: i64, id: &NotebookId) -> Phase {
    house.portal.clock.advance(minutes * MINUTE);
    idle::look(&house.portal).await;
    house.get(id).await.phase
}

#[tokio::test]
async fn a_notebook_that_nobody_uses_becomes_idle_and_then_stops() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    assert_eq!(after(&house, 4, &id).await, Phase::Ready);
    assert_eq!(after(&house, 1, &id).await, Phase::Idle);
    assert_eq!(after(&house, 54, &id).await, Phase::Idle);
    assert_eq!(after(&house, 1, &id).await, Phase::Stopping);
    house.look().await;
    house.look().await;
    let stopped = house.get(&id).await;
    assert_eq!((stopped.phase, stopped.reason.as_deref()), (Phase::Stopped, Some("Stopped after 60 minutes without activity.")));
    assert_eq!(house.audited().await, ["ada notebook.launch", "system notebook.stop"]);
}

#[tokio::test]
async fn use_snooze_and_computing_each_start_the_wait_over() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    assert_eq!(after(&house, 50, &id).await, Phase::Idle);
    notebooks::touch(&house.portal, &id);
    assert_eq!(after(&house, 0, &id).await, Phase::Ready, "traffic");
    assert_eq!(house.get(&id).await.idle_stop_at, Some(house.portal.clock.now() + 60 * MINUTE));

    assert_eq!(after(&house, 50, &id).await, Phase::Idle);
    let snoozed = notebooks::snooze(&house.portal, &house.ada, "red", &id).await.expect("snoozed");
    assert_eq!((snoozed.phase, snoozed.idle_stop_at), (Phase::Ready, Some(house.portal.clock.now() + 60 * MINUTE)));

    let busy = |busy, last_activity_at| {
        house.paper.sheet().activity.insert(id.0.clone(), Activity { busy, last_activity_at });
    };
    busy(true, None);
    assert_eq!(after(&house, 70, &id).await, Phase::Ready, "a cell runs");
    busy(false, Some(house.portal.clock.now() + 10 * MINUTE));
    assert_eq!(after(&house, 50, &id).await, Phase::Idle);
    assert_eq!(after(&house, 15, &id).await, Phase::Idle, "its own last activity counts");
    assert_eq!(after(&house, 5, &id).await, Phase::Stopping);
}

#[tokio::test]
async fn without_idle_stop_it_runs_on() {
    let house = House::new().await;
    let mut asked = request("churn");
    asked.spec.idle_minutes = None;
    let id = house.launch(asked).await.expect("launched").id;
    house.look().await;
    house.paper.report(id.as_str(), State::Ready);
    house.look().await;
    assert_eq!(after(&house, 100_000, &id).await, Phase::Idle);
    assert_eq!(house.get(&id).await.idle_stop_at, None);
}

#[tokio::test]
async fn only_what_is_open_can_be_snoozed() {
    let house = House::new().await;
    let id = house.launch(request("churn")).await.expect("launched").id;
    assert!(matches!(notebooks::snooze(&house.portal, &house.ada, "red", &id).await, Err(Error::Conflict(_))));
}
