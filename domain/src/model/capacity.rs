//! What the machine or cluster has, and whether a launch fits.

use super::{Millis, NotebookId, Phase, Resources};
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
    /// Nodes that take notebooks; none where it is one machine.
    #[serde(default)]
    pub nodes: Option<u32>,
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
    /// Larger than the machine; says what the machine has.
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

    /// Whether `wanted` fits now, later or never. The same answer in the wizard and in the supervisor.
    pub fn fit(&self, wanted: &Resources) -> Fit {
        // Tenths of a GiB in whole numbers: exact for any machine.
        let gib = |mib: u64| format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024);
        let many = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
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
}
