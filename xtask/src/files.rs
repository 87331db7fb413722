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
        let name = format!("{stem}.{}.{extension}", digest(content));
        self.add(&name, content)?;
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
        let Ok(entries) = fs::read_dir(source) else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.add_tree(&entry.path(), &inner)?;
            } else {
                self.add(&inner, &fs::read(entry.path())?)?;
            }
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
            } else if path.strip_prefix(&self.root).is_ok_and(|name| !self.kept.contains(name)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Twelve hexadecimal digits of the content's SHA-256.
fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(6).fold(String::new(), |mut text, byte| {
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
        assert_eq!(digest(b""), "e3b0c44298fc");
    }
}
