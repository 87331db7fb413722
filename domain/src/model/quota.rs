//! What the notebooks of one team may hold at once.

use super::{
    Checks, FieldError, Fit, Resources,
    capacity::{gib, many},
};
use serde::{Deserialize, Serialize};

/// Nobody has more; what is larger was mistyped.
const MOST_CPUS: u32 = 1_000_000;
const MOST_MEMORY_MIB: u64 = 1 << 40;

/// GiB as MiB.
fn mib(text: &str) -> Option<u64> {
    // `1,024` may be meant as a thousand and as one.
    if text.split_once(',').is_some_and(|(_, rest)| rest.trim_end().len() == 3) {
        return None;
    }
    let gib: f64 = text.trim().replace(',', ".").parse().ok()?;
    let mib = (gib * 1024.0).round();
    if mib == 0.0 && gib > 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within the type")]
    (0.0..=1e12).contains(&mib).then_some(mib as u64)
}

/// A whole number, or nothing.
pub fn validate_quota_count(text: &str) -> Result<(), String> {
    let text = text.trim();
    let read = text.is_empty() || text.parse::<u32>().is_ok_and(|n| n <= MOST_CPUS);
    if read { Ok(()) } else { Err(format!("Write a whole number up to {MOST_CPUS}, or nothing for no limit.")) }
}

/// A number of GiB, or nothing.
pub fn validate_quota_gib(text: &str) -> Result<(), String> {
    let read = text.trim().is_empty() || mib(text).is_some_and(|n| n <= MOST_MEMORY_MIB);
    if read { Ok(()) } else { Err("Write GiB as a number, such as 64 or 1.5, or nothing for no limit.".to_owned()) }
}

/// A team's quota; none of a kind is no limit of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub cpus: Option<u32>,
    pub memory_mib: Option<u64>,
    pub gpus: Option<u32>,
}

impl Quota {
    /// As a form holds it: whole CPUs and GPUs, memory in GiB; an empty field is no limit.
    ///
    /// # Errors
    /// Names each field that cannot be read or is too large.
    pub fn read(cpus: &str, memory: &str, gpus: &str) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::new();
        let mut field = |name: &str, checked: Result<(), String>| checks.check(name, checked);
        field("cpus", validate_quota_count(cpus));
        field("memory", validate_quota_gib(memory));
        field("gpus", validate_quota_count(gpus));
        checks.finish()?;
        let count = |text: &str| text.trim().parse().ok();
        Ok(Self { cpus: count(cpus), memory_mib: mib(memory), gpus: count(gpus) })
    }

    /// Memory as the form shows it, in GiB.
    pub fn memory_gib(&self) -> Option<String> {
        let (whole, rest) = self.memory_mib.map(|mib| (mib / 1024, mib % 1024))?;
        let rest = format!("{:04}", rest * 10_000 / 1024);
        let rest = rest.trim_end_matches('0');
        Some(if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") })
    }

    /// Whether it limits nothing.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// Names each field that is too large.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.require(self.cpus.is_none_or(|n| n <= MOST_CPUS), "cpus", format!("Use at most {MOST_CPUS}."));
        checks.require(self.memory_mib.is_none_or(|n| n <= MOST_MEMORY_MIB), "memory", "Use at most 1,073,741,824 GiB.".to_owned());
        checks.require(self.gpus.is_none_or(|n| n <= MOST_CPUS), "gpus", format!("Use at most {MOST_CPUS}."));
        checks.finish()
    }

    /// In words: `8 CPUs · 32.0 GiB · 2 GPUs`.
    pub fn words(&self) -> String {
        let all = [self.cpus.map(|n| many(n, "CPU")), self.memory_mib.map(gib), self.gpus.map(|n| many(n, "GPU"))];
        if self.is_open() { "No limit".to_owned() } else { all.into_iter().flatten().collect::<Vec<_>>().join(" · ") }
    }
}

/// A team's quota and what its notebooks hold of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Team name.
    pub team: String,
    pub quota: Quota,
    pub cpus: u32,
    pub memory_mib: u64,
    pub gpus: u32,
}

impl Share {
    pub fn new(team: &str, quota: Quota) -> Self {
        Self { team: team.to_owned(), quota, ..Self::default() }
    }

    /// Counts one notebook more.
    pub fn hold(&mut self, size: &Resources) {
        self.cpus = self.cpus.saturating_add(size.cpus);
        self.memory_mib = self.memory_mib.saturating_add(size.memory_mib.into());
        self.gpus = self.gpus.saturating_add(size.gpus);
    }

