//! How full something is.

use leptos::prelude::*;

/// A bar of `value` in `max` with its reading; drawn in SVG because the policy refuses style attributes.
#[component]
pub fn Meter(
    #[prop(into)] value: Signal<f64>,
    #[prop(into)] max: Signal<f64>,
    /// What it measures: "CPUs".
    #[prop(into)]
    label: String,
    /// The reading in words: "2 of 8 in use".
    #[prop(into)]
    reading: Signal<String>,
) -> impl IntoView {
    let share = move || if max.get() > 0.0 { (value.get() / max.get()).clamp(0.0, 1.0) } else { 0.0 };
    let level = move || match share() {
        s if s >= 0.95 => "meter meter-full",
        s if s >= 0.8 => "meter meter-high",
        _ => "meter",
    };
    view! {
        <div class=level>
            <div class="meter-head">
                <span class="meter-label">{label.clone()}</span>
                <span class="meter-reading num">{move || reading.get()}</span>
            </div>
            <svg class="meter-bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=move || format!("{label}: {}", reading.get())>
                <rect class="meter-track" width="100" height="4" rx="1"></rect>
                <rect class="meter-fill" width=move || format!("{:.1}", share() * 100.0) height="4" rx="1"></rect>
            </svg>
        </div>
    }
}
