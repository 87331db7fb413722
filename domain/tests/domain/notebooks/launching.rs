//! What a launch checks, keeps and refuses.

use super::{House, refused, request};
use domain::{
    Caller, Error, args, environments,
    model::{EnvVar, Event, LaunchRequest, Phase, Role, VolumeMount},
    notebooks, volumes,
};

#[tokio::test]
async fn a_launch_is_queued_at_once_and_given_to_the_engine() {
    let house = House::new().await;
    let mut asked = request("churn");
    asked.spec.env = vec![EnvVar { name: "MODE".into(), value: "fast".into() }];
    asked.secrets = vec![EnvVar { name: "API_KEY".into(), value: "hunter2-hunter2".into() }];
    let launched = house.launch(asked).await.expect("launched");
    assert_eq!((launched.phase, launched.launch, launched.owner_email.as_str()), (Phase::Queued, 1, "ada@example.com"));
    assert_eq!(launched.secret_names, ["API_KEY"]);
    house.look().await;
    let workload = house.paper.workload(launched.id.as_str());
    assert_eq!(workload.argv, ["serve", "{port}"]);
    assert_eq!((workload.team.as_str(), workload.launch), ("red", 1));
    assert_eq!(workload.env["MODE"], "fast");
    assert_eq!(workload.secrets["API_KEY"].0, "hunter2-hunter2");
    assert_eq!(house.get(&launched.id).await.phase, Phase::Starting);
    assert_eq!(house.audited().await, ["ada notebook.launch"]);
}

#[tokio::test]
async fn a_secret_is_nowhere_in_the_clear() {
    let house = House::new().await;
    let mut asked = request("churn");
    asked.secrets = vec![EnvVar { name: "API_KEY".into(), value: "hunter2-hunter2".into() }];
    let id = house.launch(asked).await.expect("launched").id;
    house.look().await;
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    house.look().await;
    house.look().await;
    notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    notebooks::delete(&house.portal, &house.ada, "red", &id, true).await.expect("deleted");
    let everything = "SELECT spec FROM notebooks UNION ALL SELECT sealed FROM notebook_secrets UNION ALL SELECT change FROM events
        UNION ALL SELECT COALESCE(before, '') FROM audit UNION ALL SELECT COALESCE(after, '') FROM audit
        UNION ALL SELECT COALESCE(reason, '') FROM notebooks UNION ALL SELECT COALESCE(reason, '') FROM notebook_phases";
    let rows: Vec<(String,)> = house.portal.db.fetch_all(everything, args![]).await.expect("rows");
    assert!(rows.iter().any(|r| r.0.contains("API_KEY")), "the name is kept");
    assert!(rows.iter().all(|r| !r.0.contains("hunter2")), "the value is not");
    assert!(!format!("{:?}", house.paper.workload(id.as_str())).contains("hunter2"));
}

#[tokio::test]
async fn the_same_click_launches_once() {
    let house = House::new().await;
    let asked = LaunchRequest { idempotency_key: "form-1".into(), ..request("churn") };
    let (one, two, three) = tokio::join!(house.launch(asked.clone()), house.launch(asked.clone()), house.launch(asked.clone()));
    let ids = [one, two, three].map(|n| n.expect("launched").id);
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(house.names().await, ["churn"]);
    assert_eq!(house.audited().await, ["ada notebook.launch"]);
    // Another person's form may have the same key.
    let bob = house.test.caller("bob").await;
    let other = LaunchRequest { idempotency_key: "form-1".into(), ..request("bobs") };
    let other = notebooks::launch(&house.portal, &bob, "red", other).await.expect("launched");
    assert_ne!(other.id, ids[0]);
    house.look().await;
    house.look().await;
    assert_eq!(house.paper.begun().len(), 2);
}

#[tokio::test]
async fn everything_that_stands_in_the_way_is_named_at_its_field() {
    let house = House::new().await;
    house.launch(request("churn")).await.expect("launched");
    let eve = house.test.caller("eve").await;
    volumes::create(&house.portal, &eve, "blue", "blues").await.expect("a volume");
    let mut asked = request("churn");
    asked.spec.data =
        vec![VolumeMount { volume: "nothing".into(), read_only: true }, VolumeMount { volume: "blues".into(), read_only: true }];
    let errors = refused(house.launch(asked).await);
    let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
    assert_eq!(fields, ["name", "home", "data.0.volume", "data.1.volume"]);
    assert!(errors[1].reason.contains("Notebook churn uses this volume"), "{errors:?}");
    assert_eq!(errors[2].reason, errors[3].reason, "another team's volume is like none");

    let field = |change: fn(&mut LaunchRequest)| {
        let mut asked = request("other");
        change(&mut asked);
        let house = &house;
        async move { refused(house.launch(asked).await).remove(0).field }
    };
    assert_eq!(field(|r| r.spec.environment = "unknown".into()).await, "environment");
    assert_eq!(field(|r| r.spec.environment = "secret".into()).await, "environment");
    assert_eq!(field(|r| r.spec.environment = "absent".into()).await, "environment");
    assert_eq!(field(|r| r.spec.version = "9".into()).await, "version");
    assert_eq!(field(|r| r.spec.resources.cpus = 5).await, "cpus");
    assert_eq!(field(|r| r.spec.resources.memory_mib = 100 * 1024).await, "memory_mib");
    assert_eq!(field(|r| r.spec.resources.gpus = 1).await, "gpus");
    assert_eq!(field(|r| r.spec.name = "../x".into()).await, "name");
    assert_eq!(field(|r| r.idempotency_key = "k".repeat(101)).await, "idempotency_key");
    assert_eq!(house.names().await, ["churn"], "nothing of a refused launch stays");
}

