//! The first page after sign-in: what runs now, what is free, what happened, what to do next.

use super::{activity::Activity, api::home_summary, usage::Usage};
use crate::{
    components::{EmptyState, Glyph, Icon, LoadingPage, Page, Time, Tone, page_or_error, use_me, use_team, use_toasts},
    error::AppError,
    live::{NotebookRow, NotebookStore, follow_notebooks, kept_current, new_phases, use_live},
    notebooks::{
        NotebookActions, NotebookState, PhaseActions, Standing, use_notebook_actions,
        words::{environment, page_of, person, size},
    },
};
use domain::model::{Change, Home, Phase, Role, UserId};
use leptos::prelude::*;

#[component]
pub fn HomePage() -> impl IntoView {
    let (team, me, live) = (use_team(), use_me(), use_live());
    // All of the team's changes, but not each step of a progress bar.
    let new_phase = new_phases();
    let changes = live.changes_in(team.into(), move |event| !matches!(event.change, Change::Notebook(_)) || new_phase(event));
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            let standing = Standing::load(me, &team).await;
            Ok::<_, AppError>((home_summary(team).await?, standing))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Home" /> }>
            {move || Suspend::new(async move {
                page_or_error(first.await, |(first, standing)| view! { <HomeView team=team.get_untracked() first standing changes /> })
            })}
        </Transition>
    }
}

/// Says when one of my notebooks fails: it leaves what runs now, and that must not go unseen.
fn tell_failures(team: String, user: Option<UserId>) {
    let toasts = use_toasts();
    use_live().on_event(move |event| {
        if let Change::Notebook(n) = &event.change
            && event.team.as_ref() == Some(&team)
            && n.phase == Phase::Failed
            && user.as_ref() == Some(&n.owner)
        {
            toasts.show(Tone::Bad, format!("Notebook {} failed: {}", n.spec.name, n.reason.clone().unwrap_or_default()));
        }
    });
}

#[component]
fn HomeView(team: String, first: Home, standing: Standing, changes: RwSignal<u32>) -> impl IntoView {
    let store = follow_notebooks(Signal::stored(team.clone()), true);
    store.seed(first.notebooks.clone());
    let again = team.clone();
    let home = kept_current(first, 0, move || changes.get(), move |_| home_summary(again.clone()));
    Effect::new(move |_| store.seed(home.with(|h| h.notebooks.clone())));
    let (capacity, activity) =
        (Memo::new(move |_| home.with(|h| h.capacity.clone())), Memo::new(move |_| home.with(|h| h.activity.clone())));
    tell_failures(team.clone(), standing.user.clone());
    let new = format!("/t/{team}/notebooks/new");
    let (may_launch, is_admin) = (standing.may_launch(), standing.role == Role::Admin);
    let quick = [
        (true, Glyph::Notebook, "All notebooks", format!("/t/{team}/notebooks")),
        (is_admin, Glyph::UserPlus, "Add a member", format!("/t/{team}/members")),
        (may_launch, Glyph::HardDrive, "Volumes", format!("/t/{team}/volumes")),
        (true, Glyph::Key, "Create an access token", "/account/tokens".to_owned()),
    ];
    view! {
        <Page
            title=format!("Team {team}")
            actions=move || may_launch.then(|| view! { <a class="btn btn-primary" href=new><Icon glyph=Glyph::Plus />"New notebook"</a> })
        >
            <p class="sr-only" aria-live="polite">
                {move || store.news.get()}
            </p>
            <div class="home">
                <div class="stack">
                    <RunningNow team=team.clone() store standing />
                    <Activity records=activity />
                </div>
                <div class="stack">
                    <Usage capacity />
                    <nav class="card panel" aria-label="Quick actions">
                        <h2>"Quick actions"</h2>
                        <ul class="quick">
                            {quick
                                .into_iter()
                                .filter(|(shown, ..)| *shown)
                                .map(|(_, glyph, text, href)| view! { <li><a href=href><Icon glyph />{text}</a></li> })
                                .collect_view()}
                        </ul>
                    </nav>
                </div>
            </div>
        </Page>
    }
}

/// What is not settled: mine, then the team's. What settles leaves at once.
#[component]
fn RunningNow(team: String, store: NotebookStore, standing: Standing) -> impl IntoView {
    let actions = use_notebook_actions();
    let user = standing.user.clone();
    let split = Memo::new(move |_| {
        let runs = |row: &NotebookRow| row.now.with(|n| !n.phase.is_settled());
        let rows = store.rows.get().into_iter().filter(runs);
        rows.partition::<Vec<NotebookRow>, _>(|row| user.as_ref() == Some(&row.now.with_untracked(|n| n.owner.clone())))
    });
    let none = Memo::new(move |_| split.with(|(mine, theirs)| mine.is_empty() && theirs.is_empty()));
    let new = StoredValue::new(format!("/t/{team}/notebooks/new"));
    let may_launch = standing.may_launch();
    let standing = StoredValue::new(standing);
    let list = move |title: &'static str, rows: Signal<Vec<NotebookRow>>| {
        view! {
            <Show when=move || rows.with(|r| !r.is_empty())>
                <h3 class="group-head">{title}</h3>
                <ul class="running">
                    <For each=move || rows.get() key=|row| row.id.clone() let:row>
                        <RunningItem row standing=standing.get_value() actions />
                    </For>
                </ul>
            </Show>
        }
    };
    view! {
        <section class="card panel" aria-labelledby="running-head">
            <h2 id="running-head">"Running now"</h2>
            <Show
                when=move || !none.get()
                fallback=move || {
                    view! {
                        <EmptyState
                            glyph=Glyph::Rocket
                            title="Nothing is running"
                            text="A notebook starts with a name: choose an environment and a size if the defaults do not suit, then launch. It stops by itself when nobody uses it, and keeps its files."
                        >
                            {may_launch.then(|| view! { <a class="btn btn-primary" href=new.get_value()>"Launch a notebook"</a> })}
                        </EmptyState>
                    }
                }
            >
                {list("Mine", Signal::derive(move || split.with(|s| s.0.clone())))}
                {list("My team's", Signal::derive(move || split.with(|s| s.1.clone())))}
            </Show>
        </section>
    }
}

#[component]
fn RunningItem(row: NotebookRow, standing: Standing, actions: NotebookActions) -> impl IntoView {
    let notebook = Signal::derive({
        let now = row.now.clone();
        move || now.get()
    });
    let (href, name, owner) = row.now.with_untracked(|n| (page_of(n), n.spec.name.clone(), person(&n.owner_email)));
    let facts = Memo::new(move |_| notebook.with(|n| format!("{owner} · {} · {}", environment(n), size(&n.spec.resources))));
    let since = Memo::new(move |_| notebook.with(|n| n.phase_at));
    view! {
        <li class="running-item">
            <div class="running-text">
                <a class="running-name" href=href>{name}</a>
                <span class="muted">{facts}" · "<Time at=since /></span>
            </div>
            <NotebookState notebook />
            <div class="row end">
                <PhaseActions notebook standing actions of_many=true />
            </div>
        </li>
    }
}
