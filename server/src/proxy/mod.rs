//! The way to a running notebook: its own host, its own cookie, and nothing of the portal's passes through.

mod enter;
mod frames;
pub(crate) mod pace;
mod request;
mod response;
mod upstream;
mod watch;
mod websocket;

use crate::{
    Server,
    http::{
        RequestId,
        guard::{self, Foreigners},
        headers::{self, plain, see_other},
    },
};
use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use domain::{Error, model::NotebookId, notebooks};

pub use {
    request::Refused,
    upstream::fetch,
    watch::Guest,
    websocket::{Watch, open as open_websocket},
};

/// Answers a request to the notebook's own host.
pub async fn serve(server: &Server, id: &NotebookId, request: Request, request_id: &RequestId) -> Response {
    let mut response = admit_and_fetch(server, id, request).await;
    headers::common(response.headers_mut(), server.origin.secure(), request_id);
    response
}

async fn admit_and_fetch(server: &Server, id: &NotebookId, request: Request) -> Response {
    if !request::is_plain_path(request.uri().path()) {
        return plain(StatusCode::BAD_REQUEST, "A path may not hold dot segments.");
    }
    if let Some(path) = request.uri().path().strip_prefix("/_slipway/") {
        return match (path, request.method()) {
            ("begin", &Method::GET) => enter::begin(server, id, request.headers()),
            ("enter", &Method::GET) => enter::enter(server, id, request.headers(), request.uri().query().unwrap_or_default()).await,
            _ => plain(StatusCode::NOT_FOUND, "There is no such address."),
        };
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "This method is not passed on.");
    }
    let own = server.origin.of_notebook(id);
    if guard::check(request.method(), request.headers(), &own, Foreigners::MayVisit).is_err() {
        return plain(StatusCode::FORBIDDEN, "This request was made by another site.");
    }
    let visit = is_visit(request.method(), request.headers());
    let Some(secret) = enter::secret(request.headers(), server.origin.secure()).map(str::to_owned) else {
        return refusal(server, id, Error::Unauthenticated, visit);
    };
    let admitted = async {
        let user = notebooks::admit(&server.portal, id, &secret).await?;
        Ok((user, notebooks::upstream(&server.portal, id).await?))
    };
    match admitted.await {
        Ok((user, upstream)) => pass(server, id, Ticket { secret, user: user.0 }, request, upstream).await,
        Err(error) => refusal(server, id, error, visit),
    }
}

/// Somebody who was let in.
struct Ticket {
    secret: String,
    user: String,
}

async fn pass(server: &Server, id: &NotebookId, ticket: Ticket, request: Request, upstream: notebooks::Upstream) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        notebooks::touch(&server.portal, id);
    }
    let guest = Guest { portal: server.portal.clone(), id: id.clone(), secret: ticket.secret };
    if !websocket::is_asked_for(request.headers()) {
        return fetch(request, &upstream, &guest).await.unwrap_or_else(Refused::answer);
    }
    let Some(seat) = server.streams.seat(&format!("{id}/{}", ticket.user), websocket::PER_NOTEBOOK) else {
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too many connections to this notebook are open.");
    };
    websocket::open(request, &upstream, Watch { guest, seat }).await
}

/// Whether a person looks at the answer, as opposed to a program.
fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    *method == Method::GET
        && match text("sec-fetch-mode") {
            "" => text(header::ACCEPT.as_str()).contains("text/html"),
            mode => mode == "navigate",
        }
}

/// A person is sent to the portal, which signs them in or says what is wrong; a program gets a status.
fn refusal(server: &Server, id: &NotebookId, error: Error, visit: bool) -> Response {
    if visit && matches!(error, Error::Unauthenticated | Error::Conflict(_) | Error::NotFound(_)) {
        return see_other(&format!("{}/notebooks/{id}/open", server.origin.text()));
    }
    match error {
        Error::Unauthenticated => plain(StatusCode::UNAUTHORIZED, "Open the notebook from the portal."),
        Error::Conflict(text) => plain(StatusCode::SERVICE_UNAVAILABLE, text),
        Error::NotFound(_) => plain(StatusCode::NOT_FOUND, "There is no such notebook."),
        error => {
            tracing::warn!(%error, notebook = %id, "a notebook could not be reached");
            Refused::Unreachable.answer()
        }
    }
}
