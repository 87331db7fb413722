//! The team's webhooks.

use super::{
    api::list_webhooks,
    words::{WebhookBadge, host, page_of_webhook, page_of_webhooks},
};
use crate::{
    components::{
        Column, Crumb, EmptyState, Glyph, Icon, ListTable, LoadingPage, Page, Time, count, page_or_error, query_value, sort_order, use_team,
    },
    live::{kept_current, use_live},
};
use domain::model::{Change, Webhook};
use leptos::prelude::*;

#[component]
pub fn WebhooksPage() -> impl IntoView {
    let (team, live) = (use_team(), use_live());
    let changes = live.changes_in(team.into(), |event| event.change == Change::Webhooks);
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            list_webhooks(team).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Webhooks" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| {
                    let again = team.clone();
                    let webhooks = kept_current(first, 0, move || changes.get(), move |_| list_webhooks(again.clone()));
                    view! { <Webhooks team webhooks /> }
                })
            })}
        </Transition>
    }
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Name"),
    Column::plain("State"),
    Column::plain("Told of"),
    Column::sorted("tried", "Last delivery"),
    Column::numbers("waiting", "Waiting"),
];

fn arranged(webhooks: &[Webhook], sort: &str) -> Vec<Webhook> {
    let mut found = webhooks.to_vec();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "tried" => a.last_try_at.cmp(&b.last_try_at),
            "waiting" => a.waiting.cmp(&b.waiting),
            _ => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        };
        sort_order(sort, order)
    });
    found
}

#[component]
fn Webhooks(team: String, webhooks: RwSignal<Vec<Webhook>>) -> impl IntoView {
    let sort = query_value("sort");
    let counted = Signal::derive(move || webhooks.with(Vec::len));
    let none = Memo::new(move |_| webhooks.with(Vec::is_empty));
    let found = Memo::new(move |_| webhooks.with(|w| arranged(w, &sort.read())));
    let new = format!("{}/new", page_of_webhooks(&team));
    let (for_empty, for_rows) = (new.clone(), team.clone());
    let actions = move || {
        view! {
            <a class="btn btn-primary" href=new>
                <Icon glyph=Glyph::Plus />
                "New webhook"
            </a>
        }
    };
    view! {
        <Page
            title="Webhooks"
            count=counted
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]
            lead="Other services are told what happens to the team's models: signed, in order, and tried again for a day."
            actions
        >
            {move || {
                let team = for_rows.clone();
                if none.get() {
                    let new = for_empty.clone();
                    view! {
                        <EmptyState
                            glyph=Glyph::Link
                            title="No webhooks yet"
                            text="Make one so that a pipeline starts when a version is made, or a chat hears when an alias moves."
                        >
                            <a class="btn" href=new>
                                "New webhook"
                            </a>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    let row = move |webhook: Webhook| view! { <WebhookRow team=team.clone() webhook /> };
                    view! {
                        <ListTable caption="Webhooks of the team" columns=COLUMNS default="name" nothing="" none=Signal::derive(|| false)>
                            <For each=move || found.get() key=|w| (w.id.clone(), w.updated_at, w.last_try_at, w.waiting, w.active) children=row />
                        </ListTable>
                    }
                        .into_any()
                }
            }}
        </Page>
    }
}

#[component]
fn WebhookRow(team: String, webhook: Webhook) -> impl IntoView {
    let (href, events) = (page_of_webhook(&team, &webhook.id), webhook.events.join(", "));
    view! {
        <tr>
            <th scope="row">
                <a class="row-link" data-row href=href>
                    {webhook.name.clone()}
                </a>
                <span class="sub mono">{host(&webhook.url).to_owned()}</span>
            </th>
            <td data-label="State">
                <WebhookBadge webhook=webhook.clone() />
            </td>
            <td data-label="Told of">
                <span title=events>{count(webhook.events.len(), "event", "events")}</span>
            </td>
            <td data-label="Last delivery">
                {match webhook.last_try_at {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => view! { <span class="muted">"None yet"</span> }.into_any(),
                }}
            </td>
            <td data-label="Waiting" class="num">
                {webhook.waiting}
            </td>
        </tr>
    }
}
