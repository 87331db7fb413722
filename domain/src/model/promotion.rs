//! Promotion: the stages that versions of models pass on their way into use, what each asks for, and the requests.

use super::{Checks, FieldError, MetricRule, Millis, Stage, UserId, validate_alias, validate_key, validate_line};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most stages of a flow.
pub const FLOW_STAGES: usize = 10;
/// Most gates of one kind at a stage, and most fields of a card.
pub const GATES: usize = 20;
/// Longest name of a card's field, in characters.
pub const CARD_FIELD_LENGTH: usize = 60;
/// Longest text of a card's field, in characters.
pub const CARD_TEXT_LENGTH: usize = 20_000;
/// Longest comment or reason, in characters.
pub const COMMENT_LENGTH: usize = 2000;
/// What a card asks for where the team says nothing else.
pub const CARD_FIELDS: [&str; 5] = ["Intended use", "Training data", "Evaluation", "Limitations", "Owner"];

/// An alias that versions come to by promotion, and what that takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct PromotionStage {
    pub alias: String,
    /// Whether nothing but a promotion moves it. Others are moved by whoever writes to the registry.
    pub protected: bool,
    /// The stage in MLflow's older words that goes with it: set by a promotion, and protected as the alias is.
    pub mlflow_stage: Option<Stage>,
    /// Whether a version must have been in the stage before this one.
    pub after_previous: bool,
    /// Metric rules as they were typed.
    pub rules: Vec<String>,
    /// Fields of the card that must be filled.
    pub card_fields: Vec<String>,
    /// Keys of tags that the version must have.
    pub tags: Vec<String>,
    /// How many people other than who asks must approve.
    pub approvals: u32,
    /// Who may approve; where empty, every member and admin of the team.
    pub reviewers: Vec<UserId>,
}

impl PromotionStage {
    fn named(alias: &str) -> Self {
        Self { alias: alias.to_owned(), ..Self::default() }
    }

    /// Names, lengths, rules. Whether fields and people exist is for the flow and the domain to say.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("alias", validate_alias(&self.alias));
        checks.check("rules", super::validate_rules(&self.rules.join("\n")));
        for (list, field) in [(&self.rules, "rules"), (&self.card_fields, "card_fields"), (&self.tags, "tags")] {
            checks.require(list.len() <= GATES, field, format!("Use at most {GATES}."));
        }
        for tag in &self.tags {
            checks.check("tags", validate_key(tag));
        }
        checks.require(self.approvals <= 10, "approvals", "Use 0 to 10 approvals.");
        let named = self.reviewers.iter().collect::<BTreeSet<_>>().len();
        let enough = self.reviewers.is_empty() || usize::try_from(self.approvals).is_ok_and(|approvals| named >= approvals);
        checks.require(enough, "approvals", "Name at least as many reviewers as approvals are needed, or none for everybody.");
        checks.require(self.mlflow_stage.is_none_or(Stage::is_active), "mlflow_stage", "Use Staging or Production, or none.");
        checks.finish()
    }

    /// Whether anything is asked for.
    pub fn is_open(&self) -> bool {
        self.rules.is_empty() && self.card_fields.is_empty() && self.tags.is_empty() && self.approvals == 0 && !self.after_previous
    }
}

/// The stages of a team in their order, and the fields of its model cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionFlow {
    pub stages: Vec<PromotionStage>,
    pub card: Vec<String>,
}

impl Default for PromotionFlow {
    /// What a team has that never said anything: the usual names, and nothing protected.
    fn default() -> Self {
        let stages = ["candidate", "staging", "champion"].map(PromotionStage::named).to_vec();
        Self { stages, card: CARD_FIELDS.map(str::to_owned).to_vec() }
    }
}

