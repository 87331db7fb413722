//! Short news at the corner of the page, read out by assistive technology.

use super::{
    icon::{Glyph, Icon},
    status::Tone,
};
use leptos::prelude::*;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    number: u32,
    tone: Tone,
    text: String,
}

/// The handle that shows toasts; `Copy`, so event handlers can keep it.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    last: StoredValue<u32>,
}

impl Toasts {
    /// Shows `text`; errors stay until they are dismissed, the rest goes after 6 s.
    pub fn show(self, tone: Tone, text: impl Into<String>) {
        let number = self.last.get_value() + 1;
        self.last.set_value(number);
        self.list.update(|list| {
            list.push(Toast { number, tone, text: text.into() });
            if list.len() > 4 {
                list.remove(0);
            }
        });
        if tone != Tone::Bad {
            set_timeout(move || self.dismiss(number), Duration::from_secs(6));
        }
    }
    fn dismiss(self, number: u32) {
        self.list.try_update(|list| list.retain(|t| t.number != number));
    }
}

/// Puts the handle into the context.
pub fn provide_toasts() {
    provide_context(Toasts { list: RwSignal::new(Vec::new()), last: StoredValue::new(0) });
}

/// The handle that shows toasts.
pub fn use_toasts() -> Toasts {
    use_context().unwrap_or_else(|| Toasts { list: RwSignal::new(Vec::new()), last: StoredValue::new(0) })
}

/// Where toasts appear.
#[component]
pub fn ToastsArea() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.list.get() key=|t| t.number let:toast>
                <div class=format!("toast toast-{}", toast.tone.as_str())>
                    <Icon glyph=toast.tone.glyph() />
                    <p>{toast.text}</p>
                    <button type="button" class="icon-btn" aria-label="Dismiss" on:click=move |_| toasts.dismiss(toast.number)>
                        <Icon glyph=Glyph::X />
                    </button>
                </div>
            </For>
        </div>
    }
}
