//! Decides what a file shows, by its name and its first bytes; only the server does.

use super::{Content, Form, Part, Preview, json, parquet, separated};
use crate::components::SafeHtml;
use domain::{Portal, artifacts::Readable};

/// Bytes of a text that are shown at first, and at most.
const FIRST: u64 = 256 * 1024;
const MOST: u64 = 2 * 1024 * 1024;
/// Bytes of a table that are read, for counting its rows.
const TABLE: u64 = 16 * 1024 * 1024;
/// Longest JSON that is set out.
const JSON: u64 = 1024 * 1024;
/// Largest picture that a page shows, in bytes and in pixels: a small file can unpack to gigabytes.
const PICTURE: u64 = 32 * 1024 * 1024;
const PIXELS: u64 = 64_000_000;

/// What a name says of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Picture(&'static str),
    Drawing,
    WebPage,
    Table(char),
    Json,
    Markdown,
    Parquet,
    Pickled,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension.to_ascii_lowercase().as_str() {
            "png" => Self::Picture("image/png"),
            "jpg" | "jpeg" => Self::Picture("image/jpeg"),
            "gif" => Self::Picture("image/gif"),
            "webp" => Self::Picture("image/webp"),
            "svg" => Self::Drawing,
            "html" | "htm" | "xhtml" => Self::WebPage,
            "csv" => Self::Table(','),
            "tsv" | "tab" => Self::Table('\t'),
            "json" | "ipynb" | "geojson" => Self::Json,
            "md" | "markdown" => Self::Markdown,
            "parquet" => Self::Parquet,
            "pkl" | "pickle" | "joblib" | "pt" | "pth" => Self::Pickled,
            _ => Self::Other,
        }
    }

    /// Bytes that have to be read.
    fn needs(self, all: bool) -> u64 {
        match self {
            Self::Picture(_) => 64,
            Self::Table(_) => TABLE,
            Self::Json => JSON,
            _ if all => MOST,
            _ => FIRST,
        }
    }
}

/// What the file shows; `all` asks for more of a long text.
///
/// # Errors
/// Where its bytes cannot be read.
pub async fn read(portal: &Portal, file: &Readable, all: bool) -> domain::Result<Preview> {
    let artifact = &file.artifact;
    let (name, size) = (artifact.path.name(), artifact.size);
    let content = if let Some(why) = refused(Kind::of(name), size) {
        Content::Nothing(why.to_owned())
    } else if Kind::of(name) == Kind::Parquet {
        parquet::content(portal, file).await?
    } else {
        let bytes = file.beginning(portal, Kind::of(name).needs(all)).await?;
        content(name, size, &bytes, all)
    };
    Ok(Preview { name: name.to_owned(), size, sha256: artifact.sha256.clone(), created_at: artifact.created_at, content })
}

fn refused(kind: Kind, size: u64) -> Option<&'static str> {
    match kind {
        _ if size == 0 => Some("The file is empty."),
        Kind::Pickled => {
            Some("This kind of file can run code when it is opened, so Slipway never opens it. Download it if you trust who made it.")
        }
        Kind::Picture(_) if size > PICTURE => Some("The picture is too large to be shown here. Download it."),
        _ => None,
    }
}

fn content(name: &str, size: u64, bytes: &[u8], all: bool) -> Content {
    let kind = Kind::of(name);
    if let Kind::Picture(expected) = kind {
        return picture(expected, bytes);
    }
    let complete = bytes.len() as u64 == size;
    let Some(text) = text(bytes, complete) else {
        return Content::Nothing("This is no text, table or picture that can be shown. Download the file.".to_owned());
    };
    match kind {
        Kind::Table(separator) => {
            if let Some(table) = separated::table(text, separator, complete) {
                return Content::Table(table);
            }
        }
        Kind::Json if complete => {
            if let Some(table) = json::table(text).filter(|table| !table.columns.is_empty()) {
                return Content::Table(table);
            }
            if let Some(text) = json::set_out(text) {
                return Content::Text { text: shown(&text), note: String::new(), part: Part::Whole };
            }
        }
        _ => {}
    }
    let limit = if all { MOST } else { FIRST };
    let end = (0..=text.len().min(usize::try_from(limit).unwrap_or(usize::MAX))).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let part = match end as u64 {
        end if end == size => Part::Whole,
        end if all || kind == Kind::Markdown => Part::Most(end),
        end => Part::First(end),
    };
    let text = &text[..end];
    match kind {
        Kind::Markdown => Content::Markdown { html: SafeHtml::of_markdown(text), part },
        Kind::WebPage => Content::Active { form: Form::WebPage, text: shown(text), part },
        Kind::Drawing => Content::Active { form: Form::Drawing, text: shown(text), part },
        _ => Content::Text { text: shown(text), note: note(kind, complete).to_owned(), part },
    }
}

