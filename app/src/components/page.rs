//! The bones of every page: breadcrumbs, one title line, content.

use super::icon::{Glyph, Icon};
use leptos::{children::ViewFnOnce, prelude::*, text_prop::TextProp};
use leptos_meta::Title;

/// One step of the way to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub text: String,
    pub href: String,
}

impl Crumb {
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into() }
    }
}

/// Text for those elements whose content Leptos writes into a rendered document as it is: a title, a textarea. In a browser it stays as it is.
pub(super) fn as_text(text: String) -> String {
    if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text }
}

/// A page. `count` stands beside the title; `actions` holds one primary action and at most a menu; `lead` says in a line what the page is for.
#[component]
pub fn Page(
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] count: Option<Signal<usize>>,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional, into)] lead: String,
    /// A badge or the like beside the title.
    #[prop(optional, into)]
    status: ViewFnOnce,
    #[prop(optional, into)] actions: ViewFnOnce,
    /// A narrow column for forms.
    #[prop(optional)]
    narrow: bool,
    children: Children,
) -> impl IntoView {
    // A rendered page asks for its title when this part of it may be gone already; only in a browser can the title change.
    let name: TextProp = if cfg!(feature = "ssr") { as_text(title.get_untracked()).into() } else { (move || title.get()).into() };
    view! {
        <Title text=name />
        <div class=if narrow { "page page-narrow" } else { "page" }>
            <header class="page-head">
                {(!crumbs.is_empty())
                    .then(|| {
                        view! {
                            <nav class="crumbs" aria-label="Breadcrumbs">
                                <ol>
                                    {crumbs
                                        .into_iter()
                                        .map(|crumb| {
                                            view! {
                                                <li>
                                                    <a href=crumb.href>{crumb.text}</a>
                                                    <Icon glyph=Glyph::ChevronRight />
                                                </li>
                                            }
                                        })
                                        .collect_view()}
                                </ol>
                            </nav>
                        }
                    })}
                <div class="page-title">
                    <h1>
                        {move || title.get()}
                        {count.map(|count| view! { <span class="page-count">" "{move || count.get()}</span> })}
                    </h1>
                    {status.run()}
                    <div class="page-actions">{actions.run()}</div>
                </div>
                {(!lead.is_empty()).then(|| view! { <p class="page-lead">{lead}</p> })}
            </header>
            {children()}
        </div>
    }
}
