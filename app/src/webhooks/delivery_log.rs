//! The log of a webhook: each try of each delivery, and sending one again.

use super::{
    api::{ReplayDelivery, webhook_log},
    words::words_of,
};
use crate::components::{
    EmptyState, ErrorNote, FormState, Glyph, Loading, StatusBadge, SubmitButton, Time, Tone, duration, exact_time, query_value, with_query,
};
use domain::model::{WebhookAttempt, cut};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// Tries on one page, as the domain gives them.
const PAGE: usize = 50;

#[component]
pub fn DeliveryLog(
    team: String,
    id: String,
    changes: RwSignal<u32>,
    replay: ServerAction<ReplayDelivery>,
    active: Memo<bool>,
) -> impl IntoView {
    let before = query_value("before");
    let asked = (team.clone(), id.clone());
    let tries = Resource::new(
        move || (changes.get(), before.with(|b| b.parse::<i64>().unwrap_or(0))),
        move |(_, before)| webhook_log(asked.0.clone(), asked.1.clone(), before),
    );
    let of = StoredValue::new((team, id));
    view! {
        <section class="stack" aria-labelledby="log-head">
            <h2 id="log-head">"Delivery log"</h2>
            <Transition fallback=|| view! { <Loading rows=3 /> }>
                {move || Suspend::new(async move {
                    match tries.await {
                        Ok(tries) => view! { <Log of tries replay active /> }.into_any(),
                        Err(error) => view! { <ErrorNote error /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

#[component]
fn Log(
    of: StoredValue<(String, String)>,
    tries: Vec<WebhookAttempt>,
    replay: ServerAction<ReplayDelivery>,
    active: Memo<bool>,
) -> impl IntoView {
    let (query, path, before) = (use_query_map(), use_location().pathname, query_value("before"));
    let is_first = before.read_untracked().is_empty();
    if tries.is_empty() && is_first {
        return view! {
            <EmptyState
                glyph=Glyph::Activity
                title="Nothing was sent yet"
                text="Each try of each delivery is listed here for a week. Send a test, or register a model."
            />
        }
        .into_any();
    }
    let to = |value: &str| with_query(&path.read_untracked(), &query.read_untracked(), "before", value);
    let older = (tries.len() == PAGE).then(|| tries.last().map(|t| to(&t.seq.to_string()))).flatten();
    let newest = (!is_first).then(|| to(""));
    let none = tries.is_empty();
    let rows = tries.into_iter().map(|attempt| view! { <Try of attempt replay active /> }).collect_view();
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Tries of deliveries, the newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Answer"</th>
                        <th scope="col" class="num">
                            "Took"
                        </th>
                        <th scope="col">"Next try"</th>
                        <th scope="col" class="th-actions">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows} {none.then(|| view! { <tr><td colspan="6" class="table-none">"Nothing is older."</td></tr> })}
                </tbody>
            </table>
        </div>
        <nav class="pager" aria-label="Pages of the log">
            {newest.map(|href| view! { <a class="btn btn-sm" href=href>"Newest tries"</a> })}
            {older.map(|href| view! { <a class="btn btn-sm" rel="next" href=href>"Older tries"</a> })}
        </nav>
    }
    .into_any()
}

#[component]
fn Try(
    of: StoredValue<(String, String)>,
    attempt: WebhookAttempt,
    replay: ServerAction<ReplayDelivery>,
    active: Memo<bool>,
) -> impl IntoView {
    let (tone, glyph) = if attempt.error.is_none() { (Tone::Good, Glyph::CircleCheck) } else { (Tone::Bad, Glyph::CircleX) };
    let text = attempt.status.map_or_else(|| "No answer".to_owned(), |status| status.to_string());
    let answer = attempt.answer.filter(|text| !text.trim().is_empty()).map(|text| {
        view! {
            <details class="webhook-answer">
                <summary>"What it said"</summary>
                <pre class="mono example" tabindex="0">{cut(&text, 2000).to_owned()}</pre>
            </details>
        }
    });
    let next = match attempt.next_at {
        Some(at) => view! { <span title=exact_time(at)>{exact_time(at)}</span> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let (event, delivery, form) = (attempt.event.clone(), attempt.delivery.clone(), FormState::of(replay));
    let again = (!attempt.test).then(|| {
        let label = format!("Send again: {} {}", words_of(&event), attempt.about);
        move || {
            let (delivery, label) = (delivery.clone(), label.clone());
            active.get().then(|| {
                let (team, id) = of.get_value();
                view! {
                    <ActionForm action=replay attr:aria-label=label>
                        <input type="hidden" name="team" value=team />
                        <input type="hidden" name="id" value=id />
                        <input type="hidden" name="delivery" value=delivery />
                        <SubmitButton form label="Send again" class="btn btn-sm btn-ghost" />
                    </ActionForm>
                }
            })
        }
    });
    let what = if attempt.test { "Test".to_owned() } else { attempt.about };
    view! {
        <tr>
            <th scope="row">
                <Time at=attempt.at />
                <span class="sub mono" title=format!("Delivery {}", attempt.delivery)>
                    {cut(&attempt.delivery, 8).to_owned()}
                </span>
            </th>
            <td data-label="What">
                <span class="wrap">{what}</span>
                <span class="sub mono">{event}</span>
            </td>
            <td data-label="Answer">
                <StatusBadge tone glyph text />
                {attempt.error.map(|error| view! { <span class="sub wrap">{cut(&error, 300).to_owned()}</span> })}
                {answer}
            </td>
            <td data-label="Took" class="num">
                {if attempt.duration < 1000 { format!("{} ms", attempt.duration) } else { duration(attempt.duration) }}
            </td>
            <td data-label="Next try">{next}</td>
            <td class="actions">{again}</td>
        </tr>
    }
}
