//! A pod that has no node: what the scheduler says, and what would fit.

use super::{Amount, Room, Situation, Waiting, brief, cpus, event, gib, many, size, storage};

pub(super) fn explain(situation: &Situation<'_>, message: &str) -> Waiting {
    if let Some(volume) = storage::unscheduled(situation, message) {
        return volume;
    }
    // Said by the autoscaler, after the scheduler.
    if event(situation, "TriggeredScaleUp").is_some() {
        return Waiting::new("The cluster adds a node for it; that takes a few minutes.");
    }
    if situation.rooms.is_empty() {
        return without_rooms(message);
    }
    let usable: Vec<&Room> = situation.rooms.iter().filter(|room| room.usable()).collect();
    if usable.is_empty() {
        return closed(situation.rooms);
    }
    let wanted = Amount::of_pod(situation.pod, situation.gpu_resource);
    let instead = nearest(&usable, wanted);
    if !usable.iter().any(|room| room.total.holds(wanted)) {
        let answer = Waiting::new(too_large(&usable, wanted));
        return with(answer, instead);
    }
    if message.contains("Too many pods") || message.contains("Insufficient pods") {
        return Waiting::new("The nodes hold as many pods as they can.").or("It starts once something has ended.");
    }
    if usable.iter().any(|room| room.free.holds(wanted)) {
        return match message {
            said if said.contains("Insufficient ephemeral-storage") => Waiting::new("No node has enough disk for it now."),
            said if said.contains("Insufficient") => Waiting::new("Room has just become free for it; the cluster tries again."),
            said => other(said),
        };
    }
    with(Waiting::new(lacking(&usable, wanted)), instead)
}

fn with(answer: Waiting, instead: Option<String>) -> Waiting {
    match instead {
        Some(instead) => answer.or(instead),
        None => answer,
    }
}

/// Only the scheduler's words are there yet.
fn without_rooms(message: &str) -> Waiting {
    let table = [
        ("Insufficient cpu", "Waits for CPUs: no node has as many free."),
        ("Insufficient memory", "Waits for memory: no node has as much free."),
        ("/gpu", "Waits for GPUs: no node has as many free."),
        ("Insufficient ephemeral-storage", "No node has enough disk for it now."),
    ];
    let known = table.iter().find(|(word, _)| message.contains(word));
    known.map_or_else(|| other(message), |(_, sentence)| Waiting::new(*sentence))
}

/// What the scheduler says where neither size nor volumes are the reason.
fn other(message: &str) -> Waiting {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["no nodes available", "0/0 nodes"]) {
        return Waiting::new("The cluster has no node.").or("Ask the administrator to add one.");
    }
    if has(&["didn't match node selector", "node affinity/selector", "didn't match Pod's node affinity"]) {
        return Waiting::new("No node has the labels that notebooks need.").or("Ask the administrator to look at kubernetes-nodes.");
    }
    if has(&["were unschedulable"]) {
        return Waiting::new("The nodes are closed for maintenance.").or("Ask the administrator when they open again.");
    }
    if has(&["not-ready", "unreachable", "were not ready"]) {
        return Waiting::new("No node is ready.").or("Ask the administrator to look at the nodes.");
    }
    if has(&["had taint", "untolerated taint"]) {
        return Waiting::new("The nodes keep notebooks away (taints).").or("Ask the administrator for nodes that take them.");
    }
    if message.is_empty() {
        Waiting::new("Waits for the cluster's scheduler.")
    } else {
        Waiting::new(format!("No node takes it: {}.", brief(message)))
    }
}

/// Every node is shut, each in its way.
fn closed(rooms: &[Room]) -> Waiting {
    let mut why: Vec<String> = rooms
        .iter()
        .filter(|room| room.wanted)
        .map(|room| match &room.shut {
            Some(shut) => format!("{} is {shut}", room.node),
            None => format!("{} keeps others away ({})", room.node, room.taints.join(", ")),
        })
        .collect();
    if why.is_empty() {
        return other("didn't match node selector");
    }
    let more = why.len().saturating_sub(3);
    why.truncate(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Waiting::new(format!("No node takes notebooks now: {}{more}.", why.join(", "))).or("Ask the administrator to open one.")
}

/// The dimension that no node has.
fn too_large(rooms: &[&Room], wanted: Amount) -> String {
    let most = |of: fn(&Amount) -> u64| rooms.iter().map(|room| of(&room.total)).max().unwrap_or(0);
    let (cpu, memory, gpus) = (most(|a| a.milli_cpus), most(|a| a.memory_mib), most(|a| a.gpus));
    if wanted.gpus > gpus && gpus == 0 {
        return "It can never start here: no node has a GPU.".to_owned();
    }
    let (asked, has) = if wanted.gpus > gpus {
        (many(wanted.gpus, "GPU"), gpus.to_string())
    } else if wanted.milli_cpus > cpu {
        (format!("{} CPUs", cpus(wanted.milli_cpus)), cpus(cpu))
    } else if wanted.memory_mib > memory {
        (format!("{} of memory", gib(wanted.memory_mib)), gib(memory))
    } else {
        return "It can never start here: no one node has all that was asked for together.".to_owned();
    };
    format!("It can never start here: {asked} were asked for on one node, and the largest has {has}.")
}

/// What is short on the node that is nearest to enough.
fn lacking(rooms: &[&Room], wanted: Amount) -> String {
    let large = rooms.iter().filter(|room| room.total.holds(wanted));
    let best = large.max_by_key(|room| {
        let short = [
            u64::from(room.free.gpus >= wanted.gpus),
            u64::from(room.free.milli_cpus >= wanted.milli_cpus),
            u64::from(room.free.memory_mib >= wanted.memory_mib),
        ];
        (short.iter().sum::<u64>(), room.free.gpus, room.free.milli_cpus, room.free.memory_mib)
    });
    let Some(room) = best else { return "Waits for room.".to_owned() };
    let (free, total) = (room.free, room.total);
    let mut waits = Vec::new();
    if wanted.gpus > free.gpus {
        waits.push(format!("{} ({} of {} free)", many(wanted.gpus, "GPU"), free.gpus, total.gpus));
    }
    if wanted.milli_cpus > free.milli_cpus {
        waits.push(format!("{} CPUs ({} of {} free)", cpus(wanted.milli_cpus), cpus(free.milli_cpus), cpus(total.milli_cpus)));
    }
    if wanted.memory_mib > free.memory_mib {
        waits.push(format!("{} of memory ({} of {} free)", gib(wanted.memory_mib), gib(free.memory_mib), gib(total.memory_mib)));
    }
    format!("Waits for {} on one node; {} comes nearest.", waits.join(" and "), room.node)
}

/// The largest part of what was asked for that one node has free: GPUs count most.
fn nearest(rooms: &[&Room], wanted: Amount) -> Option<String> {
    let parts = rooms.iter().map(|room| room.free.least(wanted)).filter(|part| size(*part).is_some());
    let best = parts.max_by_key(|part| (part.gpus, part.milli_cpus, part.memory_mib))?;
    Some(format!("{} would start now.", size(best)?))
}
