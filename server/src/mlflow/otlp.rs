//! Spans as OpenTelemetry's exporters send them.

use crate::router::Route;

/// `POST /v1/traces`.
pub fn bare() -> Vec<Route> {
    Vec::new()
}
