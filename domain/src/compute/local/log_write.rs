//! A workload's log on disk: whole lines, a bounded number of files, offsets that count on over rotations.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Bounds of one log.
#[derive(Clone, Copy)]
pub(super) struct LogLimits {
    pub file_bytes: u64,
    pub files: usize,
    /// A longer line is cut into lines of this length.
    pub line_bytes: usize,
    /// What is written faster is dropped, and the log says so.
    pub bytes_per_second: u64,
}

pub(super) const LIMITS: LogLimits = LogLimits { file_bytes: 8 << 20, files: 4, line_bytes: 64 << 10, bytes_per_second: 4 << 20 };

/// Appends to the log in a folder. Each file is named after the offset of its first byte in the whole log.
pub(super) struct LogWriter {
    folder: PathBuf,
    limits: LogLimits,
    file: File,
    start: u64,
    length: u64,
    pending: Vec<u8>,
    window: Option<Instant>,
    in_window: u64,
    dropped_lines: u64,
    dropped_bytes: u64,
}

/// Start offsets and paths of the files, oldest first.
pub(super) fn log_files(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let offset = |p: &Path| p.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok();
    let mut files: Vec<(u64, PathBuf)> = entries.filter_map(|e| Some((offset(&e.path())?, e.path()))).collect();
    files.sort();
    files
}

fn open_file(folder: &Path, start: u64) -> io::Result<File> {
    let path = folder.join(format!("{start:020}.log"));
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}

impl LogWriter {
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_limits(folder, LIMITS)
    }

    pub fn with_limits(folder: &Path, limits: LogLimits) -> io::Result<Self> {
        super::config::make_folder(folder)?;
        let start = log_files(folder).last().map_or(0, |(start, _)| *start);
        let mut file = open_file(folder, start)?;
        let mut length = file.metadata()?.len();
        if length > 0 {
            // Whoever wrote before may have died within a line.
            let mut last = [0];
            file.seek(SeekFrom::Start(length - 1))?;
            file.read_exact(&mut last)?;
            if last[0] != b'\n' {
                file.write_all(b"\n")?;
                length += 1;
            }
        }
        let folder = folder.to_owned();
        Ok(Self { folder, limits, file, start, length, pending: vec![], window: None, in_window: 0, dropped_lines: 0, dropped_bytes: 0 })
    }

    /// Takes what a program printed; writes the lines that are whole by now.
    pub fn write(&mut self, bytes: &[u8], now: Instant) -> io::Result<()> {
        let mut out = Vec::with_capacity(bytes.len() + 16);
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            self.pending.extend_from_slice(part);
            while self.pending.len() > self.limits.line_bytes {
                let rest = self.pending.split_off(char_boundary(&self.pending, self.limits.line_bytes));
                let cut = std::mem::replace(&mut self.pending, rest);
                self.admit(&cut, now, &mut out);
            }
            if self.pending.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.pending);
                self.admit(&line[..line.len() - 1], now, &mut out);
            }
        }
        self.append(&out)
    }

    /// One line of our own.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.append(format!("[slipway] {text}\n").as_bytes())
    }

    /// Says what was dropped, once the flood has ended. Called now and then.
    pub fn tick(&mut self, now: Instant) -> io::Result<()> {
        let mut out = Vec::new();
        self.turn_window(now, &mut out);
        self.append(&out)
    }

    /// Writes what is left, also if it is no whole line.
    pub fn finish(&mut self, now: Instant) -> io::Result<()> {
        let mut out = Vec::new();
        let line = std::mem::take(&mut self.pending);
        if !line.is_empty() {
            self.admit(&line, now, &mut out);
        }
        self.say_dropped(&mut out);
        self.append(&out)
    }

    fn admit(&mut self, line: &[u8], now: Instant, out: &mut Vec<u8>) {
        self.turn_window(now, out);
        let size = line.len() as u64 + 1;
        if self.in_window + size > self.limits.bytes_per_second {
            self.dropped_lines += 1;
            self.dropped_bytes += size;
            return;
        }
        self.in_window += size;
        out.extend_from_slice(String::from_utf8_lossy(line).replace('\0', "\u{fffd}").as_bytes());
        out.push(b'\n');
    }

    fn turn_window(&mut self, now: Instant, out: &mut Vec<u8>) {
        if self.window.is_none_or(|w| now.duration_since(w) >= Duration::from_secs(1)) {
            self.say_dropped(out);
            self.window = Some(now);
            self.in_window = 0;
        }
    }

    fn say_dropped(&mut self, out: &mut Vec<u8>) {
        if self.dropped_lines > 0 {
            let (lines, kib, limit) = (self.dropped_lines, self.dropped_bytes.div_ceil(1024), self.limits.bytes_per_second >> 10);
            let text = format!("[slipway] {lines} lines ({kib} KiB) were dropped here: more than {limit} KiB a second.\n");
            out.extend_from_slice(text.as_bytes());
            (self.dropped_lines, self.dropped_bytes) = (0, 0);
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if self.length >= self.limits.file_bytes {
            self.start += self.length;
            self.length = 0;
            self.file = open_file(&self.folder, self.start)?;
            let files = log_files(&self.folder);
            for (_, path) in files.iter().take(files.len().saturating_sub(self.limits.files)) {
                fs::remove_file(path)?;
            }
        }
        self.file.write_all(lines)?;
        self.length += lines.len() as u64;
        Ok(())
    }
}

