//! Changing one's own password.

use super::api::ChangePassword;
use crate::components::{Field, FormError, FormState, SubmitButton, TextInput, Tone, use_toasts, when_done};
use domain::model::validate_password;
use leptos::prelude::*;

fn check(text: &str) -> Result<(), String> {
    validate_password(text, "")
}

/// Asks for the present password, sets a new one and ends the other sessions.
#[component]
pub(super) fn PasswordForm(email: String) -> impl IntoView {
    let action = ServerAction::<ChangePassword>::new();
    let form = FormState::of(action);
    let toasts = use_toasts();
    let (old, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    when_done(action, move |()| {
        old.set(String::new());
        new.set(String::new());
        toasts.show(Tone::Good, "Password changed. Your other sessions have ended.");
    });
    view! {
        <ActionForm action>
            <FormError form />
            // For password managers, which store the pair.
            <input type="text" name="username" value=email autocomplete="username" class="sr-only" tabindex="-1" aria-hidden="true" readonly />
            <Field label="Present password" name="old" form required=true>
                <TextInput kind="password" autocomplete="current-password" bind=old />
            </Field>
            <Field label="New password" name="new" form check help="At least 12 characters; a few words are easiest." required=true>
                <TextInput kind="password" autocomplete="new-password" bind=new />
            </Field>
            <div class="form-actions">
                <SubmitButton form label="Change password" />
            </div>
        </ActionForm>
    }
}
