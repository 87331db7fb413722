//! Promotion on a real database: gates and their evidence, two people, waivers, what happens meanwhile, and the way back.

mod second_looks;

use domain::{
    Caller, Error, Portal, args,
    model::{
        AuditFilter, Batch, Change, Gate, Metric, ModelVersion, NewModelVersion, NewRun, PromotionDetail, PromotionFlow, PromotionStage,
        RequestState, Role, Stage, Tag, WebhookForm,
    },
    promotion, registry, teams,
    testing::{TestPortal, email},
    tracking,
};

const TEAM: &str = "vision";

/// Team `vision` with ada and abe (admins), mel, max and meg (members), vera (viewer); team `speech` with eve. A model `net`.
struct Shelf {
    test: TestPortal,
    portal: Portal,
}

impl Shelf {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        let (admin, member) = (Role::Admin, Role::Member);
        let people = [("ada", admin), ("abe", admin), ("mel", member), ("max", member), ("meg", member), ("vera", Role::Viewer)];
        test.team(TEAM, &people).await;
        test.team("speech", &[("eve", admin)]).await;
        let portal = test.portal.clone();
        let shelf = Self { test, portal };
        registry::create(&shelf.portal, &shelf.as_of("mel").await, TEAM, "net", None, Vec::new()).await.expect("a model");
        shelf
    }

    /// With these stages, the last of them `champion`.
    async fn with(champion: PromotionStage) -> Self {
        let shelf = Self::new().await;
        shelf.stage(champion).await;
        shelf
    }

    async fn stage(&self, champion: PromotionStage) {
        let champion = PromotionStage { alias: "champion".into(), protected: true, ..champion };
        promotion::save_stage(&self.portal, &self.as_of("ada").await, TEAM, "champion", champion).await.expect("a stage");
    }

    async fn as_of(&self, name: &str) -> Caller {
        self.test.caller(name).await
    }

    /// A version whose run has this metric `auc`, if any.
    async fn version(&self, auc: Option<f64>) -> ModelVersion {
        let mel = self.as_of("mel").await;
        let run = tracking::runs::create(&self.portal, &mel, TEAM, NewRun::default()).await.expect("a run").id;
        if let Some(value) = auc {
            self.log(run.as_str(), value).await;
        }
        let new = NewModelVersion { name: "net".into(), source: format!("runs:/{run}/model"), ..NewModelVersion::default() };
        registry::create_version(&self.portal, &mel, TEAM, new).await.expect("a version")
    }

    async fn log(&self, run: &str, value: f64) {
        let metric = Metric { key: "auc".into(), value, timestamp: 1, step: 1 };
        let batch = Batch { metrics: vec![metric], ..Batch::default() };
        tracking::runs::log(&self.portal, &self.as_of("mel").await, TEAM, &run.into(), batch).await.expect("logged");
    }

    async fn ask(&self, who: &str, version: i64) -> Result<String, Error> {
        promotion::request(&self.portal, &self.as_of(who).await, TEAM, ("net", version), "champion", "please").await
    }

    async fn review(&self, who: &str, id: &str, approves: bool) -> Result<RequestState, Error> {
        promotion::review(&self.portal, &self.as_of(who).await, TEAM, id, approves, "looked at it").await
    }

    async fn detail(&self, who: &str, id: &str) -> PromotionDetail {
        promotion::get(&self.portal, &self.as_of(who).await, TEAM, id).await.expect("a request")
    }

    async fn champion(&self) -> Option<i64> {
        let model = registry::get(&self.portal, &self.as_of("vera").await, TEAM, "net").await.expect("a model");
        model.aliases.iter().find(|a| a.alias == "champion").map(|a| a.version)
    }

    async fn actions(&self) -> Vec<String> {
        let filter = AuditFilter { team: TEAM.into(), action: "promotion".into(), ..AuditFilter::default() };
        let mut records = domain::audit::list(&self.portal, &self.as_of("ada").await, &filter).await.expect("records");
        let moves = AuditFilter { action: "model.".into(), ..filter };
        records.extend(domain::audit::list(&self.portal, &self.as_of("ada").await, &moves).await.expect("records"));
        records.sort_by_key(|r| r.seq);
        records.into_iter().map(|r| r.action).collect()
    }
}

