//! How runs are said: their state, their numbers, their times.

use crate::components::{Glyph, StatusBadge, Tone, duration};
use domain::model::{Millis, Run, RunStatus};
use leptos::prelude::*;

/// The page of a run.
pub fn page_of_run(team: &str, run: &str) -> String {
    format!("/t/{team}/runs/{run}")
}

/// The page of an experiment.
pub fn page_of_experiment(team: &str, experiment: &str) -> String {
    format!("/t/{team}/experiments/{experiment}")
}

/// A metric's value in at most six significant digits; the exact one belongs on hover.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{value:.4e}");
    }
    // Digits after the point so that six digits matter.
    let digits = if size >= 1.0 { 5 - usize::try_from(whole_digits(size)).unwrap_or(5).min(5) } else { 6 };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Digits before the point, less one.
fn whole_digits(size: f64) -> u32 {
    let mut digits = 0;
    let mut rest = size;
    while rest >= 10.0 && digits < 20 {
        rest /= 10.0;
        digits += 1;
    }
    digits
}

/// How long a run took, or takes so far.
pub fn lasted(run: &Run, now: Millis) -> String {
    let Some(start) = run.start_time else { return "–".to_owned() };
    match run.end_time {
        Some(end) => duration(end - start),
        // To the second, so that it does not flicker.
        None if run.status == RunStatus::Running => duration((now - start) / 1000 * 1000),
        None => "–".to_owned(),
    }
}

/// The state of a run: word, icon and colour.
#[component]
pub fn RunBadge(status: RunStatus, #[prop(optional)] deleted: bool) -> impl IntoView {
    let (tone, glyph, text) = match status {
        _ if deleted => (Tone::Neutral, Glyph::Trash, "Deleted"),
        RunStatus::Running => (Tone::Busy, Glyph::Loader, "Running"),
        RunStatus::Scheduled => (Tone::Neutral, Glyph::Hourglass, "Scheduled"),
        RunStatus::Finished => (Tone::Good, Glyph::CircleCheck, "Finished"),
        RunStatus::Failed => (Tone::Bad, Glyph::CircleX, "Failed"),
        RunStatus::Killed => (Tone::Warning, Glyph::Square, "Killed"),
    };
    view! { <StatusBadge tone glyph text /> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_still_theirs() {
        for (value, said) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (123_456.789, "123457"),
            (98.765_432_1, "98.7654"),
            (-0.5, "-0.5"),
            (1e-7, "1.0000e-7"),
            (2.5e12, "2.5000e12"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value), said, "{value}");
        }
    }
}
