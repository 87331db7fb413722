//! One webhook: how it gets on, the log of its deliveries, and its settings.

use super::{
    api::{DeleteWebhook, ReplayDelivery, SetWebhookActive, TestWebhook, UpdateWebhook, get_webhook},
    delivery_log::DeliveryLog,
    form::WebhookFields,
    words::{WebhookBadge, page_of_webhook, page_of_webhooks},
};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, Fact, FormError, FormState, Glyph, LoadingPage, Note, Page, SubmitButton, Tab, Tabs, Time,
        Tone, page_or_error, query_value, use_team, use_toasts, when_done,
    },
    live::{kept_current, use_live},
};
use domain::model::{Change, Webhook, cut};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

#[derive(Clone, Copy)]
struct Actions {
    test: ServerAction<TestWebhook>,
    active: ServerAction<SetWebhookActive>,
    update: ServerAction<UpdateWebhook>,
    delete: ServerAction<DeleteWebhook>,
    replay: ServerAction<ReplayDelivery>,
}

#[component]
pub fn WebhookPage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("webhook").unwrap_or_default().to_owned()));
    let changes = live.changes_in(team.into(), |event| event.change == Change::Webhooks);
    let actions = Actions {
        test: ServerAction::new(),
        active: ServerAction::new(),
        update: ServerAction::new(),
        delete: ServerAction::new(),
        replay: ServerAction::new(),
    };
    follow(team, actions, changes);
    let first = Resource::new(
        move || (team.get(), id.get()),
        move |(team, id)| async move {
            live.positioned().await;
            get_webhook(team, id).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Webhook" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| view! { <WebhookView team first changes actions /> })
            })}
        </Transition>
    }
}

/// What is seen once an action is done.
fn follow(team: Memo<String>, actions: Actions, changes: RwSignal<u32>) {
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let done = move |words: &str| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, words);
    };
    when_done(actions.test, move |said| {
        changes.update(|n| *n += 1);
        if said.success {
            toasts.show(Tone::Good, "The test arrived.");
        } else {
            toasts.show(Tone::Bad, "The test did not arrive; the log says why.");
        }
    });
    when_done(actions.active, move |active| done(if active { "Webhook resumed." } else { "Webhook paused." }));
    when_done(actions.update, move |()| done("Webhook saved."));
    when_done(actions.replay, move |()| done("Sent again; the log shows how it goes."));
    when_done(actions.delete, move |()| {
        toasts.show(Tone::Good, "Webhook deleted.");
        navigate(&page_of_webhooks(&team.get_untracked()), NavigateOptions::default());
    });
}

