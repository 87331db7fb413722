//! Encryption at rest for secrets, with a key that is never in the database.

use crate::{
    error::{Error, Result},
    random,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use ring::hmac;
use std::{fmt::Write as _, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// ChaCha20-Poly1305 (RFC 8439) under a random key kept in `<data>/secret.key`, mode 0600, or in a file that the operator names.
pub struct SealingKey {
    cipher: ChaCha20Poly1305,
    /// For `derive`: not the key itself, so that what is derived says nothing about what is sealed.
    derivation: [u8; 32],
}

impl SealingKey {
    /// Reads the key, or makes it on the first start.
    ///
    /// # Errors
    /// `Unavailable`, naming the file, where it cannot be read, made or understood.
    pub fn load_or_create(data: &Path) -> Result<Self> {
        let path = data.join("secret.key");
        let failed = |e: &dyn std::fmt::Display| Error::Unavailable(format!("{}: {e}", path.display()));
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                let text = STANDARD.encode(random::bytes::<32>());
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| failed(&e))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed(&e)),
        }
        Self::load(&path)
    }

    /// Reads the key from this file: 32 random bytes as base64, the same for every replica.
    ///
    /// # Errors
    /// `Unavailable`, naming the file, where it cannot be read or understood.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |e: &dyn std::fmt::Display| Error::Unavailable(format!("{}: {e}", path.display()));
        let text = fs::read_to_string(path).map_err(|e| failed(&e))?;
        let key = STANDARD.decode(text.trim()).map_err(|e| failed(&e))?;
        Ok(Self { cipher: ChaCha20Poly1305::new_from_slice(&key).map_err(|e| failed(&e))?, derivation: hmac(&key, "derive") })
    }

    /// A secret of 256 bits in hexadecimal that only this key and `context` make: the same after every restart, kept nowhere.
    pub fn derive(&self, context: &str) -> String {
        hmac(&self.derivation, context).iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Encrypts `plain`, bound to `context` (for example the notebook and the variable), as base64 of nonce and ciphertext.
    pub fn seal(&self, context: &str, plain: &str) -> Result<String> {
        let nonce = random::bytes::<12>();
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|e| Error::internal("seal", e))?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts what `seal` made with the same `context`.
    ///
    /// # Errors
    /// `Unavailable` where the key is not the one it was sealed with, or the text was changed.
    pub fn open(&self, context: &str, sealed: &str) -> Result<String> {
        let wrong_key = || {
            Error::Unavailable(
                "A stored secret cannot be decrypted: secret.key in the data folder is not the one it was sealed with.".to_owned(),
            )
        };
        let bytes = STANDARD.decode(sealed).map_err(|_| wrong_key())?;
        let (nonce, cipher) = bytes.split_at_checked(12).ok_or_else(wrong_key)?;
        let plain =
            self.cipher.decrypt(Nonce::from_slice(nonce), Payload { msg: cipher, aad: context.as_bytes() }).map_err(|_| wrong_key())?;
        String::from_utf8(plain).map_err(|_| wrong_key())
    }
}

/// HMAC-SHA-256 (RFC 2104).
pub(crate) fn hmac(key: &[u8], message: &str) -> [u8; 32] {
    let mut mac = [0; 32];
    mac.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let mac = random::hex(&hmac(b"Jefe", "what do ya want for nothing?"));
        assert_eq!(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let mac = random::hex(&hmac(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First"));
        assert_eq!(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_derived_secret_is_the_same_after_a_restart_and_another_for_each_context() {
        let folder = tempfile::tempdir().expect("folder");
        let derive = |context| SealingKey::load_or_create(folder.path()).expect("key").derive(context);
        assert_eq!(derive("nb1/1"), derive("nb1/1"));
        assert_ne!(derive("nb1/1"), derive("nb1/2"));
    }

    #[test]
    fn a_key_that_an_operator_names_is_read_and_never_made() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("key");
        assert!(SealingKey::load(&file).is_err() && !file.exists());
        fs::write(&file, "c2hvcnQ=").expect("written");
        assert!(SealingKey::load(&file).is_err(), "too short");
        fs::write(&file, format!("{}\n", STANDARD.encode([7; 32]))).expect("written");
        assert_eq!(SealingKey::load(&file).expect("key").derive("a"), SealingKey::load(&file).expect("key").derive("a"));
    }

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_and_context() {
        let (one, two) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let key = SealingKey::load_or_create(one.path()).expect("key");
        let sealed = key.seal("nb1/TOKEN", "hunter2").expect("sealed");
        assert!(!sealed.contains("hunter2"));
        let again = SealingKey::load_or_create(one.path()).expect("key");
        assert_eq!(again.open("nb1/TOKEN", &sealed).expect("opened"), "hunter2");
        assert!(again.open("nb2/TOKEN", &sealed).is_err());
        assert!(SealingKey::load_or_create(two.path()).expect("key").open("nb1/TOKEN", &sealed).is_err());
    }
}
