//! The table of users and what an administrator may do to each.

use super::api::{ResetPassword, SetAdmin, SetDisabled};
use crate::components::{
    Column, ConfirmDialog, DialogActions, Field, FormError, FormState, Glyph, ListTable, StatusBadge, TextInput, Time, Tone, use_me,
    use_toasts, when_done,
};
use domain::model::{User, validate_password};
use leptos::prelude::*;

/// The actions of the table, shared by its rows.
#[derive(Clone, Copy)]
struct UserActions {
    set_admin: ServerAction<SetAdmin>,
    set_disabled: ServerAction<SetDisabled>,
    reset: ServerAction<ResetPassword>,
    /// Whether a password of this portal is of any use.
    passwords: bool,
}

const COLUMNS: &[Column] = &[
    Column::sorted("email", "Email"),
    Column::sorted("name", "Name"),
    Column::plain("State"),
    Column::sorted("made", "Added"),
    Column::sorted("last", "Last sign-in"),
    Column::ACTIONS,
];

#[component]
pub(super) fn UsersTable(users: Memo<Vec<User>>, passwords: bool, changed: RwSignal<u32>) -> impl IntoView {
    let actions = UserActions { set_admin: ServerAction::new(), set_disabled: ServerAction::new(), reset: ServerAction::new(), passwords };
    let toasts = use_toasts();
    when_done(actions.set_admin, move |user| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} is {}an administrator.", user.email, if user.admin { "" } else { "no longer " }));
    });
    when_done(actions.set_disabled, move |user| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} is {}.", user.email, if user.disabled_at.is_some() { "disabled" } else { "enabled" }));
    });
    when_done(actions.reset, move |()| toasts.show(Tone::Good, "Password set. Their sessions have ended."));
    let rows = move || users.get().into_iter().map(|user| view! { <UserRow user actions /> }).collect_view();
    view! {
        <FormError form=FormState::of(actions.set_admin) />
        <FormError form=FormState::of(actions.set_disabled) />
        <FormError form=FormState::of(actions.reset) />
        <ListTable caption="Users" columns=COLUMNS default="email" nothing="Nobody matches. Try fewer letters." none=Signal::derive(move || users.with(Vec::is_empty))>
            {rows}
        </ListTable>
    }
}

#[component]
fn UserRow(user: User, actions: UserActions) -> impl IntoView {
    let me = use_me();
    let id = user.id.clone();
    let is_me = Memo::new(move |_| matches!(me.get(), Some(Ok(Some(me))) if me.user.id == id));
    view! {
        <tr>
            <th scope="row">{user.email.clone()}</th>
            <td data-label="Name">{user.name.clone()}</td>
            <td data-label="State">
                <span class="row">
                    {user.admin.then(|| view! { <StatusBadge tone=Tone::Info glyph=Glyph::Shield text="Administrator" /> })}
                    {if user.disabled_at.is_some() {
                        view! { <StatusBadge tone=Tone::Warning glyph=Glyph::Lock text="Disabled" /> }
                    } else {
                        view! { <StatusBadge tone=Tone::Good text="Active" /> }
                    }}
                </span>
            </td>
            <td data-label="Added">
                <Time at=user.created_at />
            </td>
            <td data-label="Last sign-in">
                {match user.last_sign_in_at {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => view! { <span class="muted">"Never"</span> }.into_any(),
                }}
            </td>
            <td class="actions">
                <Suspense>{move || (!is_me.get()).then(|| view! { <UserMenu user=user.clone() actions /> })}</Suspense>
            </td>
        </tr>
    }
}

/// What may be done to somebody else.
#[component]
fn UserMenu(user: User, actions: UserActions) -> impl IntoView {
    let (email, disabled) = (user.email.clone(), user.disabled_at.is_some());
    let admin_form = FormState::of(actions.set_admin);
    let disabled_form = FormState::of(actions.set_disabled);
    let reset_form = FormState::of(actions.reset);
    let (admin_word, admin_text) = if user.admin {
        ("Remove administrator", "They keep their account and their teams, and lose this Admin part of the portal.")
    } else {
        ("Make administrator", "They may manage users, teams and environments, and see every audit record.")
    };
    let (disabled_word, disabled_text) = if disabled {
        ("Enable", "They can sign in again. Tokens made before work again too.")
    } else {
        ("Disable", "They cannot sign in, their sessions end and their tokens are refused. Their files and notebooks stay.")
    };
    let field = format!("reset-{}", user.id);
    let (for_reset, for_admin, for_disabled) = (user.id.0.clone(), user.id.0.clone(), user.id.0);
    let reset = actions.passwords.then(|| {
        view! {
            <ConfirmDialog trigger="Reset password" title=format!("Reset the password of {email}") form=reset_form class="btn btn-sm btn-ghost">
                <p>"Their sessions end. Hand the new password over yourself."</p>
                <ActionForm action=actions.reset>
                    <input type="hidden" name="user" value=for_reset />
                    <Field label="New password" name="password" id=field form=reset_form check=check_password required=true>
                        <TextInput kind="password" autocomplete="new-password" />
                    </Field>
                    <DialogActions form=reset_form label="Reset password" class="btn btn-primary" />
                </ActionForm>
            </ConfirmDialog>
        }
    });
    view! {
        <div class="row">
            {reset}
            <ConfirmDialog trigger=admin_word title=format!("{admin_word}: {email}") form=admin_form class="btn btn-sm btn-ghost">
                <p>{admin_text}</p>
                <ActionForm action=actions.set_admin>
                    <input type="hidden" name="user" value=for_admin />
                    <input type="hidden" name="admin" value=(!user.admin).to_string() />
                    <DialogActions form=admin_form label=admin_word class="btn btn-primary" />
                </ActionForm>
            </ConfirmDialog>
            <ConfirmDialog trigger=disabled_word title=format!("{disabled_word} {email}") form=disabled_form class="btn btn-sm btn-ghost">
                <p>{disabled_text}</p>
                <ActionForm action=actions.set_disabled>
                    <input type="hidden" name="user" value=for_disabled />
                    <input type="hidden" name="disabled" value=(!disabled).to_string() />
                    <DialogActions form=disabled_form label=disabled_word class=if disabled { "btn btn-primary" } else { "btn btn-danger" } />
                </ActionForm>
            </ConfirmDialog>
        </div>
    }
}

fn check_password(text: &str) -> Result<(), String> {
    validate_password(text, "")
}
