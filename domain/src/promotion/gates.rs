//! What a stage asks of a version, looked at: each gate with what it was concluded from and what would pass it.

use super::{
    card_store, gates_store, holders, lapse_store,
    store::{self, ReviewRow},
    waiver_store,
};
use crate::{
    db::Tx,
    error::{Error, Result},
    model::{Bound, Gate, GateCheck, MetricRule, PromotionFlow, PromotionStage, TeamId, UserId, cut},
    registry::{
        store::alias as holder_of,
        version_store::{self, VersionRow},
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whose promotion to what is looked at.
pub(super) struct Subject<'a> {
    pub team: &'a TeamId,
    pub model: &'a str,
    pub version: i64,
    pub requester: &'a UserId,
    /// None before it is asked for.
    pub request: Option<&'a str>,
}

/// Looks at every gate of the stage.
///
/// # Errors
/// `NotFound` where the version is gone.
pub(super) async fn look(tx: &mut Tx, subject: &Subject<'_>, flow: &PromotionFlow, stage: &PromotionStage) -> Result<Vec<GateCheck>> {
    let row = version_store::find_tx(tx, subject.model, subject.version).await?;
    let mut checks = Vec::new();
    if let Some(before) = flow.before(&stage.alias).filter(|_| stage.after_previous) {
        checks.push(held(tx, subject, &before.alias).await?);
    }
    checks.extend(metrics(tx, subject, row, &stage.rules).await?);
    if !stage.card_fields.is_empty() {
        let card = card_store::texts(tx, (subject.model, subject.version)).await?;
        checks.extend(stage.card_fields.iter().map(|field| filled(field, card.get(field).map(String::as_str).unwrap_or_default())));
    }
    if !stage.tags.is_empty() {
        let tags = gates_store::tags(tx, (subject.model, subject.version)).await?;
        checks.extend(stage.tags.iter().map(|key| tagged(key, tags.get(key).map(String::as_str).unwrap_or_default())));
    }
    if stage.approvals > 0 {
        checks.push(approvals(tx, subject, stage).await?);
    }
    if let Some(request) = subject.request {
        let waivers = waiver_store::waivers_tx(tx, subject.team, request).await?;
        for check in checks.iter_mut().filter(|check| !check.passed && check.gate.can_be_waived()) {
            let key = check.gate.key();
            // What was waived is what was seen then.
            check.waived = waivers.iter().any(|w| w.gate == key && w.granted_at.is_some() && w.evidence == check.evidence);
        }
    }
    Ok(checks)
}

fn check(gate: Gate, passed: bool, evidence: String, todo: impl Into<String>) -> GateCheck {
    let todo = if passed { String::new() } else { todo.into() };
    GateCheck { gate, passed, evidence, todo, waived: false }
}

async fn held(tx: &mut Tx, subject: &Subject<'_>, alias: &str) -> Result<GateCheck> {
    let now = holder_of(tx, subject.model, alias).await? == Some(subject.version);
    let ever = now || holders::held(tx, subject.model, alias, subject.version).await?;
    let seen = match (now, ever) {
        (true, _) => format!("It is {alias} now."),
        (_, true) => format!("It was {alias}."),
        _ => format!("It never was {alias}."),
    };
    Ok(check(Gate::Held(alias.to_owned()), ever, seen, format!("Promote the version to {alias} first.")))
}

fn filled(field: &str, text: &str) -> GateCheck {
    let text = text.trim();
    let evidence = if text.is_empty() { "Nothing is written yet.".to_owned() } else { format!("\"{}\"", shortened(text)) };
    check(Gate::Card(field.to_owned()), !text.is_empty(), evidence, format!("Write \"{field}\" into the version's model card."))
}

fn tagged(key: &str, value: &str) -> GateCheck {
    let evidence = if value.is_empty() { "The version has no such tag.".to_owned() } else { format!("{key} = {}", shortened(value)) };
    check(Gate::Tag(key.to_owned()), !value.is_empty(), evidence, format!("Give the version the tag {key} with MLflow's client."))
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let line = text.lines().next().unwrap_or_default();
    let start = cut(line, MOST);
    if start.len() == text.len() { start.to_owned() } else { format!("{}…", start.trim_end()) }
}

type Metrics = HashMap<String, f64>;

async fn metrics_of(tx: &mut Tx, team: &TeamId, row: &VersionRow) -> Result<Metrics> {
    let mut found = Metrics::new();
    if let Some(run) = &row.run_id {
        found.extend(gates_store::run_metrics(tx, team, run).await?);
    }
    // What is said of the model itself is nearer than what its run said.
    if let Some(model) = &row.logged_model_id {
        found.extend(gates_store::model_metrics(tx, team, model).await?);
    }
    Ok(found)
}

async fn metrics(tx: &mut Tx, subject: &Subject<'_>, row: VersionRow, rules: &[String]) -> Result<Vec<GateCheck>> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let mine = metrics_of(tx, subject.team, &row).await?;
    let mut theirs: BTreeMap<i64, Metrics> = BTreeMap::new();
    let mut checks = Vec::new();
    for text in rules {
        let rule: MetricRule = text.parse().map_err(|e: crate::model::FilterError| Error::internal("promotion rule", e))?;
        let holder = match &rule.bound {
            Bound::Number(_) => None,
            Bound::Holder { alias, .. } => match holder_of(tx, subject.model, alias).await? {
                None => Some((alias.as_str(), None)),
                Some(version) => {
                    if let std::collections::btree_map::Entry::Vacant(place) = theirs.entry(version) {
                        let row = version_store::find_tx(tx, subject.model, version).await?;
                        place.insert(metrics_of(tx, subject.team, &row).await?);
                    }
                    Some((alias.as_str(), Some((version, theirs[&version].get(&rule.metric).copied()))))
                }
            },
        };
        let (passed, evidence, todo) = compare(&rule, mine.get(&rule.metric).copied(), holder);
        checks.push(check(Gate::Metric(text.clone()), passed, evidence, todo));
    }
    Ok(checks)
}

/// An alias, and the version that holds it with its value of the metric.
type Holder<'a> = Option<(&'a str, Option<(i64, Option<f64>)>)>;

