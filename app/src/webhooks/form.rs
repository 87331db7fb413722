//! The fields of a webhook, for making and for changing one.

use super::words::words_of;
use crate::components::{Checkbox, Field, FormState, TextInput};
use domain::model::{WEBHOOK_EVENTS, Webhook, validate_webhook_name};
use leptos::prelude::*;

fn check_url(url: &str) -> Result<(), String> {
    if url.trim().starts_with("https://") { Ok(()) } else { Err("The address begins with https://.".to_owned()) }
}

/// What is told where nobody has chosen: that models and versions come, and that aliases move.
const USUAL: [&str; 3] = ["registered_model.created", "model_version.created", "model_version_alias.created"];

/// Name, address, description, events and secret; `webhook` is what there is already.
#[component]
pub fn WebhookFields(form: FormState, #[prop(optional_no_strip)] webhook: Option<Webhook>) -> impl IntoView {
    let is_new = webhook.is_none();
    let chosen = webhook.as_ref().map_or_else(|| USUAL.map(str::to_owned).to_vec(), |w| w.events.clone());
    let signed = webhook.as_ref().is_some_and(|w| w.has_secret);
    let text = |of: fn(&Webhook) -> String| webhook.as_ref().map(of).unwrap_or_default();
    let (name, url, description) = (text(|w| w.name.clone()), text(|w| w.url.clone()), text(|w| w.description.clone().unwrap_or_default()));
    let boxes = WEBHOOK_EVENTS
        .into_iter()
        .map(|event| {
            let checked = chosen.iter().any(|c| c == event);
            view! { <Checkbox label=words_of(event) name=format!("webhook[events][{event}]") checked help=event /> }
        })
        .collect_view();
    let events_error = move || form.error.get().and_then(|e| e.field("events")).map(|text| view! { <p class="field-error">{text}</p> });
    let secret_help = if signed {
        "Signs each delivery. Leave it empty to keep the present one, which is never shown."
    } else {
        "Signs each delivery, so that the receiver knows it is yours. It is sealed and never shown again."
    };
    view! {
        <Field label="Name" name="webhook[name]" error_name="name" form check=validate_webhook_name required=true>
            <TextInput value=name autocomplete="off" placeholder="deployments" />
        </Field>
        <Field
            label="Address"
            name="webhook[url]" error_name="url"
            form
            check=check_url
            required=true
            help="Where to send to, by https. Addresses inside the network need the operator's word (--webhook-allow)."
        >
            <TextInput kind="url" value=url mono=true autocomplete="off" placeholder="https://ci.example.com/hooks/models" />
        </Field>
        <Field label="Description" name="webhook[description]" error_name="description" form>
            <TextInput value=description autocomplete="off" />
        </Field>
        <fieldset class="stack-sm webhook-events">
            <legend class="field-label">"Tell it when"</legend>
            {events_error}
            <div class="webhook-boxes">{boxes}</div>
        </fieldset>
        <Field label="Secret" name="webhook[secret]" error_name="secret" form help=secret_help>
            <TextInput kind="password" autocomplete="new-password" mono=true />
        </Field>
        {is_new
            .then(|| {
                view! {
                    <div class="needs-js">
                        <Checkbox label="Make a secret for me" name="webhook[make_secret]" help="Shown once, in place of one that you type." />
                    </div>
                }
            })}
        {signed.then(|| view! { <Checkbox label="Send without a signature from now on" name="webhook[unsigned]" /> })}
    }
}
