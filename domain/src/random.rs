//! Randomness from the operating system.

use crate::model::ID_LENGTH;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// `N` random bytes. The operating system's generator failing is not something a program can go on from.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random generator answers");
    bytes
}

/// A new identifier: 16 characters of `[a-z0-9]`, the first a letter so that it is a DNS label everywhere.
pub fn id<T: From<String>>() -> T {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text: String = bytes::<ID_LENGTH>().iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    let first = char::from(ALPHABET[usize::from(bytes::<1>()[0] % 26)]);
    text.replace_range(0..1, first.encode_utf8(&mut [0; 4]));
    T::from(text)
}

/// A secret of 256 bits: 43 characters, safe in a URL.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// SHA-256 of a secret in hexadecimal: what the database keeps instead of it.
pub fn digest(secret: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TeamId, is_id};

    #[test]
    fn a_digest_is_sha_256_in_hexadecimal() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn an_identifier_is_a_dns_label_and_a_secret_has_256_bits() {
        for _ in 0..1000 {
            let TeamId(text) = id();
            assert!(is_id(&text) && text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
        }
        assert_eq!(secret().len(), 43);
        assert_ne!(secret(), secret());
    }
}
