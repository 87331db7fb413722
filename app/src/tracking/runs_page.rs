//! The runs of one experiment.

use super::{
    first_log::FirstLog,
    run_table::{
        RunsTable, TableAsk,
        api::{PAGE, TableStart, run_table},
        use_ask,
    },
};
use crate::{
    components::{CopyButton, Crumb, EmptyState, Glyph, LoadingPage, Page, page_or_error, query_value, use_team},
    live::use_live,
    traces::traces_of_experiment,
};
use domain::model::{Change, ExperimentId};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[component]
pub fn RunsPage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let experiment = Memo::new(move |_| params.with(|p| p.get_str("experiment").unwrap_or_default().to_owned()));
    let (ask, page) = (use_ask(), query_value("page"));
    // An experiment that nobody has logged to becomes a table with its first run.
    let (empty, first_run) = (RwSignal::new(false), RwSignal::new(0_u32));
    live.on_event(move |event| {
        if let Change::Runs { experiment: id } = &event.change
            && event.team.as_deref() == Some(team.get_untracked().as_str())
            && id.as_str() == experiment.get_untracked()
            && empty.get_untracked()
        {
            first_run.update(|n| *n += 1);
        }
    });
    let start = Resource::new(
        move || (team.get(), experiment.get(), first_run.get()),
        move |(team, experiment, _)| {
            let (ask, offset) = (ask.get_untracked(), offset(&page.get_untracked()));
            async move {
                live.positioned().await;
                let start = run_table(team, ExperimentId(experiment), offset, ask).await?;
                Ok::<_, crate::error::AppError>((start, offset))
            }
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Runs" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(
                    start.await,
                    |(start, offset)| {
                        let untouched = start.rows.newest.is_none() && start.refused.is_none() && ask.with_untracked(TableAsk::is_plain);
                        empty.set(untouched);
                        view! { <Runs team start offset ask untouched /> }
                    },
                )
            })}
        </Transition>
    }
}

/// Rows before a page that the address names; the first is 1.
fn offset(page: &str) -> usize {
    page.parse::<usize>().map_or(0, |page| page.saturating_sub(1).saturating_mul(PAGE))
}

fn crumbs(team: &str) -> Vec<Crumb> {
    vec![Crumb::new(team, format!("/t/{team}")), Crumb::new("Experiments", format!("/t/{team}/experiments"))]
}

#[component]
fn Runs(team: String, start: TableStart, offset: usize, ask: Memo<TableAsk>, untouched: bool) -> impl IntoView {
    let experiment = start.experiment.clone();
    let id = experiment.id.0.clone();
    let traces = traces_of_experiment(&team, &id);
    view! {
        <Page
            title=experiment.name.clone()
            crumbs=crumbs(&team)
            status=move || {
                view! {
                    <span class="muted row">
                        "Experiment "<span class="mono">{id.clone()}</span><CopyButton text=id.clone() label="Copy experiment id" />
                        {experiment.deleted_at.map(|_| view! { <span class="chip">"Deleted"</span> })}
                        <a href=traces.clone()>"Traces"</a>
                    </span>
                }
            }
        >
            {if untouched {
                view! {
                    <EmptyState glyph=Glyph::Flask title="No runs yet" text="What a script logs to this experiment appears here while it runs.">
                        <FirstLog />
                    </EmptyState>
                }
                    .into_any()
            } else {
                let experiment = start.experiment.id.clone();
                view! { <RunsTable team experiment start offset ask /> }.into_any()
            }}
        </Page>
    }
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn an_address_names_pages_from_one_on() {
        assert_eq!([offset(""), offset("1"), offset("3"), offset("0"), offset("x")], [0, 0, 100, 0, 0]);
    }
}