impl PromotionFlow {
    /// A flow that suits most teams: `staging` and `champion` are protected, each with one approval; more is asked of what goes into use.
    pub fn recommended() -> Self {
        let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let protected = PromotionStage { protected: true, approvals: 1, ..PromotionStage::default() };
        let staging = PromotionStage {
            alias: "staging".into(),
            mlflow_stage: Some(Stage::Staging),
            card_fields: fields(&["Intended use"]),
            ..protected.clone()
        };
        let champion = PromotionStage {
            alias: "champion".into(),
            mlflow_stage: Some(Stage::Production),
            card_fields: fields(&["Intended use", "Evaluation", "Owner"]),
            ..protected
        };
        Self { stages: vec![PromotionStage::named("candidate"), staging, champion], ..Self::default() }
    }

    pub fn stage(&self, alias: &str) -> Option<&PromotionStage> {
        self.stages.iter().find(|stage| stage.alias == alias)
    }

    /// The stage before this one.
    pub fn before(&self, alias: &str) -> Option<&PromotionStage> {
        let at = self.stages.iter().position(|stage| stage.alias == alias)?;
        self.stages.get(at.checked_sub(1)?)
    }

    pub fn is_protected(&self, alias: &str) -> bool {
        self.stage(alias).is_some_and(|stage| stage.protected)
    }

    /// The protected stage that guards this one of MLflow's.
    pub fn guarding(&self, mlflow_stage: Stage) -> Option<&PromotionStage> {
        self.stages.iter().find(|stage| stage.protected && stage.mlflow_stage == Some(mlflow_stage))
    }

    /// What the stages and the card say together; each stage also validates itself.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.require(self.stages.len() <= FLOW_STAGES, "alias", format!("A flow has at most {FLOW_STAGES} stages."));
        checks.require(self.card.len() <= GATES, "card", format!("A card has at most {GATES} fields."));
        let once = |names: Vec<&String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        checks.require(once(self.stages.iter().map(|s| &s.alias).collect()), "alias", "The flow has a stage of this name already.");
        checks.require(once(self.card.iter().collect()), "card", "Name each field once.");
        let guarding: Vec<Stage> = self.stages.iter().filter_map(|stage| stage.mlflow_stage).collect();
        let twice = guarding.iter().enumerate().any(|(i, one)| guarding[..i].contains(one));
        checks.require(!twice, "mlflow_stage", "Another stage of the flow goes with this one already.");
        for field in &self.card {
            checks.check("card", validate_line(field, CARD_FIELD_LENGTH));
            checks.require(!field.trim().is_empty(), "card", "A field has a name.");
        }
        for stage in &self.stages {
            for field in stage.card_fields.iter().filter(|field| !self.card.contains(field)) {
                let reason = format!("\"{field}\" is no field of the model card, but stage {} asks for it.", stage.alias);
                checks.require(false, "card_fields", reason.clone());
                checks.require(false, "card", reason);
            }
        }
        checks.finish()
    }
}

/// Something that a promotion asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Gate {
    /// A metric rule as it was typed.
    Metric(String),
    /// A field of the model card.
    Card(String),
    /// A tag of the version.
    Tag(String),
    /// The version holds or held this alias.
    Held(String),
    /// So many people other than who asks.
    Approvals(u32),
}

impl Gate {
    /// What a waiver names it by.
    pub fn key(&self) -> String {
        match self {
            Self::Metric(rule) => format!("metric:{rule}"),
            Self::Card(field) => format!("card:{field}"),
            Self::Tag(key) => format!("tag:{key}"),
            Self::Held(alias) => format!("held:{alias}"),
            Self::Approvals(_) => "approvals".to_owned(),
        }
    }
    pub fn title(&self) -> String {
        match self {
            Self::Metric(rule) => rule.parse::<MetricRule>().map_or_else(|_| rule.clone(), |rule| rule.to_string()),
            Self::Card(field) => format!("Model card: {field}"),
            Self::Tag(key) => format!("Tag {key}"),
            Self::Held(alias) => format!("Has been {alias}"),
            Self::Approvals(1) => "1 approval".to_owned(),
            Self::Approvals(many) => format!("{many} approvals"),
        }
    }
    /// Two people always look; everything else can be waived by a second person.
    pub fn can_be_waived(&self) -> bool {
        !matches!(self, Self::Approvals(_))
    }
}

