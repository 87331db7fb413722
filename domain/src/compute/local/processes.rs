//! Processes as the kernel tells them apart: a number alone may come to mean a stranger.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fs,
    os::fd::OwnedFd,
    path::PathBuf,
};

/// One process, never its number's next owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Process {
    pub pid: i32,
    /// Clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub start: u64,
}

struct Stat {
    state: u8,
    parent: i32,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself contain any character.
    let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let start = fields.nth(17)?.parse().ok()?;
    Some(Stat { state, parent, start })
}

impl Process {
    pub fn of(pid: i32) -> Option<Self> {
        stat(pid).map(|s| Self { pid, start: s.start })
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|s| s.start == self.start && !matches!(s.state, b'Z' | b'X'))
    }

    /// A descriptor that stays with this process; none where it has ended.
    pub fn open(self) -> Option<OwnedFd> {
        let fd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // Opened first and compared after, so that a new owner of the number is noticed.
        stat(self.pid).is_some_and(|s| s.start == self.start).then_some(fd)
    }

    /// Signals this process, or nobody.
    pub fn signal(self, signal: Signal) {
        if let Some(fd) = self.open() {
            let _ = pidfd_send_signal(&fd, signal);
        }
    }

    /// A variable of its environment as it was started.
    pub fn variable(self, name: &str) -> Option<String> {
        let environ = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let value = environ.split(|b| *b == 0).find_map(|v| v.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        String::from_utf8(value.to_vec()).ok().filter(|_| self.is_alive())
    }
}

/// The kernel's name for the time since it was started.
pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn all() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
}

/// Every living process below `root`, without it: complete, but reads all of `/proc`.
pub(super) fn descendants(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for pid in all() {
        if let Some(s) = stat(pid)
            && !matches!(s.state, b'Z' | b'X')
        {
            children.entry(s.parent).or_default().push(Process { pid, start: s.start });
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            next.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// The numbers of `root` and what is below it, in time proportional to the tree; may miss one that starts meanwhile.
pub(super) fn tree(root: i32) -> Vec<i32> {
    let (mut found, mut next) = (HashSet::new(), vec![root]);
    while let Some(pid) = next.pop() {
        if !found.insert(pid) {
            continue;
        }
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            next.extend(children.split_whitespace().filter_map(|c| c.parse::<i32>().ok()));
        }
    }
    if found.len() == 1 {
        // A kernel without `children` files.
        found.extend(descendants(root).into_iter().map(|p| p.pid));
    }
    found.into_iter().collect()
}

/// Processes whose environment carries `name=value`, wherever they hang in the tree.
pub(super) fn tagged(name: &str, value: &str) -> Vec<Process> {
    let tag = format!("{name}={value}");
    all()
        .filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|e| e.split(|b| *b == 0).any(|v| v == tag.as_bytes())))
        .filter_map(Process::of)
        .filter(|p| p.is_alive())
        .collect()
}

/// Kills what `find` finds until it finds nothing, at most for 5 s. Whether nothing is left.
pub(super) fn kill_all(find: impl Fn() -> Vec<Process>) -> bool {
    for _ in 0..250 {
        let found = find();
        if found.is_empty() {
            return true;
        }
        for process in found {
            process.signal(Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    false
}

/// Memory in KiB that the processes cannot give back: anonymous and shared, each page counted once where `exact`.
pub(super) fn memory_kib(pids: &[i32], exact: bool) -> u64 {
    let (file, fields) = if exact { ("smaps_rollup", ["Pss_Anon:", "Pss_Shmem:"]) } else { ("status", ["RssAnon:", "RssShmem:"]) };
    let of_one = |pid: &i32| -> u64 {
        let text = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/{file}"))).unwrap_or_default();
        let lines = text.lines().filter_map(|l| fields.iter().find_map(|f| l.strip_prefix(f)));
        lines.filter_map(|v| v.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).sum()
    };
    pids.iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_its_number_and_its_start() {
        let me = Process::of(std::process::id().cast_signed()).unwrap();
        assert!(me.is_alive() && me.open().is_some());
        let stranger = Process { start: me.start + 1, ..me };
        assert!(!stranger.is_alive() && stranger.open().is_none());
        // Would end this very test if it reached the number's present owner.
        stranger.signal(Signal::KILL);
        assert!(memory_kib(&[me.pid], true) > 0 && memory_kib(&[me.pid], false) > 0);
    }
}
