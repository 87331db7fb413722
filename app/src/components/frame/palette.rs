//! The command palette: pages, notebooks by name and actions, by a few letters.

use super::{
    command::{groups, own_places},
    keys::KEYS,
    me::{preferred_team, same_page_in, team_in},
    preferences::set_theme,
};
use crate::{
    components::icon::{Glyph, Icon},
    notebooks::api::list_notebooks,
};
use domain::model::{Me, Notebook, Role};
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::{use_location, use_navigate};

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Go(String),
    Theme(&'static str),
    Keys,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    glyph: Glyph,
    text: String,
    note: String,
    act: Act,
}

fn entry(glyph: Glyph, text: impl Into<String>, note: impl Into<String>, act: Act) -> Entry {
    Entry { glyph, text: text.into(), note: note.into(), act }
}

/// Everything that can be chosen, in the order it is offered.
fn entries(me: &Me, path: &str, notebooks: &[Notebook]) -> Vec<Entry> {
    let team = team_in(path).map(str::to_owned).or_else(|| preferred_team(me));
    let mut all = Vec::new();
    for group in groups(me, team.as_deref()) {
        all.extend(group.places.into_iter().map(|p| entry(p.glyph, p.text, group.title, Act::Go(p.href))));
    }
    all.extend(
        notebooks
            .iter()
            .map(|n| entry(Glyph::Notebook, n.spec.name.clone(), n.phase.as_str(), Act::Go(format!("/t/{}/notebooks/{}", n.team, n.id)))),
    );
    if let Some(team) = team.as_deref()
        && super::role_in(me, team) >= Some(Role::Member)
    {
        all.push(entry(Glyph::Plus, "New notebook", "Action", Act::Go(format!("/t/{team}/notebooks/new"))));
    }
    all.extend(own_places().into_iter().map(|p| entry(p.glyph, p.text, "You", Act::Go(p.href))));
    for membership in me.teams.iter().filter(|m| Some(&m.team_name) != team.as_ref()) {
        all.push(entry(
            Glyph::Users,
            format!("Switch to {}", membership.team_name),
            "Team",
            Act::Go(same_page_in(path, &membership.team_name)),
        ));
    }
    all.push(entry(Glyph::Plus, "Create team", "Action", Act::Go("/teams/new".to_owned())));
    for (glyph, theme, text) in
        [(Glyph::Sun, "light", "Light theme"), (Glyph::Moon, "dark", "Dark theme"), (Glyph::Monitor, "system", "Theme as the system")]
    {
        all.push(entry(glyph, text, "Action", Act::Theme(theme)));
    }
    all.push(entry(Glyph::Keyboard, "Show keys", "Action", Act::Keys));
    all
}

/// Entries that hold every word of `text`, those that start with it first.
fn matching(all: Vec<Entry>, text: &str) -> Vec<Entry> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<Entry> = all
        .into_iter()
        .filter(|e| {
            let hay = format!("{} {}", e.text, e.note).to_lowercase();
            words.iter().all(|w| hay.contains(w))
        })
        .collect();
    if !text.is_empty() {
        found.sort_by_key(|e| !e.text.to_lowercase().starts_with(&text));
    }
    found.truncate(50);
    found
}

