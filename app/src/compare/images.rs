//! Pictures of runs side by side, at one step.

use super::images_api::{Picture, RUNS, Series, images};
use crate::{
    charts::{Named, api::Comparison, use_follow},
    components::{ErrorNote, query_value},
    tracking::{encoded, page_of_run},
};
use domain::model::RunId;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The run's picture at `step`, or its latest before; of a file without steps the file.
fn at(series: &Series, run: usize, step: i64) -> Option<&Picture> {
    series
        .pictures
        .iter()
        .filter(|picture| picture.run == run && picture.step.is_none_or(|own| own <= step))
        .max_by_key(|picture| picture.step)
}

/// Shown only where a run has pictures.
#[component]
pub fn Images(team: String, found: RwSignal<Comparison>) -> impl IntoView {
    let runs =
        Memo::new(move |_| found.with(|f| f.runs.iter().take(RUNS).map(|run| (run.id.clone(), run.name.clone())).collect::<Vec<_>>()));
    let place = StoredValue::new(team.clone());
    let series = Resource::new(
        move || runs.with(|runs| runs.iter().map(|(id, _)| id.clone()).collect::<Vec<RunId>>()),
        move |ids| async move { images(place.get_value(), ids).await },
    );
    view! {
        <Transition>
            {move || {
                let team = team.clone();
                Suspend::new(async move {
                    let series = series.await;
                    match series {
                        Ok(series) if series.is_empty() => ().into_any(),
                        Ok(series) => view! { <Shown team series runs /> }.into_any(),
                        Err(error) => view! { <ErrorNote error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

#[component]
fn Shown(team: String, series: Vec<Series>, runs: Memo<Vec<(RunId, String)>>) -> impl IntoView {
    let (chosen, step_text, follow) = (query_value("image"), query_value("image_step"), use_follow());
    let keys: Vec<String> = series.iter().map(|series| series.key.clone()).collect();
    let series = StoredValue::new(series);
    let now = Memo::new(move |_| series.with_value(|all| all.iter().position(|one| one.key == *chosen.read()).unwrap_or_default()));
    let key = Memo::new(move |_| series.with_value(|all| all.get(now.get()).map(|one| one.key.clone()).unwrap_or_default()));
    let steps = Memo::new(move |_| {
        let of = |one: &Series| one.pictures.iter().filter_map(|picture| picture.step).collect::<BTreeSet<i64>>();
        series.with_value(|all| all.get(now.get()).map(of).unwrap_or_default().into_iter().collect::<Vec<i64>>())
    });
    // The place of the step among all, the last where none is chosen.
    let place = Memo::new(move |_| {
        let last = steps.read().len().saturating_sub(1);
        let wanted = step_text.read().parse::<i64>().ok();
        wanted.map_or(last, |wanted| steps.read().partition_point(|step| *step <= wanted).saturating_sub(1)).min(last)
    });
    let step = Memo::new(move |_| steps.read().get(place.get()).copied().unwrap_or(i64::MAX));
    let slide = move |text: String| {
        if let Some(step) = text.parse::<usize>().ok().and_then(|place| steps.read_untracked().get(place).copied()) {
            follow(&[("image_step", &step.to_string())]);
        }
    };
    let figure = move |(run, (id, name)): (usize, (RunId, String))| {
        let page = page_of_run(&team, id.as_str());
        let picture = series.with_value(|all| all.get(now.get()).and_then(|one| at(one, run, step.get())).cloned());
        let alt = format!("{} of {name}", key.read());
        let shown = match picture {
            Some(Picture { path, step, .. }) => {
                let source = format!("{page}/artifacts/{}", encoded(&path));
                let (said, href) = (step.map(|step| format!("step {step}")), source.clone());
                view! {
                    <a href=href rel="external">
                        <img class="preview-picture" src=source alt=alt loading="lazy" />
                    </a>
                    <span class="muted num">{said}</span>
                }
                .into_any()
            }
            None => view! { <p class="muted">"None at this step or before."</p> }.into_any(),
        };
        view! {
            <figure class="run-picture">
                <figcaption>
                    <a href=page>{name}</a>
                </figcaption>
                {shown}
            </figure>
        }
    };
    let figures = move || runs.get().into_iter().enumerate().map(&figure).collect_view();
    let further = move || {
        let (shown, all) = (runs.read().len(), RUNS);
        (shown == all).then(|| view! { <p class="muted">{format!("Pictures of the first {all} runs.")}</p> })
    };
    view! {
        <section class="stack" aria-label="Pictures">
            <h2>"Pictures"</h2>
            <div class="filter-bar needs-js">
                <Named label="Picture" name="image" all=Signal::stored(keys) now=key />
                <Show when=move || steps.with(|steps| steps.len() > 1)>
                    <label class="row">
                        "Step"
                        <input
                            type="range"
                            min="0"
                            max=move || steps.read().len().saturating_sub(1).to_string()
                            prop:value=move || place.get().to_string()
                            on:input:target={
                                let slide = slide.clone();
                                move |ev| slide(ev.target().value())
                            }
                        />
                        <output class="num">{move || step.get()}</output>
                    </label>
                </Show>
            </div>
            <div class="run-pictures">{figures}</div>
            {further}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_shows_its_latest_picture_up_to_the_step() {
        let picture = |run, step| Picture { run, path: format!("{run}-{step:?}"), step };
        let series =
            Series { key: "grid".into(), pictures: vec![picture(0, Some(0)), picture(0, Some(10)), picture(1, Some(5)), picture(2, None)] };
        let steps = |run| [-1, 0, 7, 10].map(|step| at(&series, run, step).map(|p| p.step));
        assert_eq!(steps(0), [None, Some(Some(0)), Some(Some(0)), Some(Some(10))]);
        assert_eq!(steps(1), [None, None, Some(Some(5)), Some(Some(5))]);
        assert_eq!(steps(2), [Some(None); 4]);
    }
}
