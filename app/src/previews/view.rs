//! A file on a page: what it is, what it shows, and how to have all of it.

use super::{Content, Form, Part, Preview, rows::Rows};
use crate::components::{CopyButton, Glyph, Icon, Markdown, Note, Time, Tone, bytes};
use leptos::prelude::*;

/// A file. `source` is where its bytes are, `shown` what leads to it on an origin of its own, `more` the address that shows more of a long text.
#[component]
pub fn PreviewCard(preview: Preview, source: String, shown: String, more: String) -> impl IntoView {
    let Preview { name, size, sha256, created_at, content } = preview;
    let (file, alt) = (name.clone(), name.clone());
    let picture = source.clone();
    let copy = match &content {
        Content::Text { text, part: Part::Whole, .. } | Content::Active { text, part: Part::Whole, .. } => Some(text.clone()),
        _ => None,
    };
    let named = name.clone();
    let shown = match content {
        Content::Text { text, note, part } => view! {
            {(!note.is_empty()).then(|| view! { <p class="muted">{note}</p> })}
            <FileText text />
            <Rest part size more />
        }
        .into_any(),
        Content::Active { form, text, part } => view! { <Active name=named form address=shown text part size more /> }.into_any(),
        Content::Table(table) => view! { <Rows table /> }.into_any(),
        Content::Markdown { html, part } => view! {
            <Markdown html />
            <Rest part size more />
        }
        .into_any(),
        Content::Picture { kind, pixels } => {
            let said = pixels.map(|(width, height)| format!("{width} × {height} pixels · ")).unwrap_or_default();
            view! {
                <p class="muted">{said} {kind}</p>
                <img class="preview-picture" src=picture alt=alt />
            }
            .into_any()
        }
        Content::Nothing(why) => view! {
            <Note tone=Tone::Neutral>
                <p>{why}</p>
            </Note>
        }
        .into_any(),
    };
    view! {
        <section class="card preview" aria-labelledby="preview-head">
            <div class="section-head">
                <h2 id="preview-head" class="mono wrap">
                    {name}
                </h2>
                <div class="row">
                    {copy.map(|text| view! { <CopyButton text label="Copy text" wordy=true /> })}
                    // Not a page: the router must leave it to the browser.
                    <a class="btn btn-sm" href=source rel="external" download=file>
                        <Icon glyph=Glyph::Download />
                        "Download file"
                    </a>
                </div>
            </div>
            <p class="muted preview-facts">
                <span title=format!("{size} bytes")>{bytes(size)}</span>
                <span>"Logged "<Time at=created_at /></span>
                <span class="mono" title=format!("SHA-256 of its content: {sha256}")>
                    {format!("sha256 {}", sha256.get(..12).unwrap_or_default())}
                </span>
            </p>
            {shown}
        </section>
    }
}

/// A web page or a drawing: its source, and on demand itself, in a frame of another origin.
#[component]
fn Active(name: String, form: Form, address: String, text: String, part: Part, size: u64, more: String) -> impl IntoView {
    let framed = RwSignal::new(false);
    let (word, why, sandbox) = match form {
        Form::WebPage => (
            "page",
            "Shown as its source: a web page may hold scripts, and none of them runs where you are signed in. “Show page” runs it in a frame that \
             cannot reach the portal; it may load scripts, styles and pictures from other sites, and tell these what you type into it.",
            "allow-scripts",
        ),
        Form::Drawing => (
            "drawing",
            "Shown as its source: an SVG file may hold scripts, and none of them runs. “Show drawing” draws it in a frame of its own.",
            "",
        ),
    };
    let (source, of_frame) = (StoredValue::new((text, more)), StoredValue::new((address.clone(), name)));
    view! {
        <p class="muted">{why}</p>
        <div class="row">
            <button type="button" class="btn btn-sm needs-js" on:click=move |_| framed.update(|framed| *framed = !*framed)>
                <Icon glyph=Glyph::Eye />
                {move || if framed.get() { "Show source".to_owned() } else { format!("Show {word}") }}
            </button>
            <a class="btn btn-sm btn-ghost" href=address target="_blank" rel="external noopener noreferrer">
                <Icon glyph=Glyph::ExternalLink />
                {format!("Open {word} in a tab of its own")}
            </a>
        </div>
        {move || {
            if framed.get() {
                let (address, name) = of_frame.get_value();
                view! { <iframe class="preview-frame" src=address title=name sandbox=sandbox referrerpolicy="no-referrer"></iframe> }.into_any()
            } else {
                let (text, more) = source.get_value();
                view! {
                    <FileText text />
                    <Rest part size more />
                }
                    .into_any()
            }
        }}
    }
}

/// A text with the numbers of its lines.
#[component]
pub fn FileText(text: String) -> impl IntoView {
    let lines = text.lines().count().max(1);
    let numbers = (1..=lines).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    view! {
        <div class="file-text mono" tabindex="0">
            <pre class="file-lines" aria-hidden="true">
                <code>{numbers}</code>
            </pre>
            <pre>
                <code>{text}</code>
            </pre>
        </div>
    }
}

/// How much is shown, and how to see the rest.
#[component]
fn Rest(part: Part, size: u64, more: String) -> impl IntoView {
    let shown = |end: u64| format!("The first {} of {}.", bytes(end), bytes(size));
    match part {
        Part::Whole => ().into_any(),
        Part::First(end) => view! {
            <p class="preview-rest">
                <span class="muted">{shown(end)}</span>
                <a class="btn btn-sm" href=more data-noscroll="true">
                    "Show more"
                </a>
            </p>
        }
        .into_any(),
        Part::Most(end) => view! { <p class="preview-rest muted">{shown(end)} " Download the file for the rest."</p> }.into_any(),
    }
}
