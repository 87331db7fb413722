//! What the URL of the list asks for, and the bar that changes it.

use crate::components::{FilterBar, SearchField, count, query_value, with_query};
use domain::model::{Notebook, NotebookPage, NotebookQuery, PhaseGroup};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// The groups with their value in the URL and their name.
const GROUPS: [(PhaseGroup, &str, &str); 5] = [
    (PhaseGroup::All, "", "All"),
    (PhaseGroup::Running, "running", "Running"),
    (PhaseGroup::Waiting, "waiting", "Waiting"),
    (PhaseGroup::Stopped, "stopped", "Stopped"),
    (PhaseGroup::Failed, "failed", "Failed"),
];

/// From the URL's value; anything unknown shows all.
fn group(text: &str) -> PhaseGroup {
    GROUPS.into_iter().find(|(_, key, _)| *key == text).map_or(PhaseGroup::All, |(group, ..)| group)
}

/// What the URL asks for.
pub fn use_wanted() -> Memo<NotebookQuery> {
    let (text, show, owner, sort, page) =
        (query_value("q"), query_value("show"), query_value("owner"), query_value("sort"), query_value("page"));
    Memo::new(move |_| NotebookQuery {
        text: text.get(),
        group: group(&show.read()),
        mine: *owner.read() == "me",
        sort: sort.get(),
        page: page.read().parse().unwrap_or(1),
    })
}

/// When something last happened in it.
pub fn last_active(notebook: &Notebook) -> i64 {
    notebook.last_activity_at.unwrap_or(notebook.phase_at).max(notebook.created_at)
}

/// `12 notebooks`, `3 of 500`, `26–50 of 500`.
fn how_many(page: &NotebookPage) -> String {
    let NotebookPage { found, total, .. } = *page;
    if page.pages() > 1 {
        let range = format!("{}–{} of {found}", page.first(), page.last());
        if found == total { range } else { format!("{range} found, {total} in all") }
    } else if found == total {
        count(total, "notebook", "notebooks")
    } else {
        format!("{found} of {total}")
    }
}

/// Search, facets, what has arrived, and how many were found.
#[component]
pub fn ListFilter(#[prop(into)] page: Signal<NotebookPage>, #[prop(into)] arrived: Signal<usize>, show: Callback<()>) -> impl IntoView {
    let query = use_query_map();
    let (group, owner) = (query_value("show"), query_value("owner"));
    let path = use_location().pathname;
    let hidden = move || {
        ["show", "owner"]
            .into_iter()
            .filter_map(|name| query.read().get(name).map(|value| view! { <input type="hidden" name=name value=value /> }))
            .collect_view()
    };
    let chip = move |name: &'static str, value: &'static str, text: &'static str, current: Memo<String>| {
        let href = move || with_query(&path.read(), &query.read(), name, value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*current.read() == value).then_some("true")>
                {text}
            </a>
        }
    };
    view! {
        <FilterBar>
            <SearchField label="Search notebooks" />
            {hidden}
            <div class="chips" role="group" aria-label="Status">
                {GROUPS.map(|(_, key, text)| chip("show", key, text, group)).into_iter().collect_view()}
            </div>
            <div class="chips" role="group" aria-label="Owner">
                {chip("owner", "", "Everyone's", owner)}
                {chip("owner", "me", "Mine", owner)}
            </div>
            {move || {
                (arrived.get() > 0)
                    .then(|| {
                        view! {
                            <button type="button" class="chip" on:click=move |_| show.run(())>
                                {format!("Show {}", count(arrived.get(), "new notebook", "new notebooks"))}
                            </button>
                        }
                    })
            }}
            <span class="muted num filter-count">{move || page.with(how_many)}</span>
        </FilterBar>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_says_what_is_shown_of_what_there_is() {
        let said = |page, found, total| how_many(&NotebookPage { notebooks: Vec::new(), page, found, total });
        assert_eq!(said(1, 1, 1), "1 notebook");
        assert_eq!(said(1, 25, 25), "25 notebooks");
        assert_eq!(said(1, 3, 500), "3 of 500");
        assert_eq!(said(1, 500, 500), "1–25 of 500");
        assert_eq!(said(2, 40, 500), "26–40 of 40 found, 500 in all");
        assert_eq!(said(1, 0, 500), "0 of 500");
    }

    #[test]
    fn an_unknown_group_shows_everything() {
        assert_eq!((group("failed"), group(""), group("odd")), (PhaseGroup::Failed, PhaseGroup::All, PhaseGroup::All));
    }
}
