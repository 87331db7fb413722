//! The audit trail: of one team for its admins, of the whole portal for administrators.

use super::{
    api::list_audit,
    changes::Changes,
    filter::{KINDS, PAGE, export_query, from_query},
};
use crate::components::{
    Crumb, EmptyState, Field, Glyph, Icon, LoadingPage, Page, Select, SortHeader, TextInput, Time, page_or_error, use_team, with_query,
};
use domain::model::AuditRecord;
use leptos::prelude::*;
use leptos_router::{
    components::Form,
    hooks::{use_location, use_query_map},
};

/// The audit trail of the team.
#[component]
pub fn TeamAuditPage() -> impl IntoView {
    let team = use_team();
    view! { <Audit team=Signal::derive(move || Some(team.get())) /> }
}

/// The audit trail of the portal.
#[component]
pub fn PortalAuditPage() -> impl IntoView {
    view! { <Audit team=Signal::derive(|| None) /> }
}

#[component]
fn Audit(team: Signal<Option<String>>) -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| from_query(&query.read(), team.get().as_deref()));
    let records = Resource::new(move || filter.get(), list_audit);
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Audit" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(records.await, |records| view! { <Records records team /> })
            })}
        </Transition>
    }
}

#[component]
fn Records(records: Vec<AuditRecord>, team: Option<String>) -> impl IntoView {
    let (query, path) = (use_query_map().get_untracked(), use_location().pathname.get_untracked());
    let whole = team.is_none();
    let (title, crumbs) = match &team {
        Some(team) => ("Audit", vec![Crumb::new(team.clone(), format!("/t/{team}"))]),
        None => ("Portal audit", Vec::new()),
    };
    let csv = format!("{path}.csv{}", export_query(&from_query(&query, team.as_deref()), whole));
    let export = move || {
        view! {
            <a class="btn" href=csv download rel="external">
                <Icon glyph=Glyph::Download />
                "Export CSV"
            </a>
        }
    };
    let full = records.len() >= PAGE as usize;
    let next = records.last().filter(|_| full).map(|r| with_query(&path, &query, "past", &r.seq.to_string()));
    let first = query.get_str("past").map(|_| with_query(&path, &query, "past", ""));
    let (first_word, next_word) =
        if query.get_str("sort") == Some("when") { ("Oldest records", "Newer records") } else { ("Newest records", "Older records") };
    let none = records.is_empty();
    view! {
        <Page title crumbs lead="Every change: who, what, from what to what, and when. Nobody can edit it." actions=export>
            <AuditFilterBar whole />
            {if none {
                view! { <EmptyState glyph=Glyph::ScrollText title="No record matches" text="Widen the filter, or clear it to see everything." /> }.into_any()
            } else {
                view! { <RecordsTable records whole /> }.into_any()
            }}
            <nav class="pager" aria-label="Pages of the audit trail">
                {first.map(|href| view! { <a class="btn btn-sm" href=href>{first_word}</a> })}
                {next.map(|href| view! { <a class="btn btn-sm" href=href>{next_word}</a> })}
            </nav>
        </Page>
    }
}

#[component]
fn AuditFilterBar(whole: bool) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let path = use_location().pathname.get_untracked();
    let get = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    let mut kinds = vec![(String::new(), "Everything".to_owned())];
    kinds.extend(KINDS.map(|kind| (kind.to_owned(), kind.to_owned())));
    let action = get("action");
    if !action.is_empty() && !KINDS.contains(&action.as_str()) {
        kinds.push((action.clone(), action.clone()));
    }
    let filtered = ["team", "actor", "action", "object", "from", "until"].iter().any(|name| !get(name).is_empty());
    let (team, actor, object, from, until) = (get("team"), get("actor"), get("object"), get("from"), get("until"));
    let (clear, sort) = (path.clone(), get("sort"));
    view! {
        <Form method="GET" action=path attr:class="filter-bar audit-filter" attr:role="search" attr:aria-label="Filter records">
            {(!sort.is_empty()).then(|| view! { <input type="hidden" name="sort" value=sort /> })}
            {whole
                .then(|| {
                    view! {
                        <Field label="Team" name="team">
                            <TextInput value=team />
                        </Field>
                    }
                })}
            <Field label="Who" name="actor">
                <TextInput value=actor placeholder="ada@" />
            </Field>
            <Field label="What" name="action">
                <Select options=kinds value=action />
            </Field>
            <Field label="Name or id" name="object">
                <TextInput value=object />
            </Field>
            <Field label="From" name="from">
                <TextInput kind="date" value=from />
            </Field>
            <Field label="Until" name="until">
                <TextInput kind="date" value=until />
            </Field>
            <button type="submit" class="btn">
                "Filter records"
            </button>
            {filtered.then(|| view! { <a class="btn btn-ghost" href=clear>"Clear"</a> })}
        </Form>
    }
}

#[component]
fn RecordsTable(records: Vec<AuditRecord>, whole: bool) -> impl IntoView {
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Audit records"</caption>
                <thead>
                    <tr>
                        <SortHeader key="when" label="When" default="-when" />
                        <th scope="col">"Who"</th>
                        {whole.then(|| view! { <th scope="col">"Team"</th> })}
                        <th scope="col">"What"</th>
                        <th scope="col">"Changed"</th>
                        <th scope="col">"Request"</th>
                    </tr>
                </thead>
                <tbody>{records.into_iter().map(|record| view! { <RecordRow record whole /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn RecordRow(record: AuditRecord, whole: bool) -> impl IntoView {
    let how = if record.address.is_empty() { record.via } else { format!("{}, {}", record.via, record.address) };
    view! {
        <tr>
            <td data-label="When">
                <Time at=record.at />
                <span class="sub num">"#" {record.seq}</span>
            </td>
            <td data-label="Who">
                <span class="break">{record.actor}</span>
                <span class="sub">{how}</span>
            </td>
            {whole.then(|| view! { <td data-label="Team">{record.team}</td> })}
            <td data-label="What">
                <span class="mono">{record.action}</span>
                <span class="sub break" title=record.object>
                    {record.object_name}
                </span>
            </td>
            <td data-label="Changed">
                <Changes before=record.before after=record.after />
            </td>
            <td data-label="Request" class="mono sub-cell">{record.request_id}</td>
        </tr>
    }
}
