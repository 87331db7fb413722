//! One span of a trace: what went in, what came out, what else is known.

use super::{
    api::SpanDetail,
    words::{SpanBadge, nanos},
};
use crate::components::{CopyButton, Fact, Note, Tone};
use leptos::prelude::*;

#[component]
pub fn SpanCard(span: SpanDetail) -> impl IntoView {
    let SpanDetail { line, message, inputs, outputs, attributes, events } = span;
    let attributes = attributes
        .into_iter()
        .map(|tag| {
            view! {
                <div>
                    <dt class="mono wrap">{tag.key}</dt>
                    <dd class="mono wrap note-text">{tag.value}</dd>
                </div>
            }
        })
        .collect_view();
    let none = attributes.is_empty();
    let events = events
        .into_iter()
        .map(|(name, at, attributes)| {
            view! {
                <li>
                    <p>
                        <strong>{name}</strong>
                        " "
                        <span class="muted">{nanos(at)}" after the start"</span>
                    </p>
                    <pre class="mono" tabindex="0">{attributes}</pre>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card pad span-card" aria-labelledby="span-head">
            <h2 id="span-head" class="wrap">
                {line.name}
            </h2>
            {(!message.is_empty())
                .then(|| {
                    view! {
                        <Note tone=Tone::Bad>
                            <p class="note-text">{message}</p>
                        </Note>
                    }
                })}
            <dl class="profile">
                <Fact name="Status">
                    <SpanBadge status=line.status ended=line.lasted.is_some() />
                </Fact>
                <Fact name="Type">{line.kind}</Fact>
                {line.model.map(|model| view! { <Fact name="Model">{model}</Fact> })}
                <Fact name="Began">{nanos(line.from)}" after the start"</Fact>
                {line.lasted.map(|lasted| view! { <Fact name="Took">{nanos(lasted)}</Fact> })}
                <Fact name="Span id">
                    <span class="mono">{line.id.clone()}</span>
                    <CopyButton text=line.id label="Copy span id" />
                </Fact>
            </dl>
            <Text title="Inputs" text=inputs />
            <Text title="Outputs" text=outputs />
            {(!none)
                .then(|| {
                    view! {
                        <h3>"Attributes"</h3>
                        <dl class="profile">{attributes}</dl>
                    }
                })}
            {(!events.is_empty())
                .then(|| {
                    view! {
                        <h3>"Events"</h3>
                        <ul class="plain-list">{events}</ul>
                    }
                })}
        </section>
    }
}

#[component]
fn Text(title: &'static str, text: Option<String>) -> impl IntoView {
    text.map(|text| {
        view! {
            <h3>{title}</h3>
            <div class="snippet">
                <pre class="mono" tabindex="0">
                    <code>{text.clone()}</code>
                </pre>
                <CopyButton text label=format!("Copy {}", title.to_lowercase()) />
            </div>
        }
    })
}
