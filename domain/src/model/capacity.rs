//! What the machine or cluster has, and whether a launch fits.

use super::{Millis, NotebookId, Phase, Resources, Share};
use serde::{Deserialize, Serialize};

/// One GPU as the driver reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The driver's index, as `CUDA_VISIBLE_DEVICES` takes it.
    pub index: u32,
    pub uuid: String,
    pub name: String,
    pub memory_mib: u64,
    /// Workload that has it, if any.
    pub used_by: Option<String>,
    /// 0 to 100, where the driver tells.
    pub utilisation_percent: Option<u32>,
    pub memory_used_mib: Option<u64>,
}

/// Totals and what is promised to workloads; free = total - used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    pub cpus_total: u32,
    pub cpus_used: u32,
    pub memory_mib_total: u64,
    pub memory_mib_used: u64,
    pub gpus: Vec<Gpu>,
    /// Why no GPU was found, if none was: for the form.
    pub gpu_note: Option<String>,
    /// 0 where disks are not counted, as in a cluster.
    pub disk_mib_total: u64,
    pub disk_mib_free: u64,
    /// What nodes that take notebooks have, each kind of room once; none where it is one machine.
    #[serde(default)]
    pub nodes: Option<Vec<NodeRoom>>,
    /// What the team that asks may have of it, where that is limited.
    #[serde(default)]
    pub share: Option<Share>,
}

/// What one node has and what is left of it. Whole CPUs, MiB, whole GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeRoom {
    pub total: (u32, u64, u32),
    pub free: (u32, u64, u32),
}

fn holds(room: (u32, u64, u32), wanted: &Resources) -> bool {
    room.0 >= wanted.cpus && room.1 >= u64::from(wanted.memory_mib) && room.2 >= wanted.gpus
}

/// Tenths of a GiB in whole numbers: exact for any machine.
pub(super) fn gib(mib: u64) -> String {
    format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024)
}

pub(super) fn many(n: impl Into<u64>, what: &str) -> String {
    let n = n.into();
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A notebook that holds a part of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub id: NotebookId,
    pub name: String,
    /// Team name.
    pub team: String,
    pub owner_email: String,
    pub phase: Phase,
    pub since: Millis,
    pub resources: Resources,
}

/// Whether a request would start now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fit {
    Now,
    /// Would wait; says for what.
    Queue(String),
    /// Larger than the machine, or than the quota; says what there is.
    Never(String),
}

impl Capacity {
    pub fn gpus_used(&self) -> u32 {
        u32::try_from(self.gpus.iter().filter(|g| g.used_by.is_some()).count()).unwrap_or(u32::MAX)
    }
    pub fn gpus_total(&self) -> u32 {
        u32::try_from(self.gpus.len()).unwrap_or(u32::MAX)
    }

