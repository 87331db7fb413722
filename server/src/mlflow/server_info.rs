//! What clients ask before they begin: is it there, which version, what can it do.

use super::{Endpoint, endpoint};
use crate::router::{Access, Route};
use axum::{Json, routing::get};
use domain::model::Permission;
use serde_json::{Value, json};

/// The version of MLflow's API that is spoken here; clients send spans over OTLP from 3.4 on.
const VERSION: &str = "3.18.0";

pub fn endpoints() -> Vec<Endpoint> {
    vec![endpoint("GET", "3.0/mlflow/server-info", Permission::ReadTracking, get(info))]
}

/// `/health` and `/version`, which clients ask without a token.
pub fn bare() -> Vec<Route> {
    vec![
        ("GET", "/health".to_owned(), Access::Open, get(async || "OK")),
        ("GET", "/version".to_owned(), Access::Open, get(async || VERSION)),
    ]
}

async fn info() -> Json<Value> {
    // A token's team is the workspace; there is nothing to choose. Files go through this server, large ones in parts.
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "artifact_serving_enabled": true,
        "multipart_uploads_enabled": true,
    }))
}
