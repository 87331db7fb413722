//! How many streams one person may hold open, so that nobody takes what others need.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Open streams, by whoever holds them.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// One open stream; given back when dropped.
#[derive(Debug)]
pub struct Seat {
    streams: Streams,
    holder: String,
}

impl Streams {
    /// A seat for `holder`, unless they hold `most` already.
    pub fn seat(&self, holder: &str, most: usize) -> Option<Seat> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(holder.to_owned()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { streams: self.clone(), holder: holder.to_owned() })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_once_its_stream_has_ended() {
        let streams = Streams::default();
        let seats: Vec<_> = (0..2).map(|_| streams.seat("alice", 2).expect("a seat")).collect();
        assert!(streams.seat("alice", 2).is_none());
        assert!(streams.seat("bob", 2).is_some());
        assert_eq!(streams.open(), 2);
        drop(seats);
        assert!(streams.seat("alice", 2).is_some());
    }
}
