//! The site's own files, embedded at compile time and named by their content.

use app::SiteFiles;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// One embedded file.
pub struct File {
    pub name: &'static str,
    pub bytes: &'static [u8],
    /// The same, compressed with brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

/// Every embedded file; empty where the binary was built without a site.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// What pages link to or carry, from `site.json`; empty where there is no site.
pub fn files() -> Arc<SiteFiles> {
    let names: serde_json::Value = find("site.json").and_then(|f| serde_json::from_slice(f.bytes).ok()).unwrap_or_default();
    let path = |key: &str| names[key].as_str().unwrap_or_default().to_owned();
    let chunks = serde_json::from_value(names["chunks"].clone()).unwrap_or_default();
    let (script, wasm, loader, icon) = (path("script"), path("wasm"), path("loader"), path("icon"));
    let style = find(path("style").trim_start_matches("/pkg/")).map(|f| String::from_utf8_lossy(f.bytes)).unwrap_or_default();
    Arc::new(SiteFiles { script, wasm, loader, chunks, style: style.into(), icon })
}

fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|f| f.name == name)
}

/// `GET /pkg/{file}`.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    find(&name).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |file| answer(file, &headers))
}

/// `GET /favicon.ico`, which browsers ask for by themselves.
pub async fn favicon(State(server): State<crate::Server>, headers: HeaderMap) -> Response {
    let name = server.files.icon.trim_start_matches("/pkg/");
    find(name).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |file| answer(file, &headers))
}

fn answer(file: &'static File, headers: &HeaderMap) -> Response {
    let takes_brotli = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| {
        v.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("br") && parts.next() != Some("q=0")
        })
    });
    let brotli = file.brotli.filter(|_| takes_brotli);
    let mut response = brotli.unwrap_or(file.bytes).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(file.name)));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if brotli.is_some() {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    // A name that carries a digest of the content never changes.
    let caching = if has_digest(file.name) { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn has_digest(name: &str) -> bool {
    name.split(['.', '-', '/']).any(|part| part.len() >= 12 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::has_digest;

    #[test]
    fn a_digest_in_the_folder_or_in_the_name_makes_a_file_immutable() {
        for named in ["slipway.18aa1e484677/split_work.wasm", "slipway.a6f32aaaaa47.css"] {
            assert!(has_digest(named), "{named}");
        }
        for plain in ["site.json", "fonts/inter-latin-wght-normal.woff2"] {
            assert!(!has_digest(plain), "{plain}");
        }
    }
}
