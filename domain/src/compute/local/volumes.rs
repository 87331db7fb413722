//! Folders that workloads fill: deleted and measured without following what they planted in them.

use crate::error::{Error, Result};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longer than this nobody waits for a figure.
const MEASURE_TIME: Duration = Duration::from_secs(2);

/// Deletes a folder and all in it; links in it are removed, not followed. One that is not there is no error.
pub(super) fn delete(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::internal(&format!("delete {}", folder.display()), e)),
        _ => Ok(()),
    }
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
