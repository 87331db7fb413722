//! Sessions of signed-in browsers: joins the session layer with the domain, which keeps them in the database.

use app::context::SessionDoor;
use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use domain::{
    Caller, Portal,
    model::UserId,
    random,
    sessions::SessionRecord,
    sso::{Attempt, Began},
};
use std::{fmt, sync::Arc};
use time::{Duration, OffsetDateTime};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store,
};

/// Who signed in.
const USER: &str = "user";
/// The identity provider that it began with.
const BEGAN: &str = "began";
const USER_AGENT: &str = "user_agent";
const ADDRESS: &str = "address";
const SINCE: &str = "since";
/// When it was last written, so that using a session costs one write a minute at most.
const SEEN: &str = "seen";
/// Sign-ins that wait for an identity provider's answer, and how many at most.
const ATTEMPTS: &str = "attempts";
const ATTEMPTS_MOST: usize = 5;
const SEEN_EVERY: i64 = 60_000;

/// The session layer over the domain's sessions. The database knows a digest of the cookie only.
#[derive(Clone)]
pub struct Store(pub Portal);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The layer that reads and writes the session cookie.
pub fn layer(portal: &Portal, secure: bool) -> SessionManagerLayer<Store> {
    let longest = Duration::milliseconds(portal.settings.session_absolute);
    SessionManagerLayer::new(Store(portal.clone()))
        .with_name(cookie_name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(longest))
}

/// `__Host-` binds the cookie to this host; browsers take it over https only.
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-slipway" } else { "slipway" }
}

/// What the database calls the session of this cookie.
pub fn handle(id: &Id) -> String {
    random::digest(&id.to_string())
}

/// The person whose session this is, and its handle. Notes, once a minute, that it is in use.
pub async fn person(portal: &Portal, session: &Session) -> Result<Option<(UserId, String)>, tower_sessions::session::Error> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(user) = session.get::<UserId>(USER).await? else { return Ok(None) };
    let now = portal.clock.now();
    if session.get::<i64>(SEEN).await?.is_none_or(|seen| now - seen >= SEEN_EVERY) {
        session.insert(SEEN, now).await?;
    }
    Ok(session.id().map(|id| (user, handle(&id))))
}

/// What sign-in and sign-out do to the session of this request.
pub fn door(portal: &Portal, session: &Session, caller: &Caller, headers: &HeaderMap) -> SessionDoor {
    let agent: String = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().chars().take(200).collect();
    let (address, portal) = (caller.address.clone(), portal.clone());
    let (starting, ending, waiting) = (session.clone(), session.clone(), session.clone());
    SessionDoor {
        start: Arc::new(move |user, began| {
            let (session, agent, address, now) = (starting.clone(), agent.clone(), address.clone(), portal.clock.now());
            Box::pin(async move { start(&session, (user, began), &agent, &address, now).await.map_err(failed) })
        }),
        end: Arc::new(move || {
            let session = ending.clone();
            Box::pin(async move { end(&session).await.map_err(failed) })
        }),
        take_attempt: Arc::new(move |state| {
            let session = waiting.clone();
            Box::pin(async move { take_attempt(&session, &state).await.map_err(failed) })
        }),
    }
}

/// The provider that it began with.
async fn end(session: &Session) -> Result<Option<Began>, tower_sessions::session::Error> {
    let began = session.get(BEGAN).await?;
    session.flush().await?;
    Ok(began)
}

/// A new id whatever the browser sent, so that nobody can choose the session somebody else signs in to.
async fn start(
    session: &Session,
    (user, began): (UserId, Option<Began>),
    agent: &str,
    address: &str,
    now: i64,
) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(USER, user).await?;
    if let Some(began) = began {
        session.insert(BEGAN, began).await?;
    }
    session.insert(USER_AGENT, agent).await?;
    session.insert(ADDRESS, address).await?;
    session.insert(SINCE, now).await?;
    session.insert(SEEN, now).await
}

/// Adds a sign-in that waits for an identity provider's answer; of several the oldest is forgotten.
pub async fn remember_attempt(session: &Session, attempt: Attempt) -> Result<(), tower_sessions::session::Error> {
    let mut waiting = session.get::<Vec<Attempt>>(ATTEMPTS).await?.unwrap_or_default();
    waiting.push(attempt);
    let old = waiting.len().saturating_sub(ATTEMPTS_MOST);
    waiting.drain(..old);
    session.insert(ATTEMPTS, waiting).await
}

/// The sign-in that an answer with this state belongs to; it is given once.
async fn take_attempt(session: &Session, state: &str) -> Result<Option<Attempt>, tower_sessions::session::Error> {
    let mut waiting = session.get::<Vec<Attempt>>(ATTEMPTS).await?.unwrap_or_default();
    let Some(at) = waiting.iter().position(|attempt| attempt.state == state) else { return Ok(None) };
    let attempt = waiting.remove(at);
    session.insert(ATTEMPTS, waiting).await?;
    // In the database before the answer is looked at, so that a second one finds nothing.
    session.save().await?;
    Ok(Some(attempt))
}

fn failed(error: tower_sessions::session::Error) -> domain::Error {
    domain::Error::internal("session", error)
}

fn backend(error: domain::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

impl Store {
    fn record(&self, record: &Record) -> session_store::Result<SessionRecord> {
        let now = self.0.clock.now();
        let text = |key: &str| record.data.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let began = |part: &str| record.data.get(BEGAN).and_then(|began| began.get(part)).and_then(|v| v.as_str()).map(str::to_owned);
        let since = record.data.get(SINCE).and_then(serde_json::Value::as_i64).unwrap_or(now);
        Ok(SessionRecord {
            handle: handle(&record.id),
            user: record.data.get(USER).and_then(|v| v.as_str()).map(UserId::from),
            issuer: began("issuer"),
            sid: began("sid"),
            data: serde_json::to_string(&record.data).map_err(|e| session_store::Error::Encode(e.to_string()))?,
            created_at: since,
            last_seen_at: now,
            expires_at: since + self.0.settings.session_absolute,
            user_agent: text(USER_AGENT),
            address: text(ADDRESS),
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // An id that is taken would hand one person's session to another.
        for _ in 0..8 {
            if domain::sessions::create(&self.0, &self.record(record)?).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(session_store::Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        domain::sessions::save(&self.0, &self.record(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some(stored) = domain::sessions::load(&self.0, &handle(id)).await.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&stored.data).map_err(|e| session_store::Error::Decode(e.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(stored.expires_at / 1000).map_err(|e| session_store::Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        domain::sessions::delete(&self.0, &handle(id)).await.map_err(backend)
    }
}
