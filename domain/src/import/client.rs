//! The way to the server that is copied from: it is asked, asked again where that may help, and what is wrong is said.

use super::{
    answers::Refusal,
    source::{Auth, Source},
};
use crate::{
    error::{Error, Result},
    random,
};
use bytes::Bytes;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Most bytes of one answer that is no file.
const ANSWER: usize = 128 * 1024 * 1024;
/// How often something is tried before it is given up; a fault of the server itself seldom passes.
const TRIES: u32 = 7;
const TRIES_AT_A_FAULT: u32 = 3;
/// As long as the server has never answered, its address may be wrong.
const FIRST_TRIES: u32 = 3;
/// The first pause between two tries; each one after it is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(10);
/// One answer that is no file, and the silence within a file: a server may have to fetch it first.
const WITHIN: Duration = Duration::from_mins(2);
const SILENCE: Duration = Duration::from_mins(10);

/// What keeps something from being copied.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing more can be done; the import ends.
    Stop(String),
    /// This one thing cannot be copied.
    Item(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(why) => Self::Stop(why),
            other => Self::Item(other.to_string()),
        }
    }
}

/// Why a try failed.
pub(super) enum Again {
    /// Another try may help.
    Later {
        why: String,
        wait: Option<Duration>,
        tries: u32,
        /// The server cannot be connected to.
        silent: bool,
    },
    No(Fault),
}

impl<T: Into<Fault>> From<T> for Again {
    fn from(fault: T) -> Self {
        Self::No(fault.into())
    }
}

pub(super) struct Client {
    http: reqwest::Client,
    source: Source,
    has_answered: AtomicBool,
}

impl Client {
    pub fn new(source: &Source) -> Result<Self> {
        // The same one as for buckets.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().user_agent("Slipway").connect_timeout(CONNECT).read_timeout(SILENCE).build();
        let http = http.map_err(|e| Error::Unavailable(format!("Connections cannot be made: {}.", reasons(&e))))?;
        Ok(Self { http, source: source.clone(), has_answered: AtomicBool::new(false) })
    }

    fn request(&self, method: reqwest::Method, path: &str, query: &[(&str, &str)]) -> Result<RequestBuilder, Fault> {
        let url = Url::parse(&format!("{}{path}", self.source.base));
        let mut url = url.map_err(|e| Fault::Item(format!("{path} is no path: {e}")))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
        }
        let request = self.http.request(method, url);
        Ok(match &self.source.auth {
            Auth::None => request,
            Auth::Basic { user, password } => request.basic_auth(user, Some(password)),
            Auth::Bearer(token) => request.bearer_auth(token),
        })
    }

    /// Asks for something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Fault> {
        self.persist(async || self.read(self.request(reqwest::Method::GET, path, query)?).await).await
    }

    /// Asks with a JSON body.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Json) -> Result<T, Fault> {
        let body = Bytes::from(body.to_string());
        let request = || -> Result<RequestBuilder, Fault> {
            let request = self.request(reqwest::Method::POST, path, &[])?;
            Ok(request.header(header::CONTENT_TYPE, "application/json").body(body.clone()))
        };
        self.persist(async || self.read(request()?).await).await
    }

    /// Begins to fetch a file, in one try.
    pub async fn open(&self, path: &str, query: &[(&str, &str)]) -> Result<Response, Again> {
        let answer = self.request(reqwest::Method::GET, path, query)?.send().await.map_err(|e| self.unreachable(&e))?;
        self.accept(answer).await
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Again> {
        let reading = async {
            let answer = request.send().await.map_err(|e| self.unreachable(&e))?;
            let answer = self.accept(answer).await?;
            self.body(answer, ANSWER).await
        };
        let late = |_| self.later(format!("the server took longer than {} s to answer", WITHIN.as_secs()), false);
        let body = tokio::time::timeout(WITHIN, reading).await.map_err(late)??;
        serde_json::from_slice(&body).map_err(|e| {
            let what = if body.trim_ascii_start().starts_with(b"<") { "is a web page" } else { "cannot be read" };
            Again::No(Fault::Item(format!("the server's answer {what} ({e}); is {} an MLflow server?", self.source.base)))
        })
    }

    async fn body(&self, mut answer: Response, most: usize) -> Result<Vec<u8>, Again> {
        let mut body = Vec::new();
        while let Some(block) = answer.chunk().await.map_err(|e| self.unreachable(&e))? {
            if body.len() + block.len() > most {
                return Err(Again::No(Fault::Item(format!("the server's answer is longer than {} MiB", most >> 20))));
            }
            body.extend_from_slice(&block);
        }
        Ok(body)
    }

    /// Looks at the status.
    async fn accept(&self, answer: Response) -> Result<Response, Again> {
        self.has_answered.store(true, Ordering::Relaxed);
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let wait = answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let body = self.body(answer, 1 << 20).await.unwrap_or_default();
        let said = serde_json::from_slice::<Refusal>(&body).unwrap_or_default().message;
        let said: String = said.chars().filter(|c| !c.is_control()).take(500).collect();
        let why = format!("the server answered {status}{}{said}", if said.is_empty() { "" } else { ": " });
        Err(match status {
            StatusCode::UNAUTHORIZED => Again::No(Fault::Stop(format!(
                "{} does not let us in ({status}). Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
                self.source.base
            ))),
            StatusCode::INTERNAL_SERVER_ERROR => Again::Later { why, wait, tries: TRIES_AT_A_FAULT, silent: false },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Again::Later { why, wait, tries: TRIES, silent: false },
            status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                Again::Later { why, wait, tries: TRIES, silent: false }
            }
            _ => Again::No(Fault::Item(why)),
        })
    }

    /// What a broken connection means: a server that cannot be connected to is gone, one that breaks off may do so at this one thing.
    pub fn unreachable(&self, error: &reqwest::Error) -> Again {
        self.later(reasons(error), error.is_connect())
    }

    fn later(&self, why: String, silent: bool) -> Again {
        Again::Later { why: format!("{}: {why}", self.source.base), wait: None, tries: TRIES, silent }
    }

    fn patience(&self, tries: u32) -> u32 {
        if self.has_answered.load(Ordering::Relaxed) { tries } else { tries.min(FIRST_TRIES) }
    }

    /// Tries until it works or is given up.
    pub async fn persist<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, Again>) -> Result<T, Fault> {
        let (mut pause, mut tried) = (PAUSE, 0);
        loop {
            tried += 1;
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(Again::No(fault)) => return Err(fault),
                Err(Again::Later { why, tries, silent, .. }) if tried >= self.patience(tries) => {
                    return Err(if silent {
                        Fault::Stop(format!(
                            "The server cannot be reached ({why}). See that it runs and start the import again: it goes on where it was."
                        ))
                    } else {
                        Fault::Item(why)
                    });
                }
                Err(Again::Later { why, wait, .. }) => {
                    tracing::debug!(why, tried, "trying again");
                    let [dice] = random::bytes::<1>();
                    let pause_now = wait.unwrap_or(pause).min(LONGEST_PAUSE);
                    tokio::time::sleep(pause_now + pause_now.mul_f64(f64::from(dice) / 1024.0)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

/// An error with what caused it: by itself it says only that something failed.
fn reasons(error: &reqwest::Error) -> String {
    let mut all = vec![error.to_string()];
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if all.last() != Some(&text) {
            all.push(text);
        }
        next = cause.source();
    }
    all.join(": ")
}
