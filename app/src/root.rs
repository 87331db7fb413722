//! Where the bare address leads, and what a wrong one shows.

use crate::components::{EmptyState, ErrorPage, Glyph, Page, preferred_team, use_me};
use leptos::prelude::*;
use leptos_router::components::Redirect;

/// Goes to the team that was visited last, to the first steps where there is none, or to the sign-in form.
#[component]
pub fn RootPage() -> impl IntoView {
    let me = use_me();
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match me.await {
                    Ok(Some(me)) => {
                        let to = preferred_team(&me).map_or_else(|| "/welcome".to_owned(), |team| format!("/t/{team}"));
                        view! { <Redirect path=to /> }.into_any()
                    }
                    Ok(None) => view! { <Redirect path="/sign-in" /> }.into_any(),
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// An address that no page has.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Page title="Page not found">
            <EmptyState glyph=Glyph::Search title="There is no page at this address" text="Check the address, or start again from Home.">
                <a class="btn btn-primary" href="/">
                    "Go to Home"
                </a>
            </EmptyState>
        </Page>
    }
}
