//! Slows down guessing of passwords and codes.

use crate::{error::Error, model::Millis, random};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

/// Failures in a row that cost nothing, for one account and for one address. An address may be a proxy with many people behind it.
const FREE_ACCOUNT: u32 = 5;
const FREE_ADDRESS: u32 = 20;
/// Longest wait.
const LONGEST: Millis = 5 * 60 * 1000;
/// After so long without a failure, the row of failures is forgotten.
const FORGOTTEN: Millis = 60 * 60 * 1000;
/// Entries kept. Beyond, those without an entry share one slow lane.
const KEPT: usize = 10_000;
/// One try in so long for all that share the slow lane.
const SLOW_LANE: Millis = 1000;

/// Slows down guessing: counts failed sign-ins by account and by address. Bounded; flooding it evicts nobody who is being guessed.
#[derive(Default)]
pub struct Throttle(Mutex<Lanes>);

#[derive(Default)]
struct Lanes {
    entries: HashMap<String, Failures>,
    /// For who comes when `entries` is full of recent failures.
    slow: Failures,
    /// When forgotten entries were last looked for, which takes a while in a full table.
    swept: Millis,
}

#[derive(Default)]
struct Failures {
    row: u32,
    last: Millis,
    blocked_until: Millis,
    /// Whether somebody was turned away in this block already.
    told: bool,
}

/// A try that must wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    seconds: u32,
    /// The first one turned away in this block: worth an audit record, the following ones are not.
    pub first: bool,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Throttled(refused.seconds)
    }
}

/// What is counted: an account by the digest of its email, so that the table holds no names; and an address.
pub(crate) struct Tries {
    keys: Vec<(String, u32)>,
}

impl Tries {
    /// Sign-ins with a provider that were begun at this address: counted by themselves.
    pub(crate) fn beginning(address: &str) -> Self {
        let Self { keys } = Self::of(None, address);
        Self { keys: keys.into_iter().map(|(key, free)| (format!("begun {key}"), free)).collect() }
    }

    pub(crate) fn of(account: Option<&str>, address: &str) -> Self {
        let account = account.map(|a| (format!("account {}", random::digest(a)), FREE_ACCOUNT));
        // The console has no address and guesses nothing. Loopback is everybody behind a TLS proxy on this machine: one guesser there must
        // not shut the door for all, and accounts are counted still.
        let counted = !address.is_empty() && !address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        let address = counted.then(|| (format!("address {}", network(address)), FREE_ADDRESS));
        Self { keys: account.into_iter().chain(address).collect() }
    }
}

/// One subscriber's addresses: an IPv6 network of 64 bits, or the IPv4 address.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Err(_) => address.to_owned(),
    }
}

impl Throttle {
    /// Lets a try begin, and counts it as failed until `succeeded` says otherwise, so that a burst of parallel tries is counted too.
    pub(crate) fn begin(&self, tries: &Tries, now: Millis) -> Result<(), Refused> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Lanes { entries, slow, swept } = &mut *lanes;
        let missing = tries.keys.iter().filter(|(key, _)| !entries.contains_key(key)).count();
        if entries.len() + missing > KEPT && now - *swept >= SLOW_LANE {
            *swept = now;
            entries.retain(|_, f| now - f.last < FORGOTTEN || now < f.blocked_until);
        }
        let full = entries.len() + missing > KEPT;

        let known = tries.keys.iter().filter(|(key, _)| entries.get(key).is_some_and(|f| now < f.blocked_until));
        let known: Vec<&str> = known.map(|(key, _)| key.as_str()).collect();
        if let Some(longest) = known.iter().copied().max_by_key(|key| entries[*key].blocked_until) {
            return Err(entries.get_mut(longest).map_or(Refused { seconds: 1, first: false }, |f| f.refuse(now)));
        }
        if full && missing > 0 && now < slow.blocked_until {
            return Err(slow.refuse(now));
        }

        for (key, free) in &tries.keys {
            if let Some(failures) = entries.get_mut(key) {
                failures.count(*free, now);
            } else if full {
                *slow = Failures { row: 0, last: now, blocked_until: now + SLOW_LANE, told: false };
            } else {
                entries.entry(key.clone()).or_default().count(*free, now);
            }
        }
        Ok(())
    }

    /// The try was right: its account starts afresh; its address only gets this one try back, or else a guesser's own account would clear it.
    pub(crate) fn succeeded(&self, tries: &Tries) {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, free) in &tries.keys {
            let Some(failures) = lanes.entries.get_mut(key) else { continue };
            failures.row = if *free == FREE_ACCOUNT { 0 } else { failures.row.saturating_sub(1) };
            failures.blocked_until = 0;
            if failures.row == 0 {
                lanes.entries.remove(key);
            }
        }
    }
}