#[component]
fn WebhookView(team: String, first: Webhook, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let (id, again) = (first.id.clone(), (team.clone(), first.id.clone()));
    let webhook = kept_current(first, 0, move || changes.get(), move |_| get_webhook(again.0.clone(), again.1.clone()));
    let shown = Memo::new(move |_| webhook.get());
    let of = StoredValue::new((team.clone(), id.clone()));
    let (href, tab) = (page_of_webhook(&team, &id), query_value("tab"));
    let is_settings = Memo::new(move |_| *tab.read() == "settings");
    let tabs = move || {
        let settings = is_settings.get();
        let tabs = vec![
            Tab { text: "Deliveries", href: href.clone(), current: !settings },
            Tab { text: "Settings", href: format!("{href}?tab=settings"), current: settings },
        ];
        view! { <Tabs label="Parts of this webhook" tabs /> }
    };
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Webhooks", page_of_webhooks(&team))];
    let buttons = move || view! { <Buttons of webhook=shown actions /> };
    view! {
        <Page
            title=Memo::new(move |_| shown.with(|w| w.name.clone()))
            crumbs
            status=move || view! { <span role="status">{move || view! { <WebhookBadge webhook=shown.get() /> }}</span> }
            actions=buttons
        >
            <FormError form=FormState::of(actions.test) />
            <FormError form=FormState::of(actions.active) />
            <FormError form=FormState::of(actions.replay) />
            <FormError form=FormState::of(actions.delete) />
            {tabs}
            {move || {
                let (team, id) = of.get_value();
                if is_settings.get() {
                    view! { <Settings team id webhook=shown update=actions.update /> }.into_any()
                } else {
                    view! {
                        <div class="stack">
                            <Facts webhook=shown />
                            <DeliveryLog team id changes replay=actions.replay active=Memo::new(move |_| shown.with(|w| w.active)) />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Page>
    }
}

#[component]
fn Buttons(of: StoredValue<(String, String)>, webhook: Memo<Webhook>, actions: Actions) -> impl IntoView {
    let hidden = move || {
        let (team, id) = of.get_value();
        view! {
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="id" value=id />
        }
    };
    let active = Memo::new(move |_| webhook.with(|w| w.active));
    let delete = FormState::of(actions.delete);
    view! {
        <ActionForm action=actions.test>
            {hidden()}
            <SubmitButton form=FormState::of(actions.test) label="Send test" class="btn" />
        </ActionForm>
        <ActionForm action=actions.active>
            {hidden()}
            <input type="hidden" name="active" value=move || (!active.get()).to_string() />
            {move || {
                let (label, glyph) = if active.get() { ("Pause webhook", Glyph::CirclePause) } else { ("Resume webhook", Glyph::Play) };
                view! { <SubmitButton form=FormState::of(actions.active) label glyph class="btn" /> }
            }}
        </ActionForm>
        <ConfirmDialog
            trigger="Delete webhook"
            title=move_title(webhook)
            form=delete
            sole=true
            glyph=Glyph::Trash
            class="btn btn-ghost"
        >
            <p>"What it still had to deliver is not sent, and its log goes. This cannot be undone."</p>
            <ActionForm action=actions.delete>
                {hidden()}
                <DialogActions form=delete label="Delete webhook" />
            </ActionForm>
        </ConfirmDialog>
    }
}

fn move_title(webhook: Memo<Webhook>) -> String {
    webhook.with_untracked(|w| format!("Delete webhook {}", w.name))
}

#[component]
fn Facts(webhook: Memo<Webhook>) -> impl IntoView {
    let text = |of: fn(&Webhook) -> String| Memo::new(move |_| webhook.with(of));
    let (url, events) = (text(|w| w.url.clone()), text(|w| w.events.join(", ")));
    let about = text(|w| w.description.clone().unwrap_or_default());
    let signed = text(|w| if w.has_secret { "Yes, with its secret".to_owned() } else { "No: it has no secret".to_owned() });
    let counts = Memo::new(move |_| webhook.with(|w| (w.waiting, w.dead)));
    let error = Memo::new(move |_| webhook.with(|w| w.last_error.clone().filter(|_| w.active)));
    let made = webhook.with_untracked(|w| w.created_at);
    view! {
        {move || {
            error.get().map(|error| view! {
                <Note tone=Tone::Bad>
                    <p>{format!("The last delivery failed. {}", cut(&error, 400))}</p>
                </Note>
            })
        }}
        <section class="card pad" aria-label="Facts">
            <dl class="profile">
                <Fact name="Address">
                    <span class="mono wrap">{url}</span>
                </Fact>
                {move || (!about.read().is_empty()).then(|| view! { <Fact name="Description">{about.get()}</Fact> })}
                <Fact name="Told of">
                    <span class="mono wrap">{events}</span>
                </Fact>
                <Fact name="Signed">{signed}</Fact>
                <Fact name="Waiting">{move || counts.get().0}</Fact>
                {move || {
                    let dead = counts.get().1;
                    (dead > 0).then(|| view! { <Fact name="Given up">{format!("{dead} in the last week")}</Fact> })
                }}
                <Fact name="Made">
                    <Time at=made />
                </Fact>
            </dl>
        </section>
    }
}

#[component]
fn Settings(team: String, id: String, webhook: Memo<Webhook>, update: ServerAction<UpdateWebhook>) -> impl IntoView {
    let form = FormState::of(update);
    // As it was when the form was opened: what is typed is not taken away by what others do.
    let now = webhook.get_untracked();
    view! {
        <ActionForm action=update attr:class="form card pad">
            <FormError form />
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="id" value=id />
            <WebhookFields form webhook=Some(now) />
            <div class="form-actions">
                <SubmitButton form label="Save webhook" />
            </div>
        </ActionForm>
    }
}