fn approvals(approvals: u32) -> PromotionStage {
    PromotionStage { approvals, ..PromotionStage::default() }
}

fn rules(rules: &[&str]) -> PromotionStage {
    PromotionStage { rules: rules.iter().map(|r| (*r).to_owned()).collect(), approvals: 1, ..PromotionStage::default() }
}

#[track_caller]
fn forbidden<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Forbidden(_))), "{result:?}");
}

#[track_caller]
fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Conflict(_))), "{result:?}");
}

#[track_caller]
fn missing<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
}

#[tokio::test]
async fn a_team_that_said_nothing_moves_every_alias_freely() {
    let shelf = Shelf::new().await;
    let mel = shelf.as_of("mel").await;
    shelf.version(None).await;
    assert_eq!(promotion::flow(&shelf.portal, &mel, TEAM).await.expect("a flow"), PromotionFlow::default());
    registry::set_alias(&shelf.portal, &mel, TEAM, "net", "champion", 1).await.expect("pointed");
    registry::set_stage(&shelf.portal, &mel, TEAM, ("net", 1), Stage::Production, true).await.expect("moved");
    registry::rename(&shelf.portal, &mel, TEAM, "net", "web").await.expect("renamed");
    registry::delete_version(&shelf.portal, &mel, TEAM, ("web", 1)).await.expect("deleted");
}

#[tokio::test]
async fn what_is_protected_moves_by_promotion_only() {
    let shelf = Shelf::new().await;
    let (portal, mel, ada) = (&shelf.portal, shelf.as_of("mel").await, shelf.as_of("ada").await);
    shelf.version(None).await;
    shelf.version(None).await;
    registry::set_alias(portal, &mel, TEAM, "net", "champion", 1).await.expect("nothing is protected yet");
    promotion::use_recommended(portal, &ada, TEAM).await.expect("a flow");
    let refused = registry::set_alias(portal, &ada, TEAM, "net", "champion", 2).await.expect_err("refused").to_string();
    assert!(refused.ends_with("/t/vision/models/net/versions/2/promote?to=champion"), "{refused}");
    forbidden(registry::delete_alias(portal, &mel, TEAM, "net", "champion").await);
    forbidden(registry::set_stage(portal, &mel, TEAM, ("net", 2), Stage::Production, false).await);
    forbidden(registry::delete_version(portal, &ada, TEAM, ("net", 1)).await);
    forbidden(registry::rename(portal, &ada, TEAM, "net", "web").await);
    forbidden(registry::delete(portal, &ada, TEAM, "net").await);
    // What is not protected goes on as before.
    registry::set_alias(portal, &mel, TEAM, "net", "candidate", 2).await.expect("pointed");
    registry::set_stage(portal, &mel, TEAM, ("net", 2), Stage::Archived, false).await.expect("moved");
    registry::delete_version(portal, &mel, TEAM, ("net", 2)).await.expect("deleted");
    // A model goes out of use once an admin has taken the alias away.
    forbidden(promotion::remove(portal, &mel, TEAM, ("net", "champion"), "").await);
    promotion::remove(portal, &ada, TEAM, ("net", "champion"), "out of use").await.expect("taken away");
    registry::delete(portal, &mel, TEAM, "net").await.expect("deleted");
}

