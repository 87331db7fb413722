//! A team's notebooks as signals, updated in place by the live stream.

use super::{Live, use_live};
use domain::model::{Change, Event, Notebook, NotebookId, Phase, PhaseChange};
use leptos::prelude::*;
use std::collections::HashMap;

/// One notebook and its present state.
#[derive(Clone, PartialEq)]
pub struct NotebookRow {
    pub id: NotebookId,
    pub now: ArcRwSignal<Notebook>,
}

/// A team's notebooks, or those of one page of its list. Rows come and go; what happens to one changes its own signal only.
#[derive(Clone, Copy)]
pub struct NotebookStore {
    pub rows: RwSignal<Vec<NotebookRow>>,
    /// How many were launched since the rows were fetched that are not among them.
    pub arrived: RwSignal<usize>,
    /// What a screen reader is told of rows that came and went.
    pub news: RwSignal<String>,
}

/// A store that follows the team's events until the caller's owner is cleaned up. Empty until it is seeded. New notebooks become rows where the
/// store holds `all`; else they are counted, and the page fetches its rows again when it suits.
pub fn follow_notebooks(team: Signal<String>, all: bool) -> NotebookStore {
    let live: Live = use_live();
    let store = NotebookStore { rows: RwSignal::new(Vec::new()), arrived: RwSignal::new(0), news: RwSignal::new(String::new()) };
    live.on_event(move |event| {
        if event.team.as_deref() == Some(team.get_untracked().as_str()) {
            store.take(event, all);
        }
    });
    store
}

/// Whether an event tells of a notebook's phase that was not heard of before, or of a deletion: not of each step of a progress bar.
pub fn new_phases() -> impl Fn(&Event) -> bool + Send + Sync {
    let heard = StoredValue::new(HashMap::<String, (i64, Phase)>::new());
    move |event| match &event.change {
        Change::Notebook(n) => {
            let now = (n.launch, n.phase);
            heard.try_update_value(|known| known.insert(n.id.0.clone(), now)) != Some(Some(now))
        }
        Change::NotebookDeleted { .. } => true,
        _ => false,
    }
}

/// Whether `new` says something older than what is known, as the answer to a click may when the stream was faster.
fn is_older(new: &Notebook, known: &Notebook) -> bool {
    (new.launch, new.phase_at) < (known.launch, known.phase_at)
}

/// `new` as the present state after `old`: its timeline goes on where the event carries none.
pub fn merge(old: &Notebook, mut new: Notebook) -> Notebook {
    if new.timeline.is_empty() && new.launch == old.launch {
        new.timeline.clone_from(&old.timeline);
        if new.phase != old.phase {
            new.timeline.push(PhaseChange { phase: new.phase, at: new.phase_at, reason: new.reason.clone() });
        }
    } else if new.timeline.is_empty() {
        new.timeline.push(PhaseChange { phase: new.phase, at: new.phase_at, reason: new.reason.clone() });
    }
    new
}

impl NotebookStore {
    /// Takes over what was fetched. Rows that stay keep their signal.
    pub fn seed(self, fetched: Vec<Notebook>) {
        let old = self.rows.get_untracked();
        let rows = fetched
            .into_iter()
            .map(|notebook| match old.iter().find(|r| r.id == notebook.id) {
                Some(row) => {
                    if row.now.with_untracked(|now| *now != notebook && !is_older(&notebook, now)) {
                        row.now.set(notebook);
                    }
                    row.clone()
                }
                None => NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) },
            })
            .collect::<Vec<_>>();
        self.arrived.set(0);
        if rows != old {
            self.rows.set(rows);
        }
    }

    /// Tells screen readers; the words go again, since they are news and not content.
    fn tell(self, text: String) {
        self.news.set(text);
        set_timeout(move || _ = self.news.try_set(String::new()), std::time::Duration::from_secs(4));
    }

    fn find(self, id: &str) -> Option<NotebookRow> {
        self.rows.with_untracked(|rows| rows.iter().find(|r| r.id.as_str() == id).cloned())
    }

    fn take(self, event: &Event, all: bool) {
        match &event.change {
            Change::Notebook(notebook) => self.put((**notebook).clone(), all),
            Change::NotebookDeleted { id } => {
                if let Some(row) = self.find(id) {
                    self.tell(format!("Notebook {} was deleted.", row.now.with_untracked(|n| n.spec.name.clone())));
                    self.rows.update(|rows| rows.retain(|r| r.id != row.id));
                }
            }
            _ => {}
        }
    }

    fn put(self, notebook: Notebook, all: bool) {
        if let Some(row) = self.find(notebook.id.as_str()) {
            let next = row.now.with_untracked(|now| (!is_older(&notebook, now)).then(|| merge(now, notebook)).filter(|next| next != now));
            if let Some(next) = next {
                if next.phase.is_settled() && row.now.with_untracked(|now| now.phase != next.phase) {
                    self.tell(format!("Notebook {} {}.", next.spec.name, if next.phase == Phase::Failed { "failed" } else { "stopped" }));
                }
                row.now.set(next);
            }
            return;
        }
        let is_new = notebook.launch == 1 && notebook.phase == Phase::Queued;
        if is_new {
            self.tell(format!("{} launched notebook {}.", notebook.owner_email, notebook.spec.name));
        }
        if all {
            self.rows.update(|rows| rows.insert(0, NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) }));
        } else if is_new {
            self.arrived.update(|n| *n += 1);
        }
    }
}
