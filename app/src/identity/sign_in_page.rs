//! The door: sign in with a local account.

use super::api::SignIn;
use crate::components::{Field, FormError, FormState, Logo, SubmitButton, TextInput};
use domain::model::validate_email;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The card in the middle of a page without navigation.
#[component]
pub(super) fn Door(#[prop(into)] title: String, #[prop(into)] lead: String, children: Children) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <div class="door">
            <p class="door-name">
                <Logo />
                "Slipway"
            </p>
            <div class="door-card">
                <h1>{title}</h1>
                <p class="lead">{lead}</p>
                {children()}
            </div>
            <p class="door-foot">"Notebooks on your own machines"</p>
        </div>
    }
}

/// Sign in; `next` in the query is where to go afterwards.
#[component]
pub fn SignInPage() -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let form = FormState::of(action);
    let next = use_query_map().with_untracked(|q| q.get_str("next").unwrap_or_default().to_owned());
    view! {
        <Door title="Sign in" lead="With the account an administrator made for you.">
            <ActionForm action>
                <FormError form />
                <input type="hidden" name="next" value=next />
                <Field label="Email" name="email" check=validate_email required=true>
                    <TextInput kind="email" autocomplete="username" autofocus=true />
                </Field>
                <Field label="Password" name="password" required=true>
                    <TextInput kind="password" autocomplete="current-password" />
                </Field>
                <SubmitButton form label="Sign in" class="btn btn-primary btn-block" />
            </ActionForm>
        </Door>
    }
}
