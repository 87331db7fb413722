//! Waivers that are declined, and approvals that lapse.

use super::{Shelf, TEAM, approvals, conflict, email, forbidden, missing, rules};
use domain::{
    Error,
    model::{Gate, PromotionStage, RequestState},
    promotion,
};

/// How many requests wait for them.
async fn waiting(shelf: &Shelf, who: &str) -> usize {
    promotion::waiting(&shelf.portal, &shelf.as_of(who).await, TEAM).await.expect("a number")
}

#[tokio::test]
async fn a_waiver_is_declined_with_a_reason_and_another_can_be_asked_for() {
    let shelf = Shelf::with(rules(&["auc >= 0.9"])).await;
    let portal = &shelf.portal;
    shelf.version(Some(0.8)).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    shelf.review("max", &id, true).await.expect("approved");
    let key = Gate::Metric("auc >= 0.9".into()).key();
    let ask = async |reason: &str| promotion::ask_waiver(portal, &shelf.as_of("abe").await, TEAM, &id, &key, reason).await;
    let decline = async |who: &str, why: &str| promotion::decline_waiver(portal, &shelf.as_of(who).await, TEAM, &id, &key, why).await;
    missing(decline("ada", "no").await);
    ask("It is cheaper").await.expect("asked");
    assert_eq!((waiting(&shelf, "ada").await, waiting(&shelf, "abe").await), (1, 0));
    // Who may not grant it may not decline it, and nobody does in silence.
    forbidden(decline("abe", "no").await);
    forbidden(decline("max", "no").await);
    forbidden(decline("vera", "no").await);
    for silent in ["", "  ", "a\0"] {
        assert!(matches!(decline("ada", silent).await, Err(Error::Invalid(e)) if e[0].field == "reason"), "{silent:?}");
    }
    decline("ada", " Cheap is not good enough. ").await.expect("declined");
    let detail = shelf.detail("abe", &id).await;
    let waiver = &detail.waivers[0];
    assert_eq!((waiver.declined_by.clone(), waiver.declining.as_deref()), (Some(email("ada")), Some("Cheap is not good enough.")));
    assert!(!detail.gates[0].waived && detail.request.waiver_declined && detail.request.state == RequestState::Open, "{detail:?}");
    assert_eq!(waiting(&shelf, "ada").await, 0, "it is decided");
    conflict(decline("ada", "no").await);
    conflict(promotion::grant_waiver(portal, &shelf.as_of("ada").await, TEAM, &id, &key).await);
    ask("It is ten times cheaper").await.expect("asked anew");
    assert!(!shelf.detail("abe", &id).await.request.waiver_declined);
    let granted = promotion::grant_waiver(portal, &shelf.as_of("ada").await, TEAM, &id, &key).await;
    assert_eq!(granted.expect("granted"), RequestState::Promoted);
    conflict(decline("ada", "no").await);
    let said = ["promotion.ask_waiver", "promotion.decline_waiver", "promotion.ask_waiver", "promotion.grant_waiver", "model.promote"];
    assert!(shelf.actions().await.ends_with(&said.map(str::to_owned)), "{:?}", shelf.actions().await);
    for team in [TEAM, "speech"] {
        missing(promotion::decline_waiver(portal, &shelf.as_of("eve").await, team, &id, &key, "no").await);
    }
}

#[tokio::test]
async fn a_waiver_of_what_is_no_longer_seen_can_still_be_declined() {
    let shelf = Shelf::with(rules(&["auc >= 0.9"])).await;
    let version = shelf.version(Some(0.8)).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    let (key, ada) = (Gate::Metric("auc >= 0.9".into()).key(), shelf.as_of("ada").await);
    promotion::ask_waiver(&shelf.portal, &shelf.as_of("mel").await, TEAM, &id, &key, "x").await.expect("asked");
    shelf.log(version.run.expect("its run").as_str(), 0.85).await;
    conflict(promotion::grant_waiver(&shelf.portal, &ada, TEAM, &id, &key).await);
    promotion::decline_waiver(&shelf.portal, &ada, TEAM, &id, &key, "The metric has changed.").await.expect("declined");
}

