//! Who has access to what in the whole portal, for administrators.

use super::api::list_access;
use crate::components::{
    Column, EmptyState, Field, Glyph, Icon, ListTable, LoadingPage, Page, Pager, Select, StatusBadge, TextInput, Time, Tone, page_or_error,
};
use domain::model::{AccessFilter, AccessList, AccessRow, AccessState, NO_TEAM, PORTAL_ADMINISTRATOR, Role};
use leptos::prelude::*;
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};

const COLUMNS: &[Column] = &[
    Column::sorted("person", "Person"),
    Column::plain("Signs in with"),
    Column::plain("State"),
    Column::sorted("team", "Team"),
    Column::sorted("role", "Role"),
    Column::sorted("since", "Since"),
    Column::sorted("last", "Last sign-in"),
    Column::plain("Access tokens"),
];

/// What the address asks for.
fn filter_of(query: &ParamsMap) -> AccessFilter {
    let of = |name: &str| query.get_str(name).unwrap_or_default().trim().to_owned();
    AccessFilter { q: of("q"), team: of("team"), role: of("role"), state: of("state"), sort: of("sort"), page: of("page") }
}

/// The same as the query of another address, without the page.
fn query_of(filter: &AccessFilter) -> String {
    let mut query = ParamsMap::new();
    let AccessFilter { q, team, role, state, sort, .. } = filter;
    for (name, value) in [("q", q), ("team", team), ("role", role), ("state", state), ("sort", sort)] {
        if !value.is_empty() {
            query.insert(name, value.clone());
        }
    }
    query.to_query_string()
}

/// Who has access to what.
#[component]
pub fn AccessPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| filter_of(&query.read()));
    let list = Resource::new(move || filter.get(), list_access);
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Access" /> }>
            {move || Suspend::new(async move {
                let filter = filter.get_untracked();
                page_or_error(list.await, |list| view! { <Access list filter /> })
            })}
        </Transition>
    }
}

#[component]
fn Access(list: AccessList, filter: AccessFilter) -> impl IntoView {
    let csv = format!("/admin/access.csv{}", query_of(&filter));
    let export = move || {
        view! {
            <a class="btn" href=csv download rel="external">
                <Icon glyph=Glyph::Download />
                "Export CSV"
            </a>
        }
    };
    let (page, pages, found) = (list.page, list.pages(), list.found);
    let none = list.rows.is_empty();
    let rows = list.rows.into_iter().map(|row| view! { <Row row /> }).collect_view();
    view! {
        <Page
            title="Access"
            count=Signal::derive(move || found)
            lead="Who has access to what: a row for each person in each team, and for each person in none."
            actions=export
        >
            <AccessFilterBar filter teams=list.teams />
            {if none {
                view! { <EmptyState glyph=Glyph::Eye title="Nobody matches" text="Widen the filter, or clear it to see everybody." /> }.into_any()
            } else {
                view! {
                    <ListTable caption="Who has access to what" columns=COLUMNS default="person" nothing="" none=Signal::derive(|| false)>
                        {rows}
                    </ListTable>
                }
                    .into_any()
            }}
            <Pager label="Pages of access" page=Signal::derive(move || page) pages=Signal::derive(move || pages) />
        </Page>
    }
}

