//! Reading a workload's log by byte offset, and waiting for it to grow.

use super::log_write::log_files;
use crate::compute::sanitise::sanitise;
use crate::model::{LogLine, LogPage};
use futures::StreamExt;
use inotify::{Inotify, WatchDescriptor, WatchMask, Watches};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// One page reads no more than this; any line fits in it.
const PAGE_BYTES: u64 = 1 << 20;
const PAGE_LINES: usize = 5000;

/// The bytes from `start` on, at most a page of them and the byte before it, over the borders of files.
fn read_span(files: &[(u64, std::path::PathBuf)], start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let first = files.partition_point(|(s, _)| *s <= start).saturating_sub(1);
    for (file_start, path) in files.iter().skip(first) {
        let at = start + bytes.len() as u64;
        let left = PAGE_BYTES + 1 - bytes.len() as u64;
        if left == 0 || *file_start > at {
            break;
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            // Rotated away meanwhile.
            Err(e) if e.kind() == io::ErrorKind::NotFound => break,
            Err(e) => return Err(e),
        };
        file.seek(SeekFrom::Start(at - file_start))?;
        file.take(left).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Offsets of the oldest byte kept and of the end.
pub(super) fn bounds(folder: &Path) -> (u64, u64) {
    let files = log_files(folder);
    let oldest = files.first().map_or(0, |(start, _)| *start);
    let end = files.last().map_or(0, |(start, path)| start + std::fs::metadata(path).map_or(0, |m| m.len()));
    (oldest, end)
}

/// At most `limit` whole lines from `from` on, or the last ones. An offset within a line means the next line.
pub(super) fn read_page(folder: &Path, from: Option<u64>, limit: u32) -> io::Result<LogPage> {
    let limit = (limit as usize).min(PAGE_LINES);
    let files = log_files(folder);
    let (oldest, end) = bounds(folder);
    let asked = from.unwrap_or_else(|| end.saturating_sub(PAGE_BYTES).max(oldest)).min(end);
    let start = asked.max(oldest);
    // One byte earlier, to see whether a line begins here.
    let span_start = start.saturating_sub(u64::from(start > oldest));
    let bytes = read_span(&files, span_start)?;
    let mut at = span_start;
    let mut rest = bytes.as_slice();
    if start > oldest {
        let skip = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
        at += skip as u64;
        rest = &rest[skip..];
    }
    let whole = rest.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let mut lines = Vec::new();
    for line in rest[..whole].split_inclusive(|b| *b == b'\n') {
        if from.is_some() && lines.len() == limit {
            break;
        }
        at += line.len() as u64;
        lines.push(LogLine { next: at, text: sanitise(&String::from_utf8_lossy(line)) });
    }
    lines.drain(..lines.len().saturating_sub(limit));
    let dropped_bytes = from.map_or(0, |_| start - asked);
    Ok(LogPage { dropped_bytes, lines, next: at })
}

/// Tells when logs grow: one inotify instance for all of them, since a user may have only a few.
pub(super) struct LogWatch {
    watches: Mutex<Watches>,
    grown: Arc<Mutex<HashMap<WatchDescriptor, watch::Sender<u64>>>>,
}

impl LogWatch {
    pub fn start() -> io::Result<Self> {
        let inotify = Inotify::init()?;
        let watches = Mutex::new(inotify.watches());
        let grown: Arc<Mutex<HashMap<WatchDescriptor, watch::Sender<u64>>>> = Arc::default();
        let tell = Arc::downgrade(&grown);
        let mut events = inotify.into_event_stream(vec![0; 16 << 10])?;
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let (Some(grown), Ok(event)) = (tell.upgrade(), event) else { continue };
                let mut grown = grown.lock().unwrap_or_else(PoisonError::into_inner);
                if event.mask.contains(inotify::EventMask::IGNORED) {
                    grown.remove(&event.wd);
                } else if let Some(sender) = grown.get(&event.wd) {
                    sender.send_modify(|n| *n = n.wrapping_add(1));
                }
            }
        });
        Ok(Self { watches, grown })
    }

    /// Changes each time something is written in the folder from now on.
    pub fn subscribe(&self, folder: &Path) -> io::Result<watch::Receiver<u64>> {
        let mask = WatchMask::MODIFY | WatchMask::CREATE;
        let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        let descriptor = self.watches.lock().unwrap_or_else(PoisonError::into_inner).add(folder, mask)?;
        Ok(grown.entry(descriptor).or_insert_with(|| watch::channel(0).0).subscribe())
    }
}
