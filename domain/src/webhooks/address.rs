//! Where a webhook may go: the address as a strict text, and which addresses of the network count as public.
//!
//! Only one spelling of each address is read, so that no other program can read it differently.

use crate::model::WEBHOOK_URL_LENGTH;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ports that a receiver may have unless the operator allows it by name.
const PORTS: [u16; 2] = [443, 8443];

/// A receiver inside the network that the operator allows: exactly this host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    pub host: String,
    pub port: u16,
}

impl std::str::FromStr for Allowed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected HOST:PORT, not \"{text}\"");
        let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
        let host = Host::parse(host).map_err(|_| expected())?;
        let port = port.parse().ok().filter(|p| *p > 0).ok_or_else(expected)?;
        Ok(Self { host: host.text(), port })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return inner
                .parse::<Ipv6Addr>()
                .map(|ip| Self::Ip(ip.into()))
                .map_err(|_| "The address in brackets is no IPv6 address.".to_owned());
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        let name = text.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        // Numbers in other spellings are addresses to some programs: 2130706433, 0x7f.1, 0177.0.0.1.
        let numeric =
            last.bytes().all(|b| b.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        if name.len() <= 253 && name.split('.').all(label) && !numeric {
            Ok(Self::Name(name.to_owned()))
        } else {
            Err("The host is neither a name nor a plain address; write other scripts in punycode (xn--…).".to_owned())
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Ip(IpAddr::V4(ip)) => ip.to_string(),
            Self::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
        }
    }
}

/// A receiver's address, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
    /// Path and query, as they go into the request.
    pub(super) path: String,
    /// The operator named this host and port.
    pub(super) allowed: bool,
}

impl Target {
    /// Reads an `https://` address: no credentials, no fragment, nothing hidden, a port that is allowed.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(url: &str, allow: &[Allowed]) -> Result<Self, String> {
        if url.len() > WEBHOOK_URL_LENGTH {
            return Err(format!("Use at most {WEBHOOK_URL_LENGTH} characters."));
        }
        let rest = url.strip_prefix("https://").ok_or_else(|| "The address begins with https://.".to_owned())?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&b);
        if !rest.bytes().all(plain) {
            return Err("Use letters, digits and signs of URLs only; encode the rest with %.".to_owned());
        }
        let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err("Leave user names and passwords out; use a secret.".to_owned());
        }
        if authority.contains('%') || !encoding_is_harmless(path) {
            return Err("Something that is encoded with % cannot stand here.".to_owned());
        }
        let port_at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        let (host, port) = match port_at {
            Some(at) => {
                let digits = &authority[at + 1..];
                let port = digits.parse::<u16>().ok().filter(|p| *p > 0 && p.to_string() == digits);
                (&authority[..at], port.ok_or_else(|| "The port is a number from 1 to 65535.".to_owned())?)
            }
            None => (authority, 443),
        };
        let host = Host::parse(host)?;
        let allowed = allow.iter().any(|a| a.port == port && a.host == host.text());
        let target = Self { host, port, path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }, allowed };
        target.check().map(|()| target)
    }

    fn check(&self) -> Result<(), String> {
        if self.allowed {
            return Ok(());
        }
        if !PORTS.contains(&self.port) {
            return Err(format!(
                "Port {} is not allowed: use 443 or 8443, or ask the operator for {}:{}.",
                self.port,
                self.host.text(),
                self.port
            ));
        }
        let inside = match &self.host {
            Host::Ip(ip) => !is_public(*ip),
            Host::Name(name) => {
                !name.contains('.') || [".localhost", ".local", ".internal", ".home.arpa"].iter().any(|end| name.ends_with(end))
            }
        };
        if inside { Err(INSIDE.to_owned()) } else { Ok(()) }
    }

    /// As it stands in the request's `Host` header.
    pub(super) fn authority(&self) -> String {
        if self.port == 443 { self.host.text() } else { format!("{}:{}", self.host.text(), self.port) }
    }

    /// For the audit trail and messages: the path of some receivers is a secret.
    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// Which of these addresses, that its name has, may be connected to: all are public, or the operator named the receiver.
    ///
    /// # Errors
    /// Where there are none, or one of them lies inside the network.
    pub(super) fn vet(&self, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, String> {
        if found.is_empty() {
            return Err("The host has no address.".to_owned());
        }
        if self.allowed || found.iter().all(|ip| is_public(*ip)) { Ok(found) } else { Err(INSIDE.to_owned()) }
    }
}

const INSIDE: &str = "This address lies inside the network, where webhooks do not go unless the operator allows the host.";

