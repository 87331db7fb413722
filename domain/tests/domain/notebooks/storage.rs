//! Volumes whose removal does not go through at once.

use super::House;
use domain::{Error, args, notebooks, volumes};

/// Names as the database has them.
async fn rows(house: &House) -> Vec<String> {
    let rows: Vec<(String,)> = house.portal.db.fetch_all("SELECT name FROM volumes ORDER BY name", args![]).await.expect("rows");
    rows.into_iter().map(|row| row.0).collect()
}

async fn listed(house: &House) -> Vec<String> {
    volumes::list(&house.portal, &house.ada, "red").await.expect("listed").into_iter().map(|volume| volume.name).collect()
}

#[tokio::test]
async fn a_removal_that_was_cut_off_is_finished_later_and_leaves_neither_row_nor_files() {
    let house = House::new().await;
    let old = volumes::create(&house.portal, &house.ada, "red", "data").await.expect("made").id;
    house.paper.sheet().stubborn = true;
    volumes::remove(&house.portal, &house.ada, "red", "data").await.expect("wished");
    assert!(house.paper.sheet().volumes.contains(old.as_str()), "the files are still there");
    assert_eq!(rows(&house).await, [format!("data~{old}")], "and so is a row that knows of them");
    assert!(listed(&house).await.is_empty());
    for name in ["data", &format!("data~{old}")] {
        assert!(matches!(volumes::remove(&house.portal, &house.ada, "red", name).await, Err(Error::NotFound("volume"))), "{name}");
    }

    // The name is free for another one, which the end of the first leaves alone.
    let new = volumes::create(&house.portal, &house.ada, "red", "data").await.expect("made anew").id;
    volumes::sweep(&house.portal).await;
    assert_eq!(rows(&house).await.len(), 2, "still stubborn");
    house.paper.sheet().stubborn = false;
    volumes::sweep(&house.portal).await;
    assert_eq!((rows(&house).await, listed(&house).await), (vec!["data".to_owned()], vec!["data".to_owned()]));
    assert_eq!(house.paper.sheet().volumes.iter().cloned().collect::<Vec<_>>(), [new.0]);
}

#[tokio::test]
async fn the_home_of_a_notebook_that_is_being_deleted_goes_with_its_notebook_and_not_before() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    notebooks::delete(&house.portal, &house.ada, "red", &id, true).await.expect("wished");
    assert!(listed(&house).await.is_empty(), "it is gone for everybody already");
    volumes::sweep(&house.portal).await;
    assert_eq!((rows(&house).await.len(), house.paper.sheet().volumes.len()), (1, 1), "the program may still write to it");
    house.look().await;
    house.look().await;
    assert_eq!((rows(&house).await.len(), house.paper.sheet().volumes.len()), (0, 0));
}

#[tokio::test]
async fn a_portal_that_starts_finishes_what_the_last_one_began() {
    let house = House::new().await;
    volumes::create(&house.portal, &house.ada, "red", "data").await.expect("made");
    house.paper.sheet().stubborn = true;
    volumes::remove(&house.portal, &house.ada, "red", "data").await.expect("wished");
    house.paper.sheet().stubborn = false;
    let portal = house.portal.clone();
    let supervisor = tokio::spawn(async move { Box::pin(notebooks::supervisor::run(portal)).await });
    let gone = async {
        while !rows(&house).await.is_empty() || !house.paper.sheet().volumes.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("it is finished");
    supervisor.abort();
}