#[tokio::test]
async fn a_promotion_takes_a_second_person_and_moves_alias_and_stage_in_one() {
    let shelf = Shelf::with(PromotionStage { mlflow_stage: Some(Stage::Production), ..approvals(1) }).await;
    let portal = &shelf.portal;
    let hook = WebhookForm {
        name: Some("hook".into()),
        url: Some("https://1.1.1.1/hook".into()),
        events: Some(vec!["model_version_alias.created".into(), "promotion.requested".into(), "promotion.completed".into()]),
        ..WebhookForm::default()
    };
    domain::webhooks::create(portal, &shelf.as_of("mel").await, TEAM, hook).await.expect("a webhook");
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    conflict(shelf.ask("max", 1).await);
    let seen = shelf.detail("mel", &id).await;
    assert!(!seen.rights.review && seen.rights.withdraw && !seen.request.waits_for_me, "{seen:?}");
    assert!(shelf.detail("max", &id).await.request.waits_for_me);
    assert_eq!(promotion::waiting(portal, &shelf.as_of("max").await, TEAM).await.expect("a number"), 1);
    assert_eq!(promotion::waiting(portal, &shelf.as_of("mel").await, TEAM).await.expect("a number"), 0);
    forbidden(shelf.review("mel", &id, true).await);
    forbidden(shelf.review("vera", &id, true).await);
    assert_eq!(shelf.champion().await, None);
    assert_eq!(shelf.review("max", &id, true).await.expect("approved"), RequestState::Promoted);
    assert_eq!(shelf.champion().await, Some(1));
    let version = registry::get_version(portal, &shelf.as_of("mel").await, TEAM, "net", 1).await.expect("the version");
    assert_eq!(version.stage, Stage::Production);
    conflict(shelf.review("meg", &id, false).await);
    conflict(shelf.ask("mel", 1).await);
    // The next one takes the stage over.
    shelf.version(None).await;
    let next = shelf.ask("mel", 2).await.expect("asked");
    shelf.review("abe", &next, true).await.expect("approved");
    let first = registry::get_version(portal, &shelf.as_of("mel").await, TEAM, "net", 1).await.expect("the version");
    assert_eq!((shelf.champion().await, first.stage), (Some(2), Stage::Archived));
    let told = ["promotion.request", "promotion.approve", "model.promote"];
    let expected: Vec<&str> = ["model.create", "promotion.save_stage"].into_iter().chain(told).chain(told).collect();
    assert_eq!(shelf.actions().await, expected);
    let (deliveries,): (i64,) = portal.db.fetch_one("SELECT COUNT(*) FROM webhook_deliveries", args![]).await.expect("a number");
    assert_eq!(deliveries, 6);
    let events = domain::events::since(portal, 0).await.expect("events").expect("all");
    assert!(events.iter().any(|e| e.change == Change::Promotions));
}

#[tokio::test]
async fn a_failing_gate_holds_it_back_until_another_person_waives_it() {
    let shelf = Shelf::with(rules(&["auc >= champion + 1%"])).await;
    let portal = &shelf.portal;
    shelf.version(Some(0.9)).await;
    let first = shelf.ask("mel", 1).await.expect("asked");
    assert_eq!(shelf.review("max", &first, true).await.expect("nobody to beat"), RequestState::Promoted);
    shelf.version(Some(0.905)).await;
    let id = shelf.ask("ada", 2).await.expect("asked");
    assert_eq!(shelf.review("max", &id, true).await.expect("approved"), RequestState::Open);
    let detail = shelf.detail("mel", &id).await;
    let gate = &detail.gates[0];
    assert!(!gate.passed && gate.evidence.contains("0.905") && gate.evidence.contains("0.909"), "{gate:?}");
    let key = gate.gate.key();
    let ask =
        async |who: &str, gate: &str, reason: &str| promotion::ask_waiver(portal, &shelf.as_of(who).await, TEAM, &id, gate, reason).await;
    let grant = async |who: &str| promotion::grant_waiver(portal, &shelf.as_of(who).await, TEAM, &id, &key).await;
    missing(grant("abe").await);
    assert!(matches!(ask("mel", &key, " ").await, Err(Error::Invalid(_))), "a reason is needed");
    missing(ask("mel", "metric:none", "x").await);
    conflict(ask("mel", &Gate::Approvals(1).key(), "no time").await);
    forbidden(ask("vera", &key, "x").await);
    ask("abe", &key, "The test set changed").await.expect("asked");
    // Neither who asked for the promotion, nor who asked for the waiver, nor who is no admin.
    forbidden(grant("ada").await);
    forbidden(grant("abe").await);
    forbidden(grant("max").await);
    ask("mel", &key, "The test set changed").await.expect("asked again by another");
    assert_eq!(promotion::waiting(portal, &shelf.as_of("abe").await, TEAM).await.expect("a number"), 1);
    assert_eq!(grant("abe").await.expect("granted"), RequestState::Promoted);
    assert_eq!(shelf.champion().await, Some(2));
    let closed = shelf.detail("mel", &id).await;
    assert!(closed.gates[0].waived && !closed.gates[0].passed && !closed.gates_then[0].waived, "{closed:?}");
    assert_eq!(closed.waivers[0].granted_by, Some(email("abe")));
}

