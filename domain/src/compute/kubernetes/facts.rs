//! From a pod to what the portal knows of a launch. Silence is never an end: only a pod that has ended, or is seen to be gone, ends a launch.

use super::{
    manifests::CONTAINER,
    names::{self, LAUNCH, PORTAL, STOP, TEAM, WORKLOAD, label},
};
use crate::{
    compute::{Fact, Outcome, State},
    model::Millis,
};
use k8s_openapi::{
    api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStateWaiting, Pod, PodCondition},
    apimachinery::pkg::apis::meta::v1::Time,
};

/// Workload and launch of a pod that is ours: by its labels, and in the namespace of its team, since anybody may write labels elsewhere.
pub(super) fn launch_of(pod: &Pod) -> Option<(&str, i64)> {
    let namespace = names::namespace(label(&pod.metadata, PORTAL)?, label(&pod.metadata, TEAM)?).ok()?;
    if pod.metadata.namespace.as_ref() != Some(&namespace) {
        return None;
    }
    Some((label(&pod.metadata, WORKLOAD)?, label(&pod.metadata, LAUNCH)?.parse().ok()?))
}

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("Pending")
}

/// No container of it runs or will run.
pub(super) fn has_terminated(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

pub(super) fn is_being_deleted(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

pub(super) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|c| c.type_ == kind)
}

fn container(pod: &Pod) -> Option<&ContainerState> {
    let all = pod.status.as_ref()?.container_statuses.as_ref()?;
    all.iter().find(|c| c.name == CONTAINER)?.state.as_ref()
}

pub(super) fn waiting(pod: &Pod) -> Option<&ContainerStateWaiting> {
    container(pod)?.waiting.as_ref()
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    container(pod)?.terminated.as_ref()
}

fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|c| c.status == "True")
}

pub(super) fn millis(time: &Time) -> Millis {
    time.0.as_millisecond()
}

/// When the pod came into the state that it is in.
fn since(pod: &Pod, state: &State) -> Option<Millis> {
    let at = match state {
        State::Ready => condition(pod, "Ready").and_then(|c| c.last_transition_time.as_ref()),
        State::Starting => container(pod).and_then(|c| c.running.as_ref()).and_then(|r| r.started_at.as_ref()),
        State::Stopping => pod.metadata.deletion_timestamp.as_ref(),
        State::Ended { .. } => terminated(pod).and_then(|t| t.finished_at.as_ref()),
        State::Preparing { .. } => None,
    };
    at.or(pod.metadata.creation_timestamp.as_ref()).map(millis)
}

/// What a pod says. `step` is what it waits for, where it waits.
pub(super) fn fact(pod: &Pod, step: impl FnOnce() -> String, now: Millis) -> Option<Fact> {
    let (id, launch) = launch_of(pod)?;
    let state = match phase(pod) {
        // One that somebody else deletes is stopping for no wish of ours: it is what it was until it is gone.
        _ if is_being_deleted(pod) && was_asked_to_stop(pod) => State::Stopping,
        "Succeeded" | "Failed" => State::Ended { outcome: outcome(pod) },
        _ if is_ready(pod) => State::Ready,
        _ if container(pod).is_some_and(|c| c.running.is_some()) => State::Starting,
        _ => State::Preparing { step: step(), done: 0, total: 0 },
    };
    // The time of deletion is when the grace is over.
    let at = since(pod, &state).unwrap_or(now).min(now);
    Some(Fact { id: id.to_owned(), launch, at, state })
}

pub(super) fn was_asked_to_stop(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(STOP))
}

/// How a launch ended whose pod is seen to be gone.
pub(super) fn gone(pod: &Pod, now: Millis) -> Option<Fact> {
    let (id, launch) = launch_of(pod)?;
    let outcome = if was_asked_to_stop(pod) {
        Outcome::Stopped
    } else if has_terminated(pod) {
        outcome(pod)
    } else {
        failed("Its pod was deleted by somebody else, or its node was taken away.", "Start it again; its files are kept.")
    };
    Some(Fact { id: id.to_owned(), launch, at: now, state: State::Ended { outcome } })
}

fn failed(reason: impl Into<String>, next_step: &str) -> Outcome {
    Outcome::Failed { reason: reason.into(), next_step: next_step.to_owned() }
}

/// How a pod that has terminated did so.
fn outcome(pod: &Pod) -> Outcome {
    if was_asked_to_stop(pod) {
        return Outcome::Stopped;
    }
    let status = pod.status.as_ref();
    let reason = status.and_then(|s| s.reason.as_deref()).unwrap_or_default();
    let message = status.and_then(|s| s.message.as_deref()).unwrap_or_default();
    match reason {
        "Evicted" => {
            return failed(format!("Its node ran short of something and ended it: {message}"), "Start it again; its files are kept.");
        }
        "NodeLost" | "NodeShutdown" | "Terminated" | "Shutdown" => {
            return failed("Its node went away.", "Start it again; its files are kept.");
        }
        "DeadlineExceeded" => return failed("A rule of the cluster limits how long it may run.", "Start it again."),
        "Preempting" | "Preempted" => return failed("The cluster gave its place to something more important.", "Start it again later."),
        "UnexpectedAdmissionError" | "OutOfcpu" | "OutOfmemory" | "OutOfpods" => {
            return failed(format!("Its node refused it: {message}"), "Start it again.");
        }
        _ => {}
    }
    let Some(end) = terminated(pod) else {
        return failed(format!("Its pod ended: {reason} {message}").trim().to_owned(), "Start it again.");
    };
    let said = end.message.as_deref().unwrap_or_default();
    match (end.reason.as_deref(), end.exit_code) {
        (Some("OOMKilled"), _) => {
            failed("It used more memory than it was given and was ended.", "Choose a larger size, then start it again.")
        }
        (Some("ContainerCannotRun" | "StartError"), _) if said.contains("not found") || said.contains("no such file") => {
            failed("The image does not have the program.", "Choose another version, or correct its image under Environments.")
        }
        (Some("ContainerCannotRun" | "StartError"), _) => {
            failed(format!("It could not be started: {said}"), "See its image under Environments.")
        }
        (_, code @ 129..=192) => {
            failed(format!("It was ended by signal {}.", code - 128), "See the last lines of the log, then start it again.")
        }
        (_, code) => Outcome::Exited { code },
    }
}
