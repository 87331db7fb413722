//! The filter in MLflow's language, with completion and a mark under the word at fault; and the filters that one click sets.

use super::{
    ask::TableAsk,
    complete::{fault, suggestions},
};
use crate::components::{Glyph, Icon, with_query};
use domain::model::RunKeys;
use leptos::{ev, html, prelude::*};
use leptos_router::{
    components::Form,
    hooks::{use_location, use_query_map},
};

/// MLflow's filter language in a GET form, so that it works without scripts and can be linked.
#[component]
pub fn RunsFilter(ask: Memo<TableAsk>, keys: Signal<RunKeys>, refused: Signal<Option<String>>) -> impl IntoView {
    let path = use_location().pathname;
    let input = NodeRef::<html::Input>::new();
    let (text, focused, chosen) =
        (RwSignal::new(ask.with_untracked(|ask| ask.filter.clone())), RwSignal::new(false), RwSignal::new(None::<usize>));
    Effect::new(move |before: Option<String>| {
        let now = ask.read().filter.clone();
        if before.is_some_and(|before| before != now) {
            text.set(now.clone());
        }
        now
    });
    let offered = Memo::new(move |_| if focused.get() { keys.with(|keys| suggestions(&text.read(), keys)) } else { (0, Vec::new()) });
    let shown = move || offered.with(|(_, all)| !all.is_empty());
    let take = move |suggestion: &str| {
        let (start, _) = offered.get_untracked();
        text.update(|text| {
            text.truncate(start);
            text.push_str(suggestion);
            text.push(' ');
        });
        chosen.set(None);
        if let Some(input) = input.get_untracked() {
            _ = input.focus();
        }
    };
    let keydown = move |ev: ev::KeyboardEvent| {
        let many = offered.with_untracked(|(_, all)| all.len());
        match (ev.key().as_str(), chosen.get_untracked()) {
            ("ArrowDown", now) if many > 0 => chosen.set(Some(now.map_or(0, |now| (now + 1) % many))),
            ("ArrowUp", now) if many > 0 => chosen.set(Some(now.map_or(many - 1, |now| (now + many - 1) % many))),
            ("Enter" | "Tab", Some(now)) if now < many => take(&offered.with_untracked(|(_, all)| all[now].clone())),
            ("Escape", _) if many > 0 => {
                focused.set(false);
                chosen.set(None);
            }
            _ => return,
        }
        ev.prevent_default();
    };
    let hidden = move || {
        let keep = |(name, value): (&'static str, &str)| {
            (!value.is_empty() && name != "filter").then(|| view! { <input type="hidden" name=name value=value.to_owned() /> })
        };
        ask.read().parts().map(keep).into_iter().collect_view()
    };
    // What was sent and refused, as long as it stands there.
    let marked = move || {
        let (sent, reason) = (ask.read().filter.clone(), refused.get()?);
        if sent != *text.read() {
            return None;
        }
        let (start, end) = fault(&sent, &reason)?;
        // At the end of the text there is no word, so the place after it is marked.
        let word = if start == end { " ".to_owned() } else { sent[start..end].to_owned() };
        Some(view! { <span class="filter-mark mono" aria-hidden="true">{sent[..start].to_owned()}<mark>{word}</mark></span> })
    };
    view! {
        <Form method="GET" action=path.get_untracked() attr:class="filter-bar runs-filter" attr:role="search" attr:aria-label="Filter runs">
            {hidden}
            <div class="filter-field">
                <label class="search filter-query">
                    <Icon glyph=Glyph::Search />
                    <span class="sr-only">"Filter"</span>
                    <input
                        class="input mono"
                        type="text"
                        name="filter"
                        node_ref=input
                        role="combobox"
                        aria-autocomplete="list"
                        aria-expanded=move || shown().to_string()
                        aria-controls="filter-options"
                        aria-activedescendant=move || chosen.get().map(|i| format!("filter-option-{i}"))
                        aria-invalid=move || refused.read().is_some().then_some("true")
                        aria-describedby="filter-error"
                        value=text.get_untracked()
                        prop:value=move || text.get()
                        placeholder="metrics.loss < 0.5 and params.optimizer = 'adam'"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        data-search
                        on:input:target=move |ev| {
                            text.set(ev.target().value());
                            focused.set(true);
                            chosen.set(None);
                        }
                        on:focus=move |_| focused.set(true)
                        on:blur=move |_| focused.set(false)
                        on:keydown=keydown
                    />
                    {marked}
                </label>
                <Suggestions offered chosen take=Callback::new(move |taken: String| take(&taken)) />
                <p class="field-error" id="filter-error" aria-live="polite">
                    {move || refused.get()}
                </p>
            </div>
            <button type="submit" class="btn">"Filter runs"</button>
        </Form>
    }
}

/// What may be typed next.
#[component]
fn Suggestions(offered: Memo<(usize, Vec<String>)>, chosen: RwSignal<Option<usize>>, take: Callback<String>) -> impl IntoView {
    let one = move |(i, suggestion): (usize, String)| {
        let taken = suggestion.clone();
        let press = move |ev: ev::MouseEvent| {
            // The field keeps the focus.
            ev.prevent_default();
            take.run(taken.clone());
        };
        view! {
            <li
                id=format!("filter-option-{i}")
                class="mono"
                role="option"
                aria-selected=move || (chosen.get() == Some(i)).to_string()
                on:mousedown=press
            >
                {suggestion}
            </li>
        }
    };
    view! {
        <ul
            class="filter-options"
            id="filter-options"
            role="listbox"
            aria-label="Suggestions"
            hidden=move || offered.with(|(_, all)| all.is_empty())
        >
            {move || offered.get().1.into_iter().enumerate().map(one).collect_view()}
        </ul>
    }
}

/// Filters as links.
#[component]
pub fn QuickFilters(ask: Memo<TableAsk>) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let chip = move |name: &'static str, value: &'static str, label: &'static str| {
        let on = Memo::new(move |_| ask.read().parts().iter().any(|(part, now)| *part == name && *now == value));
        // Pressed again it goes.
        let href = move || with_query(&path.read(), &query.read(), name, if on.get() { "" } else { value });
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || on.get().then_some("true")>
                {label}
            </a>
        }
    };
    view! {
        <div class="chips" role="group" aria-label="Quick filters">
            {chip("status", "running", "Running")}
            {chip("status", "finished", "Finished")}
            {chip("status", "failed", "Failed")}
            {chip("mine", "1", "Mine")}
            {chip("last", "24", "Last 24 h")}
            {chip("show", "deleted", "Deleted")}
            {chip("nested", "1", "Nested")}
        </div>
    }
}
