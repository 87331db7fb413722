//! What is known of a version, in lines.

use super::{
    api::SourceRun,
    words::{TagChips, page_of_model},
};
use crate::{
    components::{CopyButton, Fact, StatusBadge, Time, Tone, bytes, count, exact_time},
    tracking::page_of_run,
};
use domain::model::{ModelVersion, VersionFiles};
use leptos::prelude::*;

#[component]
pub fn Facts(team: String, version: Memo<ModelVersion>, files: Memo<VersionFiles>, run: Memo<Option<SourceRun>>) -> impl IntoView {
    // Of these a version never gets others.
    let first = version.get_untracked();
    let model = page_of_model(&team, &first.name);
    let tags = Memo::new(move |_| version.with(|v| v.tags.clone()));
    let changed = Signal::derive(move || version.with(|v| v.updated_at));
    let copied = |name: &'static str, value: Option<String>, label: &'static str| {
        value.map(|value| view! { <Fact name><span class="mono wrap">{value.clone()}</span><CopyButton text=value label /></Fact> })
    };
    let source_run = first.run.map(|id| {
        view! {
            <Fact name="Source run">
                {move || match run.get() {
                    Some(run) => view! { <a class="wrap" href=page_of_run(&team, run.id.as_str())>{run.name}</a> }.into_any(),
                    None => view! { <span class="mono wrap">{id.0.clone()}</span> <span class="muted">"is gone"</span> }.into_any(),
                }}
            </Fact>
        }
    });
    view! {
        <section class="card pad" aria-label="Facts">
            <dl class="profile">
                <Fact name="Model">
                    <a class="wrap" href=model>
                        {first.name}
                    </a>
                </Fact>
                <Fact name="Status">
                    <StatusBadge tone=Tone::Good text="Ready" />
                </Fact>
                {source_run}
                <Fact name="Made by">{first.created_by}</Fact>
                <Fact name="Made">
                    <span>
                        <Time at=first.created_at /> " " <span class="muted">{exact_time(first.created_at)}</span>
                    </span>
                </Fact>
                <Fact name="Changed">
                    <Time at=changed />
                </Fact>
                <Fact name="Size">{move || files.with(size)}</Fact>
                {copied("Digest", first.digest, "Copy digest")}
                {copied("Source", Some(first.source), "Copy source")}
                {copied("Logged model", first.logged_model.map(|id| id.0), "Copy logged model id")}
                {move || {
                    let flavors = files.with(|f| f.says.as_ref().map(|says| says.flavors.join(", "))).filter(|text| !text.is_empty());
                    flavors.map(|text| view! { <Fact name="Flavours"><span class="wrap">{text}</span></Fact> })
                }}
                {move || {
                    let wrote = files.with(|f| f.says.as_ref().and_then(|says| says.mlflow_version.clone()));
                    wrote.map(|text| view! { <Fact name="Written by">{format!("MLflow {text}")}</Fact> })
                }}
                {move || {
                    let tags = tags.get();
                    (!tags.is_empty()).then(|| view! { <Fact name="Tags"><TagChips tags /></Fact> })
                }}
            </dl>
        </section>
    }
}

/// `2.1 MiB in 5 files`.
fn size(of: &VersionFiles) -> String {
    if of.files.is_empty() {
        return "No files in Slipway".to_owned();
    }
    format!("{} in {}", bytes(of.files.iter().map(|f| f.size).sum()), count(of.files.len(), "file", "files"))
}
