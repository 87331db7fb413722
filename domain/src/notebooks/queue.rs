//! Who starts next: first come, first served, except that a launch without GPUs may pass one that waits for GPUs only.

use crate::model::{Capacity, Fit, Resources};

/// What the queue decides for one launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait(String),
    Never(String),
}

/// Decides for everyone in the queue, oldest first, given what is free now.
pub(super) fn decide(mut capacity: Capacity, queue: &[Resources]) -> Vec<Verdict> {
    let (mut waits_for_all, mut waits_for_gpus) = (0_u32, 0_u32);
    let mut verdicts = Vec::with_capacity(queue.len());
    for wanted in queue {
        let ahead = if waits_for_all > 0 || wanted.gpus > 0 { waits_for_all + waits_for_gpus } else { 0 };
        verdicts.push(match capacity.fit(wanted) {
            Fit::Never(reason) => Verdict::Never(reason),
            Fit::Now if ahead == 0 => {
                promise(&mut capacity, wanted);
                Verdict::Start
            }
            fit => {
                let only_gpus = wanted.gpus > 0 && capacity.fit(&Resources { gpus: 0, ..wanted.clone() }) == Fit::Now;
                if only_gpus && waits_for_all == 0 {
                    waits_for_gpus += 1;
                } else {
                    waits_for_all += 1;
                }
                Verdict::Wait(match fit {
                    Fit::Queue(reason) => reason,
                    _ => format!("Waits for its turn: {ahead} ahead of it in the queue."),
                })
            }
        });
    }
    verdicts
}

fn promise(capacity: &mut Capacity, wanted: &Resources) {
    capacity.cpus_used += wanted.cpus;
    capacity.memory_mib_used += u64::from(wanted.memory_mib);
    let free = capacity.gpus.iter_mut().filter(|g| g.used_by.is_none());
    free.take(wanted.gpus as usize).for_each(|g| g.used_by = Some(String::new()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gpu;

    fn machine(cpus: u32, gpus: u32) -> Capacity {
        let gpu = |index| Gpu {
            index,
            uuid: format!("GPU-{index}"),
            name: "H200".into(),
            memory_mib: 1,
            used_by: None,
            utilisation_percent: None,
            memory_used_mib: None,
        };
        Capacity { cpus_total: cpus, memory_mib_total: 8192, gpus: (0..gpus).map(gpu).collect(), ..Capacity::default() }
    }
    fn ask(cpus: u32, gpus: u32) -> Resources {
        Resources { cpus, memory_mib: 512, gpus }
    }
    fn starts(capacity: Capacity, queue: &[Resources]) -> Vec<bool> {
        decide(capacity, queue).iter().map(|v| *v == Verdict::Start).collect()
    }

    #[test]
    fn as_many_start_as_fit_and_no_more() {
        assert_eq!(starts(machine(2, 0), &[ask(1, 0), ask(1, 0), ask(1, 0)]), [true, true, false]);
    }

    #[test]
    fn a_small_launch_does_not_starve_a_large_one_ahead_of_it() {
        let busy = Capacity { cpus_used: 1, ..machine(4, 0) };
        let verdicts = decide(busy, &[ask(4, 0), ask(1, 0)]);
        assert_eq!(verdicts[0], Verdict::Wait("Waits for 4 CPUs (3 of 4 free).".into()));
        assert_eq!(verdicts[1], Verdict::Wait("Waits for its turn: 1 ahead of it in the queue.".into()));
    }

    #[test]
    fn a_launch_without_gpus_passes_one_that_waits_for_gpus_only() {
        let mut busy = machine(4, 1);
        busy.gpus[0].used_by = Some("other".into());
        assert_eq!(starts(busy.clone(), &[ask(1, 1), ask(1, 0), ask(1, 1)]), [false, true, false]);
        // The one ahead also waits for CPUs: nobody passes.
        busy.cpus_used = 1;
        assert_eq!(starts(busy, &[ask(4, 1), ask(1, 0)]), [false, false]);
    }

    #[test]
    fn gpus_are_counted_for_each_launch_of_one_round() {
        assert_eq!(starts(machine(8, 2), &[ask(1, 1), ask(1, 1), ask(1, 1)]), [true, true, false]);
    }

    #[test]
    fn what_the_machine_will_never_have_does_not_block_the_queue() {
        let verdicts = decide(machine(2, 0), &[ask(8, 0), ask(1, 0)]);
        assert!(matches!(&verdicts[0], Verdict::Never(why) if why.contains("2 CPUs")));
        assert_eq!(verdicts[1], Verdict::Start);
    }
}