/// A gate, whether it is passed, and what that is concluded from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GateCheck {
    pub gate: Gate,
    pub passed: bool,
    /// What was seen, in a sentence.
    pub evidence: String,
    /// What would pass it; empty where it is passed.
    pub todo: String,
    /// A granted waiver that speaks of this evidence lets it through.
    pub waived: bool,
}

impl GateCheck {
    pub fn is_settled(&self) -> bool {
        self.passed || self.waived
    }
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestState {
    Open,
    Promoted,
    Rejected,
    Withdrawn,
}

impl RequestState {
    const ALL: [Self; 4] = [Self::Open, Self::Promoted, Self::Rejected, Self::Withdrawn];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Promoted => "promoted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl std::str::FromStr for RequestState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("\"{text}\" is no state of a request."))
    }
}

/// A request that a version be promoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PromotionRequest {
    pub id: String,
    pub model: String,
    pub version: i64,
    pub alias: String,
    pub state: RequestState,
    /// What the requester says for it.
    pub note: String,
    /// Email of who asks.
    pub requested_by: String,
    pub requested_at: Millis,
    /// Version that held the alias when it was asked.
    pub holder: Option<i64>,
    pub closed_by: Option<String>,
    pub closed_at: Option<Millis>,
    /// Why it was closed, where somebody said.
    pub closing: Option<String>,
    /// Whether it waits for the caller: a review of theirs, or a waiver that they may grant.
    pub waits_for_me: bool,
    /// Whether the caller approved it before its model card changed, and is asked again.
    pub asks_again: bool,
    /// Whether a waiver of it was declined and none was asked for instead.
    pub waiver_declined: bool,
}

/// Somebody's approval or refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionReview {
    /// Email.
    pub by: String,
    pub approves: bool,
    pub comment: String,
    pub at: Millis,
}

/// An approval that no longer counts, since the version's model card was changed after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapsedApproval {
    /// Email.
    pub by: String,
    pub comment: String,
    pub at: Millis,
    /// Email of who changed the card.
    pub lapsed_by: String,
    pub lapsed_at: Millis,
}

/// That a failing gate is let through.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PromotionWaiver {
    /// `Gate::key`.
    pub gate: String,
    pub reason: String,
    /// What was seen of the gate; the waiver is for this and for nothing else.
    pub evidence: String,
    /// Email.
    pub asked_by: String,
    pub asked_at: Millis,
    pub granted_by: Option<String>,
    pub granted_at: Option<Millis>,
    pub declined_by: Option<String>,
    pub declined_at: Option<Millis>,
    /// Why it was declined.
    pub declining: Option<String>,
    /// Whether it waits for the caller, who may grant or decline it.
    pub for_me: bool,
}

/// What the caller may do with a request, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRights {
    pub review: bool,
    /// Why they may not review; empty where they may.
    pub why_not: String,
    /// Ask for waivers, have gates looked at again.
    pub write: bool,
    pub withdraw: bool,
}

/// A request with all that was said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionDetail {
    pub request: PromotionRequest,
    /// As they are now; of a closed request, as they were when it was closed.
    pub gates: Vec<GateCheck>,
    /// As they were when it was asked.
    pub gates_then: Vec<GateCheck>,
    /// Oldest first.
    pub reviews: Vec<PromotionReview>,
    /// Oldest first.
    pub lapsed: Vec<LapsedApproval>,
    pub waivers: Vec<PromotionWaiver>,
    /// Emails of the named reviewers; none where everybody may.
    pub reviewers: Vec<String>,
    /// Version that holds the alias now.
    pub holder: Option<i64>,
    pub rights: RequestRights,
}