/// Whether the rule holds, what was seen, and what to do.
fn compare(rule: &MetricRule, mine: Option<f64>, holder: Holder<'_>) -> (bool, String, String) {
    let MetricRule { metric, least, bound } = rule;
    let Some(mine) = mine else {
        let todo = format!("Log the metric {metric} to the version's source run or logged model.");
        return (false, format!("The version has no metric {metric}."), todo);
    };
    let (seen, limit) = match holder {
        None => (String::new(), bound.against(f64::NAN)),
        Some((alias, None)) => return (true, format!("{metric} is {}; no version is {alias} yet.", number(mine)), String::new()),
        Some((alias, Some((version, None)))) => {
            let evidence = format!("{metric} is {}; version {version}, which is {alias}, has no metric {metric}.", number(mine));
            return (false, evidence, format!("Log the metric {metric} to the source run of version {version}, or have this gate waived."));
        }
        Some((alias, Some((version, Some(value))))) => {
            (format!("version {version}, which is {alias}, has {}; ", number(value)), bound.against(value))
        }
    };
    let passed = least.holds(mine, limit);
    let evidence = format!("{metric} is {}; {seen}it must be {} {}.", number(mine), least.as_str(), number(limit));
    (passed, evidence, "Bring a version that does better, or have this gate waived.".to_owned())
}

/// A number with ten digits, without what comes of counting in twos.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.9e}").parse().unwrap_or(value);
    let size = rounded.abs();
    if size == 0.0 || !size.is_finite() || (1e-4..1e15).contains(&size) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// Whether this person's review counts at the stage.
pub(super) fn may_review(stage: &PromotionStage, requester: &UserId, user: &UserId) -> bool {
    requester != user && (stage.reviewers.is_empty() || stage.reviewers.contains(user))
}