    /// What it is, as a sentence begins.
    pub fn place(&self) -> &'static str {
        if self.nodes.is_none() { "This machine" } else { "The cluster" }
    }

    /// Whether `wanted` fits now, later or never: in the team's quota, in what there is together, and on one node. The same answer in the wizard and
    /// where a launch is refused.
    pub fn fit(&self, wanted: &Resources) -> Fit {
        let all = [self.share.as_ref().map_or(Fit::Now, |share| share.fit(wanted)), self.fit_on_a_node(wanted), self.fit_together(wanted)];
        let worse = |a: Fit, b: Fit| if matches!((&a, &b), (Fit::Now, _) | (Fit::Queue(_), Fit::Never(_))) { b } else { a };
        all.into_iter().fold(Fit::Now, worse)
    }

    /// Whether one node has room for it: a notebook is one pod.
    fn fit_on_a_node(&self, wanted: &Resources) -> Fit {
        let Some(nodes) = &self.nodes else { return Fit::Now };
        let size = if wanted.gpus == 0 {
            format!("{} and {}", many(wanted.cpus, "CPU"), gib(wanted.memory_mib.into()))
        } else {
            format!("{}, {} and {}", many(wanted.cpus, "CPU"), gib(wanted.memory_mib.into()), many(wanted.gpus, "GPU"))
        };
        let say = |(cpus, memory, gpus): (u32, u64, u32)| {
            let gpus = if wanted.gpus == 0 { String::new() } else { format!(" and {}", many(gpus, "GPU")) };
            format!("{}, {}{gpus}", many(cpus, "CPU"), gib(memory))
        };
        // By what is scarcest where it is asked for.
        let most = |of: fn(&NodeRoom) -> (u32, u64, u32)| {
            let rank = |room: (u32, u64, u32)| (if wanted.gpus > 0 { room.2 } else { 0 }, room.0, room.1);
            nodes.iter().map(of).max_by_key(|room| rank(*room)).map_or_else(|| "none".to_owned(), say)
        };
        if !nodes.iter().any(|node| holds(node.total, wanted)) {
            // Not never: clusters grow by what waits.
            Fit::Queue(format!("No node has {size} together; the largest has {}.", most(|n| n.total)))
        } else if !nodes.iter().any(|node| holds(node.free, wanted)) {
            Fit::Queue(format!("Waits for a node with {size} free together; the most that one has free is {}.", most(|n| n.free)))
        } else {
            Fit::Now
        }
    }

    /// The same of all that there is together, however it lies over nodes: which of them takes it is for the cluster's scheduler to say.
    pub fn fit_together(&self, wanted: &Resources) -> Fit {
        let (memory, place) = (u64::from(wanted.memory_mib), self.place());
        if wanted.cpus > self.cpus_total {
            return Fit::Never(format!("{place} has {}; {} were asked for.", many(self.cpus_total, "CPU"), wanted.cpus));
        }
        if memory > self.memory_mib_total {
            return Fit::Never(format!("{place} has {} of memory; {} were asked for.", gib(self.memory_mib_total), gib(memory)));
        }
        if wanted.gpus > self.gpus_total() {
            return Fit::Never(format!("{place} has {}; {} were asked for.", many(self.gpus_total(), "GPU"), wanted.gpus));
        }
        let free_cpus = self.cpus_total.saturating_sub(self.cpus_used);
        let free_memory = self.memory_mib_total.saturating_sub(self.memory_mib_used);
        let free_gpus = self.gpus_total() - self.gpus_used();
        let mut waits = Vec::new();
        if wanted.cpus > free_cpus {
            waits.push(format!("{} ({free_cpus} of {} free)", many(wanted.cpus, "CPU"), self.cpus_total));
        }
        if memory > free_memory {
            waits.push(format!("{} of memory ({} of {} free)", gib(memory), gib(free_memory), gib(self.memory_mib_total)));
        }
        if wanted.gpus > free_gpus {
            waits.push(format!("{} ({free_gpus} of {} free)", many(wanted.gpus, "GPU"), self.gpus_total()));
        }
        if waits.is_empty() { Fit::Now } else { Fit::Queue(format!("Waits for {}.", waits.join(" and "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Capacity {
        Capacity { cpus_total: 4, cpus_used: 2, memory_mib_total: 8192, memory_mib_used: 2048, ..Capacity::default() }
    }

    #[test]
    fn a_request_fits_now_later_or_never() {
        let ask = |cpus, memory_mib, gpus| machine().fit(&Resources { cpus, memory_mib, gpus });
        assert_eq!(ask(2, 6144, 0), Fit::Now);
        assert_eq!(ask(3, 1024, 0), Fit::Queue("Waits for 3 CPUs (2 of 4 free).".into()));
        assert!(matches!(ask(3, 7000, 0), Fit::Queue(why) if why.contains("CPUs") && why.contains("memory")));
        assert!(matches!(ask(5, 1024, 0), Fit::Never(_)));
        assert!(matches!(ask(1, 9000, 0), Fit::Never(_)));
        assert!(matches!(ask(1, 1024, 1), Fit::Never(_)));
    }

    #[test]
    fn a_request_has_to_fit_on_one_node_and_in_the_quota() {
        let node = |total, free| NodeRoom { total: (total, 4096, 0), free: (free, 4096, 0) };
        let two = Capacity { nodes: Some(vec![node(3, 1), node(2, 1)]), cpus_total: 5, cpus_used: 3, ..machine() };
        let ask = |capacity: &Capacity, cpus| capacity.fit(&Resources { cpus, memory_mib: 1024, gpus: 0 });
        assert_eq!(ask(&two, 1), Fit::Now);
        assert_eq!(two.fit_together(&Resources { cpus: 2, memory_mib: 1024, gpus: 0 }), Fit::Now);
        let why = "Waits for a node with 2 CPUs and 1.0 GiB free together; the most that one has free is 1 CPU, 4.0 GiB.";
        assert_eq!(ask(&two, 2), Fit::Queue(why.into()));
        assert_eq!(ask(&two, 4), Fit::Queue("No node has 4 CPUs and 1.0 GiB together; the largest has 3 CPUs, 4.0 GiB.".into()));
        // What can never be is said before what has to be waited for.
        let mut share = Share::new("vision", crate::model::Quota { cpus: Some(3), ..Default::default() });
        assert_eq!(ask(&Capacity { share: Some(share.clone()), ..two.clone() }, 1), Fit::Now);
        share.hold(&Resources { cpus: 3, memory_mib: 1, gpus: 0 });
        let held = Capacity { share: Some(share), ..two };
        assert!(matches!(ask(&held, 1), Fit::Queue(why) if why.contains("quota of team vision")));
        assert!(matches!(ask(&held, 4), Fit::Never(_)));
    }
}
