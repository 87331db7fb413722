//! The door: sign in with a local account, or with an identity provider.

use super::{
    api::SignIn,
    local_api::passwords_work,
    sso_api::{sso_choices, sso_ends},
};
use crate::components::{Field, FormError, FormState, Logo, SubmitButton, TextInput};
use domain::model::{ProviderChoice, validate_email};
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

/// Sign in; `next` in the query is where to go afterwards. While passwords are switched off there is no field for one, but with `with=password`:
/// that is where `slipway user break-glass` leads.
#[component]
pub fn SignInPage() -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let query = use_query_map();
    let of = move |name: &str| query.with_untracked(|q| q.get_str(name).unwrap_or_default().to_owned());
    let next = StoredValue::new(of("next"));
    let asked_for = of("with") == "password";
    let ways = Resource::new(|| (), |()| async { (sso_choices().await.unwrap_or_default(), passwords_work().await.unwrap_or(true)) });
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let (choices, passwords) = ways.await;
                let lead = if passwords { "With the account an administrator made for you." } else { "With your identity provider." };
                let or = if passwords { "or with an account of this portal" } else { "Passwords of this portal are switched off." };
                view! {
                    <Door title="Sign in" lead>
                        <Left />
                        <Providers choices next=next.get_value() or />
                        {(passwords || asked_for).then(|| view! { <PasswordForm action next=next.get_value() /> })}
                    </Door>
                }
            })}
        </Suspense>
    }
}

/// After a sign-out: the way to leave the identity provider, too.
#[component]
fn Left() -> impl IntoView {
    let (left, ended) =
        use_query_map().with_untracked(|q| (q.get_str("left").unwrap_or_default().to_owned(), q.get_str("sso") == Some("ended")));
    let provider = StoredValue::new(left.clone());
    let name =
        Resource::new(move || left.clone(), |left| async move { if left.is_empty() { None } else { sso_ends(left).await.ok().flatten() } });
    view! {
        {ended.then(|| view! { <p class="door-left" role="status">"You are signed out here and at the identity provider."</p> })}
        <Suspense>
            {move || Suspend::new(async move {
                name.await
                    .map(|name| {
                        view! {
                            <div class="door-left stack-sm">
                                <p role="status">{format!("You are signed out here. {name} may still know you in this browser.")}</p>
                                <a class="btn btn-block" href=format!("/sso/{}/end", provider.get_value()) rel="external">
                                    {format!("Sign out of {name}, too")}
                                </a>
                            </div>
                        }
                    })
            })}
        </Suspense>
    }
}

#[component]
fn PasswordForm(action: ServerAction<SignIn>, next: String) -> impl IntoView {
    let form = FormState::of(action);
    view! {
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
    }
}

/// A way to each identity provider, what `or` says of passwords, and why the last one led nowhere.
#[component]
fn Providers(choices: Vec<ProviderChoice>, next: String, or: &'static str) -> impl IntoView {
    let problem = use_query_map().with_untracked(|q| match q.get_str("sso") {
        Some("silent") => Some("The identity provider does not answer. Try again in a moment, or sign in otherwise."),
        Some("often") => Some("Too many sign-ins were begun and not ended. Wait a few minutes, then try again."),
        Some("gone") => Some("This identity provider is not offered any more."),
        _ => None,
    });
    let none = choices.is_empty();
    let ways = choices
        .into_iter()
        .map(|choice| {
            let mut query = leptos_router::params::ParamsMap::new();
            query.insert("next".to_owned(), next.clone());
            let href = format!("/sso/{}/begin{}", choice.id, query.to_query_string());
            view! {
                <a class="btn btn-block" href=href rel="external">
                    {format!("Sign in with {}", choice.name)}
                </a>
            }
        })
        .collect_view();
    view! {
        {problem.map(|text| view! { <p class="field-error" role="alert">{text}</p> })}
        {(!none)
            .then(|| {
                view! {
                    <div class="stack-sm door-providers">{ways}</div>
                    <p class="door-or muted">{or}</p>
                }
            })}
    }
}