    /// Whether the quota has room for `wanted` now, later or never.
    pub fn fit(&self, wanted: &Resources) -> Fit {
        let (Quota { cpus, memory_mib, gpus }, memory) = (self.quota, u64::from(wanted.memory_mib));
        let (mut never, mut waits) = (Vec::new(), Vec::new());
        let kinds = [
            (cpus.map(u64::from), u64::from(self.cpus), u64::from(wanted.cpus), Some("CPU")),
            (memory_mib, self.memory_mib, memory, None),
            (gpus.map(u64::from), u64::from(self.gpus), u64::from(wanted.gpus), Some("GPU")),
        ];
        for (most, held, asked, unit) in kinds {
            let number = |n: u64| unit.map_or_else(|| gib(n), |_| n.to_string());
            let say = |n: u64| unit.map_or_else(|| format!("{} of memory", gib(n)), |unit| many(n, unit));
            let Some(most) = most.filter(|_| asked > 0) else { continue };
            if asked > most {
                never.push(format!("{} ({} asked for)", say(most), number(asked)));
            } else if held.saturating_add(asked) > most {
                waits.push(format!("{} ({} of {} in use)", say(asked), number(held), number(most)));
            }
        }
        let team = &self.team;
        if !never.is_empty() {
            Fit::Never(format!("The quota of team {team} is {}.", never.join(" and ")))
        } else if waits.is_empty() {
            Fit::Now
        } else {
            Fit::Queue(format!("Waits for {} in the quota of team {team}.", waits.join(" and ")))
        }
    }

    /// The limits of it with what is held: `3 of 8 CPUs · 12.0 of 32.0 GiB`. Empty where nothing is limited.
    pub fn words(&self) -> String {
        let Quota { cpus, memory_mib, gpus } = self.quota;
        let all = [
            cpus.map(|most| format!("{} of {}", self.cpus, many(most, "CPU"))),
            memory_mib.map(|most| format!("{} of {}", gib(self.memory_mib), gib(most))),
            gpus.map(|most| format!("{} of {}", self.gpus, many(most, "GPU"))),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(cpus: Option<u32>, memory_mib: Option<u64>, gpus: Option<u32>) -> Share {
        let mut share = Share::new("vision", Quota { cpus, memory_mib, gpus });
        share.hold(&Resources { cpus: 2, memory_mib: 2048, gpus: 1 });
        share
    }

    #[test]
    fn a_quota_has_room_now_later_or_never() {
        let ask = |share: &Share, cpus, memory_mib, gpus| share.fit(&Resources { cpus, memory_mib, gpus });
        assert_eq!(ask(&share(None, None, None), 100, 1 << 30, 100), Fit::Now, "no limit");
        let four = share(Some(4), Some(8192), Some(1));
        assert_eq!(ask(&four, 2, 6144, 0), Fit::Now);
        assert_eq!(ask(&four, 3, 1024, 0), Fit::Queue("Waits for 3 CPUs (2 of 4 in use) in the quota of team vision.".into()));
        assert!(matches!(ask(&four, 1, 1024, 1), Fit::Queue(why) if why.contains("1 GPU (1 of 1 in use)")));
        assert_eq!(ask(&four, 5, 1024, 0), Fit::Never("The quota of team vision is 4 CPUs (5 asked for).".into()));
        assert!(
            matches!(ask(&four, 1, 9000, 2), Fit::Never(why) if why.contains("8.0 GiB of memory") && why.contains("1 GPU (2 asked for)"))
        );
        // A quota of none of a kind forbids it, and only it.
        assert_eq!(ask(&share(None, None, Some(0)), 1, 1, 0), Fit::Now);
        assert!(matches!(ask(&share(None, None, Some(0)), 1, 1, 1), Fit::Never(_)));
    }

    #[test]
    fn words_name_what_is_limited_only() {
        assert_eq!(Quota::default().words(), "No limit");
        assert_eq!(Quota { cpus: Some(1), memory_mib: Some(1536), gpus: Some(2) }.words(), "1 CPU · 1.5 GiB · 2 GPUs");
        assert_eq!(share(Some(4), None, None).words(), "2 of 4 CPUs");
        assert_eq!(share(None, None, None).words(), "");
    }

    #[test]
    fn a_form_is_read_and_shown_again() {
        let read = Quota::read(" 8 ", "1,5", "").unwrap();
        assert_eq!(read, Quota { cpus: Some(8), memory_mib: Some(1536), gpus: None });
        assert_eq!(read.memory_gib().as_deref(), Some("1.5"));
        assert_eq!(Quota::read("", "64", "0").unwrap().memory_gib().as_deref(), Some("64"));
        assert_eq!(Quota::read("", "", "").unwrap(), Quota::default());
        for bad in ["-1", "x", "1e400", "NaN", "1000001 ", "inf"] {
            let wrong = Quota::read(bad, bad, bad).unwrap_err();
            assert!(wrong.iter().any(|f| f.field == "cpus") && wrong.iter().any(|f| f.field == "gpus"), "{bad}: {wrong:?}");
        }
        assert!(Quota::read("", "NaN", "").is_err() && Quota::read("", "-1", "").is_err() && Quota::read("", "1e30", "").is_err());
        assert!(Quota::read("", "1,024", "").is_err(), "a thousand, or one?");
        assert!(Quota::read("", "0.0001", "").is_err() && Quota::read("", "0", "").is_ok());
    }

    #[test]
    fn what_nobody_has_is_refused_by_its_field() {
        assert!(Quota { cpus: Some(MOST_CPUS), memory_mib: Some(1), gpus: Some(0) }.validate().is_ok());
        let bad = Quota { cpus: Some(u32::MAX), memory_mib: Some(u64::MAX), gpus: Some(u32::MAX) }.validate().expect_err("too large");
        assert_eq!(bad.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), ["cpus", "memory", "gpus"]);
    }
}