#[tokio::test]
async fn gates_are_looked_at_when_it_is_decided_and_a_waiver_is_for_what_was_seen() {
    let shelf = Shelf::with(rules(&["auc > champion"])).await;
    let portal = &shelf.portal;
    for auc in [0.8, 0.9, 0.95, 0.99] {
        shelf.version(Some(auc)).await;
    }
    let first = shelf.ask("mel", 1).await.expect("asked");
    shelf.review("max", &first, true).await.expect("approved");
    // Both beat the first; the better one is decided first.
    let (second, third) = (shelf.ask("mel", 2).await.expect("asked"), shelf.ask("mel", 3).await.expect("asked"));
    shelf.review("max", &third, true).await.expect("approved");
    assert_eq!(shelf.champion().await, Some(3));
    assert!(shelf.detail("mel", &second).await.gates_then[0].passed);
    assert_eq!(shelf.review("max", &second, true).await.expect("approved"), RequestState::Open, "the holder has changed");
    assert_eq!(shelf.champion().await, Some(3));
    let key = Gate::Metric("auc > champion".into()).key();
    promotion::ask_waiver(portal, &shelf.as_of("mel").await, TEAM, &second, &key, "cheaper").await.expect("asked");
    let fourth = shelf.ask("mel", 4).await.expect("asked");
    shelf.review("max", &fourth, true).await.expect("approved");
    conflict(promotion::grant_waiver(portal, &shelf.as_of("ada").await, TEAM, &second, &key).await);
    assert_eq!(promotion::check_again(portal, &shelf.as_of("mel").await, TEAM, &second).await.expect("looked"), RequestState::Open);
    assert_eq!(shelf.champion().await, Some(4));
}

