//! Quotas of teams: who sets them, what they keep waiting, and what they refuse at once.

use super::{House, refused, request};
use domain::{
    Caller, Error, args,
    compute::Outcome,
    home,
    model::{NotebookId, Phase, Quota, Resources, Share},
    notebooks, teams,
};

const ONE_CPU: Quota = Quota { cpus: Some(1), memory_mib: None, gpus: None };

async fn set(house: &House, quota: Quota) {
    teams::set_quota(&house.portal, &Caller::console(), "red", quota).await.expect("set");
}

fn begun(house: &House, id: &NotebookId) -> bool {
    house.paper.begun().iter().any(|(begun, _)| begun == id.as_str())
}

#[tokio::test]
async fn a_launch_over_the_quota_of_its_team_waits_says_so_and_starts_when_there_is_room() {
    let house = House::new().await;
    set(&house, ONE_CPU).await;
    let first = house.ready("first").await;
    let second = house.launch(request("second")).await.expect("queued").id;
    house.look().await;
    let waits = house.get(&second).await;
    assert_eq!(waits.phase, Phase::Queued);
    assert_eq!(waits.reason.as_deref(), Some("Waits for 1 CPU (1 of 1 in use) in the quota of team red."));

    // The wizard says the same before the click, and of another team nothing.
    let capacity = home::capacity(&house.portal, &house.ada, "red").await.expect("capacity");
    assert_eq!(capacity.share, Some(Share { cpus: 1, memory_mib: 512, ..Share::new("red", ONE_CPU) }));
    let eve = house.test.caller("eve").await;
    assert_eq!(home::capacity(&house.portal, &eve, "blue").await.expect("capacity").share, None);
    let other = notebooks::launch(&house.portal, &eve, "blue", request("theirs")).await.expect("launched").id;
    house.look().await;
    assert!(begun(&house, &other), "who waits for red's quota stands in nobody else's way");

    // Once the first has ended the second goes.
    notebooks::stop(&house.portal, &house.ada, "red", &first).await.expect("stopped");
    house.look().await;
    house.paper.ends(first.as_str(), Outcome::Stopped);
    house.look().await;
    house.look().await;
    assert!(begun(&house, &second));
}

#[tokio::test]
async fn what_a_quota_never_allows_is_refused_at_its_field_and_a_larger_quota_lets_it_go() {
    let house = House::new().await;
    set(&house, ONE_CPU).await;
    let mut large = request("large");
    large.spec.resources = Resources { cpus: 2, ..large.spec.resources };
    let fields = refused(house.launch(large.clone()).await);
    assert_eq!((fields[0].field.as_str(), fields[0].reason.as_str()), ("cpus", "The quota of team red is 1 CPU (2 asked for)."));
    set(&house, Quota { cpus: Some(2), gpus: Some(0), ..ONE_CPU }).await;
    house.launch(large).await.expect("allowed now");
}

#[tokio::test]
async fn only_administrators_of_the_portal_set_quotas_and_each_change_is_in_the_audit_trail() {
    let house = House::new().await;
    house.test.admin("boss").await;
    for who in ["ada", "root", "eve"] {
        let caller = house.test.caller(who).await;
        assert!(matches!(teams::set_quota(&house.portal, &caller, "red", ONE_CPU).await, Err(Error::Forbidden(_))), "{who}");
    }
    let boss = house.test.caller("boss").await;
    teams::set_quota(&house.portal, &boss, "red", ONE_CPU).await.expect("set");
    teams::set_quota(&house.portal, &boss, "red", ONE_CPU).await.expect("the same again is no change");
    teams::set_quota(&house.portal, &boss, "red", Quota::default()).await.expect("taken away");
    assert!(matches!(teams::set_quota(&house.portal, &boss, "none", ONE_CPU).await, Err(Error::NotFound("team"))));
    let huge = Quota { gpus: Some(u32::MAX), ..Quota::default() };
    assert!(matches!(teams::set_quota(&house.portal, &boss, "red", huge).await, Err(Error::Invalid(_))));
    let sql = "SELECT before, after FROM audit WHERE action = 'team.set_quota' ORDER BY seq";
    let rows: Vec<(String, String)> = house.portal.db.fetch_all(sql, args![]).await.expect("the audit trail");
    assert_eq!(rows.len(), 2);
    assert!(rows[0].0.contains(r#""cpus":null"#) && rows[0].1.contains(r#""cpus":1"#), "{rows:?}");
    let list = teams::list_all(&house.portal, &boss).await.expect("teams");
    assert!(list.iter().all(|team| team.share.quota.is_open()));
}
