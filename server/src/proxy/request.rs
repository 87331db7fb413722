//! What of a browser's request goes on to the notebook: nothing that is the portal's, and nothing that could pass for it.

use crate::http::headers::plain;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts, uri::PathAndQuery},
    response::Response,
};
use domain::notebooks::Upstream;

/// Why there is no answer of the notebook's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It does not listen, or what it says is not HTTP.
    Unreachable,
    /// It listens, but does not answer in time.
    Silent,
    /// The browser's request cannot be passed on.
    Malformed,
    /// The browser's request came too slowly, or not to its end.
    Slow,
    /// Its person may no longer be there.
    Revoked,
}

impl Refused {
    pub fn answer(self) -> Response {
        match self {
            Self::Unreachable => {
                plain(StatusCode::BAD_GATEWAY, "The notebook does not answer. Its page in the portal says whether it runs.")
            }
            Self::Silent => {
                plain(StatusCode::GATEWAY_TIMEOUT, "The notebook takes too long to answer. Try again; if it goes on, restart it.")
            }
            Self::Malformed => plain(StatusCode::BAD_REQUEST, "This request cannot be passed on."),
            Self::Revoked => plain(StatusCode::UNAUTHORIZED, "Open the notebook from the portal."),
            Self::Slow => plain(StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time."),
        }
    }
}

/// Whether no segment of the path, as sent or decoded once, is `.` or `..`, and nothing in it ends a string early. Which notebook is meant
/// was decided by the host, so that an encoded slash is the program's own matter as long as it hides no dot segment.
pub fn is_plain_path(path: &str) -> bool {
    let Some(decoded) = decode(path) else { return false };
    !decoded.iter().any(u8::is_ascii_control) && !decoded.split(|b| matches!(b, b'/' | b'\\')).any(|s| s == b"." || s == b"..")
}

fn decode(path: &str) -> Option<Vec<u8>> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
            let value = digit()? * 16 + digit()?;
            decoded.push(u8::try_from(value).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// The head of the request to the notebook: the same path and query, without headers of this connection or of the portal, and with the
/// header that shows the program that it is the proxy who asks.
pub fn onward(parts: &Parts, upstream: &Upstream) -> Result<http::request::Builder, Refused> {
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + 1);
    let named = named_by_connection(&parts.headers);
    let kept = |name: &HeaderName| !is_of_connection(name) && !named.contains(name) && !is_of_portal(name) && *name != header::EXPECT;
    for (name, value) in parts.headers.iter().filter(|(name, _)| kept(name)) {
        let value = if *name == header::COOKIE { foreign_cookies(value) } else { Some(value.clone()) };
        if let Some(value) = value {
            headers.append(name, value);
        }
    }
    // Set last, so that nothing in the request can stand in its way.
    if let Some((name, secret)) = &upstream.header {
        let name: HeaderName = name.parse().map_err(|_| Refused::Unreachable)?;
        headers.insert(name, secret.0.parse().map_err(|_| Refused::Unreachable)?);
    }
    let mut builder = http::Request::builder().method(parts.method.clone()).uri(target);
    *builder.headers_mut().ok_or(Refused::Malformed)? = headers;
    Ok(builder)
}

/// Headers that the message says are of this connection only. The host stays: without one there is no request.
pub fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).filter_map(|name| name.trim().parse().ok()).filter(|name| *name != header::HOST).collect()
}

/// Headers that are never passed on, in either direction (RFC 9110, 7.6.1).
pub fn is_of_connection(name: &HeaderName) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str())
}

/// Headers that carry or claim an identity, in every spelling that a program may read as one.
fn is_of_portal(name: &HeaderName) -> bool {
    const PREFIXES: [&str; 6] = ["x-portal-", "x-slipway-", "x-forwarded-", "x-remote-", "remote-", "x-original-"];
    let name = name.as_str();
    ["authorization", "forwarded", "x-real-ip", "x-scheme"].contains(&name)
        || name.contains('_')
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The cookies without those of the portal; none where nothing is left.
fn foreign_cookies(value: &HeaderValue) -> Option<HeaderValue> {
    // Cookies may hold bytes that are no text; those are compared, not decoded.
    let kept: Vec<&[u8]> = value.as_bytes().split(|b| *b == b';').map(<[u8]>::trim_ascii).filter(|c| !is_ours(c)).collect();
    let joined = kept.join(&b"; "[..]);
    if joined.is_empty() { None } else { HeaderValue::from_bytes(&joined).ok() }
}

/// Whether a cookie's text starts with a name of the portal's.
pub fn is_ours(cookie: &[u8]) -> bool {
    let lower = cookie.trim_ascii_start().to_ascii_lowercase();
    ["slipway", "__host-slipway", "__secure-slipway"].iter().any(|name| lower.starts_with(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::compute::Secret;

    fn sent(headers: &[(&str, &str)]) -> HeaderMap {
        let request = headers.iter().fold(http::Request::builder().uri("/lab?a=1"), |b, (n, v)| b.header(*n, *v));
        let (parts, ()) = request.body(()).expect("request").into_parts();
        let secret = Secret("token right".to_owned());
        let upstream = Upstream { address: ([127, 0, 0, 1], 1).into(), header: Some(("Authorization".to_owned(), secret)) };
        let onward = onward(&parts, &upstream).expect("onward").body(()).expect("request");
        assert_eq!(onward.uri(), "/lab?a=1");
        onward.headers().clone()
    }

    #[test]
    fn nothing_of_the_portal_passes() {
        let headers = sent(&[
            ("host", "abcdefghijklmnop.localhost:3000"),
            ("cookie", "slipway=secret; a=1; __Host-slipway=x; slipway-notebook=y; SLIPWAY=z; b=2"),
            ("authorization", "Bearer portal"),
            ("x-portal-user", "root"),
            ("x_portal_user", "root"),
            ("x-forwarded-for", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ]);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "authorization", "cookie", "host"]);
        assert_eq!(headers["cookie"], "a=1; b=2");
        assert_eq!(headers["authorization"], "token right");
    }

    #[test]
    fn a_connection_header_strips_what_it_names_but_not_ours() {
        let headers = sent(&[("connection", "close, Authorization, Host, x-secret"), ("x-secret", "1"), ("host", "h")]);
        assert_eq!(headers["authorization"], "token right");
        assert_eq!(headers["host"], "h");
        assert!(!headers.contains_key("x-secret"));
    }

    #[test]
    fn dot_segments_are_refused_in_every_spelling() {
        for good in ["/", "/lab/tree/a%20b.ipynb", "/api/contents/a..b/.hidden", "/lab/api/settings/@jupyterlab%2Fx", "//a", "/a%2520b"] {
            assert!(is_plain_path(good), "{good}");
        }
        for bad in ["/a/../b", "/..", "/.", "/%2e%2e/b", "/a/%2E./b", "/a%2f..%2fb", "/a%5c..%5cb", "/a\\..\\b", "/a%00b", "/%zz", "/%2"] {
            assert!(!is_plain_path(bad), "{bad}");
        }
    }
}
