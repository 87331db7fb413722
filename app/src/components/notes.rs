//! What a page says when there is nothing, when something failed, and while it loads.

use super::{
    icon::{Glyph, Icon},
    page::Page,
    status::Tone,
};
use crate::error::{AppError, ErrorKind};
use leptos::prelude::*;

/// Nothing here yet, why that is fine, and what to do next.
#[component]
pub fn EmptyState(
    glyph: Glyph,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-mark"><Icon glyph class="icon-lg" /></span>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="row center">{children()}</div> })}
        </div>
    }
}

/// A sentence or two with an icon in the tone's colour.
#[component]
pub fn Note(tone: Tone, children: Children) -> impl IntoView {
    let role = if tone == Tone::Bad { "alert" } else { "note" };
    view! {
        <div class=format!("note note-{}", tone.as_str()) role=role>
            <Icon glyph=tone.glyph() />
            <div>{children()}</div>
        </div>
    }
}

/// What to do about an error of this kind, and where a link helps, the link.
fn next_step(kind: ErrorKind) -> (&'static str, Option<(&'static str, &'static str)>) {
    match kind {
        ErrorKind::NotFound => ("It may have been deleted, or it belongs to a team you are not in.", Some(("/", "Go to Home"))),
        ErrorKind::Unauthenticated => ("Your session has ended.", Some(("/sign-in", "Sign in"))),
        ErrorKind::Forbidden => ("Ask an administrator for access.", Some(("/", "Go to Home"))),
        ErrorKind::Unavailable | ErrorKind::Network | ErrorKind::Internal => ("Reload the page in a moment.", None),
        _ => ("", None),
    }
}

/// What happened and what to do.
#[component]
pub fn ErrorNote(error: AppError) -> impl IntoView {
    let (hint, link) = next_step(error.kind);
    view! {
        <Note tone=Tone::Bad>
            <p>{error.message}</p>
            {(!hint.is_empty()).then(|| view! { <p class="muted">{hint}</p> })}
            {link.map(|(href, text)| view! { <p><a href=href>{text}</a></p> })}
        </Note>
    }
}

/// A whole page that could not be shown.
#[component]
pub fn ErrorPage(error: AppError) -> impl IntoView {
    let title = match error.kind {
        ErrorKind::NotFound => "Not found",
        ErrorKind::Forbidden => "No access",
        ErrorKind::Unauthenticated => "Signed out",
        _ => "This page could not be shown",
    };
    view! {
        <Page title=title>
            <ErrorNote error />
        </Page>
    }
}

/// Grey bars where content will be.
#[component]
pub fn Loading(#[prop(default = 4)] rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="sr-only">"Loading"</span>
            {(0..rows).map(|_| view! { <div class="skeleton-row"></div> }).collect_view()}
        </div>
    }
}

/// A page's bones while its data is fetched.
#[component]
pub fn LoadingPage(title: &'static str) -> impl IntoView {
    view! {
        <Page title=title>
            <Loading />
        </Page>
    }
}

/// What was loaded, or the page that says why it was not.
pub fn page_or_error<T, V: IntoView + 'static>(loaded: Result<T, AppError>, page: impl FnOnce(T) -> V) -> AnyView {
    match loaded {
        Ok(data) => page(data).into_any(),
        Err(error) => view! { <ErrorPage error /> }.into_any(),
    }
}