#[tokio::test]
async fn the_card_the_tags_and_the_stage_before_are_asked_for() {
    let stage = PromotionStage {
        card_fields: vec!["Intended use".into()],
        tags: vec!["approved_data".into()],
        after_previous: true,
        ..PromotionStage::default()
    };
    let shelf = Shelf::with(stage).await;
    let (portal, mel) = (&shelf.portal, shelf.as_of("mel").await);
    shelf.version(None).await;
    let preview = promotion::preview(portal, &shelf.as_of("vera").await, TEAM, ("net", 1), "champion").await.expect("seen");
    assert_eq!(preview.gates.iter().map(|g| g.gate.key()).collect::<Vec<_>>(), ["held:staging", "card:Intended use", "tag:approved_data"]);
    assert!(preview.gates.iter().all(|g| !g.passed && !g.todo.is_empty()));
    let id = shelf.ask("mel", 1).await.expect("asked");
    registry::set_alias(portal, &mel, TEAM, "net", "staging", 1).await.expect("not protected");
    registry::delete_alias(portal, &mel, TEAM, "net", "staging").await.expect("it was there");
    registry::set_version_tag(portal, &mel, TEAM, ("net", 1), Tag::new("approved_data", "yes")).await.expect("tagged");
    assert_eq!(promotion::check_again(portal, &mel, TEAM, &id).await.expect("looked"), RequestState::Open);
    let text = |text: &str| vec![("Intended use".to_owned(), text.to_owned())];
    let unknown = vec![("Colour".to_owned(), "red".to_owned())];
    assert!(matches!(promotion::save_card(portal, &mel, TEAM, ("net", 1), unknown).await, Err(Error::Invalid(_))));
    forbidden(promotion::save_card(portal, &shelf.as_of("vera").await, TEAM, ("net", 1), text("x")).await);
    missing(promotion::save_card(portal, &mel, TEAM, ("net", 9), text("x")).await);
    for (text_of, bad) in [("a\0", "card[0][text]"), (&"x".repeat(20_001), "card[0][text]")] {
        let refused = promotion::save_card(portal, &mel, TEAM, ("net", 1), text(text_of)).await;
        assert!(matches!(&refused, Err(Error::Invalid(e)) if e[0].field == bad), "{refused:?}");
    }
    assert_eq!(shelf.champion().await, None);
    promotion::save_card(portal, &mel, TEAM, ("net", 1), text("Tells who leaves.")).await.expect("written");
    assert_eq!(shelf.champion().await, Some(1), "the last gate was the card");
    let card = promotion::card(portal, &shelf.as_of("vera").await, TEAM, ("net", 1)).await.expect("a card");
    assert_eq!(
        (card.len(), card[0].text.as_str(), card[0].needed_by.as_slice()),
        (5, "Tells who leaves.", ["champion".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn named_reviewers_decide_and_only_while_they_are_in_the_team() {
    let shelf = Shelf::new().await;
    let id_of = async |name: &str| shelf.as_of(name).await.identity().expect("signed in").user.id.clone();
    let named = PromotionStage { approvals: 2, reviewers: vec![id_of("max").await, id_of("meg").await], ..PromotionStage::default() };
    shelf.stage(named.clone()).await;
    let ada = shelf.as_of("ada").await;
    let outsider = PromotionStage { alias: "x".into(), reviewers: vec![id_of("eve").await], ..PromotionStage::default() };
    assert!(matches!(promotion::save_stage(&shelf.portal, &ada, TEAM, "", outsider).await, Err(Error::Invalid(_))));
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    forbidden(shelf.review("ada", &id, true).await);
    shelf.review("max", &id, true).await.expect("approved");
    // An approval counts as long as its giver may give it.
    teams::set_member(&shelf.portal, &ada, TEAM, &email("max"), Role::Viewer).await.expect("changed");
    assert_eq!(shelf.review("meg", &id, true).await.expect("approved"), RequestState::Open);
    let gate = shelf.detail("mel", &id).await.gates.pop().expect("approvals");
    assert!(gate.evidence.starts_with("1 of 2") && gate.todo.contains(&email("meg")), "{gate:?}");
    teams::set_member(&shelf.portal, &ada, TEAM, &email("max"), Role::Member).await.expect("changed");
    assert_eq!(promotion::check_again(&shelf.portal, &shelf.as_of("mel").await, TEAM, &id).await.expect("looked"), RequestState::Promoted);
}

#[tokio::test]
async fn a_rejection_says_why_and_closes() {
    let shelf = Shelf::with(approvals(1)).await;
    let portal = &shelf.portal;
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    let silent = promotion::review(portal, &shelf.as_of("max").await, TEAM, &id, false, " ").await;
    assert!(matches!(silent, Err(Error::Invalid(_))));
    assert_eq!(shelf.review("max", &id, false).await.expect("rejected"), RequestState::Rejected);
    let detail = shelf.detail("mel", &id).await;
    assert_eq!((detail.request.closing.as_deref(), detail.request.closed_by), (Some("looked at it"), Some(email("max"))));
    conflict(promotion::withdraw(portal, &shelf.as_of("mel").await, TEAM, &id).await);
    let again = shelf.ask("mel", 1).await.expect("asked again");
    forbidden(promotion::withdraw(portal, &shelf.as_of("max").await, TEAM, &again).await);
    promotion::withdraw(portal, &shelf.as_of("mel").await, TEAM, &again).await.expect("withdrawn");
    conflict(shelf.review("max", &again, true).await);
    assert_eq!(shelf.champion().await, None);
}

#[tokio::test]
async fn a_version_that_is_deleted_meanwhile_ends_its_requests() {
    let shelf = Shelf::with(approvals(1)).await;
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    registry::delete_version(&shelf.portal, &shelf.as_of("mel").await, TEAM, ("net", 1)).await.expect("deleted");
    let refused = shelf.review("max", &id, true).await.expect_err("closed").to_string();
    assert!(refused.contains("The version was deleted."), "{refused}");
    assert_eq!(shelf.detail("max", &id).await.request.state, RequestState::Withdrawn);
    missing(shelf.ask("mel", 1).await);
}

#[tokio::test]
async fn an_earlier_holder_is_brought_back() {
    let shelf = Shelf::with(PromotionStage { mlflow_stage: Some(Stage::Production), ..approvals(1) }).await;
    let portal = &shelf.portal;
    for version in 1..=3 {
        shelf.version(None).await;
        if version < 3 {
            let id = shelf.ask("mel", version).await.expect("asked");
            shelf.review("max", &id, true).await.expect("approved");
        }
    }
    let back =
        async |who: &str, to: i64| promotion::roll_back(portal, &shelf.as_of(who).await, TEAM, ("net", "champion"), to, "too slow").await;
    forbidden(back("vera", 1).await);
    conflict(back("mel", 2).await);
    conflict(back("mel", 3).await);
    missing(back("mel", 9).await);
    back("mel", 1).await.expect("brought back");
    let stage = async |v: i64| registry::get_version(portal, &shelf.as_of("mel").await, TEAM, "net", v).await.expect("a version").stage;
    assert_eq!((shelf.champion().await, stage(1).await, stage(2).await), (Some(1), Stage::Production, Stage::Archived));
    let history = promotion::history(portal, &shelf.as_of("vera").await, TEAM, "net", "champion").await.expect("a history");
    let seen: Vec<_> = history.holders.iter().map(|h| (h.version, h.how.as_str(), h.reason.as_deref())).collect();
    assert_eq!(seen, [(Some(1), "rolled back", Some("too slow")), (Some(2), "promoted", None), (Some(1), "promoted", None)]);
    assert!(history.protected && !history.may_roll_back && history.holder == Some(1));
    assert_eq!(shelf.actions().await.last().map(String::as_str), Some("model.roll_back"));
    missing(promotion::history(portal, &shelf.as_of("vera").await, TEAM, "net", "nothing").await);
    missing(promotion::history(portal, &shelf.as_of("vera").await, TEAM, "none", "champion").await);
}

#[tokio::test]
async fn another_teams_promotions_are_like_ones_that_are_not_there() {
    let shelf = Shelf::with(approvals(1)).await;
    let portal = &shelf.portal;
    shelf.version(None).await;
    let (id, eve) = (shelf.ask("mel", 1).await.expect("asked"), shelf.as_of("eve").await);
    for team in [TEAM, "speech"] {
        missing(promotion::get(portal, &eve, team, &id).await);
        missing(promotion::review(portal, &eve, team, &id, true, "").await);
        missing(promotion::grant_waiver(portal, &eve, team, &id, "tag:x").await);
        missing(promotion::ask_waiver(portal, &eve, team, &id, "tag:x", "x").await);
        missing(promotion::check_again(portal, &eve, team, &id).await);
        missing(promotion::withdraw(portal, &eve, team, &id).await);
        missing(promotion::preview(portal, &eve, team, ("net", 1), "champion").await);
        missing(promotion::request(portal, &eve, team, ("net", 1), "champion", "").await);
        missing(promotion::roll_back(portal, &eve, team, ("net", "champion"), 1, "").await);
        missing(promotion::remove(portal, &eve, team, ("net", "champion"), "").await);
        missing(promotion::history(portal, &eve, team, "net", "champion").await);
        missing(promotion::card(portal, &eve, team, ("net", 1)).await);
        missing(promotion::save_card(portal, &eve, team, ("net", 1), vec![("Owner".into(), "eve".into())]).await);
    }
    missing(promotion::flow(portal, &eve, TEAM).await);
    missing(promotion::list(portal, &eve, TEAM).await);
    missing(promotion::use_recommended(portal, &eve, TEAM).await);
    assert_eq!(promotion::list(portal, &eve, "speech").await.expect("theirs").len(), 0);
    for odd in ["", "x", "a\0b", "' OR 1=1 --", "aaaaaaaaaaaaaaaa"] {
        missing(promotion::get(portal, &shelf.as_of("mel").await, TEAM, odd).await);
    }
    forbidden(promotion::use_recommended(portal, &shelf.as_of("mel").await, TEAM).await);
}

#[tokio::test]
async fn a_token_is_no_second_person() {
    let shelf = Shelf::with(approvals(1)).await;
    let portal = &shelf.portal;
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    let new = domain::model::NewToken { name: "t".into(), team: TEAM.into(), role: Role::Admin, days: 1 };
    let (_, secret) = domain::tokens::create_for(portal, &Caller::console(), &email("abe"), new).await.expect("a token");
    let identity = domain::tokens::authenticate(portal, &secret).await.expect("known").expect("valid");
    let token = Caller::identified(identity, "t", "");
    forbidden(promotion::review(portal, &token, TEAM, &id, true, "").await);
    forbidden(promotion::grant_waiver(portal, &token, TEAM, &id, "tag:x").await);
    forbidden(promotion::decline_waiver(portal, &token, TEAM, &id, "tag:x", "no").await);
    forbidden(promotion::use_recommended(portal, &token, TEAM).await);
    forbidden(promotion::roll_back(portal, &token, TEAM, ("net", "champion"), 1, "").await);
    assert_eq!(shelf.champion().await, None);
}

#[tokio::test]
async fn approvals_that_come_at_once_complete_it_once() {
    let shelf = Shelf::with(approvals(2)).await;
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    let given = futures::future::join_all(["max", "meg", "ada", "abe"].map(|who| shelf.review(who, &id, true))).await;
    let promoted = given.iter().filter(|g| matches!(g, Ok(RequestState::Promoted))).count();
    let open = given.iter().filter(|g| matches!(g, Ok(RequestState::Open))).count();
    let late = given.iter().filter(|g| matches!(g, Err(Error::Conflict(_)))).count();
    assert_eq!((promoted, open, late), (1, 1, 2), "{given:?}");
    let (holders,): (i64,) = shelf.portal.db.fetch_one("SELECT COUNT(*) FROM alias_holders", args![]).await.expect("a number");
    assert_eq!(holders, 1);
    assert_eq!(shelf.actions().await.iter().filter(|a| *a == "model.promote").count(), 1);
}

#[tokio::test]
async fn a_flow_is_checked_as_a_whole() {
    let shelf = Shelf::new().await;
    let (portal, ada) = (&shelf.portal, shelf.as_of("ada").await);
    let save = async |old: &str, stage: PromotionStage| promotion::save_stage(portal, &ada, TEAM, old, stage).await;
    let named = |alias: &str| PromotionStage { alias: alias.into(), ..PromotionStage::default() };
    for bad in [
        named("champion"),
        named("v3"),
        PromotionStage { rules: vec!["auc >= much more".into()], ..named("shadow") },
        PromotionStage { card_fields: vec!["Colour".into()], ..named("shadow") },
    ] {
        assert!(matches!(save("", bad.clone()).await, Err(Error::Invalid(_))), "{bad:?}");
    }
    missing(save("nothing", named("nothing")).await);
    save("", named("shadow")).await.expect("added");
    let flow = promotion::move_stage(portal, &ada, TEAM, "shadow").await.expect("moved");
    assert_eq!(flow.stages.iter().map(|s| s.alias.as_str()).collect::<Vec<_>>(), ["candidate", "staging", "shadow", "champion"]);
    promotion::remove_stage(portal, &ada, TEAM, "shadow").await.expect("removed");
    missing(promotion::remove_stage(portal, &ada, TEAM, "shadow").await);
    promotion::use_recommended(portal, &ada, TEAM).await.expect("taken over");
    let without = promotion::save_card_fields(portal, &ada, TEAM, vec!["Owner".into()]).await;
    assert!(matches!(without, Err(Error::Invalid(_))), "stages ask for others");
}
