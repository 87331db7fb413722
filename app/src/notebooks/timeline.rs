//! The start-up timeline: each phase of this launch and how long it took.

use crate::components::{Glyph, PhaseBadge, StatusBadge, Tone, duration, exact_time, use_now};
use domain::model::{Millis, Notebook, Phase, PhaseChange};
use leptos::prelude::*;

/// Steps with the moment each ended; the last one goes on unless the notebook is settled.
fn steps(notebook: &Notebook) -> Vec<(PhaseChange, Option<Millis>)> {
    let line = &notebook.timeline;
    line.iter().enumerate().map(|(i, step)| (step.clone(), line.get(i + 1).map(|next| next.at))).collect()
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "Queued",
        Phase::Preparing => "Preparing",
        Phase::Starting => "Starting",
        Phase::Ready => "Ready",
        Phase::Idle => "Idle",
        Phase::Stopping => "Stopping",
        Phase::Stopped => "Stopped",
        Phase::Failed => "Failed",
    }
}

/// Phases of the current launch with their durations; the present one counts on.
#[component]
pub fn Timeline(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let now = use_now();
    let steps = Memo::new(move |_| notebook.with(steps));
    let settled = Memo::new(move |_| notebook.with(|n| n.phase.is_settled()));
    let total = Memo::new(move |_| {
        notebook.with(|n| {
            let ready = n.timeline.iter().find(|step| step.phase.is_open())?.at;
            Some(ready - n.timeline.first()?.at)
        })
    });
    view! {
        <section class="card panel" aria-labelledby="timeline-head">
            <div class="card-head">
                <h2 id="timeline-head">"Timeline"</h2>
                {move || total.get().map(|millis| view! { <span class="muted">{format!("Ready after {}", duration(millis))}</span> })}
            </div>
            <ol class="timeline">
                {move || {
                    steps
                        .get()
                        .into_iter()
                        .map(|(step, until)| {
                            let took = move || match until {
                                Some(until) => Some(duration(until - step.at)),
                                None if settled.get() => None,
                                None => Some(duration((now.get() - step.at).max(0) / 1000 * 1000)),
                            };
                            let phase = step.phase;
                            let past = until.is_some();
                            view! {
                                <li class:current=until.is_none()>
                                    {if past {
                                        view! { <StatusBadge tone=Tone::Neutral glyph=Glyph::Check text=phase_word(phase) /> }.into_any()
                                    } else {
                                        view! { <PhaseBadge phase=Signal::derive(move || phase) /> }.into_any()
                                    }}
                                    <span class="timeline-took num">{took}</span>
                                    <span class="timeline-at muted" title=exact_time(step.at)>
                                        <crate::components::Time at=Signal::derive(move || step.at) />
                                    </span>
                                    {step.reason.clone().map(|reason| view! { <p class="timeline-reason">{reason}</p> })}
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ol>
        </section>
    }
}
