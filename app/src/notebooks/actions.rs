//! Start, stop, snooze and open: plain forms that answer in place once the page is hydrated.

use super::{
    api::{SnoozeNotebook, StartNotebook, StopNotebook, snooze_notebook, start_notebook, stop_notebook},
    standing::Standing,
    words::page_of,
};
use crate::{
    components::{Glyph, Icon, Toasts, Tone, use_toasts},
    error::AppError,
    live::{Live, use_live},
};
use domain::model::{Change, Notebook, NotebookId, Phase};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

/// What a button does to a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Snooze,
}

impl Verb {
    fn url(self) -> &'static str {
        match self {
            Self::Start => StartNotebook::url(),
            Self::Stop => StopNotebook::url(),
            Self::Snooze => SnoozeNotebook::url(),
        }
    }
    fn word(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Snooze => "Snooze",
        }
    }
    fn done(self, name: &str) -> String {
        match self {
            Self::Start => format!("Notebook {name} is starting"),
            Self::Stop => format!("Notebook {name} is stopping; its files are kept"),
            Self::Snooze => format!("Notebook {name} goes on; idle stop starts over"),
        }
    }
    fn glyph(self) -> Glyph {
        match self {
            Self::Start => Glyph::Play,
            Self::Stop => Glyph::Square,
            Self::Snooze => Glyph::Timer,
        }
    }
}

/// What the buttons of a page share: which are waiting, where news go.
#[derive(Clone, Copy)]
pub struct NotebookActions {
    waiting: RwSignal<Vec<NotebookId>>,
    live: Live,
    toasts: Toasts,
}

/// For a page with notebook buttons.
pub fn use_notebook_actions() -> NotebookActions {
    NotebookActions { waiting: RwSignal::new(Vec::new()), live: use_live(), toasts: use_toasts() }
}

impl NotebookActions {
    fn waits(self, id: &NotebookId) -> bool {
        self.waiting.with(|ids| ids.contains(id))
    }

    /// Does it, shows the answer at once, and says how it went.
    pub fn run(self, verb: Verb, team: String, id: NotebookId, name: String) {
        self.waiting.update(|ids| ids.push(id.clone()));
        spawn_local(async move {
            let answer: Result<Notebook, AppError> = match verb {
                Verb::Start => start_notebook(team.clone(), id.clone()).await,
                Verb::Stop => stop_notebook(team.clone(), id.clone()).await,
                Verb::Snooze => snooze_notebook(team.clone(), id.clone()).await,
            };
            self.waiting.try_update(|ids| ids.retain(|other| *other != id));
            match answer {
                Ok(notebook) => {
                    self.live.apply(&team, Change::Notebook(Box::new(notebook)));
                    self.toasts.show(Tone::Good, verb.done(&name));
                }
                Err(error) => self.toasts.show(Tone::Bad, format!("Notebook {name}: {}", error.message)),
            }
        });
    }
}

/// One button. Its name is `Stop notebook`, with the notebook's own name in lists (`of_many`), where only the verb is seen.
#[component]
pub fn ActionButton(
    verb: Verb,
    #[prop(into)] notebook: Signal<Notebook>,
    actions: NotebookActions,
    #[prop(optional)] of_many: bool,
    #[prop(default = "btn")] class: &'static str,
) -> impl IntoView {
    let (team, id, name) = notebook.with_untracked(|n| (n.team.clone(), n.id.clone(), n.spec.name.clone()));
    let (for_run, for_wait) = ((team.clone(), id.clone(), name.clone()), id.clone());
    let waits = Signal::derive(move || actions.waits(&for_wait));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let (team, id, name) = for_run.clone();
        actions.run(verb, team, id, name);
    };
    let label = if of_many { verb.word().to_owned() } else { format!("{} notebook", verb.word()) };
    view! {
        <form class="inline-form" method="post" action=verb.url() on:submit=submit>
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="id" value=id.0 />
            <button
                type="submit"
                class=class
                disabled=waits
                aria-busy=move || waits.get().then_some("true")
                aria-label=of_many.then(|| format!("{} notebook {name}", verb.word()))
            >
                {move || if waits.get() { view! { <Icon glyph=Glyph::Loader class="spin" /> } } else { view! { <Icon glyph=verb.glyph() class="" /> } }}
                {label}
            </button>
        </form>
    }
}

/// Opens the notebook in a tab of its own.
#[component]
pub fn OpenLink(
    #[prop(into)] notebook: Signal<Notebook>,
    #[prop(optional)] of_many: bool,
    #[prop(default = "btn btn-primary")] class: &'static str,
) -> impl IntoView {
    let (href, name) = notebook.with_untracked(|n| (format!("{}/open", page_of(n)), n.spec.name.clone()));
    view! {
        <a class=class href=href target="_blank" rel="noopener external" aria-label=of_many.then(|| format!("Open notebook {name}"))>
            <Icon glyph=Glyph::ExternalLink />
            {if of_many { "Open" } else { "Open notebook" }}
        </a>
    }
}

/// The buttons that fit the notebook's phase: at most one of them primary.
#[component]
pub fn PhaseActions(
    #[prop(into)] notebook: Signal<Notebook>,
    standing: Standing,
    actions: NotebookActions,
    #[prop(optional)] of_many: bool,
) -> impl IntoView {
    // Recomputed only when the set of buttons changes, so that a pressed button is not replaced under the finger.
    let may = Memo::new(move |_| notebook.with(|n| (standing.may_open(n) && n.phase.is_open(), standing.may_change(n), n.phase)));
    let buttons = Memo::new(move |_| {
        let (open, change, phase) = may.get();
        let settled = phase.is_settled();
        (open, change && !settled && phase != Phase::Stopping, change && settled)
    });
    let (plain, primary) = if of_many { ("btn btn-sm", "btn btn-sm") } else { ("btn", "btn btn-primary") };
    move || {
        let (open, stop, start) = buttons.get();
        view! {
            {open.then(|| view! { <OpenLink notebook of_many class=primary /> })}
            {stop.then(|| view! { <ActionButton verb=Verb::Stop notebook actions of_many class=plain /> })}
            {start.then(|| view! { <ActionButton verb=Verb::Start notebook actions of_many class=primary /> })}
        }
    }
}
