//! The first administrator: whoever can read the console makes it, once.

use super::{local, password, store, subject, throttle::Tries};
use crate::{
    audit,
    caller::{Caller, Identity},
    error::{Error, Result},
    model::{NewUser, User},
    portal::Portal,
    random,
    sealing::SealingKey,
};
use std::sync::{Mutex, PoisonError};

/// The one-time code that lets the first visitor make the first administrator. Empty once there is one.
#[derive(Default)]
pub struct SetupCode(Mutex<Option<String>>);

impl SetupCode {
    fn set(&self, code: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }

    /// Compares digests, so that the time taken says nothing about the code.
    fn fits(&self, typed: &str) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().is_some_and(|held| random::digest(&plain(held)) == random::digest(&plain(typed)))
    }
}

/// Dashes, spaces and case do not matter to whoever copies it from a console.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(100).map(|c| c.to_ascii_uppercase()).collect()
}

/// Four groups of five characters, 100 bits that only the portal's key makes, without those that look alike. The same in every process of the portal:
/// which of them a browser reaches is chance.
fn code_of(key: &SealingKey) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let derived = key.derive("set-up code");
    let bytes: Vec<u8> =
        derived.as_bytes().chunks(2).take(20).map(|pair| pair.iter().fold(0, |sum, digit| (sum << 4) | nibble(*digit))).collect();
    let groups = bytes.chunks(5).map(|group| group.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
}

/// If the portal has no user yet: its one-time code, for the console.
pub async fn prepare_setup(portal: &Portal) -> Result<Option<String>> {
    let code = if needs_setup(portal).await? { Some(code_of(&portal.sealing)) } else { None };
    portal.setup.set(code.clone());
    Ok(code)
}

/// Whether the first administrator is still to be made.
pub async fn needs_setup(portal: &Portal) -> Result<bool> {
    Ok(!store::any_user(&portal.db).await?)
}

fn done() -> Error {
    Error::Conflict("This portal has its first administrator already. Sign in.".to_owned())
}

/// Makes the first administrator, given the code from the console. Works once.
pub async fn set_up(portal: &Portal, caller: &Caller, code: &str, new: NewUser) -> Result<User> {
    if !needs_setup(portal).await? {
        return Err(done());
    }
    let (now, tries) = (portal.clock.now(), Tries::of(None, &caller.address));
    portal.throttle.begin(&tries, now)?;
    if !portal.setup.fits(code) {
        return Err(Error::invalid("code", "This is not the code that Slipway printed when it started."));
    }
    portal.throttle.succeeded(&tries);
    new.validate()?;
    let user = User {
        id: random::id(),
        email: subject(&new.email),
        name: new.name.trim().to_owned(),
        admin: true,
        created_at: now,
        disabled_at: None,
        last_sign_in_at: None,
    };
    let hash = password::hash(&new.password).await?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    if store::any_user_tx(&mut tx).await? {
        return Err(done());
    }
    // Nobody else could let them in.
    local::forget(&mut tx).await?;
    store::insert(&mut tx, &user, &hash).await?;
    let identity = Identity { user: user.clone(), memberships: Vec::new(), session: None, token: None };
    let actor = Caller::identified(identity, &caller.request_id, &caller.address);
    let entry = audit::Entry::<(), _> {
        team: None,
        action: "user.set_up",
        object: user.id.as_str(),
        object_name: &user.email,
        before: None,
        after: Some(&user),
    };
    audit::record(&mut tx, &actor, now, entry).await?;
    tx.commit().await?;
    portal.setup.set(None);
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_with_or_without_its_dashes_and_in_any_case() {
        let held = SetupCode::default();
        assert!(!held.fits(""), "no code lets nobody in");
        let key = || SealingKey::load_or_create(tempfile::tempdir().expect("a folder").path()).expect("a key");
        let (ours, other) = (key(), key());
        let code = code_of(&ours);
        assert_eq!(code, code_of(&ours), "every replica shows the same");
        assert_eq!(code.len(), 23);
        held.set(Some(code.clone()));
        assert!(held.fits(&code) && held.fits(&code.to_lowercase().replace('-', " ")));
        assert!(!held.fits(&code[1..]) && !held.fits("") && !held.fits(&code_of(&other)));
    }
}
