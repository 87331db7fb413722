//! The heads of the columns, which sort the table.

use super::ask::{Shown, sort_key};
use crate::components::{Glyph, Icon, query_value, with_query};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// The classes of a cell in column number `i`.
pub fn cell_class(i: usize, shown: &Shown) -> String {
    let mut class = if shown.is_number() { "num".to_owned() } else { String::new() };
    if shown.pinned {
        class.push_str(" pin pin");
        class.push_str(&i.to_string());
    }
    class
}

/// The head of column number `i`.
#[component]
pub fn Head(i: usize, shown: Shown) -> impl IntoView {
    let (query, path, now) = (use_query_map(), use_location().pathname, query_value("sort"));
    let (key, label, class) = (sort_key(&shown.column), shown.column.label().to_owned(), cell_class(i, &shown));
    let title = label.clone();
    if shown.column.order().is_none() {
        return view! { <th scope="col" class=class title=title>{label}</th> }.into_any();
    }
    let descending = format!("-{key}");
    let (up, down) = (key.clone(), descending.clone());
    // Without a choice the newest start comes first.
    let default = key == "started";
    let direction = Memo::new(move |_| {
        now.with(|now| match now.as_str() {
            "" => default.then_some(true),
            now if now == down => Some(true),
            now if now == up => Some(false),
            _ => None,
        })
    });
    // Of numbers and times the greatest are of most interest.
    let first_down = shown.is_number() || default || key == "ended";
    let href = move || {
        let now = direction.get();
        let down = now == Some(false) || (now.is_none() && first_down);
        let next = if down { &descending } else { &key };
        with_query(&path.read(), &query.read(), "sort", next)
    };
    view! {
        <th scope="col" class=class aria-sort=move || direction.get().map(|down| if down { "descending" } else { "ascending" })>
            <a class="sort" href=href data-noscroll="true" title=title>
                <span class="clip">{label}</span>
                {move || direction.get().map(|down| view! { <Icon glyph=if down { Glyph::ArrowDown } else { Glyph::ArrowUp } /> })}
            </a>
        </th>
    }
    .into_any()
}
