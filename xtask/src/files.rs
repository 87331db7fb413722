//! The site's folder: files keep their time stamp while their content stays, and what is no longer part of the site leaves.

use crate::{Outcome, tools};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Collects the files of one build of the site.
pub struct SiteFolder {
    root: PathBuf,
    kept: BTreeSet<PathBuf>,
    brotli_quality: u32,
}

impl SiteFolder {
    pub fn open(root: PathBuf, release: bool) -> Outcome<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, kept: BTreeSet::new(), brotli_quality: if release { 11 } else { 5 } })
    }

    /// Adds `<stem>.<digest>.<extension>` and its brotli-compressed twin; returns the path that pages ask for.
    pub fn add_hashed(&mut self, stem: &str, extension: &str, content: &[u8]) -> Outcome<String> {
        self.add_packed(&format!("{stem}.{}.{extension}", digest(&[content])), content)
    }

    /// Adds files that name each other into a folder that is named by a digest of them all, each with its brotli-compressed twin;
    /// returns the folder's path as pages ask for it.
    pub fn add_family(&mut self, stem: &str, source: &Path) -> Outcome<String> {
        let mut members = Vec::new();
        collect(source, "", &mut members)?;
        members.sort();
        let parts: Vec<&[u8]> = members.iter().flat_map(|(name, content)| [name.as_bytes(), content.as_slice()]).collect();
        let folder = format!("{stem}.{}", digest(&parts));
        for (name, content) in &members {
            self.add_packed(&format!("{folder}/{name}"), content)?;
        }
        Ok(format!("/pkg/{folder}"))
    }

    fn add_packed(&mut self, name: &str, content: &[u8]) -> Outcome<String> {
        self.add(name, content)?;
        let twin = format!("{name}.br");
        // The name says the content, so a twin that is there is the right one.
        if self.root.join(&twin).exists() {
            self.kept.insert(twin.into());
        } else {
            let packed = pack(content, self.brotli_quality)?;
            tools::say(&format!("{name}: {} bytes, {} with brotli", content.len(), packed.len()));
            self.add(&twin, &packed)?;
        }
        Ok(format!("/pkg/{name}"))
    }

    /// Adds one file, leaving it untouched when it already holds `content`.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Outcome<()> {
        let path = self.root.join(name);
        if fs::read(&path).ok().as_deref() != Some(content) {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, content)?;
        }
        self.kept.insert(name.into());
        Ok(())
    }

    /// Adds every file under `source`, with unchanged names, below `name`; nothing where `source` does not exist.
    pub fn add_tree(&mut self, source: &Path, name: &str) -> Outcome<()> {
        let mut found = Vec::new();
        if source.exists() {
            collect(source, &format!("{name}/"), &mut found)?;
        }
        for (name, content) in found {
            self.add(&name, &content)?;
        }
        Ok(())
    }

    /// Removes what earlier builds left, and returns the folder.
    pub fn finish(self) -> Outcome<PathBuf> {
        self.sweep(&self.root)?;
        Ok(self.root)
    }

    fn sweep(&self, folder: &Path) -> Outcome<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.sweep(&path)?;
                if fs::read_dir(&path)?.next().is_none() {
                    fs::remove_dir(&path)?;
                }
            } else if path.strip_prefix(&self.root).is_ok_and(|name| !self.kept.contains(name)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Every file below the folder: its path from there, and its content.
fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, Vec<u8>)>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push((name, fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// Twelve hexadecimal digits of the SHA-256 of all parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn pack(content: &[u8], quality: u32) -> Outcome<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 1 << 16, quality, 22);
    writer.write_all(content)?;
    drop(writer);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::{SiteFolder, digest};
    use std::fs;

    #[test]
    fn a_rebuild_with_the_same_content_touches_nothing_and_drops_what_is_gone() {
        let root = std::env::temp_dir().join(format!("slipway-xtask-{}", std::process::id()));
        let build = |icon: &[u8]| {
            let mut folder = SiteFolder::open(root.clone(), false).unwrap();
            let name = folder.add_hashed("icon", "svg", icon).unwrap();
            folder.finish().unwrap();
            root.join(name.trim_start_matches("/pkg/"))
        };
        let first = build(b"<svg/>");
        let written = fs::metadata(&first).unwrap().modified().unwrap();
        assert_eq!(build(b"<svg/>"), first);
        assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), written);
        let second = build(b"<svg></svg>");
        assert!(second.exists() && !first.exists());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_digest_is_twelve_hexadecimal_digits() {
        let digest = digest(&[b"a", b"b"]);
        assert!(digest.len() == 12 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(digest, super::digest(&[b"ab", b""]));
    }
}
