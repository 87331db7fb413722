//! Webhooks.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    wire::{Asked, Empty, Int, List, choice, required},
};
use axum::{
    Json,
    extract::Path,
    routing::{delete, get, patch, post},
};
use domain::{
    model::{Permission, Webhook, WebhookForm},
    webhooks,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub fn endpoints() -> Vec<Endpoint> {
    let (all, one, needs) = ("2.0/mlflow/webhooks", "2.0/mlflow/webhooks/{webhook_id}", Permission::ManageWebhooks);
    vec![
        endpoint("GET", all, needs, get(list)),
        endpoint("POST", all, needs, post(create)),
        endpoint("GET", one, needs, get(read)),
        endpoint("PATCH", one, needs, patch(update)),
        endpoint("DELETE", one, needs, delete(remove)),
        endpoint("POST", "2.0/mlflow/webhooks/{webhook_id}/test", needs, post(test)),
    ]
}

/// In the order of their numbers.
const ENTITIES: [&str; 11] = [
    "",
    "REGISTERED_MODEL",
    "MODEL_VERSION",
    "MODEL_VERSION_TAG",
    "MODEL_VERSION_ALIAS",
    "PROMPT",
    "PROMPT_VERSION",
    "PROMPT_TAG",
    "PROMPT_VERSION_TAG",
    "PROMPT_ALIAS",
    "BUDGET_POLICY",
];
const ACTIONS: [&str; 6] = ["", "CREATED", "UPDATED", "DELETED", "SET", "EXCEEDED"];
const STATUSES: [&str; 3] = ["", "ACTIVE", "DISABLED"];

#[derive(Default, Deserialize)]
#[serde(default)]
struct EventIn {
    entity: Value,
    action: Value,
}

impl EventIn {
    /// `model_version.created`
    fn read(&self) -> Answer<String> {
        let entity = choice(&self.entity, &ENTITIES).map_err(|e| MlflowError::invalid(format!("The entity of an event {e}.")))?;
        let action = choice(&self.action, &ACTIONS).map_err(|e| MlflowError::invalid(format!("The action of an event {e}.")))?;
        Ok(format!("{entity}.{action}").to_ascii_lowercase())
    }
}

#[derive(Serialize)]
struct EventOut {
    entity: String,
    action: String,
}

#[derive(Serialize)]
struct WebhookOut {
    webhook_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    url: String,
    events: Vec<EventOut>,
    status: &'static str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    /// Beyond MLflow's fields, which its clients pass over: how the deliveries get on.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    waiting_deliveries: i64,
    dead_deliveries: i64,
}

impl From<Webhook> for WebhookOut {
    fn from(webhook: Webhook) -> Self {
        let event = |event: &String| {
            let (entity, action) = event.split_once('.').unwrap_or((event, ""));
            EventOut { entity: entity.to_ascii_uppercase(), action: action.to_ascii_uppercase() }
        };
        Self {
            webhook_id: webhook.id,
            name: webhook.name,
            description: webhook.description,
            url: webhook.url,
            // Its clients refuse an event that they do not know.
            events: webhook.events.iter().filter(|name| !name.starts_with("promotion.")).map(event).collect(),
            status: if webhook.active { "ACTIVE" } else { "DISABLED" },
            creation_timestamp: webhook.created_at,
            last_updated_timestamp: webhook.updated_at,
            last_error: webhook.last_error,
            waiting_deliveries: webhook.waiting,
            dead_deliveries: webhook.dead,
        }
    }
}

#[derive(Serialize)]
struct One {
    webhook: WebhookOut,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    name: Option<String>,
    description: Option<String>,
    url: Option<String>,
    events: List<EventIn>,
    secret: Option<String>,
    status: Option<Value>,
}

impl Form {
    fn read(self) -> Answer<WebhookForm> {
        let events: Vec<String> = self.events.0.iter().map(EventIn::read).collect::<Answer<_>>()?;
        let status = self.status.filter(|s| !s.is_null());
        let status = status.map(|s| choice(&s, &STATUSES).map_err(|e| MlflowError::invalid(format!("The status {e}.")))).transpose()?;
        Ok(WebhookForm {
            name: self.name.filter(|n| !n.is_empty()),
            description: self.description,
            url: self.url.filter(|u| !u.is_empty()),
            events: Some(events).filter(|e| !e.is_empty()),
            secret: self.secret,
            active: status.map(|s| s == "ACTIVE"),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhooks: Vec<WebhookOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn list(Asked { door, fields }: Asked<Page>) -> Answer<Json<Listed>> {
    // Zero is what clients send who do not care.
    let most = fields.max_results.map_or(100, |m| if m.0 == 0 { 100 } else { m.0 });
    let (webhooks, next_page_token) = webhooks::list(door.portal(), &door.caller, &door.team, most, fields.page_token.as_deref()).await?;
    Ok(Json(Listed { webhooks: webhooks.into_iter().map(WebhookOut::from).collect(), next_page_token }))
}

async fn create(Asked { door, fields }: Asked<Form>) -> Answer<Json<One>> {
    let form = fields.read()?;
    required(form.name.clone(), "name")?;
    required(form.url.clone(), "url")?;
    if form.events.is_none() {
        return Err(MlflowError::missing("events"));
    }
    let webhook = webhooks::create(door.portal(), &door.caller, &door.team, form).await?;
    Ok(Json(One { webhook: webhook.into() }))
}

async fn read(Path(id): Path<String>, Asked { door, .. }: Asked<Page>) -> Answer<Json<One>> {
    let webhook = webhooks::get(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(One { webhook: webhook.into() }))
}

async fn update(Path(id): Path<String>, Asked { door, fields }: Asked<Form>) -> Answer<Json<One>> {
    let webhook = webhooks::update(door.portal(), &door.caller, &door.team, &id, fields.read()?).await?;
    Ok(Json(One { webhook: webhook.into() }))
}

async fn remove(Path(id): Path<String>, Asked { door, .. }: Asked<Page>) -> Answer<Json<Empty>> {
    webhooks::delete(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Test {
    event: Option<EventIn>,
}

#[derive(Serialize)]
struct Tested {
    result: TestResult,
}

#[derive(Serialize)]
struct TestResult {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

async fn test(Path(id): Path<String>, Asked { door, fields }: Asked<Test>) -> Answer<Json<Tested>> {
    let event = fields.event.map(|e| e.read()).transpose()?;
    let result = webhooks::test(door.portal(), &door.caller, &door.team, &id, event.as_deref()).await?;
    let result = TestResult {
        success: result.success,
        response_status: result.response_status,
        response_body: result.response_body,
        error_message: result.error,
    };
    Ok(Json(Tested { result }))
}
