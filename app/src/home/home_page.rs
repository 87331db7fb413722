//! The first page after sign-in: what runs now, what is free, what happened, what to do next.

use super::{activity::Activity, api::home_summary, usage::Usage};
use crate::{
    components::{EmptyState, ErrorPage, Glyph, Icon, LoadingPage, Page, Time, use_team},
    live::{NotebookRow, NotebookStore, follow_notebooks, use_live},
    notebooks::{
        NotebookActions, NotebookState, PhaseActions, Standing, use_notebook_actions,
        words::{environment, page_of, person, size},
    },
};
use domain::model::{AuditRecord, Capacity, Change, Home, Role};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// Changes that come together are fetched together.
const PAUSE: Duration = Duration::from_millis(300);

#[component]
pub fn HomePage() -> impl IntoView {
    let (team, live) = (use_team(), use_live());
    let store = follow_notebooks(team.into(), Signal::derive(|| false));
    let home = Resource::new(
        move || (team.get(), live.reload()),
        move |(team, _)| async move {
            live.positioned().await;
            home_summary(team).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Home" /> }>
            {move || Suspend::new(async move {
                let standing = Standing::load(team.get()).await;
                match home.await {
                    Ok(home) => {
                        store.seed(home.notebooks.clone());
                        view! { <HomeView team=team.get_untracked() home store standing /> }.into_any()
                    }
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Fetches capacity and activity again after changes that matter to them: not after each step of a progress bar.
fn follow_facts(team: String, capacity: RwSignal<Capacity>, activity: RwSignal<Vec<AuditRecord>>, store: NotebookStore) {
    let waiting = StoredValue::new(false);
    let phases = StoredValue::new(std::collections::HashMap::new());
    store.rows.with_untracked(|rows| {
        phases.update_value(|known| known.extend(rows.iter().map(|r| (r.id.0.clone(), r.now.with_untracked(|n| n.phase)))));
    });
    use_live().on_event(move |event| {
        let matters = match &event.change {
            Change::Notebook(n) => phases.try_update_value(|known| known.insert(n.id.0.clone(), n.phase)) != Some(Some(n.phase)),
            _ => true,
        };
        if !matters || waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        let team = team.clone();
        set_timeout(
            move || {
                if waiting.try_set_value(false).is_some() {
                    return;
                }
                spawn_local(async move {
                    if let Ok(home) = home_summary(team).await {
                        capacity.try_set(home.capacity);
                        activity.try_set(home.activity);
                    }
                });
            },
            PAUSE,
        );
    });
}

#[component]
fn HomeView(team: String, home: Home, store: NotebookStore, standing: Standing) -> impl IntoView {
    let (capacity, activity) = (RwSignal::new(home.capacity), RwSignal::new(home.activity));
    follow_facts(team.clone(), capacity, activity, store);
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

/// What is not settled: mine, then the team's. One that failed while the page is open stays, so that it is seen.
#[component]
fn RunningNow(team: String, store: NotebookStore, standing: Standing) -> impl IntoView {
    let actions = use_notebook_actions();
    let user = standing.user.clone();
    let split = Memo::new(move |_| {
        let rows = store.rows.get();
        rows.into_iter().partition::<Vec<NotebookRow>, _>(|row| user.as_ref() == Some(&row.now.with_untracked(|n| n.owner.clone())))
    });
    let none = Memo::new(move |_| store.rows.with(Vec::is_empty));
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
