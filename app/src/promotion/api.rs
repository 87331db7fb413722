//! Server functions about promotions and model cards.

use crate::error::AppError;
use domain::model::{
    AliasHistory, Member, PromotionDetail, PromotionFlow, PromotionPreview, PromotionRequest, PromotionStage, RequestState, Stage,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::{is_plain_post, request};

/// The team's flow, and who may be named in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowDetail {
    pub flow: PromotionFlow,
    pub members: Vec<Member>,
}

#[server(prefix = "/api", endpoint = "promotion/flow")]
pub async fn get_flow(team: String) -> Result<FlowDetail, AppError> {
    let (portal, caller) = request()?;
    let flow = domain::promotion::flow(&portal, &caller, &team).await?;
    Ok(FlowDetail { flow, members: domain::teams::members(&portal, &caller, &team).await? })
}

/// A stage as its form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageForm {
    /// The name that it has; empty for a new one.
    pub old: String,
    pub alias: String,
    pub protected: bool,
    /// Empty for none.
    pub mlflow_stage: String,
    pub after_previous: bool,
    /// One a line.
    pub rules: String,
    pub card_fields: Vec<String>,
    /// Separated by commas or spaces.
    pub tags: String,
    pub approvals: String,
    pub reviewers: Vec<String>,
}

impl StageForm {
    /// The stage that it says.
    pub fn stage(self) -> Result<PromotionStage, domain::model::FieldError> {
        let wrong = |field: &str, reason: String| domain::model::FieldError { field: field.to_owned(), reason };
        let approvals = self.approvals.trim();
        let tags = self.tags.split([',', ' ', '\n', '\r']).map(str::trim).filter(|tag| !tag.is_empty());
        let mlflow_stage = match self.mlflow_stage.as_str() {
            "" => None,
            text => Some(text.parse::<Stage>().map_err(|e| wrong("mlflow_stage", e))?),
        };
        Ok(PromotionStage {
            alias: self.alias.trim().to_owned(),
            protected: self.protected,
            mlflow_stage,
            after_previous: self.after_previous,
            rules: domain::model::rule_lines(&self.rules),
            card_fields: self.card_fields,
            tags: tags.map(str::to_owned).collect(),
            approvals: if approvals.is_empty() {
                0
            } else {
                approvals.parse().map_err(|_| wrong("approvals", "Write a number from 0 to 10.".to_owned()))?
            },
            reviewers: self.reviewers.into_iter().map(Into::into).collect(),
        })
    }
}

#[server(prefix = "/api", endpoint = "promotion/save_stage")]
pub async fn save_stage(team: String, form: StageForm) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let old = form.old.clone();
    let stage = form.stage().map_err(|wrong| domain::Error::Invalid(vec![wrong]))?;
    domain::promotion::save_stage(&portal, &caller, &team, &old, stage).await?;
    Ok(())
}

#[server(prefix = "/api", endpoint = "promotion/remove_stage")]
pub async fn remove_stage(team: String, alias: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::promotion::remove_stage(&portal, &caller, &team, &alias).await?;
    Ok(())
}

/// Moves a stage one place to the front.
#[server(prefix = "/api", endpoint = "promotion/move_stage")]
pub async fn move_stage(team: String, alias: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::promotion::move_stage(&portal, &caller, &team, &alias).await?;
    Ok(())
}

#[server(prefix = "/api", endpoint = "promotion/use_recommended")]
pub async fn use_recommended(team: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::promotion::use_recommended(&portal, &caller, &team).await?;
    Ok(())
}

/// `fields` has one a line.
#[server(prefix = "/api", endpoint = "promotion/save_card_fields")]
pub async fn save_card_fields(team: String, #[server(default)] fields: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let fields = domain::model::rule_lines(&fields);
    domain::promotion::save_card_fields(&portal, &caller, &team, fields).await?;
    Ok(())
}

/// A stage as a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub alias: String,
    pub protected: bool,
}

/// What the page asks from where a promotion is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    pub version: i64,
    pub targets: Vec<Target>,
    /// None where the flow has no stages.
    pub preview: Option<PromotionPreview>,
}

/// `to` is an alias, or empty for the first stage that the version does not hold.
#[server(prefix = "/api", endpoint = "promotion/preview")]
pub async fn preview(team: String, model: String, version: String, #[server(default)] to: String) -> Result<Promotion, AppError> {
    let (portal, caller) = request()?;
    let number = version.parse::<i64>().map_err(|_| domain::Error::NotFound("model version"))?;
    let version = domain::registry::get_version(&portal, &caller, &team, &model, number).await?;
    let flow = domain::promotion::flow(&portal, &caller, &team).await?;
    let next = flow.stages.iter().find(|stage| !version.aliases.contains(&stage.alias)).or(flow.stages.first());
    let to = if to.is_empty() { next.map(|stage| stage.alias.clone()) } else { Some(to) };
    let preview = match to {
        Some(to) => Some(domain::promotion::preview(&portal, &caller, &team, (&model, number), &to).await?),
        None => None,
    };
    let targets = flow.stages.into_iter().map(|stage| Target { alias: stage.alias, protected: stage.protected }).collect();
    Ok(Promotion { version: number, targets, preview })
}

