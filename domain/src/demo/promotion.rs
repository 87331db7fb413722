//! What the demo's people have begun between them: a promotion that waits for a reviewer and for what its gates still miss.

use super::{PEOPLE, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    identity,
    model::{Permission, PromotionStage},
    portal::Portal,
    promotion,
};

/// The model and version that the demo's script made and nobody has put into use yet.
const WAITING: (&str, i64) = ("churn", 4);

/// The team takes over the recommended flow with a rule of its own, and its member asks for a promotion.
///
/// # Errors
/// `NotFound` where there is no demo, or its script has not run.
pub async fn ask_for_promotion(portal: &Portal, caller: &Caller) -> Result<()> {
    caller.require(Permission::ManageTeams)?;
    let (_, team) = store::team(&portal.db).await?.ok_or(Error::NotFound("demo data"))?;
    let admin = identity::speak_for(portal, caller, PEOPLE[0].1).await?;
    let member = identity::speak_for(portal, caller, PEOPLE[1].1).await?;
    let flow = promotion::use_recommended(portal, &admin, &team).await?;
    let champion = flow.stage("champion").cloned().ok_or(Error::NotFound("stage"))?;
    let rules = vec!["val_auc >= champion + 0.5%".to_owned()];
    promotion::save_stage(portal, &admin, &team, "champion", PromotionStage { rules, ..champion }).await?;
    let card = [
        ("Intended use", "Ranks customers for the weekly call list. Not for prices or contracts."),
        ("Evaluation", "AUC on a held-out third of the made-up customers; see the source run."),
    ];
    let card = card.into_iter().map(|(field, text)| (field.to_owned(), text.to_owned())).collect();
    promotion::save_card(portal, &member, &team, WAITING, card).await?;
    let note = "Deeper trees. The card's owner is still to be named, and the AUC to be looked at.";
    promotion::request(portal, &member, &team, WAITING, "champion", note).await?;
    Ok(())
}
