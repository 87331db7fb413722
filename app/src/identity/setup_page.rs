//! The first visit to an empty portal: makes the first administrator.

use super::{api::SetUp, sign_in_page::Door};
use crate::components::{Field, FormError, FormState, SubmitButton, TextInput};
use domain::model::{validate_email, validate_line, validate_password};
use leptos::prelude::*;

fn check_name(text: &str) -> Result<(), String> {
    validate_line(text, 100)
}

fn check_password(text: &str) -> Result<(), String> {
    validate_password(text, "")
}

/// Makes the first administrator with the code from the console.
#[component]
pub fn SetupPage() -> impl IntoView {
    let action = ServerAction::<SetUp>::new();
    let form = FormState::of(action);
    view! {
        <Door title="Set up Slipway" lead="Make the first administrator. Everybody else is added later.">
            <ActionForm action>
                <FormError form />
                <Field label="One-time code" name="code" form help="Slipway printed it on the console when it started." required=true>
                    <TextInput mono=true autocomplete="one-time-code" autofocus=true />
                </Field>
                <Field label="Email" name="email" form check=validate_email required=true>
                    <TextInput kind="email" autocomplete="username" />
                </Field>
                <Field label="Name" name="name" form check=check_name>
                    <TextInput autocomplete="name" />
                </Field>
                <Field label="Password" name="password" form check=check_password help="At least 12 characters; a few words are easiest." required=true>
                    <TextInput kind="password" autocomplete="new-password" />
                </Field>
                <SubmitButton form label="Create administrator" class="btn btn-primary btn-block" />
            </ActionForm>
        </Door>
    }
}
