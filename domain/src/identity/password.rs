//! Password hashes: argon2id, off the async threads, a few at a time because each takes 19 MiB and a core.

use crate::{
    error::{Error, Result},
    random,
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use tokio::sync::Semaphore;

static HASHING: Semaphore = Semaphore::const_new(4);

/// KiB of memory, passes, lanes: what OWASP's cheat sheet on password storage asks of argon2id.
const COST: [u32; 3] = [19_456, 2, 1];
/// Tests make accounts by the hundred with which nothing is guarded: the full cost would be a quarter of their time.
const COST_HERE: [u32; 3] = if cfg!(feature = "testing") { [64, 1, 1] } else { COST };

/// Checked where there is no account, so that the answer takes the same time. The same cost as a real one; no password fits it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2xpcHdheW5vYm9keXMxNg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _permit = HASHING.acquire().await.map_err(|e| Error::internal("password", e))?;
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("password", e))?
}

/// A PHC string with its own random salt.
pub(super) async fn hash(password: &str) -> Result<String> {
    hash_at(COST_HERE, password).await
}

async fn hash_at([memory, passes, lanes]: [u32; 3], password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || {
        let params = Params::new(memory, passes, lanes, None).map_err(|e| Error::internal("password", e))?;
        let salt = SaltString::encode_b64(&random::bytes::<16>()).map_err(|e| Error::internal("salt", e))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password(password.as_bytes(), &salt).map_err(|e| Error::internal("password", e))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password fits. Without a hash it takes as long, and does not.
pub(super) async fn verify(password: &str, hash: Option<String>) -> Result<bool> {
    // Longer than any that was ever accepted: hashed as nothing, refused below.
    let too_long = password.len() > 1000;
    let password = if too_long { String::new() } else { password.to_owned() };
    blocking(move || {
        let text = hash.as_deref().unwrap_or(NOBODY);
        let parsed = PasswordHash::new(text).map_err(|e| Error::internal("stored password", e))?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(fits && hash.is_some() && !too_long)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hash = hash_at(COST, "correct horse battery").await.expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse battery", Some(hash.clone())).await.expect("verified"));
        assert!(!verify("correct horse batterx", Some(hash)).await.expect("verified"));
    }

    #[tokio::test]
    async fn nobody_has_a_well_formed_hash_that_nothing_fits() {
        let parsed = PasswordHash::new(NOBODY).expect("parses");
        assert_eq!(parsed.algorithm.as_str(), "argon2id");
        let cost = Params::try_from(&parsed).expect("params");
        assert_eq!([cost.m_cost(), cost.t_cost(), cost.p_cost()], COST);
        assert_eq!(parsed.hash.expect("output").len(), 32);
        assert!(!verify("", None).await.expect("verified"));
    }
}
