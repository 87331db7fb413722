//! Webhooks: another service is told what happens in a team's registry.

use super::{Checks, FieldError, Millis, validate_description};
use serde::{Deserialize, Serialize};

/// Longest name of a webhook, in characters.
pub const WEBHOOK_NAME_LENGTH: usize = 63;
/// Longest address of a receiver, in characters.
pub const WEBHOOK_URL_LENGTH: usize = 2000;
/// Longest secret, in characters.
pub const WEBHOOK_SECRET_LENGTH: usize = 1000;
/// Most webhooks of one team.
pub const WEBHOOKS_OF_A_TEAM: i64 = 100;

/// What a receiver can be told of; each is `<entity>.<action>` in MLflow's words, which has none for promotions.
pub const WEBHOOK_EVENTS: [&str; 18] = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "promotion.requested",
    "promotion.completed",
    "promotion.rejected",
    "promotion.rolled_back",
];

/// A receiver, without its secret, and how it gets on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub url: String,
    /// Of `WEBHOOK_EVENTS`, ordered.
    pub events: Vec<String>,
    pub active: bool,
    /// Whether what is sent is signed.
    pub has_secret: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// What went wrong at the last try; none where it went well.
    pub last_error: Option<String>,
    pub last_try_at: Option<Millis>,
    /// Deliveries that are still to be made.
    pub waiting: i64,
    /// Deliveries that were given up in the last week.
    pub dead: i64,
}

/// What a person says of a webhook. In a change, what is none stays as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookForm {
    pub name: Option<String>,
    pub description: Option<String>,
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    /// An empty one takes the secret away.
    pub secret: Option<String>,
    pub active: Option<bool>,
}

impl WebhookForm {
    /// Names, lengths and events. The address is for the domain to say.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("name", self.name.as_deref().map_or(Ok(()), validate_webhook_name));
        checks.check("description", self.description.as_deref().map_or(Ok(()), validate_description));
        checks.check("secret", self.secret.as_deref().map_or(Ok(()), validate_secret));
        if let Some(events) = &self.events {
            checks.require(!events.is_empty(), "events", "Name at least one event.");
            for (i, event) in events.iter().enumerate() {
                let known = WEBHOOK_EVENTS.contains(&event.as_str());
                checks.require(known, format!("events[{i}]"), format!("Use one of {}.", WEBHOOK_EVENTS.join(", ")));
            }
        }
        checks.finish()
    }
}

/// Letters, digits, `. _ -`, beginning and ending with a letter or digit.
pub fn validate_webhook_name(name: &str) -> Result<(), String> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ok = name.len() <= WEBHOOK_NAME_LENGTH
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && edge(name.chars().next())
        && edge(name.chars().last());
    if ok {
        Ok(())
    } else {
        Err(format!("Use 1 to {WEBHOOK_NAME_LENGTH} letters, digits, dots, underscores and dashes, with a letter or digit at either end."))
    }
}

/// Printable ASCII: it is typed into two programs and must be the same in both.
fn validate_secret(secret: &str) -> Result<(), String> {
    let ok = secret.len() <= WEBHOOK_SECRET_LENGTH && secret.bytes().all(|b| (b' '..=b'~').contains(&b));
    if ok { Ok(()) } else { Err(format!("Use at most {WEBHOOK_SECRET_LENGTH} letters, digits and signs of ASCII on one line.")) }
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTest {
    pub success: bool,
    pub response_status: Option<u16>,
    /// The beginning of it.
    pub response_body: Option<String>,
    pub error: Option<String>,
}

/// One try of one delivery, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WebhookAttempt {
    /// Grows with each try.
    pub seq: i64,
    /// What the receiver knows the delivery by; the same at each of its tries.
    pub delivery: String,
    /// Of `WEBHOOK_EVENTS`.
    pub event: String,
    /// The name of the model or prompt.
    pub about: String,
    /// A person tried the webhook; nothing had happened.
    pub test: bool,
    /// When it ended.
    pub at: Millis,
    /// Milliseconds.
    pub duration: Millis,
    /// What the receiver answered; none where it did not.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// Why it counts as failed; none where it arrived.
    pub error: Option<String>,
    /// When it is tried again; none where it is not.
    pub next_at: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_what_is_wrong_with_it() {
        let fields = |form: WebhookForm| form.validate().map_err(|e| e.into_iter().map(|e| e.field).collect::<Vec<_>>());
        for bad in ["", "-a", "a-", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(fields(WebhookForm { name: Some(bad.into()), ..WebhookForm::default() }), Err(vec!["name".to_owned()]), "{bad}");
        }
        for bad in ["a\nb", "a\r\nX: y", "ä", &"a".repeat(1001)] {
            assert_eq!(fields(WebhookForm { secret: Some(bad.into()), ..WebhookForm::default() }), Err(vec!["secret".to_owned()]));
        }
        for bad in [vec![], vec!["prompt.exploded".to_owned()]] {
            assert!(fields(WebhookForm { events: Some(bad), ..WebhookForm::default() }).is_err());
        }
        assert_eq!(fields(WebhookForm { name: Some("a.b_c-1".into()), secret: Some(String::new()), ..WebhookForm::default() }), Ok(()));
    }
}
