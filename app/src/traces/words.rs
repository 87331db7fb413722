//! How traces are said: their addresses, their state, their times.

use crate::components::{Glyph, StatusBadge, Tone};
use domain::model::{SpanStatus, TraceState};
use leptos::prelude::*;

/// The page of a trace.
pub fn page_of_trace(team: &str, trace: &str) -> String {
    format!("/t/{team}/traces/{trace}")
}

/// The list of an experiment's traces.
pub fn traces_of_experiment(team: &str, experiment: &str) -> String {
    format!("/t/{team}/experiments/{experiment}/traces")
}

/// Nanoseconds as people read them: `840 ns`, `12 µs`, `3.4 ms`, `1.25 s`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn nanos(nanos: i64) -> String {
    let value = nanos.max(0) as f64;
    match nanos {
        ..1000 => format!("{} ns", nanos.max(0)),
        1000..1_000_000 => digits(value / 1e3, "µs"),
        1_000_000..1_000_000_000 => digits(value / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => digits(value / 1e9, "s"),
        _ => crate::components::duration(nanos / 1_000_000),
    }
}

fn digits(value: f64, unit: &str) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2} {unit}"),
        v if v < 99.95 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}

/// How far a trace is.
#[component]
pub fn TraceBadge(state: TraceState) -> impl IntoView {
    let (tone, glyph, text) = match state {
        TraceState::Ok => (Tone::Good, Glyph::CircleCheck, "OK"),
        TraceState::Error => (Tone::Bad, Glyph::CircleX, "Error"),
        TraceState::InProgress => (Tone::Busy, Glyph::Loader, "In progress"),
        TraceState::StateUnspecified => (Tone::Neutral, Glyph::CircleDashed, "Unknown"),
    };
    view! { <StatusBadge tone glyph text /> }
}

/// How a span ended.
#[component]
pub fn SpanBadge(status: SpanStatus, ended: bool) -> impl IntoView {
    let (tone, glyph, text) = match status {
        SpanStatus::Error => (Tone::Bad, Glyph::CircleX, "Error"),
        _ if !ended => (Tone::Busy, Glyph::Loader, "In progress"),
        SpanStatus::Ok => (Tone::Good, Glyph::CircleCheck, "OK"),
        SpanStatus::Unset => (Tone::Neutral, Glyph::CircleDashed, "Ended"),
    };
    view! { <StatusBadge tone glyph text /> }
}

#[cfg(test)]
mod tests {
    use super::nanos;

    #[test]
    fn short_times_keep_three_digits() {
        for (n, said) in [
            (-5, "0 ns"),
            (840, "840 ns"),
            (12_340, "12.3 µs"),
            (3_400_000, "3.40 ms"),
            (999_960_000, "1000 ms"),
            (1_250_000_000, "1.25 s"),
            (200_000_000_000, "3 min 20 s"),
        ] {
            assert_eq!(nanos(n), said);
        }
    }
}
