//! A notebook's state in lists and on its page: badge, reason, progress.

use crate::components::PhaseBadge;
use domain::model::{Notebook, Phase};
use leptos::prelude::*;

/// How far the preparation is: a bar and what is being done.
#[component]
pub fn PreparationProgress(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let progress =
        Memo::new(move |_| notebook.with(|n| n.progress.clone().filter(|_| matches!(n.phase, Phase::Preparing | Phase::Starting))));
    move || {
        progress.get().map(|now| {
            let known = now.total > 0;
            view! {
                <div class="progress">
                    <progress
                        max=known.then(|| now.total.to_string())
                        value=known.then(|| now.done.min(now.total).to_string())
                        aria-label=format!("Preparation: {}", now.step)
                    ></progress>
                    <span class="progress-step">{now.step.clone()}</span>
                </div>
            }
        })
    }
}

/// Badge, reason and progress, as a list shows them.
#[component]
pub fn NotebookState(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let phase = Memo::new(move |_| notebook.with(|n| n.phase));
    let reason = Memo::new(move |_| notebook.with(|n| n.reason.clone().filter(|_| n.progress.is_none())));
    view! {
        <div class="nb-state">
            <PhaseBadge phase />
            {move || reason.get().map(|text| view! { <span class="nb-reason" title=text.clone()>{text.clone()}</span> })}
            <PreparationProgress notebook />
        </div>
    }
}
