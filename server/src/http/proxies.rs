//! The TLS proxies in front of the portal: only to them is believed who asks.

use axum::http::HeaderMap;
use std::{net::IpAddr, str::FromStr};

const FORWARDED: &str = "x-forwarded-for";

/// Addresses with the same first bits, for example `10.0.0.0/8`; an address alone is itself only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("\"{text}\" is no network: expected an address or a network such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(expected))?;
        let network = Self { address, bits };
        // A network of all would believe everybody, and one with more bits set is most often a slip.
        if bits == 0 || network.masked(address) != number(address) { Err(expected()) } else { Ok(network) }
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && self.masked(address) == number(self.address)
    }

    fn masked(&self, address: IpAddr) -> u128 {
        let all = if address.is_ipv4() { 32 } else { 128 };
        let rest = all - self.bits;
        number(address).checked_shr(rest).and_then(|kept| kept.checked_shl(rest)).unwrap_or_default()
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whether this peer is one of the proxies.
pub fn is_proxy(proxies: &[Network], peer: IpAddr) -> bool {
    proxies.iter().any(|network| network.holds(peer.to_canonical()))
}

/// Who asks: the peer, or whom it names where it is one of the proxies. Each proxy adds its own peer at the end, so the last that is no proxy is the
/// nearest that one of ours has seen; what stands before it anybody may have written.
pub fn asker(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut nearest = peer;
    if !is_proxy(proxies, peer) {
        return nearest;
    }
    let texts: Vec<&str> = headers.get_all(FORWARDED).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    for named in texts.iter().rev().flat_map(|text| text.rsplit(',')) {
        let Ok(address) = named.trim().parse::<IpAddr>() else { return nearest };
        // Nobody else is on this machine; who writes so wants to be counted as nobody.
        if address.to_canonical().is_loopback() || address.is_unspecified() {
            return nearest;
        }
        nearest = address;
        if !is_proxy(proxies, nearest) {
            return nearest;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn proxies() -> Vec<Network> {
        ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"].iter().map(|text| text.parse().expect("a network")).collect()
    }

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        let is = |peer: &str| is_proxy(&proxies(), peer.parse().expect("an address"));
        for peer in ["10.0.0.1", "10.255.255.255", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:1::2"] {
            assert!(is(peer), "{peer}");
        }
        for peer in ["11.0.0.1", "9.255.255.255", "192.0.2.8", "2001:db9::1", "127.0.0.1", "::1", "::a00:1"] {
            assert!(!is(peer), "{peer}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/", "10.0.0.0/-1", "localhost", "2001:db8::/129"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_proxy_is_believed_and_only_what_it_added() {
        let asks = |peer: &str, headers: &[&str]| {
            let mut map = HeaderMap::new();
            for text in headers {
                map.append(FORWARDED, HeaderValue::from_str(text).expect("a header"));
            }
            asker(&proxies(), peer.parse().expect("an address"), &map).to_string()
        };
        assert_eq!(asks("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(asks("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(asks("10.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(asks("10.0.0.1", &["1.1.1.1", "198.51.100.1, 10.3.3.3"]), "198.51.100.1");
        assert_eq!(asks("10.0.0.1", &["2001:db8::9,2001:db9::1 , 10.3.3.3"]), "2001:db9::1");
        for (headers, told) in [
            (&[][..], "10.0.0.1"),
            (&["127.0.0.1"], "10.0.0.1"),
            (&["::ffff:127.0.0.1, 10.2.2.2"], "10.2.2.2"),
            (&["unknown"], "10.0.0.1"),
            (&["198.51.100.1, "], "10.0.0.1"),
            (&["x, 10.2.2.2"], "10.2.2.2"),
        ] {
            assert_eq!(asks("10.0.0.1", headers), told);
        }
    }
}
