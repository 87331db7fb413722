//! Descriptions: shown as their Markdown means it, changed in a dialog.

use crate::components::{Field, FormState, Markdown, SafeHtml, Textarea};
use leptos::prelude::*;

/// `children` hold the dialog for those who may change it.
#[component]
pub fn Description(#[prop(into)] html: Signal<SafeHtml>, children: Children) -> impl IntoView {
    let none = Memo::new(move |_| html.with(SafeHtml::is_empty));
    view! {
        <section class="card panel" aria-labelledby="description-head">
            <div class="section-head">
                <h2 id="description-head">"Description"</h2>
                {children()}
            </div>
            {move || {
                if none.get() {
                    view! { <p class="muted">"Not described yet."</p> }.into_any()
                } else {
                    view! { <Markdown html /> }.into_any()
                }
            }}
        </section>
    }
}

/// The description in a form. It follows changes of others until something else is typed.
#[component]
pub fn DescriptionField(#[prop(into)] text: Signal<String>, form: FormState) -> impl IntoView {
    let typed = RwSignal::new(text.get_untracked());
    Effect::new(move |before: Option<String>| {
        let now = text.get();
        if before.is_some_and(|before| typed.with_untracked(|typed| *typed == before)) {
            typed.set(now.clone());
        }
        now
    });
    view! {
        <Field label="Description" name="description" form help="Markdown. What it is for, what it was made from, what to mind when using it.">
            <Textarea bind=typed rows=8 />
        </Field>
    }
}
