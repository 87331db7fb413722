//! Form fields: label above, help below, the error under the field, all tied together for assistive technology.

use super::form::FormState;
use leptos::{context::Provider, html, prelude::*};

/// What a field accepts; the error says what to type.
pub type Check = fn(&str) -> Result<(), String>;

/// What a control inside a `Field` takes from it.
#[derive(Clone)]
struct FieldContext {
    id: String,
    name: String,
    described_by: String,
    invalid: Signal<bool>,
    required: bool,
    typed: RwSignal<String>,
    left: RwSignal<bool>,
    edited: RwSignal<bool>,
}

fn field_context() -> FieldContext {
    use_context().unwrap_or_else(|| FieldContext {
        id: String::new(),
        name: String::new(),
        described_by: String::new(),
        invalid: Signal::derive(|| false),
        required: false,
        typed: RwSignal::new(String::new()),
        left: RwSignal::new(false),
        edited: RwSignal::new(false),
    })
}

/// Whether this control has not been seen before: then what it holds was typed before hydration and counts. Later the page is redrawn
/// around the same element, whose value says nothing in between.
fn is_new(control: &web_sys::Element) -> bool {
    let new = !control.has_attribute("data-seen");
    // Setting an attribute of a valid name does not fail.
    _ = control.set_attribute("data-seen", "");
    new
}

/// Label, control, help and error. The error is the server's until the value changes, then what `check` says once the field was left.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    /// The form field's name, as the server function takes it.
    #[prop(into)]
    name: String,
    /// The name under which errors speak of it, where that differs.
    #[prop(optional, into)]
    error_name: String,
    #[prop(optional, into)] id: String,
    #[prop(optional)] form: Option<FormState>,
    #[prop(optional, into)] help: String,
    #[prop(optional)] check: Option<Check>,
    /// An error that the page works out itself.
    #[prop(optional, into)]
    error: Option<Signal<Option<String>>>,
    #[prop(optional)] required: bool,
    children: Children,
) -> impl IntoView {
    let id = if id.is_empty() { format!("field-{}", name.replace(['[', ']', '.'], "-")) } else { id };
    let error_name = if error_name.is_empty() { name.clone() } else { error_name };
    let (typed, left, edited) = (RwSignal::new(String::new()), RwSignal::new(false), RwSignal::new(false));
    if let Some(form) = form {
        Effect::new(move |_| {
            form.error.track();
            edited.set(false);
        });
    }
    let shown = Signal::derive(move || {
        let from_server = form.and_then(|f| f.error.get()).and_then(|e| e.field(&error_name)).filter(|_| !edited.get());
        let from_check = check.filter(|_| left.get()).and_then(|check| check(&typed.get()).err());
        error.and_then(|e| e.get()).or(from_server).or(from_check)
    });
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let described_by = if help.is_empty() { error_id.clone() } else { format!("{error_id} {help_id}") };
    let invalid = Signal::derive(move || shown.get().is_some());
    let context = FieldContext { id: id.clone(), name, described_by, invalid, required, typed, left, edited };
    view! {
        <div class="field" class:invalid=invalid>
            <label class="field-label" for=id>
                {label}
            </label>
            <Provider value=context>{children()}</Provider>
            <p class="field-error" id=error_id aria-live="polite">
                {move || shown.get()}
            </p>
            {(!help.is_empty()).then(|| view! { <p class="field-help" id=help_id>{help}</p> })}
        </div>
    }
}

/// A one-line text control. Without `bind` it keeps its own value, starting from `value`.
#[component]
pub fn TextInput(
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(optional, into)] placeholder: String,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional)] autofocus: bool,
    #[prop(optional, into)] list: Option<String>,
    #[prop(optional)] min: Option<u32>,
    #[prop(optional)] max: Option<u32>,
    #[prop(optional)] mono: bool,
) -> impl IntoView {
    let field = field_context();
    let text = bind.unwrap_or_else(|| RwSignal::new(value));
    let node = NodeRef::<html::Input>::new();
    let (typed, left, edited) = (field.typed, field.left, field.edited);
    Effect::new(move |_| {
        if let Some(input) = node.get()
            && is_new(&input)
            && input.value() != text.get_untracked()
        {
            text.set(input.value());
        }
    });
    Effect::new(move |_| typed.set(text.get()));
    let initial = text.get_untracked();
    let spell = !(mono || matches!(kind, "email" | "password" | "number"));
    view! {
        <input
            class="input"
            class:mono=mono
            node_ref=node
            type=kind
            id=field.id
            name=field.name
            value=initial
            prop:value=move || text.get()
            placeholder=placeholder
            autocomplete=autocomplete
            inputmode=inputmode
            autofocus=autofocus
            list=list
            min=min
            max=max
            spellcheck=(!spell).then_some("false")
            autocapitalize=(!spell).then_some("none")
            required=field.required
            aria-describedby=field.described_by
            aria-invalid=move || field.invalid.get().then_some("true")
            on:input:target=move |ev| {
                text.set(ev.target().value());
                edited.set(true);
            }
            on:blur=move |_| {
                if !text.get_untracked().is_empty() {
                    left.set(true);
                }
            }
        />
    }
}

