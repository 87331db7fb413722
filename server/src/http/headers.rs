//! Headers on every answer of the portal: what browsers may do with it, and which request it belongs to.

use super::RequestId;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Features that no page of the portal uses, so that injected code cannot either.
pub const NO_FEATURES: &str = "accelerometer=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), \
    xr-spatial-tracking=()";

/// The content security policy of a page whose scripts carry `nonce` and which may frame what is on the origin `files`; without a nonce no script
/// runs at all, and nothing is framed.
pub fn policy(nonce: Option<&str>, files: &str) -> String {
    let frame = if nonce.is_some() { format!("'self' {files}") } else { "'none'".to_owned() };
    let (script, style) = match nonce {
        Some(nonce) => (format!("'strict-dynamic' 'nonce-{nonce}' 'wasm-unsafe-eval'"), format!("'self' 'nonce-{nonce}'")),
        None => ("'none'".to_owned(), "'self'".to_owned()),
    };
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src 'self' data:; font-src 'self'; \
         frame-src {frame}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Adds what an answer of the portal lacks.
pub fn complete(headers: &mut HeaderMap, secure: bool, id: &RequestId) {
    common(headers, secure, id);
    set(headers, header::CACHE_CONTROL, "no-store");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(headers, HeaderName::from_static("permissions-policy"), NO_FEATURES);
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(value) = HeaderValue::from_str(&policy(None, ""))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
}

/// What also a notebook's answers carry.
pub fn common(headers: &mut HeaderMap, secure: bool, id: &RequestId) {
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "same-origin");
    if secure {
        set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A short answer in plain text.
pub fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.into()).into_response()
}

/// Sends a browser to a path or URL with GET, whatever it used.
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => plain(StatusCode::BAD_REQUEST, "This address cannot be redirected."),
    }
}
