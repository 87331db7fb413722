//! What this machine has, and which part of it a launch gets.

use crate::model::{Capacity, Gpu, Resources};
use std::{collections::HashMap, fs, path::Path};

/// What a launch holds until it has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    pub resources: Resources,
    pub gpus: Vec<u32>,
    pub cpus: Vec<u32>,
}

/// A size in MiB as people read it: `2.1 GiB`.
pub(super) fn gib(mib: u64) -> String {
    format!("{}.{} GiB", mib / 1024, mib % 1024 * 10 / 1024)
}

/// CPUs this process may use, by number.
pub(super) fn cpus() -> Vec<u32> {
    let all = rustix::thread::sched_getaffinity(None).map(|set| {
        (0..u32::try_from(rustix::thread::CpuSet::MAX_CPU).unwrap_or(0)).filter(|c| set.is_set(*c as usize)).collect::<Vec<_>>()
    });
    all.ok().filter(|c| !c.is_empty()).unwrap_or_else(|| vec![0])
}

fn memory_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.lines().find_map(|l| l.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|t| t.trim().parse::<u64>().ok()).map(|b| b >> 20);
    let machine = kib.unwrap_or(0) / 1024;
    limit.map_or(machine, |l| l.min(machine))
}

/// Totals of this machine, with what `granted` holds taken as used.
pub(super) fn capacity<'a>(
    data: &Path,
    cpus: &[u32],
    gpus: Vec<Gpu>,
    gpu_note: Option<String>,
    granted: impl Iterator<Item = (&'a str, &'a Grant)>,
) -> Capacity {
    let (mut free_mib, mut total_mib) = (0, 0);
    if let Ok(disk) = rustix::fs::statvfs(data) {
        free_mib = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
        total_mib = disk.f_blocks.saturating_mul(disk.f_frsize) >> 20;
    }
    let mut capacity = Capacity {
        cpus_total: u32::try_from(cpus.len()).unwrap_or(u32::MAX),
        memory_mib_total: memory_mib(),
        gpus,
        gpu_note,
        disk_mib_total: total_mib,
        disk_mib_free: free_mib,
        ..Capacity::default()
    };
    for (id, grant) in granted {
        capacity.cpus_used += grant.resources.cpus;
        capacity.memory_mib_used += u64::from(grant.resources.memory_mib);
        for gpu in capacity.gpus.iter_mut().filter(|g| grant.gpus.contains(&g.index)) {
            gpu.used_by = Some(id.to_owned());
        }
    }
    capacity
}

/// The least used CPUs and the first free GPUs for a request that fits.
pub(super) fn grant<'a>(wanted: &Resources, capacity: &Capacity, cpus: &[u32], granted: impl Iterator<Item = &'a Grant>) -> Grant {
    let mut used: HashMap<u32, u32> = HashMap::new();
    granted.flat_map(|g| &g.cpus).for_each(|c| *used.entry(*c).or_default() += 1);
    let mut order = cpus.to_vec();
    order.sort_by_key(|c| (used.get(c).copied().unwrap_or(0), *c));
    order.truncate(wanted.cpus as usize);
    order.sort_unstable();
    let free = capacity.gpus.iter().filter(|g| g.used_by.is_none()).map(|g| g.index);
    Grant { resources: wanted.clone(), gpus: free.take(wanted.gpus as usize).collect(), cpus: order }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_gets_the_least_used_cpus_and_gpus_that_nobody_has() {
        let gpu = |index, used_by: Option<&str>| Gpu {
            index,
            uuid: String::new(),
            name: String::new(),
            memory_mib: 0,
            used_by: used_by.map(str::to_owned),
            utilisation_percent: None,
            memory_used_mib: None,
        };
        let others = [Grant { cpus: vec![0, 1], ..Grant::default() }, Grant { cpus: vec![0], ..Grant::default() }];
        let capacity = Capacity { gpus: vec![gpu(0, Some("a")), gpu(1, None), gpu(3, None)], ..Capacity::default() };
        let got = grant(&Resources { cpus: 3, memory_mib: 1, gpus: 1 }, &capacity, &[0, 1, 2, 3], others.iter());
        assert_eq!((got.cpus, got.gpus), (vec![1, 2, 3], vec![1]));
    }
}
