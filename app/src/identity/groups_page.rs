//! What groups of an identity provider give in teams: rules, each shown with whom it touches before it is there.

use super::sso_api::{AddGroupRule, RemoveGroupRule, list_groups, preview_rule, preview_without_rule};
use crate::{
    components::{
        Column, Crumb, EmptyState, Field, FilterBar, FormError, FormState, Glyph, ListTable, LoadingPage, Note, Page, SearchField, Select,
        SubmitButton, TextInput, Time, Tone, count, page_or_error, query_value, use_toasts, when_done,
    },
    error::AppError,
};
use domain::model::{GroupPerson, GroupPreview, GroupRule, GroupRuleForm, ProviderGroups, Role, validate_group};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{
    NavigateOptions,
    components::Form,
    hooks::{use_navigate, use_params_map, use_query_map},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// People that are shown at a time.
const SHOWN: usize = 200;

const RULES: &[Column] = &[Column::plain("Group"), Column::plain("Team"), Column::plain("Role"), Column::plain("Added"), Column::ACTIONS];
const CHANGES: &[Column] = &[Column::plain("Person"), Column::plain("Team"), Column::plain("Now"), Column::plain("Then")];
const PEOPLE: &[Column] = &[Column::plain("Person"), Column::plain("Groups"), Column::plain("Asked")];

/// What the address asks to see before it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Asked {
    Add(GroupRuleForm),
    Remove(String),
}

type Shown = (ProviderGroups, Option<(Asked, Result<GroupPreview, AppError>)>);

async fn load(provider: String, asked: Option<Asked>) -> Result<Shown, AppError> {
    let groups = list_groups(provider.clone()).await?;
    let preview = match asked {
        None => None,
        Some(Asked::Add(form)) => Some((Asked::Add(form.clone()), preview_rule(provider, form).await)),
        Some(Asked::Remove(rule)) => Some((Asked::Remove(rule.clone()), preview_without_rule(rule).await)),
    };
    Ok((groups, preview))
}

/// The rules of a provider, and whom it knows.
#[component]
pub fn GroupsPage() -> impl IntoView {
    let (params, query, toasts) = (use_params_map(), use_query_map(), use_toasts());
    let provider = Memo::new(move |_| params.with(|p| p.get_str("provider").unwrap_or_default().to_owned()));
    let changed = RwSignal::new(0_u32);
    let asked = Memo::new(move |_| {
        query.with(|q| {
            let text = |name: &str| q.get_str(name).unwrap_or_default().to_owned();
            if !text("remove").is_empty() {
                return Some(Asked::Remove(text("remove")));
            }
            let role = text("role").parse::<Role>().ok()?;
            Some(Asked::Add(GroupRuleForm { pattern: text("group"), is_prefix: text("kind") == "prefix", team: text("team"), role }))
        })
    });
    let found = Resource::new(move || (provider.get(), asked.get(), changed.get()), |(provider, asked, _)| load(provider, asked));
    let (add, remove) = (ServerAction::<AddGroupRule>::new(), ServerAction::<RemoveGroupRule>::new());
    let navigate = use_navigate();
    let done = move |text: &'static str| {
        toasts.show(Tone::Good, text);
        changed.update(|n| *n += 1);
        navigate(&format!("/admin/sign-in/{}", provider.get_untracked()), NavigateOptions { replace: true, ..NavigateOptions::default() });
    };
    let removed = done.clone();
    when_done(add, move |_| done("Rule added. Whom it fits has the role now."));
    when_done(remove, move |()| removed("Rule removed, with what it alone gave."));
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Groups" /> }>
            {move || Suspend::new(async move {
                page_or_error(
                    found.await,
                    |(groups, preview)| view! { <Groups provider=provider.get_untracked() groups preview add remove /> },
                )
            })}
        </Transition>
    }
}

#[component]
fn Groups(
    provider: String,
    groups: ProviderGroups,
    preview: Option<(Asked, Result<GroupPreview, AppError>)>,
    add: ServerAction<AddGroupRule>,
    remove: ServerAction<RemoveGroupRule>,
) -> impl IntoView {
    let ProviderGroups { name, claim, rules, people, teams } = groups;
    let path = format!("/admin/sign-in/{provider}");
    let lead = format!(
        "Who is in a group at {name} has a role in a team here. Groups are read from the claim {claim} at each sign-in, and again while somebody is signed in."
    );
    let known: BTreeSet<String> = people.iter().flat_map(|person| person.groups.iter().cloned()).collect();
    let none = rules.is_empty();
    let rows = rules.iter().cloned().map(|rule| view! { <RuleRow path=path.clone() rule /> }).collect_view();
    let shown = preview.map(
        |(asked, result)| view! { <Preview provider=provider.clone() path=path.clone() asked rules=rules.clone() result add remove /> },
    );
    view! {
        <Page title=format!("Groups of {name}") lead crumbs=vec![Crumb::new("Sign-in", "/admin/sign-in")]>
            <div class="stack">
                <AddRule path=path.clone() teams known />
                {shown}
                <section aria-labelledby="rules">
                    <h2 id="rules">"Rules"</h2>
                    {if none {
                        view! {
                            <EmptyState
                                glyph=Glyph::UserPlus
                                title="No rule yet"
                                text="Roles are given by hand on each team's Members page. A rule gives them to everybody in a group, and takes them from who leaves it."
                            >
                                <span></span>
                            </EmptyState>
                        }
                            .into_any()
                    } else {
                        view! {
                            <ListTable caption="Rules" columns=RULES default="" nothing="" none=Signal::derive(|| false)>
                                {rows}
                            </ListTable>
                        }
                            .into_any()
                    }}
                </section>
                <People people />
            </div>
        </Page>
    }
}

