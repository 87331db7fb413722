//! The door for MLflow's clients: their REST API, parsed into the portal's verbs and answered in MLflow's shapes.
//!
//! Written from the API as clients of MLflow 3.18 use it: <https://mlflow.org/docs/latest/rest-api.html> and MLflow's protobuf files.

mod absent;
mod artifacts;
mod assessments;
mod datasets;
mod error;
mod experiments;
mod inputs;
mod logged_models;
mod metrics;
mod models;
mod otlp;
mod run_shape;
mod runs;
mod scorers;
mod search;
mod server_info;
mod traces;
mod uploads;
mod versions;
mod webhooks;
pub mod wire;

pub use error::{Answer, Code, MlflowError, refusal};

use crate::{
    Server,
    http::RequestId,
    router::{Access, Route},
};
use axum::{
    Extension,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use domain::{Caller, Portal, model::Permission};

/// One endpoint of the API, by its path below `/api/` and `/ajax-api/`.
pub struct Endpoint {
    pub method: &'static str,
    /// For example `2.0/mlflow/runs/create`.
    pub path: &'static str,
    pub needs: Permission,
    pub handler: MethodRouter<Server>,
}

/// An endpoint; for the lists in this folder's files.
pub fn endpoint(method: &'static str, path: &'static str, needs: Permission, handler: MethodRouter<Server>) -> Endpoint {
    Endpoint { method, path, needs, handler }
}

/// Everything that MLflow's clients may ask, under each of its names.
pub fn routes() -> Vec<Route> {
    let endpoints = [
        absent::endpoints(),
        artifacts::endpoints(),
        assessments::endpoints(),
        datasets::endpoints(),
        experiments::endpoints(),
        inputs::endpoints(),
        logged_models::endpoints(),
        metrics::endpoints(),
        models::endpoints(),
        runs::endpoints(),
        scorers::endpoints(),
        search::endpoints(),
        server_info::endpoints(),
        traces::endpoints(),
        uploads::endpoints(),
        versions::endpoints(),
        webhooks::endpoints(),
    ];
    let named = endpoints.into_iter().flatten().flat_map(|e| {
        ["/api/", "/ajax-api/"].map(|prefix| (e.method, format!("{prefix}{}", e.path), Access::Mlflow(e.needs), e.handler.clone()))
    });
    // Outside both prefixes.
    let bare = [absent::bare(), server_info::bare(), artifacts::bare(), uploads::bare(), otlp::bare()].into_iter().flatten();
    named.chain(bare).collect()
}

/// Whether this path is answered in MLflow's shapes, also where it is refused.
pub fn is_ours(path: &str) -> bool {
    let versioned = |rest: &str| ["2.0/mlflow", "2.0mlflow", "3.0/mlflow", "3.0/jobs"].iter().any(|start| rest.starts_with(start));
    path.strip_prefix("/api/").is_some_and(versioned)
        || path.starts_with("/ajax-api/")
        || path.starts_with("/gateway/")
        || ["/graphql", "/v1/traces", "/get-artifact", "/model-versions/get-artifact"].contains(&path)
}

/// Lets in who has a token, may do this and does not ask too often; what the verb behind it says counts too.
pub async fn gate(
    State((server, needs)): State<(Server, Permission)>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = caller.token_team().and_then(|team| caller.require_in(needs, team).map(|_| ()));
    let allowed = allowed.and_then(|()| domain::tokens::count(&server.portal, &caller));
    match allowed {
        Ok(()) => next.run(request).await,
        Err(error) => MlflowError::from(error).into_response(),
    }
}

/// Says in MLflow's shape that there is no such endpoint, instead of the portal's page about it.
pub async fn missing(request: Request, next: Next) -> Response {
    let unknown = request.extensions().get::<MatchedPath>().is_none() && is_ours(request.uri().path());
    if unknown {
        return MlflowError::new(Code::EndpointNotFound, "There is no such endpoint.").into_response();
    }
    next.run(request).await
}

/// Who asks, for which team, of which portal.
pub struct Door {
    pub server: Server,
    pub caller: Caller,
    /// Name of the token's team.
    pub team: String,
    pub request_id: String,
}

impl Door {
    pub fn portal(&self) -> &Portal {
        &self.server.portal
    }
}

impl FromRequestParts<Server> for Door {
    type Rejection = MlflowError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, MlflowError> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or(domain::Error::Unauthenticated)?;
        let team = caller.token_team()?.to_owned();
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Ok(Self { server: server.clone(), caller, team, request_id })
    }
}
