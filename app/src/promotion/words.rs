//! Addresses of promotions, and the words for how they stand.

use crate::{
    components::{StatusBadge, Tone},
    registry::words::{page_of_model, page_of_version},
};
use domain::model::{RequestState, validate_name};
use leptos::prelude::*;

/// The team's requests. A team that no address can hold has none.
pub fn page_of_reviews(team: &str) -> String {
    validate_name(team, 40).map_or_else(|_| "/".to_owned(), |()| format!("/t/{team}/reviews"))
}

/// The page of a request.
pub fn page_of_request(team: &str, id: &str) -> String {
    format!("{}/{id}", page_of_reviews(team))
}

/// The team's promotion settings.
pub fn page_of_settings(team: &str) -> String {
    validate_name(team, 40).map_or_else(|_| "/".to_owned(), |()| format!("/t/{team}/settings/promotion"))
}

/// Where a promotion of the version is asked for.
pub fn page_of_promotion(team: &str, model: &str, version: i64) -> String {
    format!("{}/promote", page_of_version(team, model, version))
}

/// Who held an alias when.
pub fn page_of_alias(team: &str, model: &str, alias: &str) -> String {
    format!("{}/aliases/{}", page_of_model(team, model), crate::registry::words::encoded(alias))
}

/// How a request stands.
#[component]
pub fn StateBadge(state: RequestState) -> impl IntoView {
    let (tone, text) = match state {
        RequestState::Open => (Tone::Info, "Open"),
        RequestState::Promoted => (Tone::Good, "Promoted"),
        RequestState::Rejected => (Tone::Bad, "Rejected"),
        RequestState::Withdrawn => (Tone::Neutral, "Withdrawn"),
    };
    view! { <StatusBadge tone text /> }
}

/// `version 3`, or that there is none.
pub fn holder_text(holder: Option<i64>) -> String {
    holder.map_or_else(|| "No version".to_owned(), |version| format!("Version {version}"))
}
