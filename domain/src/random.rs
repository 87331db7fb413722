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
    use sha2::Digest;
    sha2::Sha256::digest(secret.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}
