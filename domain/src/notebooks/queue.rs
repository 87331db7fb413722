//! Who starts next: first come, first served, except that a launch without GPUs may pass one that waits for GPUs only.

use crate::model::{Capacity, Fit, Resources, Share};
use std::collections::HashMap;

/// What the queue decides for one launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait(String),
    Never(String),
}

/// Who waits ahead, for the same thing: those that wait for GPUs only let others pass that want none.
#[derive(Clone, Copy, Default)]
struct Line {
    for_all: u32,
    for_gpus: u32,
}

impl Line {
    fn ahead(self, wanted: &Resources) -> u32 {
        if self.for_all > 0 || wanted.gpus > 0 { self.for_all + self.for_gpus } else { 0 }
    }

    /// `but_for_gpus`: whether it would fit without its GPUs.
    fn join(&mut self, wanted: &Resources, but_for_gpus: bool) {
        if wanted.gpus > 0 && but_for_gpus && self.for_all == 0 {
            self.for_gpus += 1;
        } else {
            self.for_all += 1;
        }
    }
}

/// Decides for everyone in the queue, oldest first, given what is free now and what the quotas of teams leave. Who waits for the quota of a team
/// stands in the way of that team only.
pub(super) fn decide(mut capacity: Capacity, mut shares: HashMap<String, Share>, queue: &[(&str, &Resources)]) -> Vec<Verdict> {
    let (mut line, mut lines) = (Line::default(), HashMap::<&str, Line>::new());
    let mut verdicts = Vec::with_capacity(queue.len());
    for &(team, wanted) in queue {
        let without = Resources { gpus: 0, ..wanted.clone() };
        let own = lines.entry(team).or_default();
        let turn = |ahead: u32| Verdict::Wait(format!("Waits for its turn: {ahead} ahead of it in the queue."));
        let (of_share, of_place) = (shares.get(team).map_or(Fit::Now, |share| share.fit(wanted)), capacity.fit_together(wanted));
        verdicts.push(match (of_share, of_place) {
            (Fit::Never(reason), _) | (_, Fit::Never(reason)) => Verdict::Never(reason),
            (Fit::Queue(reason), _) => {
                own.join(wanted, shares.get(team).is_some_and(|share| share.fit(&without) == Fit::Now));
                Verdict::Wait(reason)
            }
            (Fit::Now, _) if own.ahead(wanted) > 0 => {
                let ahead = own.ahead(wanted);
                own.join(wanted, true);
                turn(ahead)
            }
            (Fit::Now, Fit::Now) if line.ahead(wanted) == 0 => {
                promise(&mut capacity, wanted);
                if let Some(share) = shares.get_mut(team) {
                    share.hold(wanted);
                }
                Verdict::Start
            }
            (Fit::Now, fit) => {
                let ahead = line.ahead(wanted);
                line.join(wanted, capacity.fit_together(&without) == Fit::Now);
                if let Fit::Queue(reason) = fit { Verdict::Wait(reason) } else { turn(ahead) }
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
    use crate::model::{Gpu, Quota};

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
    fn of(capacity: Capacity, queue: &[Resources]) -> Vec<Verdict> {
        decide(capacity, HashMap::new(), &queue.iter().map(|wanted| ("vision", wanted)).collect::<Vec<_>>())
    }
    fn starts(capacity: Capacity, queue: &[Resources]) -> Vec<bool> {
        of(capacity, queue).iter().map(|v| *v == Verdict::Start).collect()
    }

    #[test]
    fn as_many_start_as_fit_and_no_more() {
        assert_eq!(starts(machine(2, 0), &[ask(1, 0), ask(1, 0), ask(1, 0)]), [true, true, false]);
    }

    #[test]
    fn a_small_launch_does_not_starve_a_large_one_ahead_of_it() {
        let busy = Capacity { cpus_used: 1, ..machine(4, 0) };
        let verdicts = of(busy, &[ask(4, 0), ask(1, 0)]);
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
        let verdicts = of(machine(2, 0), &[ask(8, 0), ask(1, 0)]);
        assert!(matches!(&verdicts[0], Verdict::Never(why) if why.contains("2 CPUs")));
        assert_eq!(verdicts[1], Verdict::Start);
    }

    #[test]
    fn who_waits_for_a_teams_quota_stands_in_the_way_of_that_team_only() {
        let quota = Quota { cpus: Some(4), gpus: Some(1), ..Quota::default() };
        let mut share = Share::new("vision", quota);
        share.hold(&ask(3, 1));
        let decided = |queue: &[(&str, Resources)]| {
            let queue: Vec<_> = queue.iter().map(|(team, wanted)| (*team, wanted)).collect();
            decide(machine(16, 4), HashMap::from([("vision".to_owned(), share.clone())]), &queue)
        };
        let verdicts = decided(&[("vision", ask(2, 0)), ("speech", ask(2, 1)), ("vision", ask(1, 0)), ("vision", ask(5, 0))]);
        assert_eq!(verdicts[0], Verdict::Wait("Waits for 2 CPUs (3 of 4 in use) in the quota of team vision.".into()));
        assert_eq!(verdicts[1], Verdict::Start);
        assert_eq!(
            verdicts[2],
            Verdict::Wait("Waits for its turn: 1 ahead of it in the queue.".into()),
            "a small one does not starve a large one"
        );
        assert!(matches!(&verdicts[3], Verdict::Never(why) if why.contains("quota of team vision is 4 CPUs")));
        // One that waits for GPUs of the quota only is passed by one that wants none, once.
        let verdicts = decided(&[("vision", ask(1, 1)), ("vision", ask(1, 0)), ("vision", ask(1, 0))]);
        assert_eq!(verdicts.iter().map(|v| *v == Verdict::Start).collect::<Vec<_>>(), [false, true, false]);
    }
}
