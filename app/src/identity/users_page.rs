//! Everybody with an account, for portal administrators.

use super::{
    api::{AddUser, list_users},
    local_api::passwords_work,
    users_table::UsersTable,
};
use crate::components::{
    Checkbox, ConfirmDialog, DialogActions, Field, FilterBar, FormState, Glyph, LoadingPage, Page, SearchField, TextInput, Tone,
    page_or_error, query_value, sort_order, use_toasts, when_done,
};
use crate::error::AppError;
use domain::model::{User, validate_email, validate_password};
use leptos::prelude::*;

fn check_password(text: &str) -> Result<(), String> {
    validate_password(text, "")
}

/// Everybody with an account.
#[component]
pub fn UsersPage() -> impl IntoView {
    let add = ServerAction::<AddUser>::new();
    let changed = RwSignal::new(0_u32);
    let toasts = use_toasts();
    let users = Resource::new(move || changed.get(), |_| async { Ok::<_, AppError>((list_users().await?, passwords_work().await?)) });
    when_done(add, move |user| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} can sign in now. Add them to a team next.", user.email));
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Users" /> }>
            {move || Suspend::new(async move { page_or_error(users.await, |(users, passwords)| view! { <Users users passwords add changed /> }) })}
        </Transition>
    }
}

/// The users that match `text`, in the order of `sort`.
fn arranged(users: &[User], text: &str, sort: &str) -> Vec<User> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<User> =
        users.iter().filter(|u| u.email.to_lowercase().contains(&text) || u.name.to_lowercase().contains(&text)).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            "made" => a.created_at.cmp(&b.created_at),
            "last" => a.last_sign_in_at.cmp(&b.last_sign_in_at),
            _ => a.email.cmp(&b.email),
        };
        sort_order(sort, order)
    });
    found
}

#[component]
fn Users(
    users: Vec<User>,
    /// Whether people sign in with a password of this portal.
    passwords: bool,
    add: ServerAction<AddUser>,
    changed: RwSignal<u32>,
) -> impl IntoView {
    let count = users.len();
    let (text, sort) = (query_value("q"), query_value("sort"));
    let users = StoredValue::new(users);
    let shown = Memo::new(move |_| users.with_value(|u| arranged(u, &text.read(), &sort.read())));
    view! {
        <Page title="Users" count lead="Accounts of this portal. What somebody may do in a team is set on the team's Members page." actions=move || passwords.then(|| view! { <AddUserDialog add /> })>
            {(!passwords).then(|| view! {
                <p class="muted">
                    "Local accounts are switched off: whoever signs in with an identity provider the first time gets an account. "
                    <a href="/admin/sign-in">"Sign-in"</a>
                </p>
            })}
            <FilterBar label="Filter users">
                <SearchField label="Find by email or name" />
            </FilterBar>
            <UsersTable users=shown passwords changed />
        </Page>
    }
}

#[component]
fn AddUserDialog(add: ServerAction<AddUser>) -> impl IntoView {
    let form = FormState::of(add);
    view! {
        <ConfirmDialog trigger="Add user" title="Add user" form sole=true glyph=Glyph::UserPlus class="btn btn-primary">
            <ActionForm action=add>
                <Field label="Email" name="email" id="new-user-email" form check=validate_email required=true>
                    <TextInput kind="email" autocomplete="off" />
                </Field>
                <Field label="Name" name="name" id="new-user-name" form>
                    <TextInput autocomplete="off" />
                </Field>
                <Field
                    label="First password"
                    name="password"
                    id="new-user-password"
                    form
                    check=check_password
                    help="Hand it over yourself; they change it on their Account page."
                    required=true
                >
                    <TextInput kind="password" autocomplete="new-password" />
                </Field>
                <Checkbox label="Portal administrator" name="admin" help="May manage users, teams, environments and see all audit records." />
                <DialogActions form label="Add user" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