/// A form's text as it was typed: browsers send its line ends as two characters.
#[cfg(feature = "ssr")]
fn typed(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// Asks for a promotion; gives the request's id. A browser without scripts goes to its page.
#[server(prefix = "/api", endpoint = "promotion/request")]
pub async fn request_promotion(
    team: String,
    model: String,
    version: i64,
    alias: String,
    #[server(default)] note: String,
) -> Result<String, AppError> {
    let (portal, caller) = request()?;
    let id = domain::promotion::request(&portal, &caller, &team, (&model, version), &alias, &typed(&note)).await?;
    if is_plain_post() {
        leptos_axum::redirect(&super::words::page_of_request(&team, &id));
    }
    Ok(id)
}

#[server(prefix = "/api", endpoint = "promotion/requests")]
pub async fn list_requests(team: String) -> Result<Vec<PromotionRequest>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::list(&portal, &caller, &team).await?)
}

/// How many requests wait for the caller.
#[server(prefix = "/api", endpoint = "promotion/waiting")]
pub async fn count_waiting(team: String) -> Result<usize, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::waiting(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "promotion/get")]
pub async fn get_request(team: String, id: String) -> Result<PromotionDetail, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::get(&portal, &caller, &team, &id).await?)
}

#[server(prefix = "/api", endpoint = "promotion/approve")]
pub async fn approve(team: String, id: String, #[server(default)] comment: String) -> Result<RequestState, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::review(&portal, &caller, &team, &id, true, &typed(&comment)).await?)
}

#[server(prefix = "/api", endpoint = "promotion/reject")]
pub async fn reject(team: String, id: String, #[server(default)] comment: String) -> Result<RequestState, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::review(&portal, &caller, &team, &id, false, &typed(&comment)).await?)
}

#[server(prefix = "/api", endpoint = "promotion/ask_waiver")]
pub async fn ask_waiver(team: String, id: String, gate: String, #[server(default)] reason: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::ask_waiver(&portal, &caller, &team, &id, &gate, &typed(&reason)).await?)
}

#[server(prefix = "/api", endpoint = "promotion/grant_waiver")]
pub async fn grant_waiver(team: String, id: String, gate: String) -> Result<RequestState, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::grant_waiver(&portal, &caller, &team, &id, &gate).await?)
}

#[server(prefix = "/api", endpoint = "promotion/decline_waiver")]
pub async fn decline_waiver(team: String, id: String, gate: String, #[server(default)] reason: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::decline_waiver(&portal, &caller, &team, &id, &gate, &typed(&reason)).await?)
}

#[server(prefix = "/api", endpoint = "promotion/check_again")]
pub async fn check_again(team: String, id: String) -> Result<RequestState, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::check_again(&portal, &caller, &team, &id).await?)
}

#[server(prefix = "/api", endpoint = "promotion/withdraw")]
pub async fn withdraw(team: String, id: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::withdraw(&portal, &caller, &team, &id).await?)
}

#[server(prefix = "/api", endpoint = "promotion/history")]
pub async fn get_history(team: String, model: String, alias: String) -> Result<AliasHistory, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::history(&portal, &caller, &team, &model, &alias).await?)
}

/// Gives the version that holds the alias now.
#[server(prefix = "/api", endpoint = "promotion/roll_back")]
pub async fn roll_back(
    team: String,
    model: String,
    alias: String,
    version: i64,
    #[server(default)] reason: String,
) -> Result<i64, AppError> {
    let (portal, caller) = request()?;
    domain::promotion::roll_back(&portal, &caller, &team, (&model, &alias), version, &typed(&reason)).await?;
    Ok(version)
}

/// Takes an alias away, also a protected one.
#[server(prefix = "/api", endpoint = "promotion/remove_alias")]
pub async fn remove_holder(team: String, model: String, alias: String, #[server(default)] reason: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::promotion::remove(&portal, &caller, &team, (&model, &alias), &typed(&reason)).await?)
}

/// A field of a card as its form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardText {
    pub field: String,
    pub text: String,
}

#[server(prefix = "/api", endpoint = "promotion/save_card")]
pub async fn save_card(team: String, model: String, version: i64, #[server(default)] card: Vec<CardText>) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let texts = card.into_iter().map(|one| (one.field, typed(&one.text))).collect();
    Ok(domain::promotion::save_card(&portal, &caller, &team, (&model, version), texts).await?)
}