#[tokio::test]
async fn an_approval_lapses_when_the_model_card_is_changed_after_it() {
    let shelf = Shelf::with(PromotionStage { card_fields: vec!["Owner".into()], ..approvals(2) }).await;
    let (portal, mel) = (&shelf.portal, shelf.as_of("mel").await);
    let write = async |version: i64, text: &str| {
        let texts = vec![("Owner".to_owned(), text.to_owned())];
        promotion::save_card(portal, &mel, TEAM, ("net", version), texts).await.expect("written");
    };
    shelf.version(None).await;
    shelf.version(None).await;
    write(1, "Growth").await;
    let (id, other) = (shelf.ask("mel", 1).await.expect("asked"), shelf.ask("mel", 2).await.expect("asked"));
    shelf.review("max", &id, true).await.expect("approved");
    shelf.review("max", &other, true).await.expect("approved");
    // What is said again is no change.
    write(1, "Growth").await;
    assert_eq!((shelf.detail("max", &id).await.reviews.len(), waiting(&shelf, "max").await), (1, 0));
    shelf.test.portal.clock.advance(1000);
    write(1, "Growth, and sales").await;
    let detail = shelf.detail("max", &id).await;
    assert!(detail.reviews.is_empty() && detail.request.waits_for_me && detail.request.asks_again, "{detail:?}");
    let lapsed = &detail.lapsed[0];
    assert_eq!((&lapsed.by, lapsed.comment.as_str(), &lapsed.lapsed_by), (&email("max"), "looked at it", &email("mel")));
    assert_eq!(lapsed.lapsed_at - lapsed.at, 1000);
    let gate = detail.gates.last().expect("approvals");
    assert!(gate.evidence.starts_with("0 of 2.") && gate.evidence.contains(&email("max")), "{gate:?}");
    assert_eq!((waiting(&shelf, "max").await, waiting(&shelf, "mel").await), (1, 0));
    assert!(!shelf.detail("meg", &id).await.request.asks_again, "only who had approved");
    // Other versions' approvals stand.
    assert_eq!(shelf.detail("max", &other).await.reviews.len(), 1);
    assert_eq!(shelf.review("max", &id, true).await.expect("approved again"), RequestState::Open);
    let gate = shelf.detail("max", &id).await.gates.pop().expect("approvals");
    assert_eq!(gate.evidence, format!("1 of 2: approved by {}.", email("max")));
    assert_eq!(shelf.review("meg", &id, true).await.expect("approved"), RequestState::Promoted);
    // What was decided stays decided, with what had been said.
    write(1, "Sales").await;
    let closed = shelf.detail("vera", &id).await;
    assert_eq!((closed.reviews.len(), closed.lapsed.len(), shelf.champion().await), (2, 1, Some(1)));
    let lapses = shelf.actions().await.iter().filter(|action| *action == "promotion.lapse").count();
    assert_eq!(lapses, 1);
}

#[tokio::test]
async fn a_card_that_was_the_last_gate_asks_its_reviewer_again() {
    let shelf = Shelf::with(PromotionStage { card_fields: vec!["Owner".into()], ..approvals(1) }).await;
    shelf.version(None).await;
    let id = shelf.ask("mel", 1).await.expect("asked");
    shelf.review("max", &id, true).await.expect("approved");
    let texts = vec![("Owner".to_owned(), "Growth".to_owned())];
    promotion::save_card(&shelf.portal, &shelf.as_of("mel").await, TEAM, ("net", 1), texts).await.expect("written");
    assert_eq!(shelf.champion().await, None, "nobody has seen this card");
    assert_eq!(shelf.review("max", &id, true).await.expect("approved"), RequestState::Promoted);
}
