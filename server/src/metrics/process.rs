//! What the system says of this process, under the names that Prometheus' own clients use.

use prometheus_client::{
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};
use std::fs;

/// Adds what can be read; the rest is left out.
pub fn register(r: &mut Registry) {
    if let Some(usage) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Usage::read) {
        r.register("process_cpu_seconds", "Time on processors, of the user and of the system", ConstCounter::new(usage.cpu_seconds));
        r.register("process_resident_memory_bytes", "Memory in RAM", ConstGauge::new(usage.resident));
        r.register("process_virtual_memory_bytes", "Memory mapped", ConstGauge::new(usage.virtual_size));
        r.register("process_threads", "Threads", ConstGauge::new(usage.threads));
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        let open = i64::try_from(entries.count()).unwrap_or(i64::MAX) - 1;
        r.register("process_open_fds", "Open file descriptors", ConstGauge::new(open));
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        r.register("process_max_fds", "File descriptors that may be open", ConstGauge::new(i64::try_from(most).unwrap_or(i64::MAX)));
    }
}

#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    threads: i64,
    virtual_size: i64,
    resident: i64,
}

impl Usage {
    /// From `/proc/self/stat` (proc(5)); the name, which is second, may hold spaces and parentheses.
    fn read(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Numbered from 1 in the manual, and the first of these is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let ticks = u32::try_from(field(14)?.checked_add(field(15)?)?).ok()?;
        let per_second = u32::try_from(clock_ticks_per_second()).ok().filter(|t| *t > 0)?;
        Some(Self {
            cpu_seconds: f64::from(ticks) / f64::from(per_second),
            threads: field(20)?,
            virtual_size: field(23)?,
            resident: field(24)?.checked_mul(i64::try_from(page_size()).ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_moves_no_field() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 4096 3 18446744073709551615 1 1";
        let usage = Usage::read(stat).expect("usage");
        let page = i64::try_from(page_size()).expect("a size");
        assert_eq!((usage.threads, usage.virtual_size, usage.resident), (9, 4096, 3 * page));
        assert!((usage.cpu_seconds * f64::from(u32::try_from(clock_ticks_per_second()).expect("ticks")) - 300.0).abs() < 1e-6);
        assert_eq!(Usage::read("7 (a) S 1"), None);
    }
}
