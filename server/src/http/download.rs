//! A file that somebody uploaded, on its way to a reader: in constant memory, a part of it where asked, and inert in a browser.

use crate::live::{LOOK_EVERY, Reader};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{artifacts::Readable, model::Permission};
use futures::{Stream, StreamExt};
use std::{fmt::Write, io, ops::Range, time::Instant};

/// Nothing in it runs, loads or navigates, whatever a browser takes it for.
const INERT: &str = "sandbox; default-src 'none'";

/// What a request wants of a file.
enum Wanted {
    Whole,
    Part(Range<u64>),
    /// Outside the file.
    Nothing,
}

/// Answers with the file, or the one part of it that the request asks for.
///
/// # Errors
/// Where its bytes cannot be opened.
pub async fn file(reader: Reader, team: String, file: Readable, method: &Method, headers: &HeaderMap) -> domain::Result<Response> {
    let artifact = &file.artifact;
    let tag = format!("\"{}\"", artifact.sha256);
    let (size, name) = (artifact.size, artifact.path.name().to_owned());
    let mut response = match wanted(headers, &tag, size) {
        Wanted::Nothing => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            put(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
        Wanted::Whole => send(reader, team, file, 0..size, method).await?,
        Wanted::Part(range) => {
            let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let mut response = send(reader, team, file, range, method).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            put(&mut response, header::CONTENT_RANGE, &text);
            response
        }
    };
    put(&mut response, header::ETAG, &tag);
    put(&mut response, header::ACCEPT_RANGES, "bytes");
    put(&mut response, header::CONTENT_TYPE, kind(&name));
    put(&mut response, header::CONTENT_DISPOSITION, &disposition(&name));
    put(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut response, header::CONTENT_SECURITY_POLICY, INERT);
    Ok(response)
}

async fn send(reader: Reader, team: String, file: Readable, range: Range<u64>, method: &Method) -> domain::Result<Response> {
    let length = range.end - range.start;
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        let blocks = file.read(&reader.portal, range.start, length).await?;
        Body::from_stream(watched(reader, team, blocks))
    };
    let mut response = body.into_response();
    put(&mut response, header::CONTENT_LENGTH, &length.to_string());
    Ok(response)
}

/// Ends with an error once the reader may no longer read.
fn watched<S, T>(reader: Reader, team: String, blocks: S) -> impl Stream<Item = io::Result<T>>
where
    S: Stream<Item = io::Result<T>> + Unpin,
{
    futures::stream::try_unfold((reader, blocks, Instant::now()), move |(mut reader, mut blocks, mut looked)| {
        let team = team.clone();
        async move {
            if looked.elapsed() >= LOOK_EVERY {
                let may = reader.is_still_signed_in().await && reader.caller.require_in(Permission::ReadTracking, &team).is_ok();
                if !may {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                looked = Instant::now();
            }
            let next = blocks.next().await.transpose()?;
            Ok(next.map(|block| (block, (reader, blocks, looked))))
        }
    })
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    // Whatever is put here is ASCII without control characters.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if headers.get_all(header::RANGE).iter().count() != 1 || text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    text(header::RANGE).and_then(|range| part(range, size)).unwrap_or(Wanted::Whole)
}

/// Reads `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-COUNT`; none for anything else, which counts as not asked (RFC 9110, 14.2).
fn part(text: &str, size: u64) -> Option<Wanted> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // What does not fit is beyond the end of any file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first, last) {
        ("", count) => size.saturating_sub(number(count)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) })
}

/// A download in every browser, under its own name (RFC 6266).
fn disposition(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | '/') || c == ' ';
    let fallback: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{fallback}\"");
    if fallback != name {
        text += "; filename*=UTF-8''";
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// What kind of file it says it is: nothing that a browser runs.
fn kind(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "txt" | "log" | "err" | "cfg" | "conf" | "ini" | "toml" | "yaml" | "yml" | "xml" | "json" | "js" | "py" | "csv" | "tsv" | "md"
        | "rst" | "ipynb" | "mlmodel" | "mlproject" | "html" | "htm" | "xhtml" | "svg" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str) -> String {
        match part(range, 10) {
            None | Some(Wanted::Whole) => "whole".to_owned(),
            Some(Wanted::Nothing) => "nothing".to_owned(),
            Some(Wanted::Part(range)) => format!("{}..{}", range.start, range.end),
        }
    }

    #[test]
    fn one_range_is_served_and_anything_odd_is_the_whole_or_nothing() {
        for (range, expected) in [
            ("bytes=0-0", "0..1"),
            ("bytes=2-5", "2..6"),
            ("bytes=5-", "5..10"),
            ("bytes=-3", "7..10"),
            ("bytes=-30", "0..10"),
            ("bytes=5-99999999999999999999999", "5..10"),
            ("bytes=18446744073709551615-18446744073709551615", "nothing"),
            ("bytes=18446744073709551616-", "nothing"),
            ("bytes=10-", "nothing"),
            ("bytes=-0", "nothing"),
            ("bytes=9-1", "whole"),
            ("bytes=0-1,3-4", "whole"),
            ("bytes=a-b", "whole"),
            ("bytes=+1-2", "whole"),
            ("bytes=-", "whole"),
            ("lines=1-2", "whole"),
        ] {
            assert_eq!(of(range), expected, "{range}");
        }
        assert!(matches!(part("bytes=0-", 0), Some(Wanted::Nothing)));
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"");
        let nasty = disposition("a\";filename=\"x.html");
        assert_eq!(nasty, "attachment; filename=\"a_;filename=_x.html\"; filename*=UTF-8''a%22%3Bfilename%3D%22x.html");
        assert!(disposition("файл.txt").ends_with("filename*=UTF-8''%D1%84%D0%B0%D0%B9%D0%BB.txt"));
        assert!(disposition("a\r\nSet-Cookie: x=1").is_ascii() && !disposition("a\r\nb").contains('\n'));
    }
}