/// No control characters and nothing twice: what is encoded is a byte that cannot be misread.
fn encoding_is_harmless(path: &str) -> bool {
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let byte = rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if byte.is_none_or(|b| b < b' ' || b == 0x7f) || !rest.as_bytes()[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        rest = &rest[at + 3..];
    }
    true
}

/// Whether an address belongs to the public internet (the special-purpose registries of IANA say which do not).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Only global unicast, `2000::/3`, without what is set aside in it and what carries another address inside (Teredo, 6to4).
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let set_aside = matches!((a, b), (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff) | (0x2620, 0x4f));
    (0x2000..=0x3fff).contains(&a) && !set_aside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, String> {
        Target::parse(url, &[])
    }

    #[test]
    fn only_one_spelling_of_a_public_address_is_read() {
        for good in [
            "https://1.1.1.1/hook",
            "https://hooks.example.com",
            "https://hooks.example.com:8443/a/b?c=d%20e",
            "https://[2606:4700::1111]/x",
            "https://xn--bcher-kva.example/",
            "https://HOOKS.example.com/",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
        let target = read("https://Hooks.example.com?x=1").expect("read");
        assert_eq!((target.authority(), target.path.as_str()), ("hooks.example.com".to_owned(), "/?x=1"));
    }

    /// A-HOOK-01 to 03.
    #[test]
    fn no_spelling_of_an_inner_address_is_taken() {
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "0.0.0.0",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[::ffff:7f00:1]",
            "metadata.google.internal",
            "100.100.100.200",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[ff02::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::]",
            "[::127.0.0.1]",
            "printer",
            "a.local",
            "db.internal",
            "x.localhost",
            "198.18.0.1",
            "192.0.2.1",
            "０.０.０.０",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "%31%32%37.0.0.1",
            "1.1.1.1.1",
            "",
        ] {
            assert!(read(&format!("https://{host}/x")).is_err(), "{host}");
        }
    }

    /// A-HOOK-06 and 08.
    #[test]
    fn other_schemes_and_confusing_texts_are_refused() {
        for url in [
            "http://example.com/x",
            "HTTP://example.com",
            "file:///etc/passwd",
            "gopher://example.com",
            "ftp://example.com/x",
            "unix:/run/x",
            "data:text/plain,x",
            "https:example.com",
            "https:/example.com",
            "https:///example.com",
            "https://good.example@127.0.0.1/",
            "https://127.0.0.1#@good.example/",
            "https://good.example#@127.0.0.1/",
            "https://good.example\\@127.0.0.1/",
            "https://good.example%2f@1.1.1.1/",
            "https://good.example/%0d%0aX: y",
            "https://good.example/%0D%0AX:y",
            "https://good.example/%00",
            "https://good.example/a b",
            "https://good.example/\r\nX: y",
            "https://good.example/%zz",
            "https://good.example/%",
            " https://x.example",
            "https://x.example ",
            "https://x.example:443:443/",
            "not a url",
            "",
            "https://x.example:/",
            "https://x.example:0443/",
            "https://u:p@x.example/",
            "https://x_.-.example/",
            "\thttps://x.example/",
            "https://ex\u{e4}mple.com/",
        ] {
            assert!(read(url).is_err(), "{url:?}");
        }
    }

    /// A-HOOK-07.
    #[test]
    fn other_ports_need_the_operators_word() {
        for port in [22, 25, 80, 2379, 5432, 6443, 10250, 0, 65535] {
            assert!(read(&format!("https://hooks.example.com:{port}/")).is_err(), "{port}");
        }
        let allow: Vec<Allowed> = ["ci.internal:8080", "10.0.0.5:8443", "[fd00::5]:443"].iter().map(|a| a.parse().expect("read")).collect();
        for good in ["https://ci.internal:8080/x", "https://10.0.0.5:8443/", "https://[fd00::5]/"] {
            assert!(Target::parse(good, &allow).is_ok_and(|t| t.allowed), "{good}");
        }
        for bad in [
            "https://ci.internal/x",
            "https://10.0.0.5/",
            "https://10.0.0.6:8443/",
            "https://x.ci.internal:8080/",
            "http://ci.internal:8080/",
        ] {
            assert!(Target::parse(bad, &allow).is_err(), "{bad}");
        }
        for bad in ["ci.internal", "ci.internal:x", ":443", "a b:443", "ci.internal:0"] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_address_of_a_name_must_be_public() {
        let target = read("https://hooks.example.com/").expect("read");
        let public: IpAddr = "1.1.1.1".parse().expect("an address");
        let inner: IpAddr = "10.0.0.1".parse().expect("an address");
        assert_eq!(target.vet(vec![public]), Ok(vec![public]));
        assert!(target.vet(vec![public, inner]).is_err());
        assert!(target.vet(Vec::new()).is_err());
    }
}