#[tokio::test]
async fn names_are_per_team() {
    let house = House::new().await;
    house.launch(request("churn")).await.expect("launched");
    let eve = house.test.caller("eve").await;
    notebooks::launch(&house.portal, &eve, "blue", request("churn")).await.expect("launched");
}

#[tokio::test]
async fn a_volume_of_the_team_is_attached_under_its_name() {
    let house = House::new().await;
    volumes::create(&house.portal, &house.ada, "red", "images").await.expect("a volume");
    let mut asked = request("churn");
    asked.spec.data = vec![VolumeMount { volume: "images".into(), read_only: true }];
    let id = house.launch(asked).await.expect("launched").id;
    house.look().await;
    let mounts = house.paper.workload(id.as_str()).volumes;
    assert_eq!(mounts.len(), 1);
    assert_eq!((mounts[0].name.as_str(), mounts[0].read_only), ("images", true));
}

#[tokio::test]
async fn a_home_is_used_again_once_its_notebook_has_stopped() {
    let house = House::new().await;
    let first = house.ready("churn").await;
    let mut asked = request("second");
    asked.spec.home = "churn".into();
    assert_eq!(refused(house.launch(asked.clone()).await)[0].field, "home");
    notebooks::stop(&house.portal, &house.ada, "red", &first).await.expect("stopped");
    assert_eq!(refused(house.launch(asked.clone()).await)[0].field, "home", "stopping is not stopped");
    house.look().await;
    house.look().await;
    let second = house.launch(asked).await.expect("launched").id;
    house.look().await;
    assert_eq!(house.paper.workload(second.as_str()).home, house.paper.workload(first.as_str()).home);
    let error = notebooks::start(&house.portal, &house.ada, "red", &first).await;
    assert!(refused(error)[0].reason.contains("Notebook second"));
}

#[tokio::test]
async fn a_deprecated_version_becomes_its_successor_at_launch_and_at_start() {
    let house = House::new().await;
    let mut asked = request("churn");
    asked.spec.version = "1".into();
    assert_eq!(house.launch(asked).await.expect("launched").spec.version, "2");

    let id = house.ready("second").await;
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    house.look().await;
    house.look().await;
    let mut next = super::command("web", &[]);
    next.versions.insert(0, domain::model::EnvironmentVersion { name: "3".into(), packages: Vec::new(), image: None, deprecated: None });
    next.versions[1].deprecated = Some(domain::model::Deprecation { message: "Use 3.".into(), successor: Some("3".into()) });
    next.versions[2].deprecated = None;
    environments::save(&house.portal, &Caller::console(), next, false).await.expect("saved");
    let again = notebooks::start(&house.portal, &house.ada, "red", &id).await.expect("started");
    assert_eq!((again.spec.version.as_str(), again.launch, again.phase), ("3", 2, Phase::Queued));
}

#[tokio::test]
async fn a_viewer_may_not_launch() {
    let house = House::new().await;
    let vera = house.test.caller("vera").await;
    assert!(matches!(notebooks::launch(&house.portal, &vera, "red", request("x")).await, Err(Error::Forbidden(_))));
    assert!(matches!(notebooks::launch(&house.portal, &house.test.stranger(), "red", request("x")).await, Err(Error::Unauthenticated)));
    assert!(vera.require_in(domain::model::Permission::ReadNotebooks, "red").is_ok_and(|s| s.role == Role::Viewer));
}

#[tokio::test]
async fn every_change_is_an_event_of_the_team_with_the_whole_notebook() {
    let house = House::new().await;
    let before = domain::events::latest(&house.portal).await.expect("a number");
    let id = house.ready("churn").await;
    let events: Vec<Event> = domain::events::since(&house.portal, before).await.expect("events").expect("kept");
    let seen: Vec<_> = events
        .iter()
        .filter_map(|e| match &e.change {
            domain::model::Change::Notebook(n) => Some((e.team.as_deref(), n.id.clone(), n.phase, n.timeline.len())),
            _ => None,
        })
        .collect();
    let red = Some("red");
    assert_eq!(seen, [(red, id.clone(), Phase::Queued, 1), (red, id.clone(), Phase::Starting, 2), (red, id, Phase::Ready, 3)]);
}
