//! Where an identity provider sends the browser back to.

use super::{sign_in_page::Door, sso_api::finish_sso};
use crate::error::AppError;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Signs in, on the server, and leads on; or says why not.
#[component]
pub fn SsoCallbackPage() -> impl IntoView {
    let query = use_query_map();
    let done = Resource::new(
        || (),
        move |()| {
            let of = |name: &str| query.with_untracked(|q| q.get_str(name).unwrap_or_default().to_owned());
            finish_sso(of("state"), of("code"), of("iss"), of("error"), of("error_description"))
        },
    );
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match done.await {
                    Ok(next) => {
                        view! {
                            <Door title="Signed in" lead="Going on to the portal.">
                                <a class="btn btn-primary btn-block" href=next rel="external">
                                    "Go on"
                                </a>
                            </Door>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Refused(error: AppError) -> impl IntoView {
    let reason = error.fields.first().map_or(error.message, |field| field.reason.clone());
    view! {
        <Door title="Not signed in" lead="The way back from the identity provider ended here.">
            <p class="field-error" role="alert">
                {reason}
            </p>
            <a class="btn btn-primary btn-block" href="/sign-in" rel="external">
                "Sign in again"
            </a>
        </Door>
    }
}