/// A form that only looks: it is sent to this page again.
#[component]
fn AddRule(path: String, teams: Vec<String>, known: BTreeSet<String>) -> impl IntoView {
    let of = |name: &'static str| query_value(name).get_untracked();
    let roles = Role::ALL.into_iter().rev().map(|role| (role.as_str().to_owned(), role.as_str().to_owned())).collect::<Vec<_>>();
    let role = Some(of("role")).filter(|role| !role.is_empty()).unwrap_or_else(|| Role::Member.as_str().to_owned());
    let teams: Vec<_> = teams.into_iter().map(|team| (team.clone(), team)).collect();
    let kinds = [("exact", "has the whole name"), ("prefix", "begins with")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    let known = known.into_iter().take(1000).map(|group| view! { <option value=group></option> }).collect_view();
    view! {
        <section class="card" aria-labelledby="add-rule">
            <div class="card-body">
                <h2 id="add-rule">"Add rule"</h2>
                <Form method="GET" action=path attr:class="rule-form">
                    <div class="form-inline">
                        <Field label="A group that" name="kind">
                            <Select options=kinds value=of("kind") />
                        </Field>
                        <Field label="Group" name="group" check=validate_group required=true>
                            <TextInput value=of("group") autocomplete="off" list="known-groups" mono=true />
                        </Field>
                        <Field label="gives in team" name="team" required=true>
                            <Select options=teams value=of("team") />
                        </Field>
                        <Field label="the role" name="role">
                            <Select options=roles value=role />
                        </Field>
                        <button class="btn" type="submit">
                            "Show who would get what"
                        </button>
                    </div>
                    <datalist id="known-groups">{known}</datalist>
                </Form>
            </div>
        </section>
    }
}

fn role_words(role: Option<Role>) -> String {
    role.map_or_else(|| "not in the team".to_owned(), |role| role.as_str().to_owned())
}

fn rule_words(pattern: &str, is_prefix: bool) -> String {
    if is_prefix { format!("{pattern}…") } else { pattern.to_owned() }
}

/// Who would get what, and the button that does it.
#[component]
fn Preview(
    provider: String,
    path: String,
    asked: Asked,
    rules: Vec<GroupRule>,
    result: Result<GroupPreview, AppError>,
    add: ServerAction<AddGroupRule>,
    remove: ServerAction<RemoveGroupRule>,
) -> impl IntoView {
    let found = match result {
        Ok(found) => found,
        Err(error) => {
            let reasons = error.fields.iter().map(|field| field.reason.clone()).collect::<Vec<_>>().join(" ");
            let text = if reasons.is_empty() { error.message } else { reasons };
            return view! { <Note tone=Tone::Bad>{text}</Note> }.into_any();
        }
    };
    let people: BTreeSet<_> = found.changes.iter().map(|change| &change.user).collect();
    let words = |n: usize| count(n, "person", "people");
    let said = match (found.known, people.len()) {
        (0, _) => "Nobody has signed in with this provider yet. The rule takes effect as people do.".to_owned(),
        (known, 0) => format!("Fits {} of {known} that have signed in. Nobody's role changes.", found.fits),
        (known, changed) => format!("Fits {} of {known} that have signed in. The role of {} changes:", found.fits, words(changed)),
    };
    let leaves = found.changes.iter().any(|change| change.after.is_none());
    let more = found.changes.len().saturating_sub(SHOWN);
    let rows = found
        .changes
        .into_iter()
        .take(SHOWN)
        .map(|change| {
            let person = if change.name.is_empty() { change.email.clone() } else { change.name };
            view! {
                <tr>
                    <th scope="row">
                        {person} <span class="sub">{change.email}</span>
                    </th>
                    <td data-label="Team">{change.team}</td>
                    <td data-label="Now">{role_words(change.before)}</td>
                    <td data-label="Then">
                        <strong>{role_words(change.after)}</strong>
                    </td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let (title, form) = match asked {
        Asked::Add(rule) => {
            let form = FormState::of(add);
            let title = format!("{} → {} in {}", rule_words(&rule.pattern, rule.is_prefix), rule.role.as_str(), rule.team);
            let fields = view! {
                <ActionForm action=add>
                    <FormError form />
                    <input type="hidden" name="provider" value=provider />
                    <input type="hidden" name="form[pattern]" value=rule.pattern />
                    <input type="hidden" name="form[is_prefix]" value=rule.is_prefix.to_string() />
                    <input type="hidden" name="form[team]" value=rule.team />
                    <input type="hidden" name="form[role]" value=rule.role.as_str() />
                    <div class="row">
                        <SubmitButton form label="Add rule" />
                        <a class="btn btn-ghost" href=path>
                            "Cancel"
                        </a>
                    </div>
                </ActionForm>
            };
            (title, fields.into_any())
        }
        Asked::Remove(id) => {
            let form = FormState::of(remove);
            let rule = rules.iter().find(|rule| rule.id == id);
            let title = rule.map_or_else(String::new, |rule| {
                format!("Remove {} → {} in {}", rule_words(&rule.pattern, rule.is_prefix), rule.role.as_str(), rule.team)
            });
            let fields = view! {
                <ActionForm action=remove>
                    <FormError form />
                    <input type="hidden" name="rule" value=id />
                    <div class="row">
                        <SubmitButton form label="Remove rule" class="btn btn-danger" />
                        <a class="btn btn-ghost" href=path>
                            "Cancel"
                        </a>
                    </div>
                </ActionForm>
            };
            (title, fields.into_any())
        }
    };
    view! {
        <section class="card rule-preview" aria-labelledby="preview">
            <div class="card-body stack-sm">
                <h2 id="preview" class="wrap">
                    {title}
                </h2>
                <p role="status">{said}</p>
                {(!rows.is_empty())
                    .then(|| {
                        view! {
                            <ListTable caption="Who would get what" columns=CHANGES default="" nothing="" none=Signal::derive(|| false)>
                                {rows}
                            </ListTable>
                        }
                    })}
                {(more > 0).then(|| view! { <p class="muted">{format!("… and {more} more.")}</p> })}
                {leaves
                    .then(|| {
                        view! {
                            <Note tone=Tone::Warning>
                                "Who leaves a team loses it at once: running notebooks in it are stopped and tokens for it are revoked. Files and volumes stay with the team."
                            </Note>
                        }
                    })}
                {form}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn RuleRow(path: String, rule: GroupRule) -> impl IntoView {
    let href = format!("{path}?remove={}", rule.id);
    let words = rule_words(&rule.pattern, rule.is_prefix);
    let label = format!("Remove the rule for {words} in {}", rule.team);
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {words}
            </th>
            <td data-label="Team">
                <a href=format!("/t/{}/members", rule.team)>{rule.team.clone()}</a>
            </td>
            <td data-label="Role">{rule.role.as_str()}</td>
            <td data-label="Added">
                <Time at=rule.created_at />
            </td>
            <td class="actions">
                <a class="btn btn-sm btn-ghost" href=href aria-label=label>
                    "Remove"
                </a>
            </td>
        </tr>
    }
}

#[component]
fn People(people: Vec<GroupPerson>) -> impl IntoView {
    let text = query_value("q");
    let all = people.len();
    let found = Memo::new(move |_| {
        let text = text.read().trim().to_lowercase();
        let fits = |person: &&GroupPerson| {
            [&person.email, &person.name].into_iter().chain(&person.groups).any(|part| part.to_lowercase().contains(&text))
        };
        people.iter().filter(fits).cloned().collect::<Vec<_>>()
    });
    let rows = move || found.get().into_iter().take(SHOWN).map(|person| view! { <PersonRow person /> }).collect_view();
    let more = move || {
        let more = found.with(|found| found.len().saturating_sub(SHOWN));
        (more > 0).then(|| view! { <p class="muted">{format!("… and {more} more: search for a name or a group.")}</p> })
    };
    view! {
        <section aria-labelledby="people">
            <h2 id="people">"People that have signed in" <span class="muted">{format!(" {all}")}</span></h2>
            <FilterBar label="Filter people">
                <SearchField label="Find by email, name or group" />
            </FilterBar>
            <ListTable
                caption="People and their groups"
                columns=PEOPLE
                default=""
                nothing=if all == 0 { "Nobody has signed in with this provider yet." } else { "Nobody matches. Try fewer letters." }
                none=Signal::derive(move || found.with(Vec::is_empty))
            >
                {rows}
            </ListTable>
            {more}
        </section>
    }
}

#[component]
fn PersonRow(person: GroupPerson) -> impl IntoView {
    let (sub, name) = if person.name.is_empty() { (None, person.email) } else { (Some(person.email), person.name) };
    let groups = person.groups.into_iter().map(|group| view! { <span class="chip mono">{group}</span> }).collect::<Vec<_>>();
    view! {
        <tr>
            <th scope="row">{name} {sub.map(|email| view! { <span class="sub">{email}</span> })}</th>
            <td data-label="Groups">
                {if groups.is_empty() {
                    view! { <span class="muted">"none"</span> }.into_any()
                } else {
                    view! { <span class="row wrap">{groups}</span> }.into_any()
                }}
            </td>
            <td data-label="Asked">
                {match person.asked_at {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => view! { <span class="muted">"never"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
}
