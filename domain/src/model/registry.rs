//! Registered models, their versions and aliases, in MLflow's words and within MLflow's limits (`mlflow/utils/validation.py`).

use super::{FieldError, LoggedModelId, Millis, MlModel, RunId, Tag, cut, validate_key, validate_line};
use serde::{Deserialize, Serialize};

/// Longest name of a registered model or a webhook's receiver, in characters.
pub const MODEL_NAME_LENGTH: usize = 256;
/// Longest name of an alias, in characters.
pub const ALIAS_LENGTH: usize = 255;
/// Longest value of a tag of a model or a version, in characters: a prompt's text is one.
pub const REGISTRY_TAG_LENGTH: usize = 100_000;
/// Longest description, in characters.
pub const DESCRIPTION_LENGTH: usize = 100_000;
/// Longest source of a version, in characters.
pub const SOURCE_LENGTH: usize = 2000;
/// The tag that makes a registered model a prompt.
pub const TAG_IS_PROMPT: &str = "mlflow.prompt.is_prompt";
/// The tags of a prompt's version that hold its text and kind.
pub const TAG_PROMPT_TEXT: &str = "mlflow.prompt.text";
pub const TAG_PROMPT_TYPE: &str = "_mlflow_prompt_type";
/// What clients send as the source of a prompt's version, which has none.
pub const PROMPT_SOURCES: [&str; 2] = ["dummy-source", "prompt-template"];

/// A name that versions are counted under. A prompt is one with a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisteredModel {
    pub name: String,
    pub description: Option<String>,
    /// Email of who made it.
    pub created_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// Ordered by key.
    pub tags: Vec<Tag>,
    pub aliases: Vec<Alias>,
    /// The newest version in each stage, the newest first.
    pub latest_versions: Vec<ModelVersion>,
}

impl RegisteredModel {
    pub fn is_prompt(&self) -> bool {
        is_prompt(&self.tags)
    }
}

/// Whether tags say that their owner is a prompt.
pub fn is_prompt(tags: &[Tag]) -> bool {
    tags.iter().rfind(|t| t.key == TAG_IS_PROMPT).is_some_and(|t| t.value.eq_ignore_ascii_case("true"))
}

/// A name that is moved from version to version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub alias: String,
    pub version: i64,
}

/// How far a version has come, in MLflow's older words; aliases are the newer way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    None,
    Staging,
    Production,
    Archived,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }
    /// Staging and Production: where others may be moved out of the way.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

impl std::str::FromStr for Stage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("\"{}\" is no stage; use one of {}.", cut(text, 80), known()))
    }
}

/// One version of a registered model, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    pub name: String,
    /// Counted from 1; a number is never used again.
    pub version: i64,
    pub description: Option<String>,
    pub stage: Stage,
    /// Where the client said it comes from.
    pub source: String,
    pub run: Option<RunId>,
    pub run_link: Option<String>,
    pub logged_model: Option<LoggedModelId>,
    /// Where clients fetch its files.
    pub download_uri: String,
    /// The folder of its files among the team's artifacts; none for a prompt, or where the files are elsewhere.
    pub artifact_root: Option<String>,
    /// SHA-256 over the paths and digests of its files when it was made; none where there were none.
    pub digest: Option<String>,
    /// Email of who made it.
    pub created_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// Ordered by key.
    pub tags: Vec<Tag>,
    /// Names that point to it, ordered.
    pub aliases: Vec<String>,
}

/// A file that a version holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFile {
    /// Below the folder of the version's files.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// The files of a version, and what those among them say that are about the model itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionFiles {
    /// Ordered by path.
    pub files: Vec<VersionFile>,
    /// What its `MLmodel` says; none where it has none that can be read.
    pub says: Option<MlModel>,
    /// The text of its input example, where that is short.
    pub example: Option<String>,
}

/// What a new version is made of, as the client said it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewModelVersion {
    pub name: String,
    pub source: String,
    pub run: Option<String>,
    pub logged_model: Option<String>,
    pub run_link: Option<String>,
    pub description: Option<String>,
    pub tags: Vec<Tag>,
}

impl NewModelVersion {
    /// Names, lengths and what may not stand in texts. What the source points to is for the domain to say.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = super::Checks::new();
        checks.check("name", validate_model_name(&self.name));
        checks.require(!self.source.is_empty(), "source", "Say where the version comes from.");
        checks.check("source", validate_line(&self.source, SOURCE_LENGTH));
        checks.check("run_link", self.run_link.as_deref().map_or(Ok(()), |l| validate_line(l, SOURCE_LENGTH)));
        checks.check("description", self.description.as_deref().map_or(Ok(()), validate_description));
        check_tags(&mut checks, &self.tags);
        checks.finish()
    }
}

/// Checks each tag of a list.
pub fn check_tags(checks: &mut super::Checks, tags: &[Tag]) {
    for (i, tag) in tags.iter().enumerate() {
        checks.check(format!("tags[{i}].key"), validate_key(&tag.key));
        checks.check(format!("tags[{i}].value"), validate_registry_value(&tag.value));
    }
}

