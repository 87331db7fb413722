//! Lists whose filter and order live in the URL, so that anything that can be filtered can be linked.

use super::icon::{Glyph, Icon};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    components::Form,
    hooks::{use_location, use_navigate, use_query_map},
};
use std::cmp::Ordering;

/// The value of a query parameter, empty where it is missing.
pub fn query_value(name: &'static str) -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| q.get_str(name).unwrap_or_default().to_owned()))
}

/// `path` with the present query, in which `name` is set to `value` (removed where empty). What a plain POST left behind is dropped, and so is
/// the page: another filter or order begins with its first.
pub fn with_query(path: &str, query: &leptos_router::params::ParamsMap, name: &str, value: &str) -> String {
    let mut query = query.clone();
    // A form adds the button that sent it, also one without a name.
    for gone in [name, "", "page", "past", "__err", "__path"] {
        query.remove(gone);
    }
    if !value.is_empty() {
        query.insert(name.to_owned(), value.to_owned());
    }
    format!("{path}{}", query.to_query_string())
}

/// Puts two values in the order that `sort` asks for: `name` ascending, `-name` descending.
pub fn sort_order(sort: &str, ascending: Ordering) -> Ordering {
    if sort.starts_with('-') { ascending.reverse() } else { ascending }
}

/// A column's head that sorts by it; pressed again, the other way round. The default order is `default` (for example `-created`).
#[component]
pub fn SortHeader(
    key: &'static str,
    #[prop(into)] label: String,
    #[prop(default = "name")] default: &'static str,
    #[prop(optional)] numeric: bool,
) -> impl IntoView {
    let (query, location) = (use_query_map(), use_location());
    let sort = query_value("sort");
    let direction = move || {
        let sort = sort.get();
        let sort = if sort.is_empty() { default } else { &sort };
        match sort.strip_prefix('-') {
            Some(name) if name == key => Some(true),
            None if sort == key => Some(false),
            _ => None,
        }
    };
    let href = move || {
        let next = if direction() == Some(false) { format!("-{key}") } else { key.to_owned() };
        with_query(&location.pathname.get(), &query.read(), "sort", &next)
    };
    let order = move || direction().map(|down| if down { "descending" } else { "ascending" });
    view! {
        <th scope="col" class:num=numeric aria-sort=order>
            <a class="sort" href=href data-noscroll="true">
                {label}
                {move || direction().map(|down| view! { <Icon glyph=if down { Glyph::ArrowDown } else { Glyph::ArrowUp } /> })}
            </a>
        </th>
    }
}

/// A column of a list.
#[derive(Clone, Copy)]
pub struct Column {
    label: &'static str,
    /// The order by it.
    key: Option<&'static str>,
    class: &'static str,
}

impl Column {
    /// Holds what may be done to a row.
    pub const ACTIONS: Self = Self { label: "Actions", key: None, class: "th-actions" };

    /// Has no order.
    pub const fn plain(label: &'static str) -> Self {
        Self { label, key: None, class: "" }
    }

    /// Sorts the list by `key`.
    pub const fn sorted(key: &'static str, label: &'static str) -> Self {
        Self { label, key: Some(key), class: "" }
    }

    /// The same, of numbers.
    pub const fn numbers(key: &'static str, label: &'static str) -> Self {
        Self { label, key: Some(key), class: "num" }
    }
}

/// A list's table: heads that sort it, the rows, and `nothing` where the filter lets none through. Its order is `default` without a choice.
#[component]
pub fn ListTable(
    caption: &'static str,
    columns: &'static [Column],
    default: &'static str,
    nothing: &'static str,
    #[prop(into)] none: Signal<bool>,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let head = |column: &Column| match *column {
        Column { label, key: Some(key), class } => view! { <SortHeader key label default numeric=class == "num" /> }.into_any(),
        Column { label, key: None, class: "" } => view! { <th scope="col">{label}</th> }.into_any(),
        Column { label, key: None, class } => view! {
            <th scope="col" class=class>
                <span class="sr-only">{label}</span>
            </th>
        }
        .into_any(),
    };
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">{caption}</caption>
                <thead>
                    <tr>{columns.iter().map(head).collect_view()}</tr>
                </thead>
                <tbody>
                    {children()}
                    {move || {
                        none.get().then(|| view! { <tr><td colspan=columns.len().to_string() class="table-none">{nothing}</td></tr> })
                    }}
                </tbody>
            </table>
        </div>
    }
}

/// The bar above a list: a GET form, so that it works without JavaScript. Keeps the order.
#[component]
pub fn FilterBar(#[prop(default = "Filter")] label: &'static str, children: Children) -> impl IntoView {
    let sort = query_value("sort");
    let path = use_location().pathname.get_untracked();
    view! {
        <Form method="GET" action=path attr:class="filter-bar" attr:role="search" attr:aria-label=label>
            {move || (!sort.read().is_empty()).then(|| view! { <input type="hidden" name="sort" value=sort.get() /> })}
            {children()}
        </Form>
    }
}

/// A search box that filters as one types and keeps its text in the URL.
#[component]
pub fn SearchField(#[prop(default = "q")] name: &'static str, #[prop(into)] label: String) -> impl IntoView {
    let (query, location) = (use_query_map(), use_location());
    let text = query_value(name);
    let navigate = use_navigate();
    let follow = move |value: String| {
        let to = with_query(&location.pathname.get_untracked(), &query.read_untracked(), name, &value);
        navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    };
    view! {
        <label class="search">
            <Icon glyph=Glyph::Search />
            <span class="sr-only">{label.clone()}</span>
            <input
                class="input"
                type="search"
                name=name
                value=text.get_untracked()
                prop:value=move || text.get()
                placeholder=label
                autocomplete="off"
                spellcheck="false"
                data-search
                on:input:target=move |ev| follow(ev.target().value())
            />
        </label>
    }
}

/// The way through the pages of a list, as links; nothing where there is one page.
#[component]
pub fn Pager(label: &'static str, #[prop(into)] page: Signal<usize>, #[prop(into)] pages: Signal<usize>) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let to = move |page: usize| with_query(&path.read(), &query.read(), "page", &if page > 1 { page.to_string() } else { String::new() });
    move || {
        let (page, pages) = (page.get(), pages.get());
        (pages > 1).then(|| {
            view! {
                <nav class="pager" aria-label=label>
                    {(page > 1).then(|| view! { <a class="btn btn-sm" rel="prev" href=to(page - 1)>"Previous page"</a> })}
                    <span class="muted num">{format!("Page {page} of {pages}")}</span>
                    {(page < pages).then(|| view! { <a class="btn btn-sm" rel="next" href=to(page + 1)>"Next page"</a> })}
                </nav>
            }
        })
    }
}
