//! Files of runs and models, and the paths that clients know them by.

use super::Millis;
use serde::{Deserialize, Serialize};

/// Longest path, in bytes: it fits into one index entry of either database.
pub const ARTIFACT_PATH_LENGTH: usize = 2048;
/// Longest name of one file or folder, in bytes.
pub const ARTIFACT_NAME_LENGTH: usize = 255;
/// Most names in a path.
pub const ARTIFACT_DEPTH: usize = 100;

/// The path of a file or folder among those of its team: names joined by `/`, in its one plain form. It says nothing about where the bytes lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// Reads a path that has been decoded once; it is never decoded again.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = |what: &str| Err(format!("Invalid path: {what}."));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > ARTIFACT_PATH_LENGTH {
            return refuse(&format!("it is longer than {ARTIFACT_PATH_LENGTH} bytes"));
        }
        if text.starts_with('/') {
            return refuse("it is absolute");
        }
        if text.split('/').count() > ARTIFACT_DEPTH {
            return refuse(&format!("it is deeper than {ARTIFACT_DEPTH} folders"));
        }
        let drive = text.as_bytes();
        if drive.len() > 1 && drive[0].is_ascii_alphabetic() && drive[1] == b':' {
            return refuse("it begins with a drive");
        }
        text.split('/').try_for_each(check_name)?;
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Path of the folder it lies in; empty at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }
    /// What `below` names within this folder.
    ///
    /// # Errors
    /// Where the whole is too long or too deep.
    pub fn join(&self, below: &Self) -> Result<Self, String> {
        Self::parse(&format!("{}/{}", self.0, below.0))
    }
    /// Each folder that it lies in, as parent and name, from the top.
    pub fn ancestors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.match_indices('/').map(|(end, _)| {
            let folder = &self.0[..end];
            folder.rsplit_once('/').unwrap_or(("", folder))
        })
    }
}

impl std::fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let refuse = |what: &str| Err(format!("Invalid path: {what}."));
    if name.is_empty() {
        return refuse("it has an empty name");
    }
    if name == "." || name == ".." {
        return refuse("it has a name of dots");
    }
    if name.len() > ARTIFACT_NAME_LENGTH {
        return refuse(&format!("it has a name of more than {ARTIFACT_NAME_LENGTH} bytes"));
    }
    if name.contains('\\') {
        return refuse("it has a backslash");
    }
    if name.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    // Somebody down the road may decode once more.
    let lower = name.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%00"].iter().any(|escape| lower.contains(escape)) {
        return refuse("it has an escaped dot, slash or NUL");
    }
    Ok(())
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactEntry {
    pub name: String,
    pub is_folder: bool,
    /// Bytes; 0 for a folder.
    pub size: i64,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub path: ArtifactPath,
    /// Bytes.
    pub size: u64,
    /// Of its content, in hexadecimal.
    pub sha256: String,
    pub created_at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_names_joined_by_slashes() {
        for good in
            ["a", "a/b/c.txt", "0/abc/artifacts/model/MLmodel", "a;p=1/x", "with space", "файл.txt", "ab:c", "...", "a..b", "100%", "%252e"]
        {
            assert!(ArtifactPath::parse(good).is_ok(), "{good}");
        }
        let deep = vec!["d"; 101].join("/");
        let bad = [
            "",
            "/",
            "/etc/passwd",
            ".",
            "..",
            "../x",
            "a/..",
            "a/./b",
            "a//b",
            "a/",
            "a;/../../x",
            "a;p=../../x",
            "..\\x",
            "a\\b",
            "C:\\x",
            "C:/x",
            "c:x",
            "\\\\host\\share",
            "a\0b",
            "a\nb",
            "a\u{85}b",
            "%2e%2e%2fx",
            "%2E%2e",
            "a%2Fb",
            "a%5cb",
            "a%00",
            &"n".repeat(256),
            &deep,
            &vec!["n".repeat(200); 11].join("/"),
        ];
        for bad in bad {
            assert!(ArtifactPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ArtifactPath::parse(&vec!["d"; 100].join("/")).is_ok() && ArtifactPath::parse(&"n".repeat(255)).is_ok());
    }

    #[test]
    fn a_path_knows_its_folders() {
        let path = ArtifactPath::parse("a/b/c.txt").expect("a path");
        assert_eq!((path.folder(), path.name()), ("a/b", "c.txt"));
        assert_eq!(path.ancestors().collect::<Vec<_>>(), [("", "a"), ("a", "b")]);
        let top = ArtifactPath::parse("top").expect("a path");
        assert_eq!((top.folder(), top.name(), top.ancestors().count()), ("", "top", 0));
        assert_eq!(top.join(&path).expect("joined").as_str(), "top/a/b/c.txt");
    }
}