/// The last value of each key, ordered by key.
pub fn last_of_each(tags: Vec<Tag>) -> Vec<Tag> {
    let by_key: std::collections::BTreeMap<String, String> = tags.into_iter().map(|t| (t.key, t.value)).collect();
    by_key.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

/// The name of a registered model: it stands in `models:/<name>/<version>` and `models:/<name>@<alias>` without ambiguity, and nothing is
/// hidden in it, also not percent-encoded.
pub fn validate_model_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("A registered model has a name that is not blank.".to_owned());
    }
    validate_line(name, MODEL_NAME_LENGTH)?;
    let plain = decoded(name);
    if plain != name {
        validate_line(&plain, MODEL_NAME_LENGTH)?;
    }
    if plain.trim() != plain {
        return Err("A name neither begins nor ends with a space.".to_owned());
    }
    if let Some(c) = plain.chars().find(|c| matches!(c, '/' | ':' | '@' | '\\') || is_unseen(*c)) {
        return Err(format!("A name of a registered model cannot contain {c:?}."));
    }
    if plain == "." || plain == ".." { Err("This name means a folder.".to_owned()) } else { Ok(()) }
}

/// Characters that are drawn as nothing: joiners, marks of direction, fillers, variation selectors, tags.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with its percent-encoding taken away, however often it was applied. What decodes to no text stays.
pub fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    // Each round makes it shorter or ends.
    while let Some(plain) = decoded_once(&text) {
        text = plain;
    }
    text
}

/// None where nothing is encoded.
fn decoded_once(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok().filter(|plain| plain.len() < text.len())
}

/// The name of an alias. `latest` and `v1` mean versions by themselves.
pub fn validate_alias(alias: &str) -> Result<(), String> {
    validate_alias_shape(alias)?;
    if alias.eq_ignore_ascii_case("latest") {
        return Err("The alias \"latest\" always means the newest version.".to_owned());
    }
    let number = alias.strip_prefix(['v', 'V']).is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_numeric));
    if number { Err(format!("The alias \"{}\" reads like a version.", cut(alias, 80))) } else { Ok(()) }
}

/// The same for looking one up, where `latest` may be asked for.
pub fn validate_alias_shape(alias: &str) -> Result<(), String> {
    if alias.is_empty() || alias.chars().count() > ALIAS_LENGTH {
        return Err(format!("An alias has 1 to {ALIAS_LENGTH} characters."));
    }
    let ok = alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if ok { Ok(()) } else { Err("An alias is made of letters, digits, underscores and dashes.".to_owned()) }
}

/// The value of a tag: any text of a length, except what no database can keep.
pub fn validate_registry_value(value: &str) -> Result<(), String> {
    limited(value, REGISTRY_TAG_LENGTH)
}

/// A description: any text of a length, except what no database can keep.
pub fn validate_description(text: &str) -> Result<(), String> {
    limited(text, DESCRIPTION_LENGTH)
}

fn limited(text: &str, most: usize) -> Result<(), String> {
    if text.chars().count() > most {
        return Err(format!("Use at most {most} characters."));
    }
    if text.contains('\0') { Err("Remove the character NUL.".to_owned()) } else { Ok(()) }
}

/// The number of a version.
pub fn parse_version(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("\"{}\" is no number of a version.", cut(text, 80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_is_seen_whole_and_addressed_without_ambiguity() {
        for good in ["model", "My Model", "get", "search", "1", "naïve-β", "a.b_c", "100%", "日本語", "..."] {
            assert_eq!(validate_model_name(good), Ok(()), "{good}");
        }
        let long = "x".repeat(5000);
        for bad in [
            "",
            " ",
            "../x",
            "a/b",
            "a:b",
            "models:/x",
            "x@prod",
            "/1",
            "a\0b",
            "a\u{202e}b",
            "a\u{200d}b",
            "a\u{200b}b",
            " x",
            "x ",
            "a\nb",
            ".",
            "..",
            "a%2fb",
            "a%252Fb",
            "%2e%2e",
            "a%00b",
            "a%E2%80%AEb",
            "a\\b",
            "a\u{e0041}b",
            &long,
        ] {
            assert!(validate_model_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_alias_is_a_word_that_means_no_version() {
        for good in ["champion", "prod-2", "v", "version1", "_x"] {
            assert_eq!(validate_alias(good), Ok(()), "{good}");
        }
        for bad in ["", "latest", "LATEST", "v1", "V22", "a b", "a/b", "a@b", &"a".repeat(256)] {
            assert!(validate_alias(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn encoding_is_taken_away_however_often_it_was_applied() {
        assert_eq!(decoded("%2525252e"), ".");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%ff"), "%ff");
    }

    #[test]
    fn the_last_tag_of_a_key_counts() {
        let tags = vec![Tag::new("b", "1"), Tag::new("a", "1"), Tag::new("b", "2")];
        assert_eq!(last_of_each(tags), [Tag::new("a", "1"), Tag::new("b", "2")]);
        assert!(is_prompt(&[Tag::new(TAG_IS_PROMPT, "false"), Tag::new(TAG_IS_PROMPT, "True")]));
    }
}
