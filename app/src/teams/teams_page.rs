//! Every team of the portal, for administrators.

use super::api::{SetMember, SetQuota, list_all_teams};
use crate::components::{
    Column, ConfirmDialog, DialogActions, EmptyState, Field, FilterBar, FormError, FormState, Glyph, Icon, ListTable, LoadingPage, Page,
    SearchField, Select, TextInput, Time, Tone, page_or_error, query_value, role_in, sort_order, use_me, use_toasts, when_done,
};
use crate::{
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, Me, Quota, Role, TeamSummary, validate_email, validate_quota_count, validate_quota_gib};
use leptos::prelude::*;

/// Every team of the portal.
#[component]
pub fn TeamsPage() -> impl IntoView {
    let (me, live, toasts) = (use_me(), use_live(), use_toasts());
    let (set, set_quota) = (ServerAction::<SetMember>::new(), ServerAction::<SetQuota>::new());
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
    when_done(set_quota, move |(team, quota)| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("Quota of {team}: {}.", quota.words()));
    });
    let actions = Actions { set, form: FormState::of(set), set_quota, quota_form: FormState::of(set_quota) };
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Teams" /> }>
            {move || Suspend::new(async move {
                page_or_error(first.await, |(first, me)| view! { <Teams first me changes actions /> })
            })}
        </Transition>
    }
}

/// What an administrator does with a team.
#[derive(Clone, Copy)]
struct Actions {
    set: ServerAction<SetMember>,
    form: FormState,
    set_quota: ServerAction<SetQuota>,
    quota_form: FormState,
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
fn Teams(first: Vec<TeamSummary>, me: Option<Me>, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let teams = kept_current(first, 0, move || changes.get(), |_| list_all_teams());
    let count = Signal::derive(move || teams.with(Vec::len));
    let none = Memo::new(move |_| teams.with(Vec::is_empty));
    let me = StoredValue::new(me);
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
            <FormError form=actions.form />
            <FormError form=actions.quota_form />
            {move || {
                if none.get() {
                    view! { <EmptyState glyph=Glyph::Users title="No teams yet" text="Create one, then add its members." /> }.into_any()
                } else {
                    view! { <TeamsTable teams me=me.get_value() actions /> }.into_any()
                }
            }}
        </Page>
    }
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Team"),
    Column::numbers("members", "Members"),
    Column::numbers("running", "Running notebooks"),
    Column::plain("Quota"),
    Column::sorted("made", "Created"),
    Column::ACTIONS,
];

#[component]
fn TeamsTable(teams: RwSignal<Vec<TeamSummary>>, me: Option<Me>, actions: Actions) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| teams.with(|t| arranged(t, &text.read(), &sort.read())));
    // A row stays while what it says changes, and with it a dialog that is open in it.
    let row = move |first: TeamSummary| {
        let mine = me.as_ref().is_some_and(|me| role_in(me, &first.team.name).is_some());
        let name = first.team.name.clone();
        let team = Memo::new(move |_| teams.with(|all| all.iter().find(|t| t.team.name == name).cloned()).unwrap_or_else(|| first.clone()));
        view! { <TeamRow team mine actions /> }
    };
    view! {
        <FilterBar label="Filter teams">
            <SearchField label="Find by name" />
        </FilterBar>
        <ListTable caption="Teams" columns=COLUMNS default="name" nothing="No team matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
            <For each=move || found.get() key=|t| t.team.name.clone() children=row />
        </ListTable>
    }
}

#[component]
fn TeamRow(team: Memo<TeamSummary>, mine: bool, actions: Actions) -> impl IntoView {
    let (name, created) = team.with_untracked(|t| (t.team.name.clone(), t.team.created_at));
    let Actions { set, form, .. } = actions;
    let quota = Memo::new(move |_| team.with(|t| t.share.quota));
    let namespace = team.with_untracked(|t| t.namespace.is_some()).then(|| {
        view! { <a class="btn btn-sm btn-ghost" href=format!("/admin/teams/{name}")><Icon glyph=Glyph::Boxes />"Namespace"</a> }
    });
    let of_quota = move || team.with(|t| if t.share.quota.is_open() { t.share.quota.words() } else { t.share.words() });
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
            <td data-label="Members" class="num">{move || team.with(|t| t.members)}</td>
            <td data-label="Running notebooks" class="num">{move || team.with(|t| t.running_notebooks)}</td>
            <td data-label="Quota">{of_quota}</td>
            <td data-label="Created">
                <Time at=created />
            </td>
            <td class="actions">
                {namespace}
                {
                    let team = name.clone();
                    move || view! { <QuotaDialog team=team.clone() quota=quota.get() actions /> }
                }
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

/// What the team's notebooks may hold at once, to be changed.
#[component]
fn QuotaDialog(team: String, quota: Quota, actions: Actions) -> impl IntoView {
    let form = actions.quota_form;
    let id = |field: &str| format!("quota-{field}-{team}");
    let (cpus, memory, gpus) = (id("cpus"), id("memory"), id("gpus"));
    let count = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    view! {
        <ConfirmDialog trigger="Set quota" title=format!("Quota of {team}") form glyph=Glyph::Gauge class="btn btn-sm btn-ghost">
            <p class="muted">
                "What the team's notebooks may hold at the same time. An empty field is no limit. What runs goes on; what does not fit waits until there is room, and what is larger than the quota itself fails."
            </p>
            <ActionForm action=actions.set_quota>
                <input type="hidden" name="team" value=team.clone() />
                <Field label="CPUs" name="cpus" id=cpus form check=validate_quota_count>
                    <TextInput inputmode="numeric" value=count(quota.cpus) autocomplete="off" />
                </Field>
                <Field label="Memory in GiB" name="memory" id=memory form check=validate_quota_gib>
                    <TextInput inputmode="decimal" value=quota.memory_gib().unwrap_or_default() autocomplete="off" />
                </Field>
                <Field label="GPUs" name="gpus" id=gpus form check=validate_quota_count>
                    <TextInput inputmode="numeric" value=count(quota.gpus) autocomplete="off" />
                </Field>
                <DialogActions form label="Set quota" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
