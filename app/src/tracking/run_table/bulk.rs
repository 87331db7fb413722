//! What can be done to the chosen runs: compared, tagged, deleted with a way back.

use super::{
    api::{delete_runs, tag_runs},
    rows::Rows,
};
use crate::{
    components::{Glyph, Icon, Note, Tone, count},
    error::AppError,
    live::use_live,
};
use domain::model::{BULK_MOST, BulkDone};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::components::Form;

/// Runs that an address has room for.
const COMPARED: usize = 200;
/// Runs that are named where something could not be done to them.
const NAMED: usize = 5;

/// What is asked of the chosen runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    Tag(String, String),
    Untag(String),
    Delete,
    Restore,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Outcome {
    text: String,
    failed: Vec<(String, String)>,
    error: Option<AppError>,
    /// Whether the way back is to restore, else to delete, and which runs.
    undo: Option<(bool, Vec<String>)>,
}

#[component]
pub fn Chosen(
    team: String,
    may_write: bool,
    rows: Rows,
    selected: RwSignal<Vec<String>>,
    #[prop(into)] deleted: Signal<bool>,
) -> impl IntoView {
    let (alive, team) = (use_live().hydrated(), StoredValue::new(team));
    let (waiting, outcome) = (RwSignal::new(false), RwSignal::new(None::<Outcome>));
    let run = move |deed: Deed, ids: Vec<String>| {
        if ids.is_empty() || waiting.get_untracked() {
            return;
        }
        waiting.set(true);
        outcome.set(None);
        spawn_local(async move {
            let told = done(team.get_value(), &deed, ids).await;
            waiting.try_set(false);
            if matches!(deed, Deed::Delete | Deed::Restore) {
                selected.try_set(Vec::new());
            }
            outcome.try_set(Some(told));
            rows.refresh();
        });
    };
    let none = Memo::new(move |_| selected.with(Vec::is_empty));
    view! {
        <div class="bulk-bar runs-bar" role="group" aria-label="Selected runs" class:without-js=move || none.get()>
            <strong class="num needs-js" role="status">{move || format!("{} selected", selected.with(Vec::len))}</strong>
            <Compare team selected alive />
            {may_write
                .then(|| {
                    view! {
                        <TagMenu waiting tag=Callback::new(move |deed| run(deed, selected.get_untracked())) />
                        <button
                            type="button"
                            class="btn btn-sm btn-danger needs-js"
                            disabled=move || waiting.get()
                            on:click=move |_| run(if deleted.get_untracked() { Deed::Restore } else { Deed::Delete }, selected.get_untracked())
                        >
                            <Icon glyph=Glyph::Trash />
                            {move || if deleted.get() { "Restore selected" } else { "Delete selected" }}
                        </button>
                    }
                })}
            <button type="button" class="btn btn-sm btn-ghost needs-js" on:click=move |_| selected.set(Vec::new())>
                "Clear selection"
            </button>
        </div>
        <div class="outcome" role="status">
            {move || {
                waiting.get().then(|| view! { <p class="muted"><Icon glyph=Glyph::Loader class="spin" />" Changing runs"</p> })
            }}
            {move || outcome.get().map(|told| view! { <Told told undo=Callback::new(move |(deed, ids)| run(deed, ids)) /> })}
        </div>
    }
}

/// Does it to the runs, as many at a time as one call takes. What one call refuses stops the rest.
async fn done(team: String, deed: &Deed, ids: Vec<String>) -> Outcome {
    let mut all = BulkDone::default();
    let mut error = None;
    for part in ids.chunks(BULK_MOST) {
        let (team, runs) = (team.clone(), part.join(","));
        let answer = match deed.clone() {
            Deed::Tag(key, value) => tag_runs(team, runs, key, value, false).await,
            Deed::Untag(key) => tag_runs(team, runs, key, String::new(), true).await,
            Deed::Delete => delete_runs(team, runs, false).await,
            Deed::Restore => delete_runs(team, runs, true).await,
        };
        match answer {
            Ok(done) => {
                all.done.extend(done.done);
                all.failed.extend(done.failed);
            }
            Err(refused) => {
                error = Some(refused);
                break;
            }
        }
    }
    let many = count(all.done.len(), "run", "runs");
    let text = match deed {
        Deed::Tag(key, value) => format!("{many} tagged {key} = {value}."),
        Deed::Untag(key) => format!("The tag {key} removed from {many}."),
        Deed::Delete => format!("{many} deleted."),
        Deed::Restore => format!("{many} restored."),
    };
    let changed: Vec<String> = all.done.into_iter().map(|id| id.0).collect();
    let undo = match deed {
        Deed::Delete if !changed.is_empty() => Some((true, changed)),
        Deed::Restore if !changed.is_empty() => Some((false, changed)),
        _ => None,
    };
    Outcome { text, failed: all.failed.into_iter().map(|(id, why)| (id.0, why)).collect(), error, undo }
}

