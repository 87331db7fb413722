//! A team's notebooks as signals, updated in place by the live stream.

use super::{Live, use_live};
use domain::model::{Change, Event, Notebook, NotebookId, PhaseChange};
use leptos::prelude::*;

/// One notebook and its present state.
#[derive(Clone, PartialEq)]
pub struct NotebookRow {
    pub id: NotebookId,
    pub now: ArcRwSignal<Notebook>,
}

/// A team's notebooks. Rows come and go; what happens to one changes its own signal only.
#[derive(Clone, Copy)]
pub struct NotebookStore {
    pub rows: RwSignal<Vec<NotebookRow>>,
    /// What a screen reader is told of rows that came and went.
    pub news: RwSignal<String>,
}

/// A store that follows the team's events until the caller's owner is cleaned up. Empty until it is seeded.
pub fn follow_notebooks(team: Signal<String>) -> NotebookStore {
    let live: Live = use_live();
    let store = NotebookStore { rows: RwSignal::new(Vec::new()), news: RwSignal::new(String::new()) };
    live.on_event(move |event| {
        if event.team.as_deref() == Some(team.get_untracked().as_str()) {
            store.take(event);
        }
    });
    store
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
                    if row.now.with_untracked(|now| *now != notebook) {
                        row.now.set(notebook);
                    }
                    row.clone()
                }
                None => NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) },
            })
            .collect::<Vec<_>>();
        if rows != old {
            self.rows.set(rows);
        }
    }

    fn take(self, event: &Event) {
        match &event.change {
            Change::Notebook(notebook) => self.put((**notebook).clone()),
            Change::NotebookDeleted { id } => {
                let gone = self.rows.with_untracked(|rows| rows.iter().find(|r| r.id.as_str() == id).cloned());
                if let Some(row) = gone {
                    self.news.set(format!("Notebook {} was deleted.", row.now.with_untracked(|n| n.spec.name.clone())));
                    self.rows.update(|rows| rows.retain(|r| r.id != row.id));
                }
            }
            _ => {}
        }
    }

    fn put(self, notebook: Notebook) {
        let row = self.rows.with_untracked(|rows| rows.iter().find(|r| r.id == notebook.id).cloned());
        if let Some(row) = row {
            let next = row.now.with_untracked(|now| merge(now, notebook));
            if row.now.with_untracked(|now| *now != next) {
                row.now.set(next);
            }
        } else {
            self.news.set(format!("{} launched notebook {}.", notebook.owner_email, notebook.spec.name));
            self.rows.update(|rows| rows.insert(0, NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) }));
        }
    }
}
