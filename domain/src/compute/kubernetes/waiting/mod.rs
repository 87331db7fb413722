//! Why is it waiting? One sentence from all that the cluster says of a pod, and the nearest choice that would start now.

mod container;
mod queue;
mod scheduling;
mod storage;
#[cfg(test)]
mod tests;

use super::{
    facts::{condition, waiting},
    quantity::Amount,
    room::Room,
};
use k8s_openapi::{
    api::core::v1::{Event, PersistentVolumeClaim, Pod},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use std::fmt;

/// What is known of a pod that does not run yet.
pub struct Situation<'a> {
    pub pod: &'a Pod,
    /// Of the pod and of its claims, the latest last.
    pub events: &'a [Event],
    pub claims: &'a [PersistentVolumeClaim],
    pub rooms: &'a [Room],
    pub gpu_resource: &'a str,
    /// Of Kueue's workload for the pod, where Kueue holds it.
    pub queue: &'a [Condition],
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub because: String,
    /// The nearest choice that would start now, or what else helps.
    pub instead: Option<String>,
}

impl Waiting {
    pub(super) fn new(because: impl Into<String>) -> Self {
        Self { because: because.into(), instead: None }
    }
    pub(super) fn or(self, instead: impl Into<String>) -> Self {
        Self { instead: Some(instead.into()), ..self }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.because)?;
        self.instead.as_ref().map_or(Ok(()), |instead| write!(f, " {instead}"))
    }
}

/// Before anything else is known than the pod itself.
pub(super) fn at_first(pod: &Pod) -> String {
    explain(&Situation { pod, events: &[], claims: &[], rooms: &[], gpu_resource: "", queue: &[] }).to_string()
}

/// Folds everything into one sentence. What only the administrator can mend is said before what only waits.
pub fn explain(situation: &Situation<'_>) -> Waiting {
    let pod = situation.pod;
    if let Some(held) = waiting(pod) {
        return container::explain(situation, held);
    }
    let scheduled = condition(pod, "PodScheduled");
    let gated = pod.spec.as_ref().and_then(|s| s.scheduling_gates.as_ref()).is_some_and(|gates| !gates.is_empty());
    if gated || scheduled.is_some_and(|c| c.reason.as_deref() == Some("SchedulingGated")) {
        return queue::explain(situation.queue);
    }
    let placed = pod.spec.as_ref().is_some_and(|s| s.node_name.is_some());
    match scheduled {
        Some(c) if c.status == "False" && !placed => scheduling::explain(situation, c.message.as_deref().unwrap_or_default()),
        _ if placed => container::on_node(situation),
        _ => Waiting::new("Waits for the cluster's scheduler."),
    }
}

/// The last event with this reason.
fn event<'a>(situation: &Situation<'a>, reason: &str) -> Option<&'a str> {
    let found = situation.events.iter().rev().find(|e| e.reason.as_deref() == Some(reason))?;
    Some(found.message.as_deref().unwrap_or_default())
}

/// A foreign sentence, short and on one line.
fn brief(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(240).collect();
    line.trim().trim_end_matches('.').to_owned()
}

/// `4 CPUs`, `1 GPU`.
fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn gib(mib: u64) -> String {
    format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024)
}

/// CPUs as people read them: `2` or `1.5`.
fn cpus(milli: u64) -> String {
    match milli % 1000 / 100 {
        0 => (milli / 1000).to_string(),
        tenths => format!("{}.{tenths}", milli / 1000),
    }
}

/// A size as a person would choose it; none where it is too small for anything.
fn size(amount: Amount) -> Option<String> {
    let whole = amount.milli_cpus / 1000;
    if whole == 0 || amount.memory_mib < 128 {
        return None;
    }
    let base = format!("{} and {} of memory", many(whole, "CPU"), gib(amount.memory_mib));
    Some(if amount.gpus > 0 { format!("{} with {base}", many(amount.gpus, "GPU")) } else { base })
}

/// What a quota's refusal means: `requested: requests.cpu=4, used: requests.cpu=2, limited: requests.cpu=4`.
pub(super) fn quota(detail: &str) -> Waiting {
    let part = |name: &str| -> Vec<(String, String)> {
        let after = detail.split_once(name).map_or("", |(_, rest)| rest);
        let ends = ["requested:", "used:", "limited:"].iter().filter_map(|next| after.find(next)).min().unwrap_or(after.len());
        let words = after[..ends].split(',').filter_map(|pair| pair.trim().split_once('='));
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (asked, used, most) = (part("requested:"), part("used:"), part("limited:"));
    let value = |list: &[(String, String)], name: &str| list.iter().find(|(n, _)| n == name).map_or("?".to_owned(), |(_, v)| v.clone());
    let words: Vec<String> = asked
        .iter()
        .map(|(name, wanted)| {
            let plain = name.trim_start_matches("requests.").trim_start_matches("limits.");
            format!("{plain}: {} of {} used, {wanted} asked for", value(&used, name), value(&most, name))
        })
        .collect();
    let words = if words.is_empty() { brief(detail) } else { words.join("; ") };
    Waiting::new(format!("The team's quota in the cluster is used up ({words})."))
        .or("Stop something of the team or choose a smaller size; it starts once there is room.")
}
