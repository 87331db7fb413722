//! The live tail of a notebook's log: follow, search, older lines, download.

use super::{
    api::notebook_logs,
    log_lines::{Entry, Lines},
    sgr::{mark, pieces, plain},
    words::page_of,
};
use crate::{
    components::{Checkbox, ErrorNote, Glyph, Icon, Loading, Tone, bytes, use_toasts},
    live::Socket,
};
use domain::model::{LogPage, Notebook, NotebookId};
use leptos::{html, prelude::*, task::spawn_local};

/// Lines fetched at first.
const FIRST: u32 = 500;
/// How far back "older lines" reads each time, in bytes.
const STEP: u64 = 24 * 1024;

/// The log of one notebook.
#[component]
pub fn LogView(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let (team, id, page) = notebook.with_untracked(|n| (n.team.clone(), n.id.clone(), page_of(n)));
    let first = Resource::new(
        {
            let (team, id) = (team.clone(), id.clone());
            move || (team.clone(), id.clone())
        },
        |(team, id)| notebook_logs(team, id, None, FIRST),
    );
    view! {
        <Transition fallback=|| view! { <Loading rows=8 /> }>
            {move || {
                let (team, id, page) = (team.clone(), id.clone(), page.clone());
                Suspend::new(async move {
                    match first.await {
                        Ok(log) => view! { <LogTail log team id page /> }.into_any(),
                        Err(error) => view! { <ErrorNote error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// Keeps the lines up to date while the view lives; each message carries what comes after the last line known.
fn tail(page: String, lines: RwSignal<Lines>) {
    Effect::new(move |_| {
        let page = page.clone();
        let address = move || format!("{page}/logs/live?from={}", lines.with_untracked(|l| l.next));
        let socket = Socket::open(address, move |text| {
            if let Ok(log) = serde_json::from_str::<LogPage>(text)
                && (!log.lines.is_empty() || log.dropped_bytes > 0)
            {
                lines.try_update(|known| known.append(log));
            }
        });
        let socket = StoredValue::new_local(socket);
        on_cleanup(move || _ = socket.try_with_value(Socket::close));
    });
}

#[component]
fn LogTail(log: LogPage, team: String, id: NotebookId, page: String) -> impl IntoView {
    let lines = RwSignal::new(Lines::new(log, FIRST as usize));
    let (follow, text, at) = (RwSignal::new(true), RwSignal::new(String::new()), RwSignal::new(0_usize));
    let view_node = NodeRef::<html::Div>::new();
    tail(page.clone(), lines);
    let to_end = move || {
        if let Some(view) = view_node.get_untracked() {
            view.set_scroll_top(view.scroll_height());
        }
    };
    Effect::new(move |_| {
        lines.track();
        if follow.get() {
            request_animation_frame(to_end);
        }
    });
    let scrolled = move |_| {
        if let Some(view) = view_node.get_untracked() {
            let at_end = view.scroll_height() - view.scroll_top() - view.client_height() < 24;
            if at_end != follow.get_untracked() {
                follow.set(at_end);
            }
        }
    };
    let hits = Memo::new(move |_| {
        let needle = text.get().to_ascii_lowercase();
        if needle.is_empty() {
            return Vec::new();
        }
        lines.with(|l| {
            let found = |e: &Entry| match e {
                Entry::Line(line) => plain(&line.text).to_ascii_lowercase().contains(&needle),
                Entry::Gap { .. } => false,
            };
            l.entries.iter().filter(|e| found(e)).map(Entry::key).collect::<Vec<_>>()
        })
    });
    let current = Memo::new(move |_| hits.with(|h| h.get(at.get().min(h.len().saturating_sub(1))).copied()));
    let step = move |back: bool| {
        let count = hits.with_untracked(Vec::len);
        if count > 0 {
            follow.set(false);
            at.update(|n| *n = if back { (*n + count - 1) % count } else { (*n + 1) % count });
            request_animation_frame(move || {
                if let Some(line) = document().query_selector(".log-line.hit-now").ok().flatten() {
                    line.scroll_into_view_with_bool(false);
                }
            });
        }
    };
    let empty = Memo::new(move |_| lines.with(|l| l.entries.is_empty()));
    view! {
        <div class="log">
            <div class="log-bar">
                <label class="search">
                    <Icon glyph=Glyph::Search />
                    <span class="sr-only">"Search the log"</span>
                    <input
                        class="input needs-js"
                        type="search"
                        placeholder="Search the log"
                        data-search=""
                        spellcheck="false"
                        autocomplete="off"
                        on:input:target=move |ev| {
                            text.set(ev.target().value());
                            at.set(0);
                        }
                        on:keydown=move |ev| {
                            if ev.key() == "Enter" {
                                ev.prevent_default();
                                step(ev.shift_key());
                            }
                        }
                    />
                </label>
                <span class="muted num" aria-live="polite">
                    {move || {
                        (!text.with(String::is_empty))
                            .then(|| match hits.with(Vec::len) {
                                0 => "No match".to_owned(),
                                count => format!("{} of {count}", at.get().min(count - 1) + 1),
                            })
                    }}
                </span>
                <div class="row end log-bar-end needs-js">
                    <Checkbox label="Follow" name="follow" bind=follow />
                </div>
                <a class="btn btn-sm" href=format!("{page}/logs/download") rel="external" download="">
                    <Icon glyph=Glyph::Download />
                    "Download log"
                </a>
            </div>
            <div class="log-view" node_ref=view_node on:scroll=scrolled tabindex="0" role="log" aria-label="Log" aria-live="off">
                <OlderLines lines team id />
                {move || empty.get().then(|| view! { <p class="log-note">"Nothing has been written yet. Lines appear here as they come."</p> })}
                <For each=move || lines.with(|l| l.entries.clone()) key=Entry::key let:entry>
                    <LogEntry entry text current />
                </For>
            </div>
        </div>
    }
}

#[component]
fn LogEntry(entry: Entry, text: RwSignal<String>, current: Memo<Option<(u64, bool)>>) -> impl IntoView {
    let key = entry.key();
    match entry {
        Entry::Gap { bytes: lost, .. } => {
            view! { <p class="log-note">{format!("{} are no longer kept or were skipped here.", bytes(lost))}</p> }.into_any()
        }
        Entry::Line(line) => {
            let shown = Memo::new(move |_| mark(pieces(&line.text), &text.read()));
            let is_hit = move || text.with(|t| !t.is_empty()) && current.get() == Some(key);
            view! {
                <div class="log-line" class:hit-now=is_hit>
                    {move || {
                        shown
                            .get()
                            .into_iter()
                            .map(|piece| match (piece.found, piece.class.is_empty()) {
                                (false, true) => piece.text.into_any(),
                                (true, _) => view! { <mark class=piece.class>{piece.text}</mark> }.into_any(),
                                (false, false) => view! { <span class=piece.class>{piece.text}</span> }.into_any(),
                            })
                            .collect_view()
                    }}
                </div>
            }
            .into_any()
        }
    }
}

/// Reads further back on demand.
#[component]
fn OlderLines(lines: RwSignal<Lines>, team: String, id: NotebookId) -> impl IntoView {
    let (busy, toasts) = (RwSignal::new(false), use_toasts());
    let load = move |_| {
        let Some(first) = lines.with_untracked(Lines::first_end) else { return };
        let (team, id) = (team.clone(), id.clone());
        busy.set(true);
        spawn_local(async move {
            let mut reach = STEP;
            loop {
                let from = first.saturating_sub(reach);
                match notebook_logs(team.clone(), id.clone(), Some(from), 5000).await {
                    Ok(page) => {
                        // A line longer than the reach yields nothing; reach further.
                        if lines.try_update(|known| known.prepend(page, from)) != Some(false) || from == 0 {
                            break;
                        }
                        reach *= 4;
                    }
                    Err(error) => {
                        toasts.show(Tone::Bad, error.message);
                        break;
                    }
                }
            }
            _ = busy.try_set(false);
        });
    };
    let has_older = Memo::new(move |_| lines.with(|l| l.has_older));
    view! {
        <Show when=move || has_older.get()>
            <p class="log-note needs-js">
                <button type="button" class="btn btn-sm" disabled=busy on:click=load.clone()>
                    "Show older lines"
                </button>
            </p>
        </Show>
    }
}

/// The last lines of a log in a card, for a notebook that failed.
#[component]
pub fn LastLines(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let source = move || notebook.with(|n| (n.team.clone(), n.id.clone(), n.launch));
    let last = Resource::new(source, |(team, id, _)| notebook_logs(team, id, None, 12));
    view! {
        <Transition fallback=|| ()>
            {move || Suspend::new(async move {
                let lines = last.await.map(|page| page.lines).unwrap_or_default();
                (!lines.is_empty())
                    .then(|| {
                        let text = lines.into_iter().map(|line| plain(&line.text)).collect::<Vec<_>>().join("\n");
                        view! { <pre class="last-lines" tabindex="0" aria-label="Last lines of the log">{text}</pre> }
                    })
            })}
        </Transition>
    }
}
