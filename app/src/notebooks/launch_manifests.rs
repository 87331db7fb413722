//! What the cluster gets, before the click: each object as YAML, how it differs from what is there, and what the cluster says to it.

use super::{LaunchForm, api::launch_manifests, launch_fields::Folded, launch_page::Launch};
use crate::components::{CopyButton, ErrorNote, Glyph, Icon, ManifestList, Note, Tone};
use leptos::prelude::*;

/// Only where notebooks run in a cluster; and only for whoever wants to see it.
#[component]
pub fn ManifestsSection(team: String, launch: Launch) -> impl IntoView {
    let asked = Action::new({
        move |form: &LaunchForm| {
            let (team, form) = (team.clone(), form.clone());
            async move { launch_manifests(team, form.clone()).await.map(|all| (form, all)) }
        }
    });
    let in_cluster = Memo::new(move |_| launch.capacity.with(|c| c.nodes.is_some()));
    let pending = asked.pending();
    let answer = asked.value();
    let old = Memo::new(move |_| answer.with(|a| matches!(a, Some(Ok((form, _))) if launch.form.with(|now| now != form))));
    let ask = move |_| {
        asked.dispatch(launch.form.get_untracked());
    };
    let shown = move || {
        answer.get().map(|answer| match answer {
            Ok((_, all)) => {
                let text = all.iter().map(|p| p.manifest.after.as_str()).collect::<Vec<_>>().join("---\n");
                view! {
                    <div class="row">
                        <span class="muted num">{format!("{} objects, in the order in which they are made", all.len())}</span>
                        <CopyButton text label="Copy all as YAML" wordy=true />
                    </div>
                    <ManifestList all />
                }
                .into_any()
            }
            Err(error) => view! { <ErrorNote error /> }.into_any(),
        })
    };
    view! {
        {move || {
            in_cluster
                .get()
                .then(|| {
                    view! {
                        <div class="needs-js">
                            <Folded glyph=Glyph::Boxes title="Kubernetes objects" summary=Signal::stored("What the cluster gets, before you launch".to_owned()) open=false>
                                <p class="field-help">
                                    "Nothing is made by looking: the cluster only says what it would do. The id in the names is chosen at the launch, and values of secrets are left out."
                                </p>
                                <div class="row">
                                    <button type="button" class="btn btn-sm" disabled=pending aria-busy=move || pending.get().then_some("true") on:click=ask>
                                        {move || if pending.get() { view! { <Icon glyph=Glyph::Loader class="spin" /> } } else { view! { <Icon glyph=Glyph::Eye class="" /> } }}
                                        {move || if answer.with(Option::is_some) { "Look again" } else { "Show objects" }}
                                    </button>
                                </div>
                                {move || old.get().then(|| view! { <Note tone=Tone::Info><p>"The form has changed since. Look again to see what it is now."</p></Note> })}
                                <div class="stack" aria-live="polite">
                                    {shown}
                                </div>
                            </Folded>
                        </div>
                    }
                })
        }}
    }
}
