//! Creating a team: the first step for somebody who has none.

use super::api::CreateTeam;
use crate::components::{Field, FormError, FormState, LoadingPage, Page, SubmitButton, TextInput, page_or_error, use_me, when_done};
use domain::model::validate_name;
use leptos::prelude::*;

fn check(text: &str) -> Result<(), String> {
    validate_name(text, 40)
}

/// Makes a team with the caller as its admin.
#[component]
pub fn NewTeamPage() -> impl IntoView {
    let me = use_me();
    let action = ServerAction::<CreateTeam>::new();
    when_done(action, move |_| me.refetch());
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Create a team" /> }>
            {move || Suspend::new(async move {
                page_or_error(me.await, |me| {
                    let first = me.is_none_or(|me| me.teams.is_empty());
                    let (title, lead) = if first {
                        ("Welcome to Slipway", "Everything you make here belongs to a team. Create your first one, or ask a team admin to add you to theirs.")
                    } else {
                        ("Create a team", "You become its admin, and add members next.")
                    };
                    view! {
                        <Page title lead narrow=true>
                            <TeamForm action />
                        </Page>
                    }
                })
            })}
        </Transition>
    }
}

#[component]
fn TeamForm(action: ServerAction<CreateTeam>) -> impl IntoView {
    let form = FormState::of(action);
    view! {
        <div class="card">
            <div class="card-body">
                <ActionForm action>
                    <FormError form />
                    <Field
                        label="Team name"
                        name="name"
                        form
                        check
                        help="Lower-case letters, digits and dashes. It stands in addresses, for example /t/vision."
                        required=true
                    >
                        <TextInput mono=true autocomplete="off" placeholder="vision" autofocus=true />
                    </Field>
                    <div class="form-actions">
                        <SubmitButton form label="Create team" />
                    </div>
                </ActionForm>
            </div>
        </div>
    }
}
