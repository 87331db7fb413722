//! The live stream: every committed change once, in order, and nothing else.

use domain::{
    Portal, args, events,
    model::{Change, Event},
    testing::TestPortal,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::Receiver;

async fn change(portal: &Portal, team: &str, commit: bool) {
    let mut tx = portal.db.begin().await.expect("a transaction");
    events::publish(&mut tx, portal.clock.now(), Some(team), &Change::Volumes).await.expect("published");
    if commit {
        tx.commit().await.expect("committed");
    }
}

async fn next(stream: &mut Receiver<Arc<Event>>) -> Arc<Event> {
    tokio::time::timeout(Duration::from_mins(1), stream.recv()).await.expect("an event in time").expect("an event")
}

#[tokio::test]
async fn each_committed_change_comes_once_and_in_order() {
    let test = TestPortal::new().await;
    let portal = &test.portal;
    let mut stream = portal.events.subscribe();
    let start = events::latest(portal).await.expect("a number");
    let pump = tokio::spawn(events::run(portal.clone(), start));
    // Whether the pump looks before or after.
    change(portal, "red", true).await;
    assert_eq!(next(&mut stream).await.seq, start + 1);
    let start = start + 1;
    futures::future::join_all((0..20).map(|i| change(portal, "red", i % 4 != 0))).await;
    let mut seen = Vec::new();
    while seen.len() < 15 {
        seen.push(next(&mut stream).await.seq);
    }
    assert_eq!(seen, (start + 1..=start + 15).collect::<Vec<_>>(), "without a gap, without what was rolled back");
    pump.abort();
}

#[tokio::test]
async fn a_change_of_another_process_is_seen_too() {
    let test = TestPortal::new().await;
    let mut stream = test.portal.events.subscribe();
    let seen = events::latest(&test.portal).await.expect("a number");
    let pump = tokio::spawn(events::run(test.portal.clone(), seen));
    // Its own connections, as the command line has: no wake-up reaches the pump.
    let other = domain::db::Db::open(&test.database.url).await.expect("opened");
    let mut tx = other.begin().await.expect("a transaction");
    events::publish(&mut tx, 1, Some("blue"), &Change::Team).await.expect("published");
    tx.commit().await.expect("committed");
    let event = next(&mut stream).await;
    assert_eq!(event.team.as_deref(), Some("blue"));
    pump.abort();
    other.close().await;
}

#[tokio::test]
async fn a_stream_resumes_where_it_was_or_is_told_that_it_cannot() {
    let test = TestPortal::new().await;
    let portal = &test.portal;
    let start = events::latest(portal).await.expect("a number");
    for _ in 0..3 {
        change(portal, "red", true).await;
    }
    let since = |seq| async move { events::since(portal, seq).await.expect("an answer").map(|e| e.len()) };
    assert_eq!(since(start).await, Some(3));
    assert_eq!(since(start + 3).await, Some(0));
    assert_eq!(since(start + 100).await, None, "of the future, as after a restored backup");
    portal.db.execute("DELETE FROM events WHERE seq <= $1", args![start + 2]).await.expect("deleted");
    assert_eq!(since(start).await, None, "too long away");
    assert_eq!(since(start + 2).await, Some(1));
    for _ in 0..1000 {
        change(portal, "red", true).await;
    }
    assert_eq!(since(start + 2).await, None, "so far behind that loading the page again is cheaper");
}