/// What came of it, with the way back.
#[component]
fn Told(told: Outcome, undo: Callback<(Deed, Vec<String>)>) -> impl IntoView {
    let Outcome { text, failed, error, undo: back } = told;
    let tone = if error.is_some() || !failed.is_empty() { Tone::Warning } else { Tone::Good };
    let more = failed.len().saturating_sub(NAMED);
    view! {
        <Note tone>
            <p>
                {text}" "
                {back
                    .map(|(restore, ids)| {
                        let deed = if restore { Deed::Restore } else { Deed::Delete };
                        view! {
                            <button type="button" class="btn btn-sm" on:click=move |_| undo.run((deed.clone(), ids.clone()))>
                                "Undo"
                            </button>
                        }
                    })}
            </p>
            {error.map(|error| view! { <p>{format!("Then it stopped: {}", error.message)}</p> })}
            {failed
                .into_iter()
                .take(NAMED)
                .map(|(id, why)| view! { <p><span class="mono">{id}</span>": "{why}</p> })
                .collect_view()}
            {(more > 0).then(|| view! { <p>{format!("and {more} more.")}</p> })}
        </Note>
    }
}

/// Leads to the chosen runs side by side. Without scripts the boxes say which.
#[component]
fn Compare(team: StoredValue<String>, selected: RwSignal<Vec<String>>, alive: Signal<bool>) -> impl IntoView {
    let too_many = Memo::new(move |_| selected.with(Vec::len) > COMPARED);
    let label = move || selected.with(|ids| if ids.is_empty() { String::new() } else { format!(" ({})", ids.len()) });
    view! {
        <Form method="GET" action=team.with_value(|team| format!("/t/{team}/compare")) attr:id="compare">
            {move || alive.get().then(|| view! { <input type="hidden" name="runs" value=selected.with(|ids| ids.join(",")) /> })}
            <button type="submit" class="btn btn-sm" disabled=move || too_many.get()>
                "Compare selected"
                {label}
            </button>
        </Form>
        {move || too_many.get().then(|| view! { <span class="muted">{format!("At most {COMPARED} runs are compared.")}</span> })}
    }
}

/// Gives the chosen runs a tag, or takes one away.
#[component]
fn TagMenu(waiting: RwSignal<bool>, tag: Callback<Deed>) -> impl IntoView {
    let (key, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let menu = NodeRef::<html::Details>::new();
    let act = move |deed: Deed| {
        if let Some(menu) = menu.get_untracked() {
            _ = menu.remove_attribute("open");
        }
        tag.run(deed);
    };
    let nameless = move || key.with(|key| key.trim().is_empty()) || waiting.get();
    view! {
        <details class="menu tag-menu needs-js" node_ref=menu>
            <summary class="btn btn-sm">"Tag selected"</summary>
            <form
                class="menu-list stack-sm"
                on:submit=move |ev| {
                    ev.prevent_default();
                    if !key.with_untracked(|key| key.trim().is_empty()) {
                        act(Deed::Tag(key.get_untracked().trim().to_owned(), value.get_untracked()));
                    }
                }
            >
                <label class="field-label" for="tag-key">"Tag"</label>
                <input id="tag-key" class="input mono" prop:value=move || key.get() on:input:target=move |ev| key.set(ev.target().value()) />
                <label class="field-label" for="tag-value">"Value"</label>
                <input id="tag-value" class="input mono" prop:value=move || value.get() on:input:target=move |ev| value.set(ev.target().value()) />
                <div class="dialog-actions">
                    <button
                        type="button"
                        class="btn btn-sm"
                        disabled=nameless
                        on:click=move |_| act(Deed::Untag(key.get_untracked().trim().to_owned()))
                    >
                        "Remove tag"
                    </button>
                    <button type="submit" class="btn btn-sm btn-primary" disabled=nameless>
                        "Set tag"
                    </button>
                </div>
            </form>
        </details>
    }
}
