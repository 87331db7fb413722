//! Sign-in with the company's identity provider: OpenID Connect.

use super::{Checks, FieldError, Millis, validate_claim};
use serde::{Deserialize, Serialize};

/// Longest name of a provider, in characters.
pub const PROVIDER_NAME_LENGTH: usize = 60;
/// Longest issuer, client id, secret or list of scopes, in characters.
pub const PROVIDER_TEXT_LENGTH: usize = 500;
/// Most providers.
pub const PROVIDERS_MOST: i64 = 20;
/// What is asked for where nobody chose.
pub const PROVIDER_SCOPES: &str = "openid email profile";

/// A provider, as the sign-in page offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderChoice {
    pub id: String,
    pub name: String,
}

/// An identity provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub id: String,
    /// On the button of the sign-in page.
    pub name: String,
    /// As its tokens name it, byte by byte.
    pub issuer: String,
    pub client_id: String,
    pub has_secret: bool,
    /// Parted by spaces; `openid` is among them.
    pub scopes: String,
    /// Whether new people are let in by themselves; else their accounts wait for an administrator.
    pub admits: bool,
    pub enabled: bool,
    /// Where its tokens, or what it says of somebody, hold the groups: a claim, or the way to one parted by dots.
    pub groups_claim: String,
    pub created_at: Millis,
    /// Accounts that sign in with it.
    pub accounts: i64,
}

/// What an administrator says of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderForm {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// Empty: as it was; of a new one, none.
    pub client_secret: String,
    pub scopes: String,
    pub admits: bool,
    /// Empty: `groups`.
    pub groups_claim: String,
}

impl ProviderForm {
    /// # Errors
    /// What is wrong, by field.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("name", validate_provider_name(&self.name));
        checks.check("issuer", validate_issuer(&self.issuer));
        checks.check("client_id", validate_client_id(&self.client_id));
        checks.check("client_secret", validate_client_secret(&self.client_secret));
        checks.check("scopes", validate_scopes(&self.scopes));
        checks.check("groups_claim", validate_claim(&self.groups_claim));
        checks.finish()
    }
}

pub fn validate_provider_name(name: &str) -> Result<(), String> {
    let fine = (1..=PROVIDER_NAME_LENGTH).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
    if fine { Ok(()) } else { Err(format!("Use 1 to {PROVIDER_NAME_LENGTH} characters on one line.")) }
}

/// `https`, without query, fragment or user; `http` only on this machine.
pub fn validate_issuer(issuer: &str) -> Result<(), String> {
    let wrong = Err("Use the issuer as the provider writes it: https://HOST/PATH, without query or fragment.".to_owned());
    if issuer.len() > PROVIDER_TEXT_LENGTH
        || issuer.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '\\'))
    {
        return wrong;
    }
    let host = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    match issuer.split_once("://") {
        Some(("https", rest)) if !host(rest).is_empty() => Ok(()),
        Some(("http", rest))
            if ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| {
                let host = host(rest);
                host == *own || host.strip_prefix(own).is_some_and(|port| port.starts_with(':'))
            }) =>
        {
            Ok(())
        }
        Some(("http", _)) => Err("Use https: what comes without TLS may come from anybody.".to_owned()),
        _ => wrong,
    }
}

pub fn validate_client_id(id: &str) -> Result<(), String> {
    let fine = (1..=PROVIDER_TEXT_LENGTH).contains(&id.len()) && id.bytes().all(|b| (b'!'..=b'~').contains(&b));
    if fine { Ok(()) } else { Err("Use the id that the provider gave this portal, without spaces.".to_owned()) }
}

fn validate_client_secret(secret: &str) -> Result<(), String> {
    let fine = secret.len() <= PROVIDER_TEXT_LENGTH && secret.bytes().all(|b| (b' '..=b'~').contains(&b));
    if fine { Ok(()) } else { Err("Use the secret that the provider gave this portal, on one line.".to_owned()) }
}

pub fn validate_scopes(scopes: &str) -> Result<(), String> {
    // RFC 6749, section 3.3.
    let token = |scope: &str| scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    let fine = scopes.len() <= PROVIDER_TEXT_LENGTH && scopes.split_whitespace().all(token);
    if fine { Ok(()) } else { Err("Use names of scopes parted by spaces.".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_on_this_machine() {
        for fine in ["https://id.example.com", "https://id.example.com/realms/a", "http://localhost:9000", "http://127.0.0.1:4000/x"] {
            assert!(validate_issuer(fine).is_ok(), "{fine}");
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "http://localhost.evil.example",
            "https://",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "ftp://a",
            "https://a b",
        ] {
            assert!(validate_issuer(bad).is_err(), "{bad}");
        }
    }
}
