//! Data of a page that is fetched again when it has changed: after one's own actions, after events, and after events that were missed.

use super::{Live, use_live};
use crate::error::AppError;
use domain::model::Event;
use leptos::{prelude::*, task::spawn_local};
use std::{cell::Cell, rc::Rc, time::Duration};

/// Changes that come together are fetched together: the first at once, what comes after it so much later.
const TOGETHER: Duration = Duration::from_millis(300);

/// Counts a change at once, and those within `TOGETHER` after it as one when that is over.
fn count(changes: RwSignal<u32>, more: StoredValue<Option<bool>>) {
    match more.try_get_value() {
        // None: nothing was counted lately.
        Some(None) => {
            more.set_value(Some(false));
            changes.update(|n| *n += 1);
            set_timeout(
                move || {
                    let has_more = more.try_get_value().flatten().unwrap_or_default();
                    more.try_set_value(None);
                    if has_more {
                        count(changes, more);
                    }
                },
                TOGETHER,
            );
        }
        Some(Some(_)) => more.set_value(Some(true)),
        // The page is gone.
        None => {}
    }
}

impl Live {
    /// Counts the changes that matter to a page. Those that come together count as one; where events may have been missed, that counts too.
    /// A page adds to it after its own actions, so that these are seen at once, also while the stream is cut.
    pub fn changes(self, matters: impl Fn(&Event) -> bool + Send + Sync + 'static) -> RwSignal<u32> {
        let (changes, more) = (RwSignal::new(0_u32), StoredValue::new(None::<bool>));
        self.on_event(move |event| {
            if matters(event) {
                count(changes, more);
            }
        });
        Effect::new(move |seen: Option<u32>| {
            let now = self.reload.get();
            if seen.is_some_and(|seen| seen != now) {
                changes.update(|n| *n += 1);
            }
            now
        });
        changes
    }

    /// The changes of `team` that matter; `team` is read when something changes.
    pub fn changes_in(self, team: Signal<String>, matters: impl Fn(&Event) -> bool + Send + Sync + 'static) -> RwSignal<u32> {
        self.changes(move |event| event.team.as_ref().is_none_or(|other| *other == team.get_untracked()) && matters(event))
    }
}

/// `first`, and from then on what `fetch` answers whenever `source` changes. Of several answers under way the newest question's counts; one
/// that fails changes nothing. What is drawn from it stays where it is, with open dialogs and half-typed fields.
///
/// A page loads `first` in a resource that does not follow `source`, and awaits nothing else beside it: else the page would be drawn anew from
/// the old data.
pub fn kept_current<T, S, F>(first: T, source: impl Fn() -> S + 'static, fetch: impl Fn(S) -> F + 'static) -> RwSignal<T>
where
    T: Send + Sync + 'static,
    S: Clone + PartialEq + 'static,
    F: Future<Output = Result<T, AppError>> + 'static,
{
    let data = RwSignal::new(first);
    let asked = Rc::new(Cell::new(0_u32));
    Effect::new(move |before: Option<S>| {
        let now = source();
        if before.is_some_and(|before| before != now) {
            let number = asked.get() + 1;
            asked.set(number);
            let (asked, answer) = (Rc::clone(&asked), fetch(now.clone()));
            spawn_local(async move {
                if let Ok(newest) = answer.await
                    && asked.get() == number
                {
                    data.try_set(newest);
                }
            });
        }
        now
    });
    data
}

/// Calls back after changes that matter, as `Live::changes` counts them.
pub fn after_changes(matters: impl Fn(&Event) -> bool + Send + Sync + 'static, act: impl Fn() + 'static) {
    let changes = use_live().changes(matters);
    Effect::new(move |seen: Option<u32>| {
        let now = changes.get();
        if seen.is_some_and(|seen| seen != now) {
            act();
        }
        now
    });
}
