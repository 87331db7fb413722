//! The live client: one stream per browser tab that keeps what pages show equal to what is so. Nothing polls.

pub mod api;
mod current;
mod note;
mod notebooks;
mod socket;

pub use current::{after_changes, kept_current};
pub use note::LiveNote;
pub use notebooks::{NotebookRow, NotebookStore, follow_notebooks, merge, new_phases};
pub use socket::Socket;

use domain::model::{Change, Event, LiveMessage, Millis};
use leptos::prelude::*;
use std::{cell::RefCell, sync::Arc, time::Duration};

/// The stream is taken for cut when nothing came for so long, in milliseconds (the server beats every 15 s).
const SILENCE: Millis = 20_000;

thread_local! {
    /// The tab's one connection. Not in the context, since that exists on the server's many threads too.
    static TAB: RefCell<Option<Socket>> = const { RefCell::new(None) };
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// The live stream of this tab, in the context of every page.
#[derive(Clone, Copy)]
pub struct Live {
    /// Whether the page is hydrated.
    hydrated: RwSignal<bool>,
    /// Since when the stream is silent, if it is.
    paused: RwSignal<Option<Millis>>,
    /// Counts the times when events may have been missed: resources that read it fetch again.
    reload: RwSignal<u32>,
    /// Where the stream stood before the page's data was read on the server.
    position: Resource<Option<i64>>,
    after: StoredValue<Option<i64>>,
    heard_at: StoredValue<Millis>,
    listeners: StoredValue<Vec<(u64, Listener)>>,
}

/// Puts the live stream into the context; once, around all pages.
pub fn provide_live() {
    let position = Resource::new(|| (), |()| async { api::live_position().await.ok().flatten() });
    provide_context(Live {
        hydrated: RwSignal::new(false),
        paused: RwSignal::new(None),
        reload: RwSignal::new(0),
        position,
        after: StoredValue::new(None),
        heard_at: StoredValue::new(0),
        listeners: StoredValue::new(Vec::new()),
    });
}

/// The live stream of this tab.
#[expect(clippy::disallowed_methods, reason = "the frame provides it before any page; no page is rendered while routes are listed")]
pub fn use_live() -> Live {
    expect_context::<Live>()
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit in 53 bits")]
fn browser_now() -> Millis {
    js_sys::Date::now() as Millis
}

impl Live {
    /// Whether the page is hydrated; false on the server and for the first drawing in the browser.
    pub fn hydrated(self) -> Signal<bool> {
        self.hydrated.into()
    }
    /// Since when live updates are paused, if they are.
    pub fn paused(self) -> Signal<Option<Millis>> {
        self.paused.into()
    }
    /// Read it in a resource's source: it changes when the data must be fetched again.
    pub fn reload(self) -> u32 {
        self.reload.get()
    }
    /// Await it in a resource's fetcher before reading: no change falls between the data and the stream.
    pub async fn positioned(self) {
        self.position.await;
    }

    /// Calls back for each event until the owner is cleaned up.
    pub fn on_event(self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        let id = self.listeners.with_value(|l| l.last().map_or(0, |(id, _)| id + 1));
        self.listeners.update_value(|l| l.push((id, Arc::new(listener))));
        on_cleanup(move || _ = self.listeners.try_update_value(|l| l.retain(|(other, _)| *other != id)));
    }

    /// Applies a change that this tab learnt from an answer before the stream told it.
    pub fn apply(self, team: &str, change: Change) {
        self.tell(&Event { seq: 0, at: browser_now(), team: Some(team.to_owned()), change });
    }

    fn tell(self, event: &Event) {
        // A copy, since a listener may add or remove listeners.
        for (_, listener) in self.listeners.get_value() {
            listener(event);
        }
    }

    /// Opens the stream; again is no harm. In the browser only.
    fn start(self) {
        if TAB.with_borrow(Option::is_some) {
            return;
        }
        self.heard_at.set_value(browser_now());
        if self.after.get_value().is_none() {
            self.after.set_value(self.position.get_untracked().flatten());
        }
        let address = move || self.after.get_value().map_or("/live".to_owned(), |seq| format!("/live?after={seq}"));
        TAB.set(Some(Socket::open(address, move |text| self.receive(text))));
        self.hydrated.set(true);
    }

    fn tick(self) {
        let now = browser_now();
        let silent = now - self.heard_at.get_value() > SILENCE;
        if silent && self.paused.get_untracked().is_none() {
            self.paused.set(Some(self.heard_at.get_value()));
            // The connection may be dead without saying so, as after a sleep.
            if let Some(socket) = TAB.with_borrow(Option::clone) {
                socket.restart();
            }
        }
    }

    fn heard(self) {
        self.heard_at.set_value(browser_now());
        if self.paused.get_untracked().is_some() {
            self.paused.set(None);
        }
    }

    fn receive(self, text: &str) {
        let Ok(message) = serde_json::from_str::<LiveMessage>(text) else {
            leptos::logging::warn!("a live message could not be read");
            return;
        };
        match message {
            LiveMessage::Hello { seq, resumed, .. } => {
                self.heard();
                self.after.set_value(Some(seq));
                if !resumed {
                    self.reload.update(|n| *n += 1);
                }
            }
            LiveMessage::Beat { .. } => self.heard(),
            LiveMessage::Event { event } => {
                self.heard();
                self.after.set_value(Some(event.seq));
                self.tell(&event);
            }
            LiveMessage::SignedOut => {
                stop();
                let location = window().location();
                let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
                let next: String = js_sys::encode_uri_component(&here).into();
                drop(location.set_href(&format!("/sign-in?next={next}")));
            }
        }
    }
}

fn stop() {
    if let Some(socket) = TAB.take() {
        socket.close();
    }
}

/// Opens the stream while the calling component is mounted in the browser.
fn keep_open(live: Live) {
    Effect::new(move |_| {
        live.start();
        let tick = set_interval_with_handle(move || live.tick(), Duration::from_secs(1));
        on_cleanup(move || {
            if let Ok(tick) = tick {
                tick.clear();
            }
            stop();
        });
    });
}