#[component]
fn AccessFilterBar(filter: AccessFilter, teams: Vec<String>) -> impl IntoView {
    let filtered = query_of(&AccessFilter { sort: String::new(), ..filter.clone() }) != query_of(&AccessFilter::default());
    let option = |value: &str, text: &str| (value.to_owned(), text.to_owned());
    let team_options =
        [option("", "All teams"), option(NO_TEAM, "In no team")].into_iter().chain(teams.iter().map(|t| option(t, t))).collect();
    let mut role_options = vec![option("", "All roles"), option(PORTAL_ADMINISTRATOR, "Portal administrator")];
    role_options.extend(Role::ALL.iter().rev().map(|role| option(role.as_str(), role.as_str())));
    let mut state_options = vec![option("", "All states")];
    state_options.extend(AccessState::ALL.map(|state| option(state.as_str(), look(state).1)));
    let AccessFilter { q, team, role, state, sort, .. } = filter;
    view! {
        <Form method="GET" action="/admin/access" attr:class="filter-bar audit-filter" attr:role="search" attr:aria-label="Filter access">
            {(!sort.is_empty()).then(|| view! { <input type="hidden" name="sort" value=sort /> })}
            <Field label="Person" name="q">
                <TextInput kind="search" value=q placeholder="ada@" autocomplete="off" />
            </Field>
            <Field label="Team" name="team">
                <Select options=team_options value=team />
            </Field>
            <Field label="Role" name="role">
                <Select options=role_options value=role />
            </Field>
            <Field label="State" name="state">
                <Select options=state_options value=state />
            </Field>
            <button type="submit" class="btn">
                "Filter access"
            </button>
            {filtered.then(|| view! { <a class="btn btn-ghost" href="/admin/access">"Clear"</a> })}
        </Form>
    }
}

/// Tone and word of a state.
fn look(state: AccessState) -> (Tone, &'static str) {
    match state {
        AccessState::On => (Tone::Good, "Active"),
        AccessState::Waits => (Tone::Info, "Waits"),
        AccessState::Disabled => (Tone::Warning, "Disabled"),
    }
}

/// Another page, searched for this text.
fn link(page: &str, text: &str) -> String {
    let mut query = ParamsMap::new();
    query.insert("q", text.to_owned());
    format!("{page}{}", query.to_query_string())
}

#[component]
fn Row(row: AccessRow) -> impl IntoView {
    let (tone, state) = look(row.state);
    let muted = |text: &'static str| view! { <span class="muted">{text}</span> }.into_any();
    view! {
        <tr>
            <th scope="row">
                <a class="break" href=link("/admin/users", &row.email)>
                    {row.email.clone()}
                </a>
                <span class="sub">{row.name}</span>
            </th>
            <td data-label="Signs in with" class="break">
                {row.signs_in}
            </td>
            <td data-label="State">
                <span class="row">
                    {row.admin.then(|| view! { <StatusBadge tone=Tone::Info glyph=Glyph::Shield text="Administrator" /> })}
                    <StatusBadge tone text=state />
                </span>
            </td>
            <td data-label="Team">
                {match row.team {
                    Some(team) => view! { <a href=link("/admin/teams", &team)>{team.clone()}</a> }.into_any(),
                    None => muted("None"),
                }}
            </td>
            <td data-label="Role">{row.role.map(Role::as_str)} {row.source.map(|source| view! { <span class="sub">{source.words()}</span> })}</td>
            <td data-label="Since">
                <Time at=row.since />
            </td>
            <td data-label="Last sign-in">
                {match row.last_sign_in_at {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => muted("Never"),
                }}
            </td>
            <td data-label="Access tokens">
                <span class="num">{row.tokens}</span>
                {row
                    .tokens_until
                    .map(|at| {
                        view! {
                            <span class="sub">
                                "the last expires "
                                <Time at />
                            </span>
                        }
                    })}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_export_asks_for_what_the_page_shows() {
        let query: ParamsMap =
            [("q", "a&b"), ("team", "-"), ("role", "admin"), ("state", "on"), ("sort", "-last"), ("page", "3")].into_iter().collect();
        let filter = filter_of(&query);
        assert_eq!((filter.q.as_str(), filter.team.as_str(), filter.page.as_str()), ("a&b", "-", "3"));
        let again = filter_of(&ParamsMap::from_iter([("q", "a&b"), ("team", "-"), ("role", "admin"), ("state", "on"), ("sort", "-last")]));
        assert_eq!(query_of(&filter), query_of(&again));
        assert!(query_of(&filter).contains("q=a%26b") && !query_of(&filter).contains("page"), "{}", query_of(&filter));
        assert_eq!(query_of(&AccessFilter::default()), "");
    }
}
