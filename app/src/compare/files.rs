//! A file of two runs, line by line: code, packages, configurations.

use super::files_api::{Compared, FilesCompared, compare_files};
use crate::{
    charts::{Named, api::Comparison, use_follow},
    components::{ErrorNote, Lines, query_value},
};
use domain::model::RunId;
use leptos::prelude::*;

/// Shown only where one of the two has files.
#[component]
pub fn Files(team: String, found: RwSignal<Comparison>) -> impl IntoView {
    let runs = Memo::new(move |_| found.with(|f| f.runs.iter().map(|run| (run.id.clone(), run.name.clone())).collect::<Vec<_>>()));
    let (base, against, name) = (query_value("base"), query_value("against"), query_value("file"));
    // The base run, or the first; and the chosen one, or the first other.
    let pair = Memo::new(move |_| {
        runs.with(|runs| {
            let of = |id: &str| runs.iter().find(|(run, _)| run.as_str() == id);
            let first = of(&base.read()).or(runs.first())?;
            let second = of(&against.read()).filter(|second| second.0 != first.0).or(runs.iter().find(|run| run.0 != first.0))?;
            Some((first.0.clone(), second.0.clone()))
        })
    });
    let place = StoredValue::new(team);
    let compared = Resource::new(
        move || (pair.get(), name.get()),
        move |(pair, name)| async move {
            match pair {
                Some((first, second)) => compare_files(place.get_value(), first, second, name).await.map(Some),
                None => Ok(None),
            }
        },
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match compared.await {
                    Ok(Some(compared)) if !compared.names.is_empty() => view! { <Shown compared runs pair /> }.into_any(),
                    Ok(_) => ().into_any(),
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

type Pair = Memo<Option<(RunId, RunId)>>;

#[component]
fn Shown(compared: FilesCompared, runs: Memo<Vec<(RunId, String)>>, pair: Pair) -> impl IntoView {
    let FilesCompared { first, second, names, name, compared } = compared;
    // Of what was compared: another pair may be on its way.
    let name_of =
        |id: &RunId| runs.with_untracked(|runs| runs.iter().find(|(run, _)| run == id).map(|(_, name)| name.clone()).unwrap_or_default());
    let (first, second) = (name_of(&first), name_of(&second));
    let said = match &compared {
        Compared::Same => Some("The same in both.".to_owned()),
        Compared::OneHasIt { first: true } => Some(format!("Only {first} has it.")),
        Compared::OneHasIt { first: false } => Some(format!("Only {second} has it.")),
        Compared::NotShown(why) => Some(why.clone()),
        Compared::Differ(_, true) => Some("There are more lines than these. Download both files for all of them.".to_owned()),
        Compared::Differ(..) => None,
    };
    let lines = match compared {
        Compared::Differ(parts, _) => Some(view! { <Lines parts label=format!("{name} of both runs") /> }),
        _ => None,
    };
    view! {
        <section class="stack" aria-label="Files">
            <h2>"Files"</h2>
            <div class="filter-bar needs-js">
                <Named label="File" name="file" all=Signal::stored(names) now=Signal::stored(name) />
                <Against runs pair />
            </div>
            <p class="muted">
                <del class="diff-word">{first}</del>
                " and "
                <ins class="diff-word">{second}</ins>
                ". The first is the base of the differences below."
            </p>
            {said.map(|said| view! { <p>{said}</p> })}
            {lines}
        </section>
    }
}

/// The other run.
#[component]
fn Against(runs: Memo<Vec<(RunId, String)>>, pair: Pair) -> impl IntoView {
    let follow = use_follow();
    let options = move || {
        let now = pair.get();
        let others = runs.get().into_iter().filter(|(run, _)| now.as_ref().is_none_or(|(first, _)| first != run));
        let option = |(run, name): (RunId, String)| {
            let selected = now.as_ref().is_some_and(|(_, second)| *second == run);
            view! { <option value=run.to_string() selected=selected>{name}</option> }
        };
        others.map(option).collect_view()
    };
    view! {
        <label class="row">
            "Against"
            <select class="input select" name="against" on:change:target=move |ev| follow(&[("against", &ev.target().value())])>
                {options}
            </select>
        </label>
    }
}
