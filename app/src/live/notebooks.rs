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
    /// Rows that came while the page was looked at, newest first, where the page wants to show them only when asked.
    pub arrived: RwSignal<Vec<NotebookRow>>,
    /// What a screen reader is told of rows that came and went.
    pub news: RwSignal<String>,
}

/// A store that follows the team's events until the caller's owner is cleaned up. Empty until it is seeded. While `hold`, new rows wait in
/// `arrived` until `show_arrived`, so that nothing moves under the pointer.
pub fn follow_notebooks(team: Signal<String>, hold: Signal<bool>) -> NotebookStore {
    let live: Live = use_live();
    let store = NotebookStore { rows: RwSignal::new(Vec::new()), arrived: RwSignal::new(Vec::new()), news: RwSignal::new(String::new()) };
    live.on_event(move |event| {
        if event.team.as_deref() == Some(team.get_untracked().as_str()) {
            store.take(event, hold.get_untracked());
        }
    });
    store
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
                    if row.now.with_untracked(|now| *now != notebook) {
                        row.now.set(notebook);
                    }
                    row.clone()
                }
                None => NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) },
            })
            .collect::<Vec<_>>();
        self.arrived.set(Vec::new());
        if rows != old {
            self.rows.set(rows);
        }
    }

    /// Puts the rows that waited on top of the list.
    pub fn show_arrived(self) {
        let mut arrived = self.arrived.get_untracked();
        if arrived.is_empty() {
            return;
        }
        self.arrived.set(Vec::new());
        self.rows.update(|rows| {
            arrived.append(rows);
            *rows = arrived;
        });
    }

    /// Tells screen readers; the words go again, since they are news and not content.
    fn tell(self, text: String) {
        self.news.set(text);
        set_timeout(move || _ = self.news.try_set(String::new()), std::time::Duration::from_secs(4));
    }

    fn find(self, id: &str) -> Option<NotebookRow> {
        let by_id = |rows: &Vec<NotebookRow>| rows.iter().find(|r| r.id.as_str() == id).cloned();
        self.rows.with_untracked(by_id).or_else(|| self.arrived.with_untracked(by_id))
    }

    fn take(self, event: &Event, hold: bool) {
        match &event.change {
            Change::Notebook(notebook) => self.put((**notebook).clone(), hold),
            Change::NotebookDeleted { id } => {
                if let Some(row) = self.find(id) {
                    self.tell(format!("Notebook {} was deleted.", row.now.with_untracked(|n| n.spec.name.clone())));
                    self.rows.update(|rows| rows.retain(|r| r.id != row.id));
                    self.arrived.update(|rows| rows.retain(|r| r.id != row.id));
                }
            }
            _ => {}
        }
    }

    fn put(self, notebook: Notebook, hold: bool) {
        if let Some(row) = self.find(notebook.id.as_str()) {
            let next = row.now.with_untracked(|now| (!is_older(&notebook, now)).then(|| merge(now, notebook)).filter(|next| next != now));
            if let Some(next) = next {
                row.now.set(next);
            }
        } else {
            self.tell(format!("{} launched notebook {}.", notebook.owner_email, notebook.spec.name));
            let row = NotebookRow { id: notebook.id.clone(), now: ArcRwSignal::new(notebook) };
            let list = if hold { self.arrived } else { self.rows };
            list.update(|rows| rows.insert(0, row));
        }
    }
}
