//! Who is in the team, with which role.

use super::api::{RemoveMember, SetMember, list_members};
use crate::components::{
    Column, ConfirmDialog, Crumb, DialogActions, Field, FilterBar, FormError, FormState, Glyph, Icon, ListTable, LoadingPage, Page,
    SearchField, Select, SubmitButton, TextInput, Time, Tone, page_or_error, query_value, sort_order, use_me, use_team, use_toasts,
    when_done,
};
use crate::{
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, Me, Member, Role, validate_email};
use leptos::prelude::*;

/// Roles with what they may do, for a choice.
fn role_options() -> Vec<(String, String)> {
    [
        (Role::Viewer, "viewer: sees what the team has"),
        (Role::Member, "member: launches notebooks, makes volumes"),
        (Role::Admin, "admin: manages members and everything"),
    ]
    .map(|(role, text)| (role.as_str().to_owned(), text.to_owned()))
    .to_vec()
}

#[derive(Clone, Copy)]
struct MemberActions {
    set: ServerAction<SetMember>,
    remove: ServerAction<RemoveMember>,
}

/// Who is in the team.
#[component]
pub fn MembersPage() -> impl IntoView {
    let (team, me, live, toasts) = (use_team(), use_me(), use_live(), use_toasts());
    let actions = MemberActions { set: ServerAction::new(), remove: ServerAction::new() };
    let changes = live.changes_in(team.into(), |event| event.change == Change::Team);
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            Ok::<_, AppError>((list_members(team).await?, me.await.ok().flatten()))
        },
    );
    when_done(actions.set, move |member| {
        me.refetch();
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} is {} now.", member.email, member.role.as_str()));
    });
    when_done(actions.remove, move |()| {
        me.refetch();
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Removed from the team.");
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Members" /> }>
            {move || Suspend::new(async move {
                page_or_error(first.await, |(first, me)| view! { <Members team=team.get_untracked() first me changes actions /> })
            })}
        </Transition>
    }
}

fn arranged(members: &[Member], text: &str, sort: &str) -> Vec<Member> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<Member> =
        members.iter().filter(|m| m.email.to_lowercase().contains(&text) || m.name.to_lowercase().contains(&text)).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "role" => b.role.cmp(&a.role).then_with(|| a.email.cmp(&b.email)),
            "since" => a.since.cmp(&b.since),
            _ => a.email.cmp(&b.email),
        };
        sort_order(sort, order)
    });
    found
}

const COLUMNS: &[Column] =
    &[Column::sorted("email", "Person"), Column::sorted("role", "Role"), Column::sorted("since", "Since"), Column::ACTIONS];

#[component]
fn Members(team: String, first: Vec<Member>, me: Option<Me>, changes: RwSignal<u32>, actions: MemberActions) -> impl IntoView {
    let again = team.clone();
    let members = kept_current(first, 0, move || changes.get(), move |_| list_members(again.clone()));
    let (mine, admin) = me.map_or((None, false), |me| (Some(me.user.id), me.user.admin));
    let id = mine.clone();
    let manages =
        Memo::new(move |_| admin || members.with(|list| list.iter().any(|m| Some(&m.user) == id.as_ref() && m.role == Role::Admin)));
    let count = Signal::derive(move || members.with(Vec::len));
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| members.with(|m| arranged(m, &text.read(), &sort.read())));
    let name = team.clone();
    let row = move |member: Member| {
        let is_me = mine.as_ref() == Some(&member.user);
        let team = name.clone();
        move || view! { <MemberRow team=team.clone() member=member.clone() manages=manages.get() is_me actions /> }
    };
    view! {
        <Page title="Members" count crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]>
            {move || manages.get().then(|| view! { <AddMember team=team.clone() actions /> })}
            <FormError form=FormState::of(actions.remove) />
            <FilterBar label="Filter members">
                <SearchField label="Find by email or name" />
            </FilterBar>
            <ListTable caption="Members of the team" columns=COLUMNS default="email" nothing="Nobody matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
                // A row is drawn anew when what it shows has changed, and left alone, with its open dialog, when others have.
                        <For each=move || found.get() key=|m| (m.user.clone(), m.role, m.by_rule, m.name.clone()) children=row />
            </ListTable>
        </Page>
    }
}

