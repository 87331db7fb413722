//! Objects in a cluster, as they are and as they would be.

#[cfg(feature = "ssr")]
use super::differences;
use super::{CopyButton, DiffLine, Lines, Note, StatusBadge, Tone};
use domain::model::{DryRun, Manifest};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// One object, and the lines in which it differs from what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub manifest: Manifest,
    pub differs: Vec<Vec<DiffLine>>,
}

#[cfg(feature = "ssr")]
impl Planned {
    pub(crate) fn of(manifest: Manifest) -> Self {
        let changed = manifest.before.as_deref().filter(|_| !manifest.is_same());
        Self { differs: changed.map_or_else(Vec::new, |before| differences(before, &manifest.after).0), manifest }
    }
}

/// Each with what would become of it, its changes and its YAML.
#[component]
pub fn ManifestList(all: Vec<Planned>) -> impl IntoView {
    view! { <ul class="plain-list manifests">{all.into_iter().map(|planned| view! { <Object planned /> }).collect_view()}</ul> }
}

#[component]
fn Object(planned: Planned) -> impl IntoView {
    let Planned { manifest, differs } = planned;
    let (tone, word) = match (&manifest.verdict, &manifest.before) {
        (DryRun::Refused(_), _) => (Tone::Bad, "Refused"),
        (_, None) => (Tone::Good, "New"),
        _ if manifest.is_same() => (Tone::Neutral, "As it is"),
        _ => (Tone::Warning, "Changed"),
    };
    let words = match manifest.verdict {
        DryRun::Accepted => None,
        DryRun::Refused(why) => Some(view! { <Note tone=Tone::Bad><p>{why}</p></Note> }.into_any()),
        DryRun::Unasked(why) => Some(view! { <p class="field-help">{why}</p> }.into_any()),
    };
    let label = format!("{} {}", manifest.kind, manifest.name);
    let changes = (!differs.is_empty()).then(|| view! { <Lines parts=differs label=format!("Changes of {label}") /> });
    view! {
        <li>
            <details class="manifest">
                <summary>
                    <StatusBadge tone text=word />
                    <span class="mono wrap">{label.clone()}</span>
                </summary>
                <div class="stack">
                    {words}
                    {changes}
                    <div class="snippet">
                        <pre class="mono" tabindex="0" aria-label=format!("{label} as YAML")>{manifest.after.clone()}</pre>
                        <CopyButton text=manifest.after label=format!("Copy {label}") />
                    </div>
                </div>
            </details>
        </li>
    }
}
