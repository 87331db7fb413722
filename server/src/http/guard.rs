//! Refuses requests that a foreign page makes a browser send (CSRF): Fetch Metadata first, then the exact origin.

use axum::http::{HeaderMap, HeaderName, Method, header};

/// A request was sent by a page that is not ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What a request from a foreign page may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreigners {
    /// Following a link to a page is fine; anything else is not.
    MayVisit,
    Refused,
}

/// Whether a request with these headers comes from our own origin, or from nobody's page.
///
/// # Errors
/// `Foreign` where another page made it, or where nothing shows that none did.
pub fn check(method: &Method, headers: &HeaderMap, own: &str, foreigners: Foreigners) -> Result<(), Foreign> {
    let get = |name: &HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("unreadable"));
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let origin_is_own = || get(&header::ORIGIN) == Some(own);
    // A WebSocket is not bound by the same-origin policy: only its Origin tells who opens it.
    if asks_for_a_websocket(headers) {
        return if origin_is_own() && !matches!(get(&SITE), Some("cross-site" | "same-site")) { Ok(()) } else { Err(Foreign) };
    }
    match get(&SITE) {
        Some("same-origin") => Ok(()),
        Some("none") if safe => Ok(()),
        Some(_) => {
            let visit = *method == Method::GET && get(&MODE) == Some("navigate") && get(&DEST) == Some("document");
            if visit && foreigners == Foreigners::MayVisit { Ok(()) } else { Err(Foreign) }
        }
        None if headers.contains_key(header::ORIGIN) => origin_is_own().then_some(()).ok_or(Foreign),
        // Browsers say where a POST comes from; a program without a cookie has nothing that could be abused.
        None if safe || !headers.contains_key(header::COOKIE) => Ok(()),
        None => Err(Foreign),
    }
}

fn asks_for_a_websocket(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|v| v.as_bytes().to_ascii_lowercase().windows(9).any(|w| w == b"websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "http://localhost:3000";

    fn verdict(method: &Method, headers: &[(&'static str, &'static str)], foreigners: Foreigners) -> bool {
        let map = headers.iter().map(|(n, v)| (HeaderName::from_static(n), v.parse().expect("value"))).collect();
        check(method, &map, OWN, foreigners).is_ok()
    }

    #[test]
    fn a_post_must_show_that_it_comes_from_the_portal() {
        let post = |headers: &[_]| verdict(&Method::POST, headers, Foreigners::MayVisit);
        assert!(post(&[("sec-fetch-site", "same-origin"), ("cookie", "a=1")]));
        assert!(post(&[("origin", OWN), ("cookie", "a=1")]));
        assert!(post(&[]));
        assert!(!post(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(!post(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]));
        assert!(!post(&[("sec-fetch-site", "same-site"), ("origin", OWN)]));
        assert!(!post(&[("sec-fetch-site", "none")]));
        assert!(!post(&[("cookie", "a=1")]));
        for origin in
            ["https://evil.example", "null", "http://localhost:3000.evil.example", "https://localhost:3000", "http://localhost:3001"]
        {
            assert!(!post(&[("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn a_foreign_page_may_link_here_but_not_read() {
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(verdict(&Method::GET, &link, Foreigners::MayVisit));
        assert!(!verdict(&Method::GET, &link, Foreigners::Refused));
        let frame = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert!(!verdict(&Method::GET, &frame, Foreigners::MayVisit));
        assert!(!verdict(&Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")], Foreigners::MayVisit));
        assert!(verdict(&Method::GET, &[("sec-fetch-site", "none")], Foreigners::Refused));
    }

    #[test]
    fn a_websocket_must_come_from_the_own_origin() {
        let upgrade = |origin: Option<&'static str>| {
            let mut headers = vec![("upgrade", "websocket"), ("cookie", "a=1")];
            headers.extend(origin.map(|o| ("origin", o)));
            verdict(&Method::GET, &headers, Foreigners::MayVisit)
        };
        assert!(upgrade(Some(OWN)));
        for bad in [None, Some("null"), Some("https://evil.example"), Some("http://localhost:3000.evil.com")] {
            assert!(!upgrade(bad), "{bad:?}");
        }
    }
}
