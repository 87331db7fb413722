//! Where the server is that is copied from, and how it knows who asks.

use crate::error::{Error, Result};
use reqwest::Url;
use std::fmt;

/// How the server knows who asks.
#[derive(Clone, Default)]
pub enum Auth {
    #[default]
    None,
    Basic {
        user: String,
        password: String,
    },
    Bearer(String),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

/// A running MLflow server.
#[derive(Clone)]
pub struct Source {
    pub(super) base: String,
    pub(super) auth: Auth,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.base)
    }
}

impl Source {
    /// A server by its address, as clients know it; also one that lies below a path.
    ///
    /// # Errors
    /// `Invalid` where it is no address of the web, or carries credentials: those would be in every list of processes.
    pub fn new(url: &str, auth: Auth) -> Result<Self> {
        let refused = |reason: &str| Error::invalid("from", reason);
        let parsed = Url::parse(url).map_err(|_| refused("Give the server's address, for example http://mlflow.example.com:5000."))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(refused("Give an address that begins with http:// or https://."));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            let instead = "Leave name and password out of the address; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.";
            return Err(refused(instead));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refused("Give the address without what comes after ? or #."));
        }
        Ok(Self { base: parsed.as_str().trim_end_matches('/').to_owned(), auth })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_carries_no_credentials() {
        let base = |url: &str| Source::new(url, Auth::None).map(|s| s.address().to_owned()).ok();
        assert_eq!(base("http://localhost:5000").as_deref(), Some("http://localhost:5000"));
        assert_eq!(base("https://tracking.example.com/mlflow/").as_deref(), Some("https://tracking.example.com/mlflow"));
        for bad in
            ["", "localhost:5000", "sqlite:///m.db", "/mlruns", "http://ada:secret@host", "http://host?x=1", "http://host#x", "http://"]
        {
            assert_eq!(base(bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_that_is_printed_holds_a_secret() {
        let source = Source::new("http://host", Auth::Basic { user: "ada".into(), password: "hunter2".into() }).expect("an address");
        assert_eq!(format!("{source:?} {:?}", source.auth), "Source(http://host) Basic");
    }
}