fn note(kind: Kind, complete: bool) -> &'static str {
    match kind {
        Kind::Json if complete => "This is not valid JSON, so it is shown as it is.",
        Kind::Json => "Too long to be set out; this is how it is in the file.",
        _ => "",
    }
}

/// A picture is shown where its first bytes are of the very type that its name says: then a browser takes it for nothing else.
fn picture(expected: &'static str, bytes: &[u8]) -> Content {
    let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let half = |at: usize| bytes.get(at..at + 2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    let (found, pixels) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", word(16).zip(word(20)))
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        ("image/gif", half(6).zip(half(8)))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("image/jpeg", None)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        ("image/webp", None)
    } else {
        ("", None)
    };
    if found != expected {
        return Content::Nothing("The file is named as a picture, but its content is none of that type. Download it.".to_owned());
    }
    if pixels.is_some_and(|(width, height)| u64::from(width) * u64::from(height) > PIXELS) {
        return Content::Nothing("The picture has too many pixels to be shown here. Download it.".to_owned());
    }
    Content::Picture { kind: expected.to_owned(), pixels }
}

/// The bytes as text; a character that the end cuts apart is left out. None where they are something else.
fn text(bytes: &[u8], complete: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !complete && error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// The text with line ends of one kind; what would turn it around or hide something is seen.
fn shown(text: &str) -> String {
    let hidden = |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace("\r\n", "\n").chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Content {
        content(name, bytes.len() as u64, bytes, false)
    }

    #[test]
    fn a_file_shows_what_it_is() {
        assert!(matches!(of("a.txt", b"one\r\ntwo"), Content::Text { text, part: Part::Whole, .. } if text == "one\ntwo"));
        assert!(matches!(of("MLmodel", b"flavors:\n"), Content::Text { .. }));
        assert!(matches!(of("a.json", b"{\"a\":1}"), Content::Text { text, note, .. } if text == "{\n  \"a\": 1\n}" && note.is_empty()));
        assert!(matches!(of("a.json", b"{\"a\":NaN}"), Content::Text { note, .. } if note.contains("not valid")));
        assert!(matches!(of("a.tsv", b"a\tb\n1\t2"), Content::Table(table) if table.columns == ["a", "b"]));
        assert!(matches!(of("A.MD", b"# x"), Content::Markdown { html, .. } if html.as_str() == "<h3>x</h3>"));
        assert!(matches!(of("a.bin", b"\0\x01"), Content::Nothing(_)));
        assert!(matches!(of("a.txt", b"\xff\xfe"), Content::Nothing(_)));
        assert!(refused(Kind::of("a.txt"), 0).is_some() && refused(Kind::of("model.pkl"), 9).is_some());
    }

    #[test]
    fn a_picture_is_what_its_name_says_or_is_not_shown() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 0, 3, 0, 0, 0, 2]].concat();
        assert!(matches!(of("a.png", &png), Content::Picture { pixels: Some((3, 2)), .. }));
        let bomb = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 1, 0, 0, 0, 1, 0, 0]].concat();
        for (name, bytes) in [
            ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice()),
            ("a.png", b"\xff\xd8\xff\xe0"),
            ("a.jpg", &png),
            ("a.gif", b"<html>GIF89a"),
            ("a.webp", b"RIFF\0\0\0\0WAVE"),
            ("a.png", &bomb),
        ] {
            assert!(matches!(of(name, bytes), Content::Nothing(_)), "{name}");
        }
    }

    #[test]
    fn pages_and_drawings_are_text_and_nothing_else() {
        for name in ["report.html", "x.HTM", "a.svg", "a.xhtml"] {
            let shown = of(name, b"<script>alert(1)</script>");
            assert!(matches!(shown, Content::Active { text, .. } if text.contains("<script>")), "{name}");
        }
        assert!(
            matches!(of("a.py", "a = 1 # \u{202e}x\u{1b}[31m".as_bytes()), Content::Text { text, .. } if text == "a = 1 # \u{fffd}x\u{fffd}[31m")
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let long = "ü".repeat(200_000).into_bytes();
        let (first, most) = (FIRST, 400_000);
        assert!(matches!(of("a.txt", &long), Content::Text { part: Part::First(end), .. } if end == first));
        assert!(matches!(content("a.txt", most, &long, true), Content::Text { part: Part::Whole, .. }));
        // Read up to the middle of a character.
        let cut = content("a.log", 1_000_000, &long[..4097], true);
        assert!(matches!(cut, Content::Text { part: Part::Most(4096), .. }));
    }
}