#[component]
pub(super) fn Palette(me: RwSignal<Option<Me>>, node: NodeRef<html::Dialog>, keys: NodeRef<html::Dialog>) -> impl IntoView {
    let path = use_location().pathname;
    let navigate = use_navigate();
    let (text, chosen, open) = (RwSignal::new(String::new()), RwSignal::new(0_usize), RwSignal::new(false));
    let notebooks = RwSignal::new(Vec::<Notebook>::new());
    // Follows who is signed in: whoever opens the palette at once after signing in does so before that is known.
    Effect::new(move |_| {
        let Some(me) = me.get().filter(|_| open.get()) else { return };
        let team = team_in(&path.read_untracked()).map(str::to_owned).or_else(|| preferred_team(&me));
        if let Some(team) = team {
            leptos::task::spawn_local(async move {
                if let Ok(found) = list_notebooks(team).await {
                    notebooks.set(found);
                }
            });
        }
    });
    let found = Memo::new(move |_| {
        if !open.get() {
            return Vec::new();
        }
        let Some(me) = me.get() else { return Vec::new() };
        matching(entries(&me, &path.read(), &notebooks.read()), &text.read())
    });
    let close = move || {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    let run = move |act: Act| {
        close();
        match act {
            Act::Go(href) => navigate(&href, leptos_router::NavigateOptions::default()),
            Act::Theme(theme) => set_theme(theme),
            Act::Keys => {
                if let Some(dialog) = keys.get_untracked() {
                    _ = dialog.show_modal();
                }
            }
        }
    };
    let run = StoredValue::new(run);
    let on_key = move |ev: ev::KeyboardEvent| {
        let last = found.read_untracked().len().saturating_sub(1);
        match ev.key().as_str() {
            "ArrowDown" => chosen.update(|c| *c = if *c >= last { 0 } else { *c + 1 }),
            "ArrowUp" => chosen.update(|c| *c = if *c == 0 { last } else { *c - 1 }),
            "Enter" => {
                if let Some(entry) = found.read_untracked().get(chosen.get_untracked()).cloned() {
                    run.with_value(|run| run(entry.act));
                }
            }
            _ => return,
        }
        ev.prevent_default();
        if let Ok(Some(option)) = document().query_selector("#palette-list [aria-selected=true]") {
            option.scroll_into_view_with_bool(false);
        }
    };
    let item = move |(i, entry): (usize, Entry)| {
        let act = entry.act.clone();
        view! {
            <li
                role="option"
                id=format!("palette-{i}")
                aria-selected=move || if chosen.get() == i { "true" } else { "false" }
                on:click=move |_| run.with_value(|run| run(act.clone()))
                on:mousemove=move |_| if chosen.get_untracked() != i { chosen.set(i) }
            >
                <Icon glyph=entry.glyph />
                <span class="grow">{entry.text}</span>
                <span class="muted">{entry.note}</span>
            </li>
        }
    };
    view! {
        <dialog
            class="dialog palette"
            node_ref=node
            aria-label="Search pages, notebooks and actions"
            on:toggle=move |_| open.set(node.get_untracked().is_some_and(|dialog| dialog.open()))
            on:close=move |_| {
                open.set(false);
                text.set(String::new());
                chosen.set(0);
            }
            on:click=move |ev| {
                if ev.target() == ev.current_target() {
                    close();
                }
            }
        >
            <div class="palette-body">
                <div class="palette-input">
                    <Icon glyph=Glyph::Search />
                    <input
                        type="text"
                        role="combobox"
                        aria-expanded="true"
                        aria-controls="palette-list"
                        aria-activedescendant=move || format!("palette-{}", chosen.get())
                        aria-label="Search pages, notebooks and actions"
                        placeholder="Search pages, notebooks and actions"
                        autocomplete="off"
                        spellcheck="false"
                        autofocus
                        prop:value=move || text.get()
                        on:input:target=move |ev| {
                            text.set(ev.target().value());
                            chosen.set(0);
                        }
                        on:keydown=on_key
                    />
                    <kbd>"Esc"</kbd>
                </div>
                <ul id="palette-list" role="listbox" aria-label="Results">
                    {move || found.get().into_iter().enumerate().map(item).collect_view()}
                </ul>
                {move || (open.get() && found.read().is_empty()).then(|| view! { <p class="palette-none">"Nothing matches. Try fewer letters."</p> })}
            </div>
        </dialog>
    }
}

/// The keys of every page.
#[component]
pub(super) fn KeysDialog(node: NodeRef<html::Dialog>) -> impl IntoView {
    let close = move || {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class="dialog" node_ref=node aria-label="Keys" on:click=move |ev| if ev.target() == ev.current_target() { close() }>
            <div class="dialog-body">
                <h2>"Keys"</h2>
                <dl class="keys">
                    {KEYS
                        .iter()
                        .map(|(key, what)| view! { <div><dt><kbd>{*key}</kbd></dt><dd>{*what}</dd></div> })
                        .collect_view()}
                </dl>
                <div class="dialog-actions">
                    <button type="button" class="btn" on:click=move |_| close()>
                        "Close"
                    </button>
                </div>
            </div>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_with_the_letters_comes_first_and_every_word_must_match() {
        let all = || ["Members", "New notebook", "Notebooks"].map(|t| entry(Glyph::Box, t, "", Act::Keys)).to_vec();
        let texts = |text: &str| matching(all(), text).into_iter().map(|e| e.text).collect::<Vec<_>>();
        assert_eq!(texts("note"), ["Notebooks", "New notebook"]);
        assert_eq!(texts("book new"), ["New notebook"]);
        assert_eq!(texts("").len(), 3);
        assert!(texts("zzz").is_empty());
    }
}
