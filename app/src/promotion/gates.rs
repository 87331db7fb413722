//! Gates with their evidence: passed, waived or failing, and what to do.

use crate::components::{StatusBadge, Tone};
use domain::model::{Gate, GateCheck};
use leptos::prelude::*;

/// The gates, each with what `extra` says beside it.
#[component]
pub fn Gates(#[prop(into)] gates: Signal<Vec<GateCheck>>, extra: Callback<GateCheck, AnyView>) -> impl IntoView {
    let row = move |check: GateCheck| view! { <GateRow extra=extra.run(check.clone()) check /> };
    view! {
        <ul class="gates card">
            // A gate is drawn anew where what is seen of it has changed, and left alone, with its open dialog, when others have.
            <For each=move || gates.get() key=GateCheck::clone children=row />
        </ul>
        {move || gates.with(Vec::is_empty).then(|| view! { <p class="muted">"This stage asks for nothing."</p> })}
    }
}

/// `3 of 4 gates passed or waived`.
pub fn summary(gates: &[GateCheck]) -> String {
    let settled = gates.iter().filter(|check| check.is_settled()).count();
    match gates.len() {
        0 => String::new(),
        all if settled == all => format!("All {all} passed"),
        all => format!("{settled} of {all} passed"),
    }
}

#[component]
fn GateRow(check: GateCheck, extra: AnyView) -> impl IntoView {
    let (tone, text) = match (check.passed, check.waived, &check.gate) {
        (true, ..) => (Tone::Good, "Passed"),
        (_, true, _) => (Tone::Warning, "Waived"),
        (.., Gate::Approvals(_)) => (Tone::Info, "Waiting"),
        _ => (Tone::Bad, "Failing"),
    };
    let title = check.gate.title();
    let class = if matches!(check.gate, Gate::Metric(_)) { "gate-title mono" } else { "gate-title" };
    let todo = (!check.is_settled() && !check.todo.is_empty()).then(|| view! { <p class="gate-todo">{check.todo}</p> });
    view! {
        <li class="gate">
            <StatusBadge tone text />
            <div class="gate-body">
                <p class=class>{title}</p>
                <p class="muted wrap">{check.evidence}</p>
                {todo}
                {extra}
            </div>
        </li>
    }
}