/// The last place at or before `at` that is not within a UTF-8 character.
fn char_boundary(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|i| bytes.get(*i).is_none_or(|b| b & 0b1100_0000 != 0b1000_0000)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::super::log_read::read_page;
    use super::*;

    const SMALL: LogLimits = LogLimits { file_bytes: 100, files: 3, line_bytes: 32, bytes_per_second: 1 << 20 };

    #[test]
    fn reading_on_over_rotations_and_restarts_loses_and_repeats_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("log");
        let now = Instant::now();
        let mut writer = LogWriter::with_limits(&folder, SMALL).unwrap();
        let (mut at, mut seen) = (0, Vec::new());
        for i in 0..200 {
            writer.write(format!("line {i}\npart").as_bytes(), now).unwrap();
            writer.write(b" of a line\n", now).unwrap();
            if i % 7 == 0 {
                writer = LogWriter::with_limits(&folder, SMALL).unwrap();
            }
            let page = read_page(&folder, Some(at), 3).unwrap();
            assert_eq!(page.dropped_bytes, 0);
            at = page.next;
            seen.extend(page.lines.into_iter().map(|l| l.text));
        }
        let expected: Vec<String> = (0..200).flat_map(|i| [format!("line {i}"), "part of a line".to_owned()]).collect();
        assert_eq!(seen, expected);
        assert!(log_files(&folder).len() <= 3);
        let old = read_page(&folder, Some(0), 1000).unwrap();
        assert_eq!(old.dropped_bytes, log_files(&folder)[0].0);
        assert!(old.dropped_bytes > 0 && old.next == at);
        let tail: Vec<String> = read_page(&folder, None, 2).unwrap().lines.into_iter().map(|l| l.text).collect();
        assert_eq!(tail, ["line 199", "part of a line"]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_bytes_that_are_no_text_are_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("log");
        let now = Instant::now();
        let mut writer = LogWriter::open(&folder).unwrap();
        for _ in 0..160 {
            writer.write("ä".repeat(32 << 10).as_bytes(), now + Duration::from_secs(1)).unwrap();
        }
        writer.write(b"\xff\0end\n", now + Duration::from_secs(3)).unwrap();
        writer.write(b"no newline", now + Duration::from_secs(5)).unwrap();
        writer.finish(now + Duration::from_secs(5)).unwrap();
        let tail: Vec<String> = read_page(&folder, None, 4).unwrap().lines.into_iter().map(|l| l.text).collect();
        assert!(tail[0].contains("were dropped here"), "{:.80}", tail[0]);
        assert_eq!((tail[1].len(), tail[2].as_str(), tail[3].as_str()), (64 << 10, "\u{fffd}\u{fffd}end", "no newline"));
        let first = read_page(&folder, Some(0), 10).unwrap();
        assert!(first.lines.iter().all(|l| l.text.len() <= 64 << 10 && l.text.chars().all(|c| c == 'ä')));
    }

    #[test]
    fn a_flood_is_bounded_and_the_log_says_what_is_missing() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("log");
        let mut writer = LogWriter::with_limits(&folder, LogLimits { bytes_per_second: 1000, ..LIMITS }).unwrap();
        let now = Instant::now();
        writer.write("0123456789\n".repeat(10_000).as_bytes(), now).unwrap();
        writer.tick(now + Duration::from_millis(500)).unwrap();
        writer.tick(now + Duration::from_secs(1)).unwrap();
        let lines = read_page(&folder, Some(0), 1000).unwrap().lines;
        assert_eq!(lines.len(), 91);
        assert_eq!(lines[90].text, "[slipway] 9910 lines (107 KiB) were dropped here: more than 0 KiB a second.");
    }
}