/// What asking for a promotion would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionPreview {
    pub stage: PromotionStage,
    /// Emails of the named reviewers; none where everybody may.
    pub reviewers: Vec<String>,
    pub gates: Vec<GateCheck>,
    /// Version that holds the alias now.
    pub holder: Option<i64>,
    /// The request that is open for this version and alias.
    pub open: Option<String>,
}

/// One holder of an alias, and how it came to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AliasHolder {
    pub seq: i64,
    /// None from where the alias was taken away.
    pub version: Option<i64>,
    /// `set`, `promoted`, `rolled back`, `removed`, `deleted` or `imported`.
    pub how: String,
    pub reason: Option<String>,
    /// The request that led to it.
    pub request: Option<String>,
    /// Email.
    pub by: String,
    pub at: Millis,
    /// Whether the version is still there.
    pub exists: bool,
}

/// The holders of an alias, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasHistory {
    pub holder: Option<i64>,
    pub protected: bool,
    pub holders: Vec<AliasHolder>,
    /// Whether the caller may roll it back.
    pub may_roll_back: bool,
    /// Whether the caller may take the alias away from whatever holds it.
    pub may_remove: bool,
}

/// A field of a version's model card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CardField {
    pub field: String,
    /// Markdown; empty where nobody wrote anything.
    pub text: String,
    /// Email of who changed it last.
    pub updated_by: Option<String>,
    pub updated_at: Option<Millis>,
    /// Stages that ask for it.
    pub needed_by: Vec<String>,
}

/// A comment or a reason: any text of a length.
pub fn validate_comment(text: &str) -> Result<(), String> {
    if text.chars().count() > COMMENT_LENGTH {
        return Err(format!("Use at most {COMMENT_LENGTH} characters."));
    }
    if text.contains('\0') { Err("Remove the character NUL.".to_owned()) } else { Ok(()) }
}

/// The same, where something must be said.
pub fn validate_reason(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("Say why.".to_owned()) } else { validate_comment(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recommended_flow_is_sound_and_the_first_one_protects_nothing() {
        let (first, recommended) = (PromotionFlow::default(), PromotionFlow::recommended());
        for flow in [&first, &recommended] {
            assert_eq!(flow.validate(), Ok(()));
            assert!(flow.stages.iter().all(|stage| stage.validate().is_ok()));
        }
        assert!(first.stages.iter().all(|stage| !stage.protected && stage.is_open()));
        assert!(recommended.is_protected("champion") && recommended.is_protected("staging") && !recommended.is_protected("candidate"));
        assert_eq!(recommended.guarding(Stage::Production).map(|s| s.alias.as_str()), Some("champion"));
        assert_eq!(recommended.before("champion").map(|s| s.alias.as_str()), Some("staging"));
        assert_eq!(recommended.before("candidate"), None);
    }

    #[test]
    fn a_stage_says_which_field_is_wrong() {
        let fields = |stage: PromotionStage| stage.validate().map_err(|e| e.into_iter().map(|e| e.field).collect::<Vec<_>>());
        let good = PromotionStage::named("champion");
        for (bad, field) in [
            (PromotionStage::named("v1"), "alias"),
            (PromotionStage { rules: vec!["auc >> 3".into()], ..good.clone() }, "rules"),
            (PromotionStage { tags: vec!["a\0".into()], ..good.clone() }, "tags"),
            (PromotionStage { approvals: 11, ..good.clone() }, "approvals"),
            (PromotionStage { approvals: 2, reviewers: vec!["a".into(), "a".into()], ..good.clone() }, "approvals"),
            (PromotionStage { mlflow_stage: Some(Stage::Archived), ..good.clone() }, "mlflow_stage"),
        ] {
            assert_eq!(fields(bad), Err(vec![field.to_owned()]));
        }
        let mut flow = PromotionFlow::default();
        flow.stages.push(good);
        flow.card.push("Owner".into());
        assert_eq!(flow.validate().map_err(|e| e.len()), Err(2));
    }
}
