//! Whose listener it is: a port belongs to a workload only while one of its own processes listens there.

use super::processes::{self, Process};
use std::{collections::HashSet, fs, io, net::TcpListener};

/// A loopback port that is free now.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A process that holds the listening socket, by one of its descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    process: Process,
    descriptor: u32,
    inode: u64,
}

impl Link {
    /// Whether it is so still. Socket inodes are not used twice while anybody has one open.
    pub fn holds(&self) -> bool {
        socket_inode(self.process.pid, self.descriptor) == Some(self.inode) && self.process.is_alive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Nobody,
    /// A process of this tree.
    Ours(Link),
    /// Somebody else, at least among others.
    Stranger,
}

/// Who listens where `127.0.0.1:port` leads to, seen from the tree below `root`.
pub(super) fn listener(port: u16, root: i32) -> Listener {
    let mut wanted: HashSet<u64> = HashSet::new();
    for (table, v6) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
        wanted.extend(listening(&fs::read_to_string(table).unwrap_or_default(), port, v6));
    }
    if wanted.is_empty() {
        return Listener::Nobody;
    }
    let mut link = None;
    for pid in processes::tree(root) {
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Some(descriptor) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
            let Some(inode) = socket_inode(pid, descriptor) else { continue };
            if wanted.remove(&inode) {
                link = Process::of(pid).map(|process| Link { process, descriptor, inode });
            }
        }
    }
    // Two may listen on one port (SO_REUSEPORT): then nobody knows who answers.
    match link {
        Some(link) if wanted.is_empty() => Listener::Ours(link),
        _ => Listener::Stranger,
    }
}

fn socket_inode(pid: i32, descriptor: u32) -> Option<u64> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Inodes of the sockets that listen on this port at an address which `127.0.0.1` reaches.
fn listening(table: &str, port: u16, v6: bool) -> Vec<u64> {
    let reachable: &[&str] = if v6 {
        &["00000000000000000000000000000000", "0000000000000000FFFF00000100007F", "0000000000000000FFFF000000000000"]
    } else {
        &["0100007F", "00000000"]
    };
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, line_port) = fields.get(1)?.split_once(':')?;
        let listens = *fields.get(3)? == "0A" && u16::from_str_radix(line_port, 16).ok()? == port && reachable.contains(&address);
        if listens { fields.get(9)?.parse().ok() } else { None }
    };
    table.lines().skip(1).filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listeners_that_loopback_reaches_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0\n\
            1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0\n\
            2: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0\n\
            3: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0\n\
            4: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 15 1 0 100 0 0 10 0\n";
        assert_eq!(listening(table, 8080, false), [11, 12]);
    }

    #[test]
    fn a_listener_is_ours_only_below_our_root() {
        let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let me = std::process::id().cast_signed();
        let Listener::Ours(link) = listener(port, me) else { panic!("this process listens") };
        assert!(link.holds());
        #[expect(clippy::disallowed_methods, reason = "a process to tell apart")]
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(listener(port, other.id().cast_signed()), Listener::Stranger);
        other.kill().unwrap();
        other.wait().unwrap();
        drop(socket);
        assert!(!link.holds());
        assert_eq!(listener(port, me), Listener::Nobody);
    }
}
