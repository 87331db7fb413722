//! The team's experiments.

use super::{api::list_experiments, first_log::FirstLog, words::page_of_experiment};
use crate::{
    components::{
        Column, Crumb, EmptyState, FilterBar, Glyph, ListTable, LoadingPage, Page, SearchField, Time, page_or_error, query_value,
        sort_order, use_team, with_query,
    },
    live::use_live,
};
use domain::model::{Change, Experiment};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

#[component]
pub fn ExperimentsPage() -> impl IntoView {
    let (team, live, shown) = (use_team(), use_live(), query_value("show"));
    let changed = RwSignal::new(0_u32);
    live.on_event(move |event| {
        let ours = event.team.as_deref() == Some(team.get_untracked().as_str());
        if ours && matches!(event.change, Change::Experiments | Change::Runs { .. }) {
            changed.update(|n| *n += 1);
        }
    });
    let experiments = Resource::new(
        move || (team.get(), *shown.read() == "deleted", live.reload(), changed.get()),
        move |(team, deleted, _, _)| async move {
            live.positioned().await;
            list_experiments(team, deleted).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Experiments" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(experiments.await, |experiments| view! { <Experiments team experiments /> })
            })}
        </Transition>
    }
}

fn arranged(experiments: &[Experiment], text: &str, sort: &str) -> Vec<Experiment> {
    let text = text.trim().to_lowercase();
    let has = |e: &Experiment| {
        e.name.to_lowercase().contains(&text)
            || e.tags.iter().any(|t| !t.key.starts_with("mlflow.") && format!("{}={}", t.key, t.value).to_lowercase().contains(&text))
    };
    let mut found: Vec<Experiment> = experiments.iter().filter(|e| has(e)).cloned().collect();
    found.sort_by(|a, b| match sort.trim_start_matches('-') {
        "name" => sort_order(sort, a.name.to_lowercase().cmp(&b.name.to_lowercase())),
        "made" => sort_order(sort, a.created_at.cmp(&b.created_at)),
        "changed" => sort_order(sort, a.updated_at.cmp(&b.updated_at)),
        _ => b.updated_at.cmp(&a.updated_at),
    });
    found
}

const COLUMNS: &[Column] =
    &[Column::sorted("name", "Name"), Column::plain("Tags"), Column::sorted("made", "Created"), Column::sorted("changed", "Changed")];

#[component]
fn Experiments(team: String, experiments: Vec<Experiment>) -> impl IntoView {
    let count = experiments.len();
    let (query, path, shown) = (use_query_map(), use_location().pathname, query_value("show"));
    let deleted = shown.get_untracked() == "deleted";
    let (text, sort) = (query_value("q"), query_value("sort"));
    // A portal that has only its Default with nothing in it has yet to see a run.
    let untouched = !deleted && experiments.iter().all(|e| e.id.as_str() == "0" && e.updated_at == e.created_at);
    let experiments = StoredValue::new(experiments);
    let found = Memo::new(move |_| experiments.with_value(|e| arranged(e, &text.read(), &sort.read())));
    let for_rows = team.clone();
    let rows =
        move || found.get().into_iter().map(|experiment| view! { <ExperimentRow team=for_rows.clone() experiment /> }).collect_view();
    let nothing = if deleted { "Nothing is deleted." } else { "No experiment matches. Try fewer letters." };
    let chip = move |value: &'static str, label: &'static str| {
        let href = move || with_query(&path.read(), &query.read(), "show", value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*shown.read() == value).then_some("true")>
                {label}
            </a>
        }
    };
    view! {
        <Page
            title="Experiments"
            count
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]
            lead="Named sets of runs. Scripts and notebooks log to them with MLflow's own client."
        >
            {untouched
                .then(|| {
                    view! {
                        <EmptyState glyph=Glyph::Flask title="No runs yet" text="Log from any script that uses MLflow; nothing else has to be installed.">
                            <FirstLog />
                        </EmptyState>
                    }
                })}
            <FilterBar label="Filter experiments">
                <SearchField label="Find by name or tag" />
                <div class="chips" role="group" aria-label="State">
                    {chip("", "Active")}
                    {chip("deleted", "Deleted")}
                </div>
            </FilterBar>
            <ListTable caption="Experiments of the team" columns=COLUMNS default="-changed" nothing none=Signal::derive(move || found.with(Vec::is_empty))>
                {rows}
            </ListTable>
        </Page>
    }
}

#[component]
fn ExperimentRow(team: String, experiment: Experiment) -> impl IntoView {
    let href = page_of_experiment(&team, experiment.id.as_str());
    let tags = experiment.tags.iter().filter(|t| !t.key.starts_with("mlflow.")).take(4);
    let tags = tags.map(|t| view! { <span class="chip mono">{format!("{}={}", t.key, t.value)}</span> }).collect_view();
    let by = experiment.created_by.unwrap_or_else(|| "Slipway".to_owned());
    view! {
        <tr>
            <th scope="row">
                <a class="row-link" data-row href=href>
                    {experiment.name}
                </a>
            </th>
            <td data-label="Tags">
                <span class="row">{tags}</span>
            </td>
            <td data-label="Created">
                <Time at=experiment.created_at />
                <span class="sub">{by}</span>
            </td>
            <td data-label="Changed">
                <Time at=experiment.updated_at />
            </td>
        </tr>
    }
}
