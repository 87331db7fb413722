//! Where a person may be sent: paths of this portal and nothing else.

/// `next` if it is a plain path of this portal, else `/`. Refuses other hosts in every spelling browsers accept (`//x`, `/\x`, control
/// characters, dot segments, schemes).
pub fn safe_path(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let plain = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2000
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !path.contains("//")
        && !path.contains('%')
        && !path.split('/').any(|segment| segment == "." || segment == "..");
    if plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::safe_path;

    #[test]
    fn only_paths_of_this_portal_are_followed() {
        for good in ["/", "/t/vision/notebooks?q=a&sort=name", "/account#tokens"] {
            assert_eq!(safe_path(good), good);
        }
        let bad = [
            "",
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "https://evil.example",
            "/%09/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/nb/1/..//evil.example",
            "/a/../b",
            "/\t/evil.example",
            "evil",
        ];
        for bad in bad {
            assert_eq!(safe_path(bad), "/", "{bad}");
        }
    }
}
