//! What can be changed of a notebook: size and idle stop while it is stopped, cloning, deleting.

use super::{
    api::ResizeNotebook,
    delete::DeleteForm,
    form::memory_gib,
    standing::Standing,
    words::{idle_stop, size},
};
use crate::{
    components::{Checkbox, Field, FormError, FormState, Glyph, Icon, SubmitButton, TextInput, Tone, use_toasts, when_done},
    live::use_live,
};
use domain::model::{Change, DEFAULT_IDLE_MINUTES, Notebook};
use leptos::prelude::*;

#[component]
pub fn Settings(#[prop(into)] notebook: Signal<Notebook>, standing: Standing) -> impl IntoView {
    let may_change = notebook.with_untracked(|n| standing.may_change(n));
    let settled = Memo::new(move |_| notebook.with(|n| n.phase.is_settled()));
    let clone = notebook.with_untracked(|n| format!("/t/{}/notebooks/new?clone={}", n.team, n.id));
    view! {
        <div class="stack settings">
            <section class="card panel" aria-labelledby="size-head">
                <h2 id="size-head">"Size and idle stop"</h2>
                {move || {
                    if may_change && settled.get() {
                        view! { <ResizeForm notebook /> }.into_any()
                    } else {
                        let now = notebook.with(|n| format!("{}. {}.", size(&n.spec.resources), idle_stop(n.spec.idle_minutes)));
                        let why = if may_change { "Stop the notebook to change them." } else { "Only its owner or a team admin changes them." };
                        view! { <p>{now}</p> <p class="muted">{why}</p> }.into_any()
                    }
                }}
            </section>
            {standing
                .may_launch()
                .then(|| {
                    view! {
                        <section class="card panel" aria-labelledby="clone-head">
                            <h2 id="clone-head">"Clone"</h2>
                            <p>"Opens the launch form filled with these settings. Secrets are not copied; the clone gets a home of its own."</p>
                            <a class="btn" href=clone>
                                    <Icon glyph=Glyph::Copy />
                                    "Clone notebook"
                                </a>
                        </section>
                    }
                })}
            {may_change
                .then(|| {
                    view! {
                        <section class="card panel card-danger" aria-labelledby="delete-head">
                            <h2 id="delete-head">"Delete"</h2>
                            <DeleteForm notebook />
                        </section>
                    }
                })}
        </div>
    }
}

#[component]
fn ResizeForm(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let action = ServerAction::<ResizeNotebook>::new();
    let form = FormState::of(action);
    let (live, toasts) = (use_live(), use_toasts());
    let now = notebook.get_untracked();
    let idle = RwSignal::new(now.spec.idle_minutes.is_some());
    when_done(action, move |changed: Notebook| {
        toasts.show(Tone::Good, "Saved; it counts from the next start");
        live.apply(&changed.team.clone(), Change::Notebook(Box::new(changed)));
    });
    let resources = now.spec.resources;
    view! {
        <ActionForm action>
            <FormError form />
            <input type="hidden" name="team" value=now.team />
            <input type="hidden" name="id" value=now.id.0 />
            <div class="form-row">
                <Field label="CPUs" name="cpus" form required=true>
                    <TextInput kind="number" min=1 value=resources.cpus.to_string() />
                </Field>
                <Field label="Memory in GiB" name="memory" error_name="memory_mib" form required=true>
                    <TextInput inputmode="decimal" value=memory_gib(resources.memory_mib) />
                </Field>
                <Field label="GPUs" name="gpus" form required=true>
                    <TextInput kind="number" min=0 value=resources.gpus.to_string() />
                </Field>
            </div>
            <Checkbox label="Stop when idle" name="idle" bind=idle />
            <Field label="Minutes without activity" name="idle_minutes" form>
                <TextInput kind="number" min=5 value=now.spec.idle_minutes.unwrap_or(DEFAULT_IDLE_MINUTES).to_string() />
            </Field>
            <SubmitButton form label="Save size" class="btn" />
        </ActionForm>
    }
}
