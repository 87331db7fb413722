//! What providers say of themselves, read from them and remembered for a while.

use super::store::ProviderRow;
use crate::{
    error::{Error, Result},
    model::{Millis, validate_issuer},
    portal::Portal,
    random,
};
use openidconnect::{
    AdditionalProviderMetadata, HttpRequest, HttpResponse, IssuerUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long what a provider said is believed, and how soon its keys are asked for again where a token has another.
const KEPT: Millis = 60 * 60 * 1000;
const AGAIN: Millis = 60 * 1000;
/// How long one that could not be read, and never was, is not asked again: whoever waits for it would each wait for it anew.
const SILENT: Millis = 10 * 1000;
const CONNECT: Duration = Duration::from_secs(5);
const WITHIN: Duration = Duration::from_secs(10);
/// Longest answer of a provider, in bytes.
const ANSWER: usize = 1024 * 1024;

/// What OpenID Connect Discovery does not name itself: RFC 9207, and OpenID Connect RP-Initiated Logout.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct More {
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub end_session_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A provider's metadata with its keys, and when they were read.
#[derive(Clone)]
pub(super) struct Known {
    pub metadata: Metadata,
    pub at: Millis,
}

/// What is known of providers, by issuer.
#[derive(Default)]
pub struct Discovered {
    known: Mutex<HashMap<String, Arc<Known>>>,
    /// By issuer: one reads at a time; the others then find it known, or silent.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Those that could not be read, when, and why.
    silent: Mutex<HashMap<String, (Millis, String)>>,
    /// Answers that were looked at, by their state, and when.
    used: Mutex<HashMap<String, Millis>>,
}

impl Discovered {
    /// As if it had not been looked at.
    pub(super) fn give_back(&self, state: &str) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(&random::digest(state));
    }

    /// Whether the answer with this state is looked at for the first time within `kept` milliseconds.
    pub(super) fn use_up(&self, state: &str, now: Millis, kept: Millis) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, at| now - *at <= kept);
        used.insert(random::digest(state), now).is_none()
    }

    /// What was read last, however long ago.
    pub(super) fn known(&self, issuer: &str) -> Option<Arc<Known>> {
        self.get(issuer)
    }

    fn is_silent(&self, issuer: &str, now: Millis) -> Option<String> {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.get(issuer).filter(|(at, _)| now - at < SILENT).map(|(_, why)| why.clone())
    }

    fn note_silence(&self, issuer: &str, now: Millis, why: String) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(issuer.to_owned(), (now, why));
    }

    fn get(&self, issuer: &str) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    fn put(&self, issuer: &str, known: Arc<Known>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(issuer.to_owned(), known);
    }
}

/// The provider as it was read not long ago.
///
/// # Errors
/// `Unavailable` with what to check where it cannot be read.
pub(super) async fn discover(portal: &Portal, provider: &ProviderRow) -> Result<Arc<Known>> {
    read_since(portal, &provider.issuer, portal.clock.now() - KEPT).await
}

/// The provider with its present keys; these are asked for at most once a minute, however many tokens have unknown ones.
pub(super) async fn rediscover(portal: &Portal, provider: &ProviderRow) -> Result<Arc<Known>> {
    read_since(portal, &provider.issuer, portal.clock.now() - AGAIN).await
}

async fn read_since(portal: &Portal, issuer: &str, since: Millis) -> Result<Arc<Known>> {
    let fresh = || portal.sso.get(issuer).filter(|known| known.at > since);
    if let Some(known) = fresh() {
        return Ok(known);
    }
    let turn = portal.sso.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(issuer.to_owned()).or_default().clone();
    let _turn = turn.lock().await;
    if let Some(known) = fresh() {
        return Ok(known);
    }
    if let Some(why) = portal.sso.is_silent(issuer, portal.clock.now()) {
        return portal.sso.get(issuer).ok_or(Error::Unavailable(why));
    }
    let metadata = match (read(issuer).await, portal.sso.get(issuer)) {
        (Ok(metadata), _) => metadata,
        // What it said an hour ago is better than nobody signing in.
        (Err(error), Some(known)) => {
            tracing::warn!(%error, "a provider could not be read again");
            known.metadata.clone()
        }
        (Err(error), None) => {
            if let Error::Unavailable(why) = &error {
                portal.sso.note_silence(issuer, portal.clock.now(), why.clone());
            }
            return Err(error);
        }
    };
    let known = Arc::new(Known { metadata, at: portal.clock.now() });
    portal.sso.put(issuer, known.clone());
    Ok(known)
}

/// Asks the provider at its issuer, whose name its answer must have, byte by byte.
pub(super) async fn read(issuer: &str) -> Result<Metadata> {
    let url = IssuerUrl::new(issuer.to_owned()).map_err(|e| Error::invalid("issuer", format!("This is no address: {e}.")))?;
    let http = http()?;
    let metadata = Metadata::discover_async(url, &|request| fetch(http.clone(), request)).await.map_err(|e| {
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        Error::Unavailable(format!(
            "The identity provider cannot be read at {at}: {}. Check the issuer, and that this machine reaches it.",
            reasons(&e)
        ))
    })?;
    let endpoints = [
        Some(metadata.authorization_endpoint().as_str()),
        metadata.token_endpoint().map(|url| url.as_str()),
        metadata.userinfo_endpoint().map(|url| url.as_str()),
        Some(metadata.jwks_uri().as_str()),
        metadata.additional_metadata().end_session_endpoint.as_deref(),
    ];
    // As safe as the issuer itself.
    let unsafe_one = endpoints.into_iter().flatten().find(|url| validate_issuer(url.split('?').next().unwrap_or_default()).is_err());
    match unsafe_one {
        Some(url) => Err(Error::invalid("issuer", format!("The provider names {url}, which is neither https nor on this machine."))),
        None => Ok(metadata),
    }
}

/// A client that follows no redirects: a provider's answers come from where they were asked for.
pub(super) fn http() -> Result<reqwest::Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().user_agent("Slipway").connect_timeout(CONNECT).timeout(WITHIN);
    builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|e| Error::internal("connections to providers", e))
}

/// Why a provider did not answer.
#[derive(Debug)]
pub(super) enum Silence {
    Failed(reqwest::Error),
    Long,
    Odd(openidconnect::http::Error),
}

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{}", reasons(error)),
            Self::Long => write!(f, "its answer is longer than {} KiB", ANSWER >> 10),
            Self::Odd(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Silence {}

pub(super) async fn fetch(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Silence> {
    let request = reqwest::Request::try_from(request).map_err(Silence::Failed)?;
    let mut answer = client.execute(request).await.map_err(Silence::Failed)?;
    let mut builder = openidconnect::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        builder = builder.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(block) = answer.chunk().await.map_err(Silence::Failed)? {
        if body.len() + block.len() > ANSWER {
            return Err(Silence::Long);
        }
        body.extend_from_slice(&block);
    }
    builder.body(body).map_err(Silence::Odd)
}

/// An error with what lies below it.
pub(super) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        below = error.source();
    }
    text
}
