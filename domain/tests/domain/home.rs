//! The first page's facts.

use super::teams::notebook;
use domain::{Error, args, home, model::Role, testing::TestPortal};

#[tokio::test]
async fn the_first_page_shows_what_runs_mine_first_and_what_happened_without_its_details() {
    let test = TestPortal::new().await;
    let team = test.team("vision", &[("ada", Role::Admin), ("vic", Role::Viewer), ("mel", Role::Member)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    let id = async |who: &str| test.caller(who).await.identity().expect("signed in").user.id.clone();
    notebook(&test, &team.id, &id("mel").await, "hers").await;
    test.portal.clock.advance(1);
    notebook(&test, &team.id, &id("ada").await, "theirs").await;
    notebook(&test, &team.id, &id("mel").await, "over").await;
    test.portal.db.execute("UPDATE notebooks SET phase = 'stopped' WHERE name = 'over'", args![]).await.expect("stopped");

    let shown = home::summary(&test.portal, &test.caller("mel").await, "vision").await.expect("shown");
    assert_eq!(shown.notebooks.iter().map(|n| n.spec.name.as_str()).collect::<Vec<_>>(), ["hers", "theirs"]);
    assert!(shown.capacity.cpus_total > 0 && shown.capacity.memory_mib_total > 0);
    assert_eq!(shown.activity.first().map(|r| (r.action.as_str(), r.object_name.as_str())), Some(("team.set_member", "mel@example.com")));
    assert!(shown.activity.iter().all(|r| r.team.as_deref() == Some("vision")));
    assert!(shown.activity.iter().all(|r| r.before.is_none() && r.after.is_none() && r.address.is_empty() && r.request_id.is_empty()));

    home::summary(&test.portal, &test.caller("vic").await, "vision").await.expect("a viewer sees it too");
    for foreign in ["vision", "nowhere"] {
        let sam = test.caller("sam").await;
        assert!(matches!(home::summary(&test.portal, &sam, foreign).await, Err(Error::NotFound("team"))));
        assert!(matches!(home::capacity(&test.portal, &sam, foreign).await, Err(Error::NotFound("team"))));
    }
    assert!(matches!(home::capacity(&test.portal, &test.stranger(), "vision").await, Err(Error::Unauthenticated)));
}
