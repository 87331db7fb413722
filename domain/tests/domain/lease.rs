//! One of several processes looks after notebooks, and no other writes as if it did.

use domain::{Clock, Error, Portal, db::Db, testing::TestPortal};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// A process of its own on the same database.
async fn another(test: &TestPortal) -> Portal {
    Portal { db: Db::open(&test.database.url).await.expect("opened"), lease: Arc::default(), ..test.portal.clone() }
}

fn run(portal: &Portal) -> JoinHandle<()> {
    let (lease, db) = (portal.lease.clone(), portal.db.clone());
    tokio::spawn(async move { lease.run(&db).await })
}

async fn fenced(portal: &Portal) -> domain::Result<()> {
    let mut tx = portal.db.begin().await?;
    portal.lease.fence(&mut tx).await?;
    tx.commit().await
}

#[tokio::test]
async fn whoever_was_replaced_writes_nothing_though_their_own_clock_says_nothing_of_it() {
    let test = TestPortal::with_clock(Clock::system()).await;
    let (first, second) = (another(&test).await, another(&test).await);
    assert!(matches!(fenced(&first).await, Err(Error::Unavailable(_))), "nobody holds it yet");
    first.lease.seize(&first.db).await.expect("seized");
    fenced(&first).await.expect("its own");
    let before = first.lease.epoch();
    // As if the first had slept for long: it still believes to hold it.
    second.lease.seize(&second.db).await.expect("seized");
    assert_eq!(first.lease.epoch(), before);
    assert!(second.lease.epoch() > before, "epochs count up");
    assert!(matches!(fenced(&first).await, Err(Error::Unavailable(_))));
    fenced(&second).await.expect("its own");
}

#[tokio::test]
async fn a_change_of_holders_waits_for_what_the_one_before_is_writing() {
    let test = TestPortal::with_clock(Clock::system()).await;
    let (first, second) = (another(&test).await, another(&test).await);
    first.lease.seize(&first.db).await.expect("seized");
    let mut tx = first.db.begin().await.expect("begun");
    first.lease.fence(&mut tx).await.expect("held");
    let taking = {
        let (lease, db) = (second.lease.clone(), second.db.clone());
        tokio::spawn(async move { lease.seize(&db).await })
    };
    assert!(tokio::time::timeout(Duration::from_millis(300), second.lease.held()).await.is_err(), "not while the first writes");
    tx.commit().await.expect("written");
    taking.await.expect("a task").expect("seized");
    assert!(second.lease.is_held());
}

/// As when its machine has lost its power or its network: nobody tells the database.
#[tokio::test]
async fn a_holder_that_freezes_while_it_writes_keeps_nobody_out() {
    let test = TestPortal::with_clock(Clock::system()).await;
    if test.portal.db.kind() != "postgres" {
        return;
    }
    let (first, second) = (another(&test).await, another(&test).await);
    first.lease.seize(&first.db).await.expect("seized");
    let mut frozen = first.db.begin().await.expect("begun");
    first.lease.fence(&mut frozen).await.expect("held");
    let waits = run(&second);
    tokio::time::timeout(Duration::from_secs(20), second.lease.held()).await.expect("replaced");
    assert!(frozen.commit().await.is_err(), "what it was writing is not written");
    waits.abort();
}

#[tokio::test]
async fn a_holder_that_beats_keeps_it_one_that_is_silent_is_replaced_and_one_that_leaves_is_not_waited_for() {
    let test = TestPortal::with_clock(Clock::system()).await;
    let (first, second) = (another(&test).await, another(&test).await);
    first.lease.seize(&first.db).await.expect("seized");
    let (beats, waits) = (run(&first), run(&second));
    if first.db.kind() == "postgres" {
        // Longer than silence is borne.
        assert!(tokio::time::timeout(Duration::from_secs(13), second.lease.held()).await.is_err());
        assert!(first.lease.is_held());
        beats.abort();
        let silent = Instant::now();
        tokio::time::timeout(Duration::from_secs(20), second.lease.held()).await.expect("replaced");
        assert!(!first.lease.is_held(), "the first stopped by itself, before: {:?}", silent.elapsed());
    } else {
        // An embedded database has one process: the new one is taken at its word.
        tokio::time::timeout(Duration::from_secs(5), second.lease.held()).await.expect("replaced");
        let epoch = first.lease.epoch().unwrap_or_default();
        tokio::time::timeout(Duration::from_secs(5), first.lease.lost(epoch)).await.expect("the first hears of it");
        beats.abort();
    }
    let third = another(&test).await;
    waits.abort();
    second.lease.release(&second.db).await;
    assert!(!second.lease.is_held());
    let takes = run(&third);
    tokio::time::timeout(Duration::from_secs(5), third.lease.held()).await.expect("nobody was waited for");
    takes.abort();
}

#[tokio::test]
async fn events_of_another_process_wake_this_one_at_once() {
    let test = TestPortal::with_clock(Clock::system()).await;
    if test.portal.db.kind() != "postgres" {
        return;
    }
    let other = another(&test).await;
    let mut others = test.portal.db.others();
    // It listens now.
    others.heard().await;
    other.db.tell_others().await.expect("told");
    tokio::time::timeout(Duration::from_secs(5), others.heard()).await.expect("heard");
}
