//! The note of a run: shown as its Markdown means it, changed in a dialog that loses nothing.

use super::api::SetNote;
use crate::{
    components::{ConfirmDialog, DialogActions, Field, FormState, Glyph, Markdown, SafeHtml, Textarea},
    error::ErrorKind,
};
use domain::model::{RunId, TAG_LENGTH};
use leptos::prelude::*;

fn check(note: &str) -> Result<(), String> {
    if note.chars().count() > TAG_LENGTH { Err(format!("A note has at most {TAG_LENGTH} characters.")) } else { Ok(()) }
}

/// The note; `writes` says whether the reader may change it.
#[component]
pub fn RunNote(
    team: String,
    run: RunId,
    #[prop(into)] text: Signal<String>,
    #[prop(into)] html: Signal<SafeHtml>,
    writes: bool,
    action: ServerAction<SetNote>,
) -> impl IntoView {
    let none = Memo::new(move |_| html.with(SafeHtml::is_empty));
    view! {
        <section class="card pad" aria-labelledby="note-head">
            <div class="section-head">
                <h2 id="note-head">"Note"</h2>
                {writes.then(|| view! { <NoteDialog team run text action /> })}
            </div>
            {move || {
                if none.get() {
                    view! { <p class="muted">"No note yet. What was tried, what came of it, what to mind."</p> }.into_any()
                } else {
                    view! { <Markdown html /> }.into_any()
                }
            }}
        </section>
    }
}

#[component]
fn NoteDialog(team: String, run: RunId, text: Signal<String>, action: ServerAction<SetNote>) -> impl IntoView {
    let form = FormState::of(action);
    let (typed, base) = (RwSignal::new(text.get_untracked()), RwSignal::new(text.get_untracked()));
    let refused = Signal::derive(move || form.error.with(|e| e.as_ref().is_some_and(|e| e.kind == ErrorKind::Conflict)));
    // It follows changes of others until something is typed; then what was typed stays, and saving tells of the change once.
    Effect::new(move |_| {
        let now = text.get();
        if typed.with_untracked(|typed| base.with_untracked(|base| typed == base)) {
            typed.set(now.clone());
            base.set(now);
        } else if refused.get() {
            base.set(now);
        }
    });
    view! {
        <ConfirmDialog trigger="Edit note" title="Note of the run" form glyph=Glyph::Pencil sole=true>
            <ActionForm action>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="run" value=run.0 />
                <input type="hidden" name="before" value=base.get_untracked() prop:value=move || base.get() />
                <Field label="Note" name="note" form check help="Markdown: headings, lists, tables, code, links. MLflow's clients know it as mlflow.note.content.">
                    <Textarea bind=typed rows=12 mono=true />
                </Field>
                <DialogActions form label="Save note" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
