//! Objects as files of this machine. A file is under its own name only once it is whole and durable.

use super::objects::{Key, Stored};
use crate::{crash, model::Millis};
use rustix::fs::{OFlags, StatVfs};
use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Bytes that uploads leave free on the disk, so that the database and the system go on.
const LEFT_FREE: u64 = 512 * 1024 * 1024;
/// Where files are until they are whole.
const INCOMING: &str = "incoming";

/// `<root>/<team>/<two letters>/<object>`; folders 0700, files 0600. Every function here blocks.
pub(super) struct Disk {
    root: PathBuf,
    /// Folders that are known to be on the disk, and so are not made durable again.
    durable: Mutex<HashSet<PathBuf>>,
}

impl Disk {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root.join(INCOMING))?;
        Ok(Self { root, durable: Mutex::default() })
    }

    fn folder(&self, key: &Key) -> PathBuf {
        self.root.join(key.team.as_str()).join(key.shard())
    }

    /// A new empty file that nobody reads yet.
    pub(super) fn create(&self, key: &Key) -> io::Result<File> {
        crash::point("artifact.before_temporary");
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.incoming(key))
    }

    fn incoming(&self, key: &Key) -> PathBuf {
        self.root.join(INCOMING).join(&key.object)
    }

    /// Removes what `create` made.
    pub(super) fn discard(&self, key: &Key) {
        if let Err(error) = fs::remove_file(self.incoming(key))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, object = key.object, "an unfinished upload stays until it is swept");
        }
    }

    /// Gives the file its own name once its bytes are on the disk; when this returns, so is the name.
    pub(super) fn publish(&self, key: &Key, file: &File) -> io::Result<()> {
        crash::point("artifact.before_sync");
        file.sync_all()?;
        let folder = self.folder(key);
        let team = self.root.join(key.team.as_str());
        self.ensure(&team, &self.root)?;
        self.ensure(&folder, &team)?;
        crash::point("artifact.before_rename");
        fs::rename(self.incoming(key), folder.join(&key.object))?;
        crash::point("artifact.before_folder_sync");
        File::open(&folder)?.sync_all()
    }

    fn ensure(&self, folder: &Path, parent: &Path) -> io::Result<()> {
        if self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        File::open(parent)?.sync_all()?;
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
        Ok(())
    }

    /// Opens the object at `from`. A link in its place is refused.
    pub(super) fn read(&self, key: &Key, from: u64) -> io::Result<File> {
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(self.folder(key).join(&key.object))?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        Ok(file)
    }

    /// Removes the object; one that is gone is no error.
    pub(super) fn remove(&self, key: &Key) -> io::Result<()> {
        match fs::remove_file(self.folder(key).join(&key.object)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the disk has no room for `bytes` more.
    pub(super) fn is_full(&self, bytes: u64) -> bool {
        let room = |s: StatVfs| s.f_bavail.saturating_mul(s.f_frsize);
        rustix::fs::statvfs(&self.root).map(room).is_ok_and(|room| room < bytes.saturating_add(LEFT_FREE))
    }

    /// Every folder that may hold objects.
    pub(super) fn shards(&self) -> io::Result<Vec<Shard>> {
        let mut shards = Vec::new();
        for team in folders(&self.root)?.into_iter().filter(|name| name != INCOMING) {
            let names = folders(&self.root.join(&team))?;
            shards.extend(names.into_iter().map(|shard| Shard { team: team.clone(), shard }));
        }
        Ok(shards)
    }

    /// The objects of one folder.
    pub(super) fn list(&self, shard: &Shard) -> io::Result<Vec<Stored>> {
        files(&self.root.join(&shard.team).join(&shard.shard), &shard.team)
    }

    /// Removes unfinished files that were last written before `until`, except those that are being `written`; how many.
    pub(super) fn sweep_incoming(&self, until: Millis, written: &HashSet<String>) -> io::Result<u64> {
        let folder = self.root.join(INCOMING);
        let mut removed = 0;
        for stored in files(&folder, "")? {
            if stored.written_at < until && !written.contains(&stored.key.object) {
                fs::remove_file(folder.join(&stored.key.object))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// A folder of objects.
pub(super) struct Shard {
    team: String,
    shard: String,
}

fn folders(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn files(path: &Path, team: &str) -> io::Result<Vec<Stored>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // One that is removed meanwhile is not there.
        let Ok(metadata) = entry.metadata() else { continue };
        if let (true, Ok(object)) = (metadata.is_file(), entry.file_name().into_string()) {
            let key = Key { team: team.into(), object };
            files.push(Stored { key, size: metadata.len(), written_at: metadata.mtime() * 1000 });
        }
    }
    Ok(files)
}

/// The next block of a file, at most `most` bytes; shorter only at its end.
pub(super) fn read_block(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(usize::try_from(most).map_err(io::Error::other)?);
    Read::by_ref(file).take(most).read_to_end(&mut block)?;
    Ok(block)
}
