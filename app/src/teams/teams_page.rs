//! Every team of the portal, for administrators.

use super::api::{SetMember, list_all_teams};
use crate::components::{
    Column, ConfirmDialog, DialogActions, EmptyState, Field, FilterBar, FormError, FormState, Glyph, Icon, ListTable, LoadingPage, Page,
    SearchField, Select, TextInput, Time, Tone, page_or_error, query_value, role_in, sort_order, use_me, use_toasts, when_done,
};
use crate::{
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, Me, Role, TeamSummary, validate_email};
use leptos::prelude::*;

/// Every team of the portal.
#[component]
pub fn TeamsPage() -> impl IntoView {
    let (me, live, toasts) = (use_me(), use_live(), use_toasts());
    let set = ServerAction::<SetMember>::new();
    // Of teams that one is not in, the stream tells no more than that the machine's use has changed.
    let changes = live.changes(|event| matches!(event.change, Change::Team | Change::Capacity));
    let first = Resource::new(
        || (),
        move |()| async move {
            live.positioned().await;
            Ok::<_, AppError>((list_all_teams().await?, me.await.ok().flatten()))
        },
    );
    when_done(set, move |member| {
        me.refetch();
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} is {} now.", member.email, member.role.as_str()));
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Teams" /> }>
            {move || Suspend::new(async move {
                page_or_error(first.await, |(first, me)| view! { <Teams first me changes set /> })
            })}
        </Transition>
    }
}

fn arranged(teams: &[TeamSummary], text: &str, sort: &str) -> Vec<TeamSummary> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<TeamSummary> = teams.iter().filter(|t| t.team.name.contains(&text)).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "members" => a.members.cmp(&b.members),
            "running" => a.running_notebooks.cmp(&b.running_notebooks),
            "made" => a.team.created_at.cmp(&b.team.created_at),
            _ => a.team.name.cmp(&b.team.name),
        };
        sort_order(sort, order)
    });
    found
}

#[component]
fn Teams(first: Vec<TeamSummary>, me: Option<Me>, changes: RwSignal<u32>, set: ServerAction<SetMember>) -> impl IntoView {
    let teams = kept_current(first, 0, move || changes.get(), |_| list_all_teams());
    let count = Signal::derive(move || teams.with(Vec::len));
    let none = Memo::new(move |_| teams.with(Vec::is_empty));
    let me = StoredValue::new(me);
    let form = FormState::of(set);
    let create = || {
        view! {
            <a class="btn btn-primary" href="/teams/new">
                <Icon glyph=Glyph::Plus />
                "Create team"
            </a>
        }
    };
    view! {
        <Page title="Teams" count lead="Notebooks, volumes and members belong to a team." actions=create>
            <FormError form />
            {move || {
                if none.get() {
                    view! { <EmptyState glyph=Glyph::Users title="No teams yet" text="Create one, then add its members." /> }.into_any()
                } else {
                    view! { <TeamsTable teams me=me.get_value() set form /> }.into_any()
                }
            }}
        </Page>
    }
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Team"),
    Column::numbers("members", "Members"),
    Column::numbers("running", "Running notebooks"),
    Column::sorted("made", "Created"),
    Column::ACTIONS,
];

#[component]
fn TeamsTable(teams: RwSignal<Vec<TeamSummary>>, me: Option<Me>, set: ServerAction<SetMember>, form: FormState) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| teams.with(|t| arranged(t, &text.read(), &sort.read())));
    let row = move |team: TeamSummary| {
        let mine = me.as_ref().is_some_and(|me| role_in(me, &team.team.name).is_some());
        view! { <TeamRow team mine set form /> }
    };
    view! {
        <FilterBar label="Filter teams">
            <SearchField label="Find by name" />
        </FilterBar>
        <ListTable caption="Teams" columns=COLUMNS default="name" nothing="No team matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
            <For each=move || found.get() key=|t| (t.team.name.clone(), t.members, t.running_notebooks) children=row />
        </ListTable>
    }
}

#[component]
fn TeamRow(team: TeamSummary, mine: bool, set: ServerAction<SetMember>, form: FormState) -> impl IntoView {
    let name = team.team.name;
    let (email_field, role_field) = (format!("email-{name}"), format!("role-{name}"));
    let roles = Role::ALL.iter().map(|r| (r.as_str().to_owned(), r.as_str().to_owned())).collect::<Vec<_>>();
    let head = if mine {
        view! { <a href=format!("/t/{name}/members")>{name.clone()}</a> }.into_any()
    } else {
        view! { <span>{name.clone()}</span> }.into_any()
    };
    view! {
        <tr>
            <th scope="row">{head}</th>
            <td data-label="Members" class="num">{team.members}</td>
            <td data-label="Running notebooks" class="num">{team.running_notebooks}</td>
            <td data-label="Created">
                <Time at=team.team.created_at />
            </td>
            <td class="actions">
                <ConfirmDialog trigger="Add member" title=format!("Add a member to {name}") form glyph=Glyph::UserPlus class="btn btn-sm btn-ghost">
                    <ActionForm action=set>
                        <input type="hidden" name="team" value=name />
                        <Field label="Email" name="email" id=email_field form check=validate_email help="Of somebody with an account." required=true>
                            <TextInput kind="email" autocomplete="off" />
                        </Field>
                        <Field label="Role" name="role" id=role_field form>
                            <Select options=roles value="admin" />
                        </Field>
                        <DialogActions form label="Add member" class="btn btn-primary" />
                    </ActionForm>
                </ConfirmDialog>
            </td>
        </tr>
    }
}
