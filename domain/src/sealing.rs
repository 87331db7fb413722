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
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// ChaCha20-Poly1305 (RFC 8439) under a random key kept in `<data>/secret.key`, mode 0600.
pub struct SealingKey(ChaCha20Poly1305);

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
        let text = fs::read_to_string(&path).map_err(|e| failed(&e))?;
        let key = STANDARD.decode(text.trim()).map_err(|e| failed(&e))?;
        Ok(Self(ChaCha20Poly1305::new_from_slice(&key).map_err(|e| failed(&e))?))
    }

    /// Encrypts `plain`, bound to `context` (for example the notebook and the variable), as base64 of nonce and ciphertext.
    pub fn seal(&self, context: &str, plain: &str) -> Result<String> {
        let nonce = random::bytes::<12>();
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload).map_err(|e| Error::internal("seal", e))?;
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
        let plain = self.0.decrypt(Nonce::from_slice(nonce), Payload { msg: cipher, aad: context.as_bytes() }).map_err(|_| wrong_key())?;
        String::from_utf8(plain).map_err(|_| wrong_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
