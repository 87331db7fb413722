//! States as a word, an icon and a colour, never as colour alone.

use super::icon::{Glyph, Icon};
use domain::model::Phase;
use leptos::prelude::*;

/// What a state means for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Good,
    Warning,
    Bad,
    /// Something is under way.
    Busy,
}

impl Tone {
    /// The suffix of the tone's classes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Info => "info",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Busy => "busy",
        }
    }
    /// The icon that goes with the tone where nothing better is known.
    pub fn glyph(self) -> Glyph {
        match self {
            Self::Neutral => Glyph::CircleDashed,
            Self::Info => Glyph::Info,
            Self::Good => Glyph::CircleCheck,
            Self::Warning => Glyph::TriangleAlert,
            Self::Bad => Glyph::CircleX,
            Self::Busy => Glyph::Loader,
        }
    }
}

/// A state: word, icon and colour.
#[component]
pub fn StatusBadge(tone: Tone, #[prop(optional)] glyph: Option<Glyph>, #[prop(into)] text: Oco<'static, str>) -> impl IntoView {
    let spin = if tone == Tone::Busy { "spin" } else { "" };
    view! {
        <span class=format!("badge badge-{}", tone.as_str())>
            <Icon glyph=glyph.unwrap_or(tone.glyph()) class=spin />
            {text}
        </span>
    }
}

/// Tone, icon and word of a phase.
fn phase_look(phase: Phase) -> (Tone, Glyph, &'static str) {
    match phase {
        Phase::Queued => (Tone::Neutral, Glyph::Hourglass, "Queued"),
        Phase::Preparing => (Tone::Busy, Glyph::Loader, "Preparing"),
        Phase::Starting => (Tone::Busy, Glyph::Loader, "Starting"),
        Phase::Ready => (Tone::Good, Glyph::CircleCheck, "Ready"),
        Phase::Idle => (Tone::Info, Glyph::MoonStar, "Idle"),
        Phase::Stopping => (Tone::Busy, Glyph::Loader, "Stopping"),
        Phase::Stopped => (Tone::Neutral, Glyph::CirclePause, "Stopped"),
        Phase::Failed => (Tone::Bad, Glyph::CircleX, "Failed"),
    }
}

/// The state of a notebook, changing in place. `live` reads changes out: for the one badge that a page is about, not for lists.
#[component]
pub fn PhaseBadge(#[prop(into)] phase: Signal<Phase>, #[prop(optional)] live: bool) -> impl IntoView {
    view! {
        <span role=live.then_some("status")>
            {move || {
                let (tone, glyph, text) = phase_look(phase.get());
                view! { <StatusBadge tone glyph text /> }
            }}
        </span>
    }
}
