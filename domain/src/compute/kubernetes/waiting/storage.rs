//! Volumes that keep a pod from starting.

use super::{Situation, Waiting, brief, event};

/// Before the pod has a node: claims that no volume answers.
pub(super) fn unscheduled(situation: &Situation<'_>, message: &str) -> Option<Waiting> {
    if message.contains("persistentvolumeclaim") && message.contains("not found") {
        return Some(Waiting::new("A volume of it was deleted in the cluster.").or("Start it with another home or without that volume."));
    }
    if message.contains("persistentvolumeclaim") && message.contains("is being deleted") {
        return Some(Waiting::new("A volume of it is being deleted in the cluster.").or("Choose another volume."));
    }
    if message.contains("volume node affinity conflict") || message.contains("no available volume zone") {
        let apart = "Its volume is bound to a zone or node that has no room for it.";
        return Some(Waiting::new(apart).or("Choose another volume or a new one, or wait for room there."));
    }
    if message.contains("exceed max volume count") {
        return Some(Waiting::new("No node can take another volume.").or("Stop something that has volumes, or use fewer."));
    }
    let unbound =
        message.contains("unbound immediate PersistentVolumeClaims") || message.contains("find available persistent volumes to bind");
    unbound.then(|| claims(situation))
}

fn claims(situation: &Situation<'_>) -> Waiting {
    let pending = |phase: Option<&str>| phase.is_none_or(|p| p == "Pending");
    let waits = situation.claims.iter().find(|c| pending(c.status.as_ref().and_then(|s| s.phase.as_deref())));
    let lost = situation.claims.iter().any(|c| c.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Lost"));
    if lost {
        return Waiting::new("The storage behind a volume of it is lost.").or("Ask the administrator; choose another volume to start now.");
    }
    if let Some(why) = event(situation, "ProvisioningFailed") {
        return if why.contains("storageclass") && why.contains("not found") {
            Waiting::new(format!("The cluster has no such storage class: {}.", brief(why))).or("Ask the administrator to set another.")
        } else {
            Waiting::new(format!("A volume of it cannot be made: {}.", brief(why))).or("Ask the administrator.")
        };
    }
    let class = waits.and_then(|c| c.spec.as_ref()?.storage_class_name.as_deref());
    match (waits, class) {
        (Some(_), None) => Waiting::new("The cluster has no default storage class, so a volume of it cannot be made.")
            .or("Ask the administrator to set one."),
        (_, Some(class)) => Waiting::new(format!("Waits for a volume of the class {class}.")),
        _ => Waiting::new("Waits for its volumes."),
    }
}

/// On its node: attaching and mounting.
pub(super) fn on_node(situation: &Situation<'_>) -> Option<Waiting> {
    if let Some(why) = event(situation, "FailedAttachVolume") {
        return Some(if why.contains("Multi-Attach") {
            Waiting::new("Its volume is still attached to another node.")
                .or("It starts once what uses the volume there has ended; stop that, or wait.")
        } else {
            Waiting::new(format!("A volume of it cannot be attached: {}.", brief(why))).or("Ask the administrator.")
        });
    }
    let why = event(situation, "FailedMount")?;
    Some(if why.contains("timed out waiting") || why.contains("timeout expired") {
        Waiting::new("Its volumes take long to mount; it is tried again.")
    } else {
        Waiting::new(format!("A volume of it cannot be mounted: {}.", brief(why))).or("Ask the administrator.")
    })
}