#[component]
fn AddMember(team: String, actions: MemberActions) -> impl IntoView {
    let form = FormState::of(actions.set);
    let email = RwSignal::new(String::new());
    when_done(actions.set, move |_| email.set(String::new()));
    view! {
        <section class="card section-gap" aria-labelledby="add-member">
            <div class="card-body">
                <h2 id="add-member" class="sr-only">
                    "Add member"
                </h2>
                <ActionForm action=actions.set>
                    <FormError form />
                    <input type="hidden" name="team" value=team />
                    <div class="form-inline">
                        <Field label="Email" name="email" form check=validate_email help="Of somebody with an account." required=true>
                            <TextInput kind="email" autocomplete="off" placeholder="ada@example.com" bind=email />
                        </Field>
                        <Field label="Role" name="role" form>
                            <Select options=role_options() value="member" />
                        </Field>
                        <SubmitButton form label="Add member" glyph=Glyph::UserPlus />
                    </div>
                </ActionForm>
            </div>
        </section>
    }
}

#[component]
fn MemberRow(team: String, member: Member, manages: bool, is_me: bool, actions: MemberActions) -> impl IntoView {
    let (set, remove) = (FormState::of(actions.set), FormState::of(actions.remove));
    let person = if member.name.is_empty() { member.email.clone() } else { member.name.clone() };
    let sub = (!member.name.is_empty()).then(|| view! { <span class="sub">{member.email.clone()}</span> });
    let (word, title) =
        if is_me { ("Leave", format!("Leave team {team}")) } else { ("Remove", format!("Remove {} from team {team}", member.email)) };
    let role_title = format!("Role of {}", member.email);
    let by_group = (member.by_rule == Some(member.role)).then(|| view! { <span class="muted">" by a group"</span> });
    let role_field = format!("role-{}", member.user);
    let role = member.role.as_str();
    let (team_of_role, email, user) = (team.clone(), member.email.clone(), member.user.0);
    view! {
        <tr>
            <th scope="row">
                {person} {is_me.then(|| view! { <span class="muted">" (you)"</span> })} {sub}
            </th>
            <td data-label="Role">{role} {by_group}</td>
            <td data-label="Since">
                <Time at=member.since />
            </td>
            <td class="actions">
                <div class="row">
                    {manages
                        .then(|| {
                            view! {
                                <ConfirmDialog trigger="Change role" title=role_title form=set class="btn btn-sm btn-ghost">
                                    <ActionForm action=actions.set>
                                        <input type="hidden" name="team" value=team_of_role />
                                        <input type="hidden" name="email" value=email />
                                        <Field label="Role" name="role" id=role_field form=set>
                                            <Select options=role_options() value=role />
                                        </Field>
                                        <DialogActions form=set label="Change role" class="btn btn-primary" />
                                    </ActionForm>
                                </ConfirmDialog>
                            }
                        })}
                    {(manages || is_me)
                        .then(|| {
                            view! {
                                <ConfirmDialog trigger=word title form=remove class="btn btn-sm btn-ghost">
                                    <p>
                                        <Icon glyph=Glyph::Info />
                                        " Running notebooks in this team are stopped and open ones are closed. Files and volumes stay with the team."
                                    </p>
                                    <ActionForm action=actions.remove>
                                        <input type="hidden" name="team" value=team />
                                        <input type="hidden" name="user" value=user />
                                        <DialogActions form=remove label=if is_me { "Leave team" } else { "Remove member" } />
                                    </ActionForm>
                                </ConfirmDialog>
                            }
                        })}
                </div>
            </td>
        </tr>
    }
}
