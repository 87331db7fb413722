//! Files of runs that may be active, shown on an origin where there is nothing to take: no cookie, no sign-in, no other page. A ticket in the
//! address names the file.

use crate::{
    Server,
    http::{
        RequestId,
        errors::refusal,
        headers::{self, NO_FEATURES, plain, see_other},
    },
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Caller, Error,
    artifacts::{self, Readable, shown},
    model::{ArtifactPath, RunId},
};

/// `GET /t/{team}/runs/{run}/shown/{*path}`: to the file on the host of files.
pub async fn lead(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((team, run, path)): Path<(String, RunId, String)>,
) -> Response {
    let ticket = async {
        let path = ArtifactPath::parse(&path).map_err(|reason| Error::invalid("path", reason))?;
        let root = artifacts::of_run(&server.portal, &caller, &team, &run).await?;
        let path = root.path.join(&path).map_err(|reason| Error::invalid("path", reason))?;
        if kind(path.name()).is_none() {
            return Err(Error::invalid("path", "Only web pages and SVG drawings are shown like this."));
        }
        shown::ticket(&server.portal, &caller, &team, &path).await
    };
    match ticket.await {
        Ok(ticket) => see_other(&format!("{}/{ticket}", server.origin.of_files())),
        Err(error) => refusal(error, &caller.request_id),
    }
}

/// Answers a request to the host of files.
pub async fn serve(server: &Server, method: &Method, path: &str, id: &RequestId) -> Response {
    let mut response = file(server, method, path, id).await;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        // The address is a ticket.
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), NO_FEATURES),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    headers::common(response.headers_mut(), server.origin.secure(), id);
    response
}

async fn file(server: &Server, method: &Method, path: &str, id: &RequestId) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "This address answers GET only.");
    }
    let ticket = path.trim_start_matches('/');
    let found = async {
        let file = shown::redeem(&server.portal, ticket).await?;
        let (kind, may) = kind(file.artifact.path.name()).ok_or(Error::NotFound("file"))?;
        send(server, file, kind, may, method).await
    };
    match found.await {
        Ok(response) => response,
        Err(Error::NotFound(_)) => {
            plain(StatusCode::NOT_FOUND, "There is no such file, or its time is over. Show it again from the page of its run.")
        }
        Err(error) => refusal(error, &id.0),
    }
}

async fn send(server: &Server, file: Readable, kind: &'static str, may: &str, method: &Method) -> domain::Result<Response> {
    let size = file.artifact.size;
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from_stream(file.read(&server.portal, 0, size).await?) };
    let policy = format!("{may}; base-uri 'none'; form-action 'none'; frame-ancestors {}", server.origin.text());
    let policy = HeaderValue::from_str(&policy).map_err(|e| Error::Internal(format!("policy: {e}")))?;
    Ok((
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_LENGTH, size.into()),
            (header::CONTENT_SECURITY_POLICY, policy),
        ],
        body,
    )
        .into_response())
}

/// The type of a file that is shown, by its name, and what it may do. A page runs scripts in an origin of its own that no other page shares
/// (`sandbox` without `allow-same-origin`), and loads from elsewhere what makes up a page, as charts from Plotly do; it may ask no server
/// for data. A drawing does nothing.
fn kind(name: &str) -> Option<(&'static str, &'static str)> {
    const PAGE: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' https: blob: data:; \
        style-src 'unsafe-inline' https:; img-src https: data: blob:; font-src https: data:; media-src data: blob:; worker-src blob:";
    const DRAWING: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => Some(("text/html; charset=utf-8", PAGE)),
        "xhtml" => Some(("application/xhtml+xml", PAGE)),
        "svg" => Some(("image/svg+xml", DRAWING)),
        _ => None,
    }
}
