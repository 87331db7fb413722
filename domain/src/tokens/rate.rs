//! How often a token may ask, where the operator chose a rate.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Millis, TokenId},
    portal::Portal,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Seconds that a token which was quiet may ask ahead.
const SAVED: i64 = 5;
/// Beyond so many, tokens that have been quiet are forgotten.
const MOST: usize = 4096;

/// What each token has left, in thousandths of a request.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<TokenId, Left>>);

struct Left {
    requests: i64,
    at: Millis,
}

/// Counts a request of the caller's token.
///
/// # Errors
/// `Throttled` where it asks more often than the operator allows.
pub fn count(portal: &Portal, caller: &Caller) -> Result<()> {
    let Some(rate) = portal.settings.token_rate else { return Ok(()) };
    let token = caller.identity()?.token.as_ref().map(|token| &token.id);
    token.map_or(Ok(()), |token| portal.token_rates.take(token, i64::from(rate), portal.clock.now()))
}

impl Rates {
    /// A rate of one request a second is one thousandth of it in a millisecond.
    fn take(&self, token: &TokenId, rate: i64, now: Millis) -> Result<()> {
        let full = rate * SAVED * 1000;
        let refilled = |left: &Left| left.requests.saturating_add((now - left.at).max(0).saturating_mul(rate)).min(full);
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST && !tokens.contains_key(token) {
            tokens.retain(|_, left| refilled(left) < full);
        }
        let left = tokens.entry(token.clone()).or_insert(Left { requests: full, at: now });
        *left = Left { requests: refilled(left), at: now };
        if left.requests < 1000 {
            return Err(Error::Throttled(1));
        }
        left.requests -= 1000;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_asks_at_its_rate_and_a_while_ahead_and_disturbs_no_other() {
        let rates = Rates::default();
        let (noisy, quiet) = (TokenId::from("noisy"), TokenId::from("quiet"));
        let allowed = |token: &TokenId, now, tries: usize| (0..tries).filter(|_| rates.take(token, 10, now).is_ok()).count();
        assert_eq!(allowed(&noisy, 0, 1000), 50, "five seconds ahead");
        assert_eq!(allowed(&quiet, 0, 1), 1);
        assert_eq!((1..=100).map(|i| allowed(&noisy, i * 10, 3)).sum::<usize>(), 10, "one second at ten times its rate");
        assert_eq!(allowed(&noisy, 1_000_000, 1000), 50);
        assert_eq!(allowed(&noisy, 500_000, 5), 0, "a clock that goes back gives nothing");
    }

    #[test]
    fn a_flood_of_tokens_is_forgotten_once_they_are_quiet() {
        let rates = Rates::default();
        for i in 0..MOST * 3 {
            let now = i64::try_from(i).expect("small");
            assert!(rates.take(&TokenId::from(format!("t{i}")), 1000, now).is_ok());
        }
        assert!(rates.0.lock().expect("whole").len() <= MOST);
    }
}
