//! One notebook, live: state, next step, actions, timeline, facts, log, settings.

use super::{
    actions::{ActionButton, NotebookActions, PhaseActions, Verb, use_notebook_actions},
    api::get_notebook,
    delete::DeleteButton,
    log_view::{LastLines, LogView},
    notebook_facts::Facts,
    settings::Settings,
    standing::Standing,
    state::PreparationProgress,
    timeline::Timeline,
    words::{environment, page_of, size},
};
use crate::{
    components::{
        Crumb, LoadingPage, Note, Page, PhaseBadge, Tab, Tabs, Tone, duration, page_or_error, query_value, use_me, use_now, use_team,
        use_toasts,
    },
    error::AppError,
    live::{merge, use_live},
};
use domain::model::{Change, Event, Notebook, NotebookId, Phase};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

/// The banner with the countdown shows when less than this is left, in milliseconds.
const SOON: i64 = 10 * 60 * 1000;

/// Events of a notebook that nobody has taken yet.
type Heard = StoredValue<Option<Vec<Event>>>;

#[component]
pub fn NotebookPage() -> impl IntoView {
    let (team, me, live, params) = (use_team(), use_me(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("id").unwrap_or_default().to_owned()));
    // What is told of it between the question and the drawing of the answer; none once that is drawn.
    let heard: Heard = StoredValue::new(Some(Vec::new()));
    live.on_event(move |event| {
        let of_it = match &event.change {
            Change::Notebook(changed) => id.with_untracked(|id| changed.id.0 == *id),
            Change::NotebookDeleted { id: gone } => id.with_untracked(|id| gone == id),
            _ => false,
        };
        if of_it {
            heard.update_value(|all| all.iter_mut().for_each(|all| all.push(event.clone())));
        }
    });
    let fetched = Resource::new(
        move || (team.get(), id.get(), live.reload()),
        move |(team, id, _)| async move {
            live.positioned().await;
            heard.set_value(Some(Vec::new()));
            let standing = Standing::load(me, &team).await;
            Ok::<_, AppError>((get_notebook(team, NotebookId(id)).await?, standing))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Notebook" /> }>
            {move || Suspend::new(async move {
                page_or_error(fetched.await, |(notebook, standing)| view! { <NotebookView notebook heard standing /> })
            })}
        </Transition>
    }
}

/// The notebook as a signal that the stream keeps true, after what was `heard` of it since it was asked for. When it is deleted the page goes to the
/// list.
fn follow(notebook: Notebook, heard: Heard) -> RwSignal<Notebook> {
    let (live, toasts, navigate) = (use_live(), use_toasts(), use_navigate());
    let (id, list) = (notebook.id.clone(), format!("/t/{}/notebooks", notebook.team));
    let now = RwSignal::new(notebook);
    let take = move |event: &Event| match &event.change {
        Change::Notebook(changed) if changed.id == id => {
            let known = now.get_untracked();
            if (changed.launch, changed.phase_at) >= (known.launch, known.phase_at) {
                now.set(merge(&known, (**changed).clone()));
            }
        }
        // Who deleted it here is sent on by the form's own answer.
        Change::NotebookDeleted { id: gone }
            if *gone == id.0 && event.seq > 0 && window().location().pathname().is_ok_and(|path| path.ends_with(&id.0)) =>
        {
            toasts.show(Tone::Info, "The notebook was deleted");
            navigate(&list, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
        _ => {}
    };
    heard.try_update_value(Option::take).flatten().iter().flatten().for_each(&take);
    live.on_event(take);
    now
}

#[component]
fn NotebookView(notebook: Notebook, heard: Heard, standing: Standing) -> impl IntoView {
    let actions = use_notebook_actions();
    let crumbs = vec![
        Crumb::new(notebook.team.clone(), format!("/t/{}", notebook.team)),
        Crumb::new("Notebooks", format!("/t/{}/notebooks", notebook.team)),
    ];
    let (title, lead) = (notebook.spec.name.clone(), format!("{} · {}", environment(&notebook), size(&notebook.spec.resources)));
    let href = page_of(&notebook);
    let notebook: Signal<Notebook> = follow(notebook, heard).into();
    let phase = Memo::new(move |_| notebook.with(|n| n.phase));
    let tab = query_value("tab");
    let tabs = move || {
        let now = tab.get();
        let known = ["logs", "settings"].contains(&now.as_str());
        let tab = |text, key: &str| Tab {
            text,
            href: if key.is_empty() { href.clone() } else { format!("{href}?tab={key}") },
            current: if key.is_empty() { !known } else { now == key },
        };
        view! { <Tabs label="Parts of this notebook" tabs=vec![tab("Overview", ""), tab("Logs", "logs"), tab("Settings", "settings")] /> }
    };
    let may_delete = Memo::new({
        let standing = standing.clone();
        move |_| notebook.with(|n| n.phase.is_settled() && standing.may_change(n))
    });
    let (for_actions, for_banner, for_settings) = (standing.clone(), standing.clone(), standing);
    view! {
        <Page
            title=title
            crumbs
            lead
            status=move || {
                view! {
                    <span role="status">
                        <PhaseBadge phase />
                    </span>
                }
            }
            actions=move || {
                view! {
                    <PhaseActions notebook standing=for_actions actions />
                    {move || may_delete.get().then(|| view! { <DeleteButton notebook /> })}
                }
            }
        >
            <StateNote notebook tab />
            <IdleBanner notebook standing=for_banner actions />
            {tabs}
            {move || match tab.read().as_str() {
                "logs" => view! { <LogView notebook /> }.into_any(),
                "settings" => view! { <Settings notebook standing=for_settings.clone() /> }.into_any(),
                _ => {
                    view! {
                        <div class="overview">
                            <Facts notebook />
                            <Timeline notebook />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Page>
    }
}

/// Why it is in this phase, what helps, and how far the preparation is.
#[component]
fn StateNote(notebook: Signal<Notebook>, tab: Memo<String>) -> impl IntoView {
    let said = Memo::new(move |_| notebook.with(|n| (n.phase, n.reason.clone(), n.next_step.clone())));
    let logs = notebook.with_untracked(|n| format!("{}?tab=logs", page_of(n)));
    view! {
        <PreparationProgress notebook />
        {move || {
            let (phase, reason, next) = said.get();
            let failed = phase == Phase::Failed;
            let preparing = notebook.with_untracked(|n| n.progress.is_some()) && matches!(phase, Phase::Preparing | Phase::Starting);
            let logs = logs.clone();
            ((reason.is_some() || next.is_some()) && !preparing)
                .then(|| {
                    let tone = if failed { Tone::Bad } else if phase == Phase::Queued { Tone::Warning } else { Tone::Info };
                    view! {
                        <Note tone>
                            {reason.map(|text| view! { <p>{text}</p> })}
                            {next.map(|text| view! { <p>{text}</p> })}
                            {failed
                                .then(|| {
                                    let logs = logs.clone();
                                    move || {
                                        (*tab.read() != "logs")
                                            .then(|| {
                                                view! {
                                                    <LastLines notebook />
                                                    <p>
                                                        <a href=logs.clone()>"Read the whole log"</a>
                                                    </p>
                                                }
                                            })
                                    }
                                })}
                        </Note>
                    }
                })
        }}
    }
}

/// Counts down to the idle stop and offers to go on.
#[component]
fn IdleBanner(notebook: Signal<Notebook>, standing: Standing, actions: NotebookActions) -> impl IntoView {
    let now = use_now();
    let left = Memo::new(move |_| {
        let stops_at = notebook.with(|n| n.idle_stop_at.filter(|_| n.phase.is_open()));
        // Whole seconds, so that the text changes once a second at most.
        stops_at.map(|at| (at - now.get()).max(0) / 1000 * 1000).filter(|left| *left < SOON)
    });
    let shown = Memo::new(move |_| left.get().is_some());
    let may_change = notebook.with_untracked(|n| standing.may_change(n));
    view! {
        <Show when=move || shown.get()>
            <div class="note note-warning idle-banner" role="note">
                <crate::components::Icon glyph=crate::components::Glyph::Timer />
                <div class="row between">
                    <p>
                        "Nothing happens in this notebook. It stops in "
                        <strong class="num">{move || left.get().map(duration)}</strong>" and keeps its files."
                    </p>
                    {may_change.then(|| view! { <ActionButton verb=Verb::Snooze notebook actions class="btn btn-sm" /> })}
                </div>
            </div>
        </Show>
    }
}
