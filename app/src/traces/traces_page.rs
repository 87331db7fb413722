//! The traces of an experiment as a page, and those of a run as a tab.

use super::{api::list_traces, list::Traces};
use crate::{
    components::{Crumb, ErrorNote, Loading, LoadingPage, Page, page_or_error, query_value, use_team},
    live::use_live,
    tracking::page_of_experiment,
};
use domain::model::{Change, ExperimentId, RunId};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// Counts what changes of the traces of the experiments that are shown.
fn changes(team: Signal<String>, is_shown: impl Fn(&ExperimentId) -> bool + Send + Sync + 'static) -> RwSignal<u32> {
    use_live().changes_in(team, move |event| matches!(&event.change, Change::Traces { experiment } if is_shown(experiment)))
}

#[component]
pub fn TracesPage() -> impl IntoView {
    let (team, live, params, page) = (use_team(), use_live(), use_params_map(), query_value("page"));
    let experiment = Memo::new(move |_| params.with(|p| p.get_str("experiment").unwrap_or_default().to_owned()));
    let changes = changes(team.into(), move |id| experiment.with_untracked(|shown| id.as_str() == shown));
    let found = Resource::new(
        move || (team.get(), experiment.get(), page.get(), changes.get()),
        move |(team, experiment, page, _)| async move {
            live.positioned().await;
            list_traces(team, ExperimentId(experiment), String::new(), page).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Traces" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                let id = experiment.get_untracked();
                page_or_error(
                    found.await,
                    |found| {
                        let crumbs = vec![
                            Crumb::new(team.clone(), format!("/t/{team}")),
                            Crumb::new("Experiments", format!("/t/{team}/experiments")),
                            Crumb::new(found.experiment.clone(), page_of_experiment(&team, &id)),
                        ];
                        view! {
                            <Page title="Traces" crumbs>
                                <Traces team found />
                            </Page>
                        }
                    },
                )
            })}
        </Transition>
    }
}

/// The tab of a run's page.
#[component]
pub fn RunTraces(team: String, experiment: ExperimentId, run: RunId) -> impl IntoView {
    let page = query_value("page");
    let ours = team.clone();
    let place = StoredValue::new((team, experiment, run));
    let changes = changes(Signal::stored(ours), move |id| place.with_value(|(_, shown, _)| id == shown));
    let found = Resource::new(
        move || (page.get(), changes.get()),
        move |(page, _)| {
            let (team, experiment, run) = place.get_value();
            list_traces(team, experiment, run.0, page)
        },
    );
    view! {
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(found) => view! { <Traces team=place.with_value(|(team, ..)| team.clone()) found /> }.into_any(),
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}
