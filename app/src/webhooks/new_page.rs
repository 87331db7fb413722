//! Makes a webhook, and shows the secret that was made for it once.

use super::{
    api::{CreateWebhook, list_webhooks},
    form::WebhookFields,
    words::{page_of_webhook, page_of_webhooks},
};
use crate::components::{CopyButton, Crumb, FormError, FormState, LoadingPage, Page, SubmitButton, page_or_error, use_team, when_done};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

#[component]
pub fn NewWebhookPage() -> impl IntoView {
    let team = use_team();
    // Who may not manage webhooks is told so instead of being shown a form.
    let allowed = Resource::new(move || team.get(), list_webhooks);
    view! {
        <Transition fallback=|| view! { <LoadingPage title="New webhook" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(allowed.await, |_| view! { <NewWebhook team /> })
            })}
        </Transition>
    }
}

#[component]
fn NewWebhook(team: String) -> impl IntoView {
    let (create, navigate) = (ServerAction::<CreateWebhook>::new(), use_navigate());
    let form = FormState::of(create);
    let of = StoredValue::new(team.clone());
    when_done(create, move |(webhook, secret)| {
        if secret.is_none() {
            navigate(&page_of_webhook(&of.get_value(), &webhook.id), NavigateOptions::default());
        }
    });
    // A refusal leaves the form as it is.
    let made = Memo::new(move |_| match create.value().get() {
        Some(Ok((webhook, Some(secret)))) => Some((webhook, secret)),
        _ => None,
    });
    let list = page_of_webhooks(&team);
    view! {
        <Page
            title="New webhook"
            narrow=true
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Webhooks", list.clone())]
            lead="Tells another service what happens to the team's models."
        >
            {move || {
                if let Some((webhook, secret)) = made.get() {
                    let href = page_of_webhook(&of.get_value(), &webhook.id);
                    view! {
                        <div class="note note-good secret" role="status">
                            <div class="stack-sm grow">
                                <p class="strong">{format!("Webhook {} created. Copy its secret now: it is not shown again.", webhook.name)}</p>
                                <div class="secret-line">
                                    <code class="break grow">{secret.clone()}</code>
                                    <CopyButton text=secret label="Copy secret" wordy=true />
                                </div>
                                <p>
                                    <a class="btn" href=href>
                                        "Open webhook"
                                    </a>
                                </p>
                            </div>
                        </div>
                    }
                        .into_any()
                } else {
                    let list = list.clone();
                    view! {
                        <ActionForm action=create attr:class="form card pad">
                            <FormError form />
                            <input type="hidden" name="team" value=of.get_value() />
                            <WebhookFields form webhook=None />
                            <div class="form-actions">
                                <SubmitButton form label="Create webhook" />
                                <a class="btn btn-ghost" href=list>
                                    "Cancel"
                                </a>
                            </div>
                        </ActionForm>
                    }
                        .into_any()
                }
            }}
        </Page>
    }
}
