//! What of a notebook's answer reaches the browser: nothing that would act beyond the notebook's own host.

use super::request::{is_of_connection, is_ours, named_by_connection};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Cookies in one answer, and bytes in one cookie.
const COOKIES: usize = 50;
const COOKIE: usize = 4096;

/// The answer's headers without those of this connection and those that are not the notebook's to set.
pub fn back(from: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(from);
    let mut headers = HeaderMap::with_capacity(from.len() + 1);
    for (name, value) in from {
        if is_of_connection(name) || named.contains(name) || acts_beyond(name) {
            continue;
        }
        if *name == header::SET_COOKIE && (!is_own_cookie(value) || headers.get_all(header::SET_COOKIE).iter().count() >= COOKIES) {
            continue;
        }
        headers.append(name, value.clone());
    }
    // Beside the program's own policy: no other site, and not the portal either, may frame it.
    headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'self'"));
    headers
}

/// Headers that change what a browser does with other pages, later answers, or other sites' requests.
fn acts_beyond(name: &HeaderName) -> bool {
    const NAMES: [&str; 10] = [
        "alt-svc",
        "clear-site-data",
        "nel",
        "public-key-pins",
        "report-to",
        "reporting-endpoints",
        "service-worker-allowed",
        "set-cookie2",
        "strict-transport-security",
        "x-request-id",
    ];
    NAMES.contains(&name.as_str()) || name.as_str().starts_with("access-control-")
}

/// Whether a cookie stays on the notebook's host and is not called like one of the portal's.
fn is_own_cookie(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let mut parts = bytes.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let named = parts.next().is_some_and(|cookie| !is_ours(cookie));
    bytes.len() <= COOKIE && named && !parts.any(|part| part.to_ascii_lowercase().starts_with(b"domain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut from = HeaderMap::new();
        for (name, value) in headers {
            from.append(HeaderName::from_static(name), value.parse().expect("value"));
        }
        back(&from)
    }

    #[test]
    fn only_cookies_of_the_notebooks_own_host_pass() {
        let big = format!("big={}", "x".repeat(5000));
        let headers = answered(&[
            ("set-cookie", "_xsrf=1; Path=/"),
            ("set-cookie", "slipway=x; Path=/"),
            ("set-cookie", " slipway-notebook=x"),
            ("set-cookie", "__Host-slipway=x; Path=/; Secure"),
            ("set-cookie", "a=1; Domain=localhost"),
            ("set-cookie", "a=1; domain = example.org"),
            ("set-cookie", &big),
        ]);
        assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["_xsrf=1; Path=/"]);
        assert_eq!(answered(&[("set-cookie", "a=1"); 200]).get_all("set-cookie").iter().count(), COOKIES);
    }

    #[test]
    fn headers_that_reach_beyond_the_notebook_are_removed() {
        let headers = answered(&[
            ("content-type", "text/html"),
            ("location", "http://169.254.169.254/"),
            ("content-security-policy", "default-src 'self'"),
            ("service-worker-allowed", "/"),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("clear-site-data", "\"*\""),
            ("strict-transport-security", "max-age=0"),
            ("alt-svc", "h2=\":443\""),
            ("nel", "{}"),
            ("report-to", "{}"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
        ]);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-security-policy", "content-type", "location"]);
        assert_eq!(headers.get_all("content-security-policy").iter().count(), 2);
    }
}
