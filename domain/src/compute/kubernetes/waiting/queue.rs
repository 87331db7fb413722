//! A pod that Kueue holds.

use super::{Waiting, brief};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

pub(super) fn explain(conditions: &[Condition]) -> Waiting {
    let find = |kind: &str| conditions.iter().find(|c| c.type_ == kind);
    let is = |kind: &str, status: &str| find(kind).filter(|c| c.status == status);
    if let Some(evicted) = is("Evicted", "True").filter(|_| is("QuotaReserved", "True").is_none()) {
        let why =
            if evicted.reason == "Preempted" { "something more important took its place".to_owned() } else { brief(&evicted.message) };
        return Waiting::new(format!("Its queue took its place back: {why}. It waits for its turn again."));
    }
    if let Some(reserved) = is("QuotaReserved", "False") {
        let said = &reserved.message;
        if said.contains("doesn't exist") || reserved.reason == "Inadmissible" {
            return Waiting::new(format!("Its queue does not take it: {}.", brief(said))).or("Ask the administrator to look at the queue.");
        }
        if said.contains("more needed") || said.contains("insufficient") {
            return Waiting::new(format!("Waits in its queue for quota: {}.", brief(said))).or("A smaller size may start sooner.");
        }
        return Waiting::new(format!("Waits in its queue: {}.", brief(said)));
    }
    if is("QuotaReserved", "True").is_some() && is("Admitted", "True").is_none() {
        return Waiting::new("Its queue has room for it and checks whether it may start.");
    }
    if is("Admitted", "True").is_some() {
        return Waiting::new("Its queue lets it start.");
    }
    Waiting::new("Waits for its turn in the cluster's queue.")
}