/// Reviews that approve and count.
pub(super) fn approving<'a>(stage: &PromotionStage, requester: &UserId, reviews: &'a [ReviewRow]) -> Vec<&'a ReviewRow> {
    let counts = |r: &&ReviewRow| r.approves == 1 && r.counts == 1 && may_review(stage, requester, &UserId(r.user_id.clone()));
    reviews.iter().filter(counts).collect()
}

async fn approvals(tx: &mut Tx, subject: &Subject<'_>, stage: &PromotionStage) -> Result<GateCheck> {
    let (mut reviews, mut lapsed) = (Vec::new(), Vec::new());
    if let Some(request) = subject.request {
        reviews = store::reviews_tx(tx, subject.team, request).await?;
        lapsed = lapse_store::of_tx(tx, subject.team, request).await?;
    }
    let given = approving(stage, subject.requester, &reviews);
    let able = gates_store::able(tx, subject.team).await?;
    let able: Vec<&str> =
        able.iter().filter(|(user, _)| may_review(stage, subject.requester, user)).map(|(_, email)| email.as_str()).collect();
    let needed = usize::try_from(stage.approvals).unwrap_or(usize::MAX);
    let by = given.iter().map(|r| r.email.as_str()).collect::<Vec<_>>().join(", ");
    let by = if by.is_empty() { by } else { format!(": approved by {by}") };
    // Who has said anything since is in the reviews.
    let waiting: BTreeSet<&str> =
        lapsed.iter().map(|one| one.by.as_str()).filter(|email| reviews.iter().all(|review| review.email != *email)).collect();
    let again = match Vec::from_iter(waiting).join(", ") {
        none if none.is_empty() => none,
        who => format!(" The model card was changed after {who} approved; that no longer counts."),
    };
    let evidence = format!("{} of {needed}{by}.{again}", given.len());
    let todo = if able.len() < needed {
        let who = if able.is_empty() { "nobody".to_owned() } else { format!("only {}", able.join(", ")) };
        format!("Besides the requester, {who} in this team may approve it. A team admin can add people or change the flow.")
    } else if stage.reviewers.is_empty() {
        "Another member or admin of the team approves it.".to_owned()
    } else {
        format!("Ask {}.", able.join(", "))
    };
    Ok(check(Gate::Approvals(stage.approvals), given.len() >= needed, evidence, todo))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(rule: &str, mine: Option<f64>, holder: Holder<'_>) -> (bool, String) {
        let (passed, evidence, todo) = compare(&rule.parse().expect(rule), mine, holder);
        assert_eq!(passed, todo.is_empty() || passed, "{todo}");
        (passed, evidence)
    }

    #[test]
    fn a_metric_is_compared_with_the_holder_and_says_what_was_seen() {
        let holder = Some(("champion", Some((3, Some(0.9)))));
        let (passed, evidence) = compared("auc >= champion + 0.5%", Some(0.91), holder);
        assert!(passed);
        assert_eq!(evidence, "auc is 0.91; version 3, which is champion, has 0.9; it must be >= 0.9045.");
        assert!(!compared("auc >= champion + 0.5%", Some(0.904), holder).0);
        assert!(compared("auc >= champion", Some(0.9), holder).0);
        assert!(!compared("auc > champion", Some(0.9), holder).0);
        assert!(compared("auc >= champion", Some(0.1), Some(("champion", None))).0, "the first has nobody to beat");
        for (mine, holder) in [
            (None, holder),
            (Some(f64::NAN), holder),
            (Some(0.9), Some(("champion", Some((3, None))))),
            (Some(0.9), Some(("champion", Some((3, Some(f64::NAN)))))),
        ] {
            assert!(!compared("auc >= champion", mine, holder).0, "{mine:?} {holder:?}");
        }
        assert_eq!(compared("loss < 0.2", Some(0.1 + 0.2), None), (false, "loss is 0.3; it must be < 0.2.".to_owned()));
        assert_eq!((number(1e-9).as_str(), number(0.0).as_str(), number(-1234.5).as_str()), ("1e-9", "0", "-1234.5"));
    }
}
