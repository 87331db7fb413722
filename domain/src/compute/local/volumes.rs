//! Folders that workloads fill: deleted and measured without following what they planted in them.

use super::blocking::blocking;
use crate::error::{Error, Result};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::{
    fs, io,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longer than this nobody waits for a figure.
const MEASURE_TIME: Duration = Duration::from_secs(2);

/// Deletes a folder and all in it, as `remove_tree` does, off the runtime.
pub(super) async fn delete(folder: PathBuf) -> Result<()> {
    let shown = format!("delete {}", folder.display());
    remove_tree_apart(folder).await.map_err(|e| Error::internal(&shown, e))
}

/// `remove_tree` where it makes nobody wait.
pub(super) async fn remove_tree_apart(folder: PathBuf) -> io::Result<()> {
    blocking(move || remove_tree(&folder)).await?
}

/// Deletes a folder and all in it, also what its owner made read-only, as Go does with its modules. Links in it are removed, not
/// followed. One that is not there is no error.
pub(super) fn remove_tree(folder: &Path) -> io::Result<()> {
    let removed = match fs::remove_dir_all(folder) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            fs::remove_dir_all(folder)
        }
        removed => removed,
    };
    removed.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

/// Lets us read, write and enter a folder and every folder in it. Never leaves it, whatever links it holds.
fn open_up(root: &Path) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, flags, Mode::empty())?;
    let mut open = vec![PathBuf::from(".")];
    while let Some(folder) = open.pop() {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let Ok(found) = rustix::fs::openat2(&root, &folder, flags, Mode::empty(), resolve) else { continue };
        // The kernel's own link leads to this very folder, whatever bears its name by now.
        let link = format!("/proc/self/fd/{}", found.as_raw_fd());
        let mode = fs::metadata(&link)?.permissions().mode();
        if mode & 0o700 != 0o700 {
            fs::set_permissions(&link, fs::Permissions::from_mode(mode | 0o700))?;
        }
        for entry in fs::read_dir(&link)?.flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                open.push(folder.join(entry.file_name()));
            }
        }
    }
    Ok(())
}

/// Bytes on disk; none where counting takes too long.
pub(super) fn usage(folder: &Path) -> Option<u64> {
    let deadline = Instant::now() + MEASURE_TIME;
    let (mut bytes, mut open): (u64, Vec<PathBuf>) = (0, vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        if Instant::now() > deadline {
            return None;
        }
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let Ok(found) = entry.metadata() else { continue };
            bytes += found.blocks() * 512;
            if found.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_folders_are_deleted_and_nothing_behind_a_link_is_touched() {
        let temp = tempfile::tempdir().unwrap();
        let (tree, outside) = (temp.path().join("tree"), temp.path().join("outside"));
        let module = tree.join("go/pkg/mod");
        fs::create_dir_all(&module).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(module.join("kept"), "x").unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("go/link")).unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (folder, bits) in [(module.clone(), 0o000), (tree.join("go/pkg"), 0o555), (tree.join("go"), 0o500), (outside.clone(), 0o555)] {
            set(&folder, bits);
        }
        open_up(&tree).unwrap();
        assert_eq!([mode(&tree.join("go")), mode(&tree.join("go/pkg")), mode(&module)], [0o700, 0o755, 0o700]);
        assert_eq!(mode(&outside), 0o555, "behind a link");
        assert!(open_up(&tree.join("go/link")).is_err(), "a link is no folder");
        set(&module, 0o555);
        remove_tree(&tree).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists() && outside.join("kept").exists());
    }
}
