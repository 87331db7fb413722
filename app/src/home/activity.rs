//! The team's last changes, in words.

use crate::components::{EmptyState, Glyph, Time};
use domain::model::AuditRecord;
use leptos::prelude::*;

/// `launched notebook` for `notebook.launch`.
fn action_words(action: &str) -> String {
    match action {
        "notebook.launch" => "launched notebook".to_owned(),
        "notebook.start" => "started notebook".to_owned(),
        "notebook.stop" => "stopped notebook".to_owned(),
        "notebook.resize" => "changed the size of notebook".to_owned(),
        "notebook.snooze" => "put off the idle stop of notebook".to_owned(),
        "notebook.delete" => "deleted notebook".to_owned(),
        "notebook.open" => "opened notebook".to_owned(),
        "notebook.fail" => "recorded the failure of notebook".to_owned(),
        "volume.create" => "made volume".to_owned(),
        "volume.remove" => "deleted volume".to_owned(),
        "team.create" => "made team".to_owned(),
        "team.set_member" => "set the role of".to_owned(),
        "team.remove_member" => "removed from the team".to_owned(),
        "token.create" => "made access token".to_owned(),
        "token.revoke" => "revoked access token".to_owned(),
        other => {
            let (object, verb) = other.split_once('.').unwrap_or((other, "change"));
            format!("{object} {}:", verb.replace('_', " "))
        }
    }
}

/// Where the object can be looked at, if it still can.
fn link(record: &AuditRecord) -> Option<String> {
    let team = record.team.as_ref()?;
    (record.action.starts_with("notebook.") && record.action != "notebook.delete").then(|| format!("/t/{team}/notebooks/{}", record.object))
}

fn actor(record: &AuditRecord) -> String {
    match record.actor.as_str() {
        "system" => "Slipway".to_owned(),
        "console" => "The console".to_owned(),
        email => email.to_owned(),
    }
}

#[component]
pub fn Activity(#[prop(into)] records: Signal<Vec<AuditRecord>>) -> impl IntoView {
    view! {
        <section class="card panel" aria-labelledby="activity-head">
            <h2 id="activity-head">"Recent activity"</h2>
            <Show
                when=move || records.with(|r| !r.is_empty())
                fallback=|| view! { <EmptyState glyph=Glyph::Activity title="Nothing yet" text="What people of this team do appears here." /> }
            >
                <ul class="activity">
                    <For each=move || records.get() key=|record| record.seq let:record>
                        <li>
                            <p>
                                <span class="activity-who">{actor(&record)}</span>
                                " "
                                {action_words(&record.action)}
                                " "
                                {match link(&record) {
                                    Some(href) => view! { <a href=href>{record.object_name.clone()}</a> }.into_any(),
                                    None => view! { <span class="activity-what">{record.object_name.clone()}</span> }.into_any(),
                                }}
                            </p>
                            <span class="muted">
                                <Time at=Signal::derive(move || record.at) />
                            </span>
                        </li>
                    </For>
                </ul>
            </Show>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_action_is_still_said() {
        assert_eq!(action_words("notebook.launch"), "launched notebook");
        assert_eq!(action_words("gadget.turn_on"), "gadget turn on:");
        assert_eq!(action_words("odd"), "odd change:");
    }
}