/// A text control of several lines.
#[component]
pub fn Textarea(
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
    #[prop(default = 4)] rows: u32,
    #[prop(optional)] mono: bool,
    #[prop(optional, into)] placeholder: String,
) -> impl IntoView {
    let field = field_context();
    let text = bind.unwrap_or_else(|| RwSignal::new(value));
    let node = NodeRef::<html::Textarea>::new();
    let (typed, left, edited) = (field.typed, field.left, field.edited);
    Effect::new(move |_| {
        if let Some(area) = node.get()
            && is_new(&area)
            && area.value() != text.get_untracked()
        {
            text.set(area.value());
        }
    });
    Effect::new(move |_| typed.set(text.get()));
    // Leptos writes what is inside a textarea into the document as it is.
    let initial = super::page::as_text(text.get_untracked());
    view! {
        <textarea
            node_ref=node
            class="input"
            class:mono=mono
            id=field.id
            name=field.name
            rows=rows
            placeholder=placeholder
            spellcheck=mono.then_some("false")
            required=field.required
            prop:value=move || text.get()
            aria-describedby=field.described_by
            aria-invalid=move || field.invalid.get().then_some("true")
            on:input:target=move |ev| {
                text.set(ev.target().value());
                edited.set(true);
            }
            on:blur=move |_| left.set(true)
        >
            {initial}
        </textarea>
    }
}

/// A choice of few: (value, text).
#[component]
pub fn Select(
    options: Vec<(String, String)>,
    #[prop(optional, into)] value: String,
    #[prop(optional)] bind: Option<RwSignal<String>>,
) -> impl IntoView {
    let field = field_context();
    let chosen = bind.unwrap_or_else(|| RwSignal::new(value));
    let edited = field.edited;
    let initial = chosen.get_untracked();
    let node = NodeRef::<html::Select>::new();
    // What was chosen before the page was alive counts; from then on the signal does.
    Effect::new(move |_| {
        let value = chosen.get();
        let Some(select) = node.get() else { return };
        if select.value() == value {
            _ = is_new(&select);
        } else if is_new(&select) {
            chosen.set(select.value());
        } else {
            select.set_value(&value);
        }
    });
    view! {
        <select
            node_ref=node
            class="input select"
            id=field.id
            name=field.name
            required=field.required
            aria-describedby=field.described_by
            aria-invalid=move || field.invalid.get().then_some("true")
            on:change:target=move |ev| {
                chosen.set(ev.target().value());
                edited.set(true);
            }
        >
            {options
                .into_iter()
                .map(|(value, text)| {
                    let selected = value == initial;
                    view! { <option value=value selected=selected>{text}</option> }
                })
                .collect_view()}
        </select>
    }
}

/// A box with its label beside it. Sends `true` where it is ticked.
#[component]
pub fn Checkbox(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional)] checked: bool,
    #[prop(optional)] bind: Option<RwSignal<bool>>,
    #[prop(optional, into)] help: String,
) -> impl IntoView {
    let ticked = bind.unwrap_or_else(|| RwSignal::new(checked));
    let initial = ticked.get_untracked();
    let node = NodeRef::<html::Input>::new();
    // As of a choice.
    Effect::new(move |_| {
        let now = ticked.get();
        let Some(input) = node.get() else { return };
        if input.checked() == now {
            _ = is_new(&input);
        } else if is_new(&input) {
            ticked.set(input.checked());
        } else {
            input.set_checked(now);
        }
    });
    view! {
        <label class="checkbox">
            <input
                type="checkbox"
                name=name
                value="true"
                checked=initial
                node_ref=node
                on:change:target=move |ev| ticked.set(ev.target().checked())
            />
            <span>
                {label} {(!help.is_empty()).then(|| view! { <span class="field-help">{help}</span> })}
            </span>
        </label>
    }
}