impl Failures {
    fn count(&mut self, free: u32, now: Millis) {
        if now - self.last >= FORGOTTEN {
            self.row = 0;
        }
        self.row = self.row.saturating_add(1);
        self.last = now;
        if self.row >= free {
            let doublings = (self.row - free).min(30);
            self.blocked_until = now + (1000_i64 << doublings).min(LONGEST);
            self.told = false;
        }
    }

    fn refuse(&mut self, now: Millis) -> Refused {
        let first = !self.told;
        self.told = true;
        let seconds = (self.blocked_until - now).max(0).unsigned_abs().div_ceil(1000);
        Refused { seconds: u32::try_from(seconds).unwrap_or(u32::MAX).max(1), first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(account: &str, address: &str) -> Tries {
        Tries::of(Some(account), address)
    }

    #[test]
    fn the_sixth_failure_in_a_row_waits_and_each_wait_doubles_up_to_five_minutes() {
        let throttle = Throttle::default();
        let ada = tries("ada@example.com", "");
        let mut now = 1_000_000;
        for _ in 0..5 {
            assert_eq!(throttle.begin(&ada, now), Ok(()));
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(throttle.begin(&ada, now), Err(Refused { seconds: wait, first: true }));
            assert_eq!(throttle.begin(&ada, now), Err(Refused { seconds: wait, first: false }));
            now += i64::from(wait) * 1000;
            assert_eq!(throttle.begin(&ada, now), Ok(()));
        }
    }

    #[test]
    fn a_success_clears_the_account_but_not_the_address() {
        let throttle = Throttle::default();
        for i in 0..19 {
            assert_eq!(throttle.begin(&tries(&format!("victim{i}@example.com"), "10.0.0.1"), 0), Ok(()));
        }
        for _ in 0..50 {
            let own = tries("eve@example.com", "10.0.0.1");
            assert_eq!(throttle.begin(&own, 0), Ok(()));
            throttle.succeeded(&own);
        }
        assert_eq!(throttle.begin(&tries("victim20@example.com", "10.0.0.1"), 0), Ok(()));
        assert!(throttle.begin(&tries("victim21@example.com", "10.0.0.1"), 0).is_err());
        assert_eq!(throttle.begin(&tries("victim21@example.com", "10.0.0.2"), 0), Ok(()));
    }

    #[test]
    fn a_guesser_behind_the_same_proxy_shuts_the_door_for_nobody_else() {
        let throttle = Throttle::default();
        for i in 0..100 {
            assert_eq!(throttle.begin(&tries(&format!("victim{i}@example.com"), "127.0.0.1"), 0), Ok(()));
        }
        assert_eq!(throttle.begin(&tries("bob@example.com", "::1"), 0), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn failures_are_forgotten_after_an_hour() {
        let throttle = Throttle::default();
        let ada = tries("ada@example.com", "");
        for _ in 0..4 {
            assert_eq!(throttle.begin(&ada, 0), Ok(()));
        }
        for _ in 0..5 {
            assert_eq!(throttle.begin(&ada, FORGOTTEN), Ok(()));
        }
        assert!(throttle.begin(&ada, FORGOTTEN).is_err());
    }

    #[test]
    fn a_flood_of_names_frees_nobody_and_grows_nothing() {
        let throttle = Throttle::default();
        let guessed = tries("ada@example.com", "");
        for _ in 0..12 {
            throttle.begin(&guessed, 0).ok();
        }
        let almost = tries("grace@example.com", "");
        for _ in 0..4 {
            assert_eq!(throttle.begin(&almost, 0), Ok(()));
        }
        let mut slowed = 0;
        for i in 0..3 * KEPT {
            slowed += usize::from(throttle.begin(&tries(&format!("u{i}@example.com"), ""), 10).is_err());
        }
        assert!(throttle.begin(&guessed, 20).is_err());
        assert_eq!(throttle.begin(&almost, 20), Ok(()));
        assert!(throttle.begin(&almost, 20).is_err(), "her earlier failures still count");
        assert_eq!(throttle.0.lock().expect("lanes").entries.len(), KEPT);
        assert!(slowed > KEPT, "whoever comes when it is full shares one slow lane");
        let new = tries("new@example.com", "");
        assert_eq!(throttle.begin(&new, 10 + SLOW_LANE), Ok(()), "which is slow, not closed");
        assert_eq!(throttle.begin(&new, 20 + FORGOTTEN), Ok(()));
        assert_eq!(throttle.begin(&new, 20 + FORGOTTEN), Ok(()), "and over once the flood is forgotten");
    }
}
