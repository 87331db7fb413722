//! The model card of a version: what it is for and what to mind, field by field, changed in a dialog.

use super::api::SaveCard;
use crate::components::{ConfirmDialog, DialogActions, Field, FormState, Glyph, Markdown, SafeHtml, StatusBadge, Textarea, Time, Tone};
use domain::model::CardField;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A field of a card, and its text as Markdown means it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CardPart {
    pub field: CardField,
    pub html: SafeHtml,
}

#[component]
pub fn ModelCard(
    team: String,
    model: String,
    version: i64,
    #[prop(into)] card: Signal<Vec<CardPart>>,
    writes: bool,
    action: ServerAction<SaveCard>,
) -> impl IntoView {
    view! {
        <section class="card panel" aria-labelledby="model-card-head">
            <div class="section-head">
                <h2 id="model-card-head">"Model card"</h2>
                {writes.then(|| view! { <EditDialog team model version card action /> })}
            </div>
            <div class="model-card">
                <For each=move || card.get() key=CardPart::clone children=|part| view! { <Part part /> } />
            </div>
        </section>
    }
}

#[component]
fn Part(part: CardPart) -> impl IntoView {
    let CardPart { field, html } = part;
    let empty = field.text.trim().is_empty();
    let needed = (empty && !field.needed_by.is_empty())
        .then(|| view! { <StatusBadge tone=Tone::Warning text=format!("Needed for {}", field.needed_by.join(", ")) /> });
    let by = field.updated_by.zip(field.updated_at).filter(|_| !empty);
    view! {
        <div class="stack-sm">
            <div class="row">
                <h3>{field.field}</h3>
                {needed}
            </div>
            {if empty {
                view! { <p class="muted">"Nothing is written yet."</p> }.into_any()
            } else {
                view! { <Markdown html /> }.into_any()
            }}
            {by.map(|(by, at)| view! { <p class="faint wrap">{by} " " <Time at=at /></p> })}
        </div>
    }
}

#[component]
fn EditDialog(team: String, model: String, version: i64, card: Signal<Vec<CardPart>>, action: ServerAction<SaveCard>) -> impl IntoView {
    let form = FormState::of(action);
    let fields =
        card.get_untracked().into_iter().enumerate().map(|(i, part)| view! { <TextOf i field=part.field card form /> }).collect_view();
    view! {
        <ConfirmDialog trigger="Edit" title="Edit model card" form sole=true glyph=Glyph::Pencil>
            <ActionForm action>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="version" value=version.to_string() />
                {fields}
                <DialogActions form label="Save model card" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

/// One field's text. It follows changes of others until something else is typed.
#[component]
fn TextOf(i: usize, field: CardField, card: Signal<Vec<CardPart>>, form: FormState) -> impl IntoView {
    let name = field.field.clone();
    let now = Memo::new(move |_| {
        card.with(|c| c.iter().map(|part| &part.field).find(|one| one.field == name).map(|one| one.text.clone()).unwrap_or_default())
    });
    let typed = RwSignal::new(field.text);
    Effect::new(move |before: Option<String>| {
        let now = now.get();
        if before.is_some_and(|before| typed.with_untracked(|typed| *typed == before)) {
            typed.set(now.clone());
        }
        now
    });
    let help =
        if field.needed_by.is_empty() { "Markdown.".to_owned() } else { format!("Markdown. Needed for {}.", field.needed_by.join(", ")) };
    view! {
        <input type="hidden" name=format!("card[{i}][field]") value=field.field.clone() />
        <Field label=field.field name=format!("card[{i}][text]") form help>
            <Textarea bind=typed rows=3 />
        </Field>
    }
}
