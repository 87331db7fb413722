//! What Slipway does not have, said as such: 501 and never a silent success.

use super::{Code, Endpoint, MlflowError};
use crate::router::{Access, Route};
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::model::Permission;

/// A path, all paths below it, and what would be there.
macro_rules! part {
    ($path:literal, $what:literal) => {
        ($path, concat!($path, "/{*rest}"), $what)
    };
}

/// Whole parts of MLflow's API: everything at and below these paths.
const PARTS: &[(&str, &str, &str)] = &[
    part!("2.0/mlflow/gateway-proxy", "The AI gateway"),
    part!("2.0/mlflow/users", "MLflow's own user management"),
    part!("3.0/jobs", "MLflow's jobs"),
    part!("3.0/mlflow/assistant", "MLflow's assistant"),
    part!("3.0/mlflow/demo", "MLflow's demo data"),
    part!("3.0/mlflow/gateway", "The AI gateway"),
    part!("3.0/mlflow/issues", "MLflow's issues"),
    part!("3.0/mlflow/jobs", "MLflow's jobs"),
    part!("3.0/mlflow/label-schemas", "Labelling"),
    part!("3.0/mlflow/mcp-servers", "The registry of MCP servers"),
    part!("3.0/mlflow/prompt-optimization", "Prompt optimisation"),
    part!("3.0/mlflow/review-queues", "Labelling"),
    part!("3.0/mlflow/skills", "The registry of skills"),
    part!("3.0/mlflow/ui-telemetry", "Telemetry of MLflow's pages"),
    part!("3.0/mlflow/workspaces", "The choice of a workspace (a token belongs to one team)"),
];

/// Single endpoints: method, path, what it would do.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("GET", "2.0/mlflow-artifacts/presigned/{*artifact_path}", "Downloading by a presigned address"),
    ("POST", "2.0/mlflow/artifacts/presigned-download-url", "Downloading by a presigned address"),
    ("POST", "2.0/mlflow/artifacts/presigned-upload-url", "Uploading by a presigned address"),
    ("GET", "2.0/mlflow/get-online-trace-details", "Reading traces of Databricks"),
    ("POST", "2.0/mlflow/runs/create-promptlab-run", "The prompt lab"),
    ("GET", "2.0/mlflow/unified-traces", "Reading traces of Databricks"),
    ("POST", "3.0/mlflow/genai/evaluate/invoke", "Evaluation on the server"),
    ("POST", "3.0/mlflow/scorer/invoke", "Running scorers on the server"),
    ("PUT", "3.0/mlflow/scorers/online-config", "Running scorers on the server"),
];

/// Outside the API's prefixes.
const BARE: &[(&str, &str)] = &[("/graphql", "GraphQL"), ("/gateway/{*rest}", "The AI gateway")];

const METHODS: [(&str, MethodFilter); 5] = [
    ("GET", MethodFilter::GET),
    ("POST", MethodFilter::POST),
    ("PUT", MethodFilter::PUT),
    ("PATCH", MethodFilter::PATCH),
    ("DELETE", MethodFilter::DELETE),
];

pub fn endpoints() -> Vec<Endpoint> {
    let at = |path: &'static str, what: &'static str| METHODS.map(|(method, _)| (method, path, what));
    let parts = PARTS.iter().flat_map(|(path, below, what)| [at(path, what), at(below, what)].into_iter().flatten());
    let all = parts.chain(ENDPOINTS.iter().copied());
    all.map(|(method, path, what)| Endpoint { method, path, needs: needs(method), handler: refusing(method, what) }).collect()
}

/// Names outside the API's prefixes.
pub fn bare() -> Vec<Route> {
    let route = |(path, what): &(&str, &'static str), method: &'static str| {
        (method, (*path).to_owned(), Access::Mlflow(needs(method)), refusing(method, what))
    };
    BARE.iter().flat_map(|one| METHODS.map(|(method, _)| route(one, method))).collect()
}

/// Who may not change anything hears that first.
fn needs(method: &str) -> Permission {
    if method == "GET" { Permission::ReadTracking } else { Permission::WriteTracking }
}

fn refusing(method: &'static str, what: &'static str) -> MethodRouter<crate::Server> {
    let filter = METHODS.iter().find(|(name, _)| *name == method).map_or(MethodFilter::GET, |(_, filter)| *filter);
    on(filter, async move || MlflowError::new(Code::NotImplemented, format!("{what} is not part of Slipway.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_named_twice() {
        let mut names: Vec<(&str, &str)> = endpoints().iter().map(|e| (e.method, e.path)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
