//! Addresses of webhooks, and what is said of them.

use crate::components::{Glyph, StatusBadge, Tone};
use domain::model::Webhook;
use leptos::prelude::*;

/// The team's webhooks. A team that no address can hold has none.
pub fn page_of_webhooks(team: &str) -> String {
    domain::model::validate_name(team, 40).map_or_else(|_| "/".to_owned(), |()| format!("/t/{team}/webhooks"))
}

pub fn page_of_webhook(team: &str, id: &str) -> String {
    format!("{}/{id}", page_of_webhooks(team))
}

/// An event in words; one that has none is told as it is called.
pub fn words_of(event: &str) -> &str {
    match event {
        "registered_model.created" => "A model is registered",
        "model_version.created" => "A version is made",
        "model_version_tag.set" => "A version gets a tag",
        "model_version_tag.deleted" => "A version loses a tag",
        "model_version_alias.created" => "An alias is set",
        "model_version_alias.deleted" => "An alias is removed",
        "prompt.created" => "A prompt is made",
        "prompt_version.created" => "A version of a prompt is made",
        "prompt_tag.set" => "A prompt gets a tag",
        "prompt_tag.deleted" => "A prompt loses a tag",
        "prompt_version_tag.set" => "A version of a prompt gets a tag",
        "prompt_version_tag.deleted" => "A version of a prompt loses a tag",
        "prompt_alias.created" => "An alias of a prompt is set",
        "prompt_alias.deleted" => "An alias of a prompt is removed",
        "promotion.requested" => "A promotion is asked for",
        "promotion.completed" => "A promotion is completed",
        "promotion.rejected" => "A promotion is rejected",
        "promotion.rolled_back" => "An alias is rolled back",
        other => other,
    }
}

/// Host of an address: what may be shown in a list, since the path of some receivers is a secret.
pub fn host(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url).split(['/', '?']).next().unwrap_or_default()
}

/// How a webhook gets on: word, icon and colour.
#[component]
pub fn WebhookBadge(webhook: Webhook) -> impl IntoView {
    let (tone, glyph, text) = match &webhook {
        w if !w.active => (Tone::Neutral, Glyph::CirclePause, "Paused"),
        w if w.last_error.is_some() => (Tone::Bad, Glyph::CircleX, "Failing"),
        w if w.last_try_at.is_none() => (Tone::Neutral, Glyph::CircleDashed, "Nothing sent yet"),
        _ => (Tone::Good, Glyph::CircleCheck, "Delivering"),
    };
    view! { <StatusBadge tone glyph text /> }
}
