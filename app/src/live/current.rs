//! Data of a page that is fetched again when it has changed: after one's own actions, after events, and after events that were missed.

use super::{Live, use_live};
use crate::error::AppError;
use domain::model::Event;
use leptos::{prelude::*, task::spawn_local};
use std::{cell::Cell, rc::Rc, time::Duration};

/// Changes that come together are fetched together: the first so soon that it counts as at once, yet late enough for a page whose own action it
/// was to have gone elsewhere (what it deleted cannot be fetched); what comes after it when so much time is over.
const SOON: Duration = Duration::from_millis(100);
const TOGETHER: Duration = Duration::from_millis(300);

/// How far the counting of changes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    /// Nothing came lately.
    Quiet,
    /// Something came, and will be counted when the time is over.
    Waiting,
    /// Something was counted, and nothing came since.
    Counted,
}

fn count_after(time: Duration, changes: RwSignal<u32>, counting: StoredValue<Counting>) {
    counting.set_value(Counting::Waiting);
    set_timeout(
        move || {
            if counting.try_get_value() == Some(Counting::Waiting) {
                counting.set_value(Counting::Counted);
                changes.update(|n| *n += 1);
                set_timeout(move || quieten(counting), TOGETHER);
            }
        },
        time,
    );
}

/// Quiet again, unless something waits.
fn quieten(counting: StoredValue<Counting>) {
    if counting.try_get_value() == Some(Counting::Counted) {
        counting.set_value(Counting::Quiet);
    }
}

impl Live {
    /// Counts the changes that matter to a page. Those that come together count as one; where events may have been missed, that counts too.
    /// A page adds to it after its own actions, so that these are seen at once, also while the stream is cut.
    pub fn changes(self, matters: impl Fn(&Event) -> bool + Send + Sync + 'static) -> RwSignal<u32> {
        let (changes, counting) = (RwSignal::new(0_u32), StoredValue::new(Counting::Quiet));
        self.on_event(move |event| {
            if matters(event) {
                match counting.get_value() {
                    Counting::Quiet => count_after(SOON, changes, counting),
                    Counting::Counted => count_after(TOGETHER, changes, counting),
                    Counting::Waiting => {}
                }
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

/// Waits before what could not be fetched is asked for again: a page must not stay old because the server was away for a moment.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// `first`, which answers to `asked` as `source` was when it was asked for, and from then on what `fetch` answers whenever `source` is another: also
/// where that was so before the first answer was here. Of several answers under way the newest question's counts; one
/// that the server could not give is asked for again a few times, and changes nothing meanwhile. What is drawn from it stays where it is, with
/// open dialogs and half-typed fields.
///
/// A page counts changes from before it loads `first` (so that it `asked` at 0), in a resource that does not follow `source`, and awaits nothing
/// else beside it: else the page would be drawn anew from the old data.
pub fn kept_current<T, S, F>(first: T, asked: S, source: impl Fn() -> S + 'static, fetch: impl Fn(S) -> F + 'static) -> RwSignal<T>
where
    T: Send + Sync + 'static,
    S: Clone + PartialEq + 'static,
    F: Future<Output = Result<T, AppError>> + 'static,
{
    let data = RwSignal::new(first);
    let number = Rc::new(Cell::new(0_u32));
    let fetch = Rc::new(fetch);
    Effect::new(move |before: Option<S>| {
        let now = source();
        if before.as_ref().unwrap_or(&asked) != &now {
            number.set(number.get() + 1);
            ask(data, now.clone(), Rc::clone(&fetch), Rc::clone(&number), number.get(), 0);
        }
        now
    });
    data
}

fn ask<T, S, F>(data: RwSignal<T>, source: S, fetch: Rc<impl Fn(S) -> F + 'static>, asked: Rc<Cell<u32>>, number: u32, failures: usize)
where
    T: Send + Sync + 'static,
    S: Clone + 'static,
    F: Future<Output = Result<T, AppError>> + 'static,
{
    let answer = fetch(source.clone());
    spawn_local(async move {
        match answer.await {
            _ if asked.get() != number => {}
            Ok(newest) => _ = data.try_set(newest),
            Err(error) if error.kind.may_pass() => {
                let Some(wait) = AGAIN.get(failures) else { return };
                set_timeout(
                    move || {
                        // The page may be gone by now.
                        if asked.get() == number && !data.is_disposed() {
                            ask(data, source, fetch, asked, number, failures + 1);
                        }
                    },
                    *wait,
                );
            }
            Err(_) => {}
        }
    });
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
