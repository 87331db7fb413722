//! Checks that run twice: in the browser for instant answers, in the domain for enforcement.

use serde::{Deserialize, Serialize};

/// One field that cannot be accepted, in words that say what to type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The form field, for example `name` or `env.2.value`.
    pub field: String,
    pub reason: String,
}

/// Collects field errors.
#[derive(Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    pub fn new() -> Self {
        Self::default()
    }
    /// Records `reason` for `field` unless `ok`.
    pub fn require(&mut self, ok: bool, field: impl Into<String>, reason: impl Into<String>) {
        if !ok {
            self.0.push(FieldError { field: field.into(), reason: reason.into() });
        }
    }
    /// Records the error of `result`, if it is one.
    pub fn check(&mut self, field: impl Into<String>, result: Result<(), String>) {
        if let Err(reason) = result {
            self.0.push(FieldError { field: field.into(), reason });
        }
    }
    pub fn finish(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// A name people choose that also stands in URLs and folders: a DNS label of at most `max` characters.
pub fn validate_name(text: &str, max: usize) -> Result<(), String> {
    let ok = !text.is_empty()
        && text.len() <= max
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.as_bytes()[0].is_ascii_lowercase()
        && !text.ends_with('-');
    if ok {
        Ok(())
    } else {
        Err(format!("Use 1 to {max} lower-case letters, digits and dashes, starting with a letter, not ending with a dash."))
    }
}

/// Free text on one line, of at most `max` characters, without control or bidirectional-override characters.
pub fn validate_line(text: &str, max: usize) -> Result<(), String> {
    if text.chars().count() > max {
        return Err(format!("Use at most {max} characters."));
    }
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
    };
    if text.chars().any(hidden) { Err("Remove the control or invisible characters.".to_owned()) } else { Ok(()) }
}

/// An email address as a label: exactly one `@`, no spaces, at most 254 characters. Linear in its length.
pub fn validate_email(text: &str) -> Result<(), String> {
    let shape = "Type an email address such as ada@example.com.";
    if text.len() > 254
        || validate_line(text, 254).is_err()
        || text.contains(char::is_whitespace)
        || text.contains(['"', '<', '>', ',', ';'])
    {
        return Err(shape.to_owned());
    }
    let mut parts = text.split('@');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(local), Some(domain), None)
            if !local.is_empty() && !domain.is_empty() && !domain.starts_with('.') && !domain.ends_with('.') =>
        {
            Ok(())
        }
        _ => Err(shape.to_owned()),
    }
}

/// A password: 12 to 200 characters, and not one of the first to be guessed (ASVS 5.0 6.2.1, 6.2.4).
pub fn validate_password(text: &str, email: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length < 12 {
        return Err("Use at least 12 characters; a few words are easiest.".to_owned());
    }
    if length > 200 {
        return Err("Use at most 200 characters.".to_owned());
    }
    let lower = text.to_lowercase();
    let local_part = email.split('@').next().unwrap_or_default().to_lowercase();
    let first = lower.chars().next().unwrap_or_default();
    let guessable = ["password", "123456789", "qwertyuiop", "slipway", "letmein", "administrator"]
        .iter()
        .any(|w| lower.replace(*w, "").chars().count() < 6)
        || (local_part.chars().count() >= 4 && lower.replace(&local_part, "").chars().count() < 6)
        || lower.chars().all(|c| c == first);
    if guessable { Err("This is among the first to be guessed; use a few unrelated words.".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "vision", "a-1", "team-2026"] {
            assert_eq!(validate_name(good, 40), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "1a", "a_b", "a/b", "../x", "a b", "ä", &"a".repeat(41)] {
            assert!(validate_name(bad, 40).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_email_has_exactly_one_at() {
        assert_eq!(validate_email("ada@example.com"), Ok(()));
        for bad in ["", "ada", "@x", "a@", "eve@evil.com@corp.example", "\"eve@corp.example\"@evil.com", "a b@c.d", "a@.c", "a@c.\n"] {
            assert!(validate_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_long_and_not_the_first_to_be_guessed() {
        assert_eq!(validate_password("correct horse battery", "ada@example.com"), Ok(()));
        for bad in ["short", "password1234", "aaaaaaaaaaaaaa", "adalovelace1", &"x".repeat(201)] {
            assert!(validate_password(bad, "adalovelace@example.com").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_has_nothing_hidden_in_it() {
        assert_eq!(validate_line("Ada's notebook (β)", 100), Ok(()));
        for bad in ["a\nb", "a\u{202e}b", "\u{1b}[31m", &"x".repeat(101)] {
            assert!(validate_line(bad, 100).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_validator_is_linear() {
        let long = "a@".repeat(50_000);
        let start = std::time::Instant::now();
        assert!(validate_email(&long).is_err());
        assert!(validate_name(&long, 40).is_err());
        assert!(validate_line(&long, 100).is_err());
        assert!(validate_password(&long, &long).is_err());
        assert!(start.elapsed().as_millis() < 1000);
    }
}
