//! One pattern for every form: a plain POST before WASM, an answer in place after it.

use super::{icon::Glyph, icon::Icon, notes::Note, status::Tone};
use crate::error::AppError;
use leptos::{prelude::*, server_fn::ServerFn};

/// What a form shows of its action, whichever action it is.
#[derive(Clone, Copy)]
pub struct FormState {
    /// The last answer, where it was an error; after a plain POST it comes from the URL.
    pub error: Signal<Option<AppError>>,
    pub pending: Signal<bool>,
    /// Grows with each answer.
    pub version: Signal<usize>,
}

impl FormState {
    /// The state of this action.
    pub fn of<S>(action: ServerAction<S>) -> Self
    where
        S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
        S::Output: Send + Sync + 'static,
    {
        let (value, version) = (action.value(), action.version());
        Self {
            error: Signal::derive(move || value.with(|v| v.as_ref().and_then(|r| r.as_ref().err().cloned()))),
            pending: action.pending().into(),
            version: Signal::derive(move || version.get()),
        }
    }
    /// Whether the last answer was a success; false before the first.
    pub fn succeeded(self) -> bool {
        self.version.get() > 0 && self.error.get().is_none()
    }
}

/// Runs `act` after each success of `action`, in the browser.
pub fn when_done<S>(action: ServerAction<S>, act: impl Fn(S::Output) + 'static)
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let (value, version) = (action.value(), action.version());
    Effect::new(move |seen: Option<usize>| {
        let now = version.get();
        if now > seen.unwrap_or(0)
            && let Some(Ok(output)) = value.get_untracked()
        {
            act(output);
        }
        now
    });
}

/// What went wrong with the form as a whole; errors of fields stand under their fields.
#[component]
pub fn FormError(form: FormState) -> impl IntoView {
    move || {
        form.error.get().map(|error| {
            view! {
                <Note tone=Tone::Bad>
                    <p>{error.message}</p>
                </Note>
            }
        })
    }
}

/// Sends the form; says so while it waits, and cannot be pressed twice.
#[component]
pub fn SubmitButton(
    form: FormState,
    #[prop(into)] label: String,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(default = "btn btn-primary")] class: &'static str,
) -> impl IntoView {
    view! {
        <button type="submit" class=class disabled=move || form.pending.get() aria-busy=move || form.pending.get().then_some("true")>
            {move || {
                if form.pending.get() {
                    Some(view! { <Icon glyph=Glyph::Loader class="spin" /> })
                } else {
                    glyph.map(|glyph| view! { <Icon glyph /> })
                }
            }}
            {label}
        </button>
    }
}
