//! What a look at the database, the engine and the machine finds, and how to mend it.

use crate::{
    components::{Glyph, Icon, LoadingPage, Note, Page, StatusBadge, Tone, page_or_error},
    home::api::check_system,
};
use domain::model::{Finding, Level};
use leptos::prelude::*;

/// Findings, the worst first.
#[component]
pub fn SystemPage() -> impl IntoView {
    let findings = Resource::new(|| (), |()| check_system());
    view! {
        <Transition fallback=|| view! { <LoadingPage title="System" /> }>
            {move || Suspend::new(async move {
                page_or_error(findings.await, move |found| view! { <Findings found again=Callback::new(move |()| findings.refetch()) /> })
            })}
        </Transition>
    }
}

fn look(level: Level) -> (Tone, &'static str) {
    match level {
        Level::Ok => (Tone::Good, "Fine"),
        Level::Warning => (Tone::Warning, "Warning"),
        Level::Error => (Tone::Bad, "Error"),
    }
}

#[component]
fn Findings(found: Vec<Finding>, again: Callback<()>) -> impl IntoView {
    let mut found = found;
    found.sort_by_key(|f| match f.level {
        Level::Error => 0,
        Level::Warning => 1,
        Level::Ok => 2,
    });
    let wrong = found.iter().filter(|f| f.level != Level::Ok).count();
    let summary = match wrong {
        0 => view! { <Note tone=Tone::Good>"Everything that was looked at is fine."</Note> }.into_any(),
        _ => view! { <Note tone=Tone::Warning>{crate::components::count(wrong, "thing needs", "things need")} " attention."</Note> }
            .into_any(),
    };
    let actions = move || {
        view! {
            <button type="button" class="btn needs-js" on:click=move |_| again.run(())>
                <Icon glyph=Glyph::RotateCw />
                "Check again"
            </button>
        }
    };
    view! {
        <Page title="System" lead="What Slipway stands on. slipway check says the same on the command line." actions>
            <div class="stack">
                {summary} <ul class="findings card">{found.into_iter().map(|finding| view! { <FindingRow finding /> }).collect_view()}</ul>
            </div>
        </Page>
    }
}

#[component]
fn FindingRow(finding: Finding) -> impl IntoView {
    let (tone, word) = look(finding.level);
    let name = if finding.name == "gpu" { "GPUs".to_owned() } else { finding.name.replace(['-', '_'], " ") };
    view! {
        <li class="finding">
            <span class="finding-name">{name}</span>
            <span class="finding-state">
                <StatusBadge tone text=word />
            </span>
            <div class="grow">
                <p>{finding.message}</p>
                {(!finding.remedy.is_empty()).then(|| view! { <p class="muted">{finding.remedy}</p> })}
            </div>
        </li>
    }
}
