//! The team's last changes, in words.

use crate::components::{EmptyState, Glyph, Time};
use domain::model::AuditRecord;
use leptos::prelude::*;

/// `launched notebook` for `notebook.launch`.
fn action_words(action: &str) -> String {
    let (object, verb) = action.split_once('.').unwrap_or((action, "change"));
    let object = if object == "token" { "access token".to_owned() } else { object.replace('_', " ") };
    let done = match (verb, action) {
        (_, "team.set_member") => return "set the role of".to_owned(),
        (_, "team.set_quota") => return "set the quota of team".to_owned(),
        (_, "team.repair") => return "had the namespace repaired of team".to_owned(),
        (_, "team.remove_member") => return "removed from the team".to_owned(),
        (_, "notebook.fail") => "recorded the failure of",
        (_, "promotion.request") => return "asked for a promotion of model".to_owned(),
        (_, "promotion.approve") => return "approved a promotion of model".to_owned(),
        (_, "promotion.reject") => return "rejected a promotion of model".to_owned(),
        (_, "promotion.withdraw") => return "withdrew a promotion of model".to_owned(),
        (_, "promotion.ask_waiver") => return "asked for a waiver for model".to_owned(),
        (_, "promotion.grant_waiver") => return "granted a waiver for model".to_owned(),
        (_, "promotion.decline_waiver") => return "declined a waiver for model".to_owned(),
        (_, "promotion.lapse") => return "changed a card, so that approvals lapsed, of model".to_owned(),
        _ if object == "promotion" => return "changed the promotion flow of team".to_owned(),
        ("promote", _) => "promoted",
        ("roll_back", _) => "rolled back",
        ("create", _) => "made",
        ("delete" | "remove", _) => "deleted",
        ("launch", _) => "launched",
        ("start", _) => "started",
        ("stop", _) => "stopped",
        ("resize", _) => "changed the size of",
        ("snooze", _) => "put off the idle stop of",
        ("open", _) => "opened",
        ("update", _) => "changed",
        ("rename", _) => "renamed",
        ("restore", _) => "restored",
        ("purge", _) => "purged",
        ("import", _) => "imported",
        ("revoke", _) => "revoked",
        ("set_tag", _) => "set a tag of",
        ("delete_tag", _) => "removed a tag of",
        ("set_alias", _) => "set an alias of",
        ("delete_alias", _) => "removed an alias of",
        ("set_stage", _) => "set the stage of",
        ("write_card", _) => "wrote the card of",
        ("replay", _) => "sent again from",
        _ => return format!("{object} {}:", verb.replace('_', " ")),
    };
    format!("{done} {object}")
}

/// Where the object can be looked at, if it still can.
fn link(record: &AuditRecord) -> Option<String> {
    let team = record.team.as_ref()?;
    let (object, verb) = record.action.split_once('.')?;
    let place = match object {
        "notebook" => "notebooks",
        "experiment" => "experiments",
        "run" => "runs",
        _ => return None,
    };
    (!matches!(verb, "delete" | "purge")).then(|| format!("/t/{team}/{place}/{}", record.object))
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
        assert_eq!(action_words("model_version.set_stage"), "set the stage of model version");
        assert_eq!(action_words("promotion.request"), "asked for a promotion of model");
        assert_eq!(action_words("promotion.save_stage"), "changed the promotion flow of team");
        assert_eq!(action_words("token.revoke"), "revoked access token");
        assert_eq!(action_words("team.set_member"), "set the role of");
        assert_eq!(action_words("gadget.turn_on"), "gadget turn on:");
        assert_eq!(action_words("odd"), "odd change:");
    }
}
