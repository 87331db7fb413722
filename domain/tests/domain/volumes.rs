//! Volumes: names per team, kept while a notebook has them.

use super::teams::notebook;
use domain::{Error, args, model::Role, testing::TestPortal, volumes};

#[tokio::test]
async fn a_volume_name_is_unique_in_its_team_and_free_in_others() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Member)]).await;
    test.team("speech", &[("sam", Role::Member)]).await;
    let (ada, sam) = (test.caller("ada").await, test.caller("sam").await);
    let made = volumes::create(&test.portal, &ada, "vision", "data").await.expect("made");
    assert_eq!((made.team.as_str(), made.created_by.as_str()), ("vision", "ada@example.com"));
    assert!(matches!(volumes::create(&test.portal, &ada, "vision", "data").await, Err(Error::AlreadyExists(_))));
    volumes::create(&test.portal, &sam, "speech", "data").await.expect("a hidden name is free");
    assert!(matches!(volumes::create(&test.portal, &ada, "vision", "../x").await, Err(Error::Invalid(_))));
    assert_eq!(volumes::list(&test.portal, &ada, "vision").await.expect("listed").len(), 1);
}

#[tokio::test]
async fn a_viewer_sees_volumes_and_changes_none_and_others_see_none() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Member), ("vic", Role::Viewer)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    volumes::create(&test.portal, &test.caller("ada").await, "vision", "data").await.expect("made");
    let (vic, sam) = (test.caller("vic").await, test.caller("sam").await);
    assert_eq!(volumes::list(&test.portal, &vic, "vision").await.expect("listed").len(), 1);
    assert!(matches!(volumes::create(&test.portal, &vic, "vision", "mine").await, Err(Error::Forbidden(_))));
    assert!(matches!(volumes::remove(&test.portal, &vic, "vision", "data").await, Err(Error::Forbidden(_))));
    assert!(matches!(volumes::list(&test.portal, &sam, "vision").await, Err(Error::NotFound("team"))));
    assert!(matches!(volumes::remove(&test.portal, &sam, "vision", "data").await, Err(Error::NotFound("team"))));
    assert!(matches!(volumes::list(&test.portal, &test.stranger(), "vision").await, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn a_volume_stays_while_a_notebook_has_it() {
    let test = TestPortal::new().await;
    let team = test.team("vision", &[("ada", Role::Member)]).await;
    let ada = test.caller("ada").await;
    let owner = ada.identity().expect("signed in").user.id.clone();
    let data = volumes::create(&test.portal, &ada, "vision", "data").await.expect("made");
    notebook(&test, &team.id, &owner, "churn").await;
    let attach = "INSERT INTO notebook_volumes (notebook_id, volume_id, read_only) VALUES ('nb-churn', $1, 1)";
    test.portal.db.execute(attach, args![&data.id]).await.expect("attached");
    for name in ["data", "churn"] {
        let refused = volumes::remove(&test.portal, &ada, "vision", name).await.expect_err(name);
        assert!(matches!(&refused, Error::Conflict(why) if why.contains("churn")), "{refused:?}");
    }
    let listed = volumes::list(&test.portal, &ada, "vision").await.expect("listed");
    assert!(listed.iter().all(|v| v.attached_to == ["churn"]), "{listed:?}");
}

#[tokio::test]
async fn a_volume_that_was_attached_a_moment_ago_is_in_conflict() {
    let test = TestPortal::new().await;
    let team = test.team("vision", &[("ada", Role::Member)]).await;
    let owner = test.caller("ada").await.identity().expect("signed in").user.id.clone();
    notebook(&test, &team.id, &owner, "churn").await;
    // What `remove` meets where a launch attaches the volume after it has looked.
    let deleted = test.portal.db.execute("DELETE FROM volumes WHERE name = 'churn'", args![]).await;
    assert!(matches!(deleted, Err(Error::Conflict(_))), "{deleted:?}");
}

#[tokio::test]
async fn a_new_volume_has_a_folder_and_a_removed_one_leaves_no_files() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Member)]).await;
    let ada = test.caller("ada").await;
    let volume = volumes::create(&test.portal, &ada, "vision", "data").await.expect("made");
    let folder = test.folder.path().join("volumes").join(volume.id.as_str());
    std::fs::write(folder.join("weights.bin"), vec![7; 100_000]).expect("a file");
    let used = volumes::list(&test.portal, &ada, "vision").await.expect("listed")[0].used_bytes;
    assert!(used.is_some_and(|bytes| bytes >= 100_000), "{used:?}");
    volumes::remove(&test.portal, &ada, "vision", "data").await.expect("removed");
    assert!(!folder.exists() && volumes::list(&test.portal, &ada, "vision").await.expect("listed").is_empty());
}
