//! A provider on this machine whose tokens say what a test wants, true or not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A key that signs with ES256.
pub struct Key {
    name: String,
    pair: EcdsaKeyPair,
}

fn packed(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Key {
    pub fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).expect("a key");
        Self { name: name.to_owned(), pair }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as("JWT", claims)
    }

    pub fn sign_as(&self, typ: &str, claims: &Value) -> String {
        let text = format!("{}.{}", packed(&json!({ "alg": "ES256", "kid": self.name, "typ": typ })), packed(claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn public(&self) -> Value {
        // 4, x, y.
        let place = self.pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&place[range]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.name, "x": part(1..33), "y": part(33..65) })
    }
}

/// With `"alg": "none"`.
pub fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", packed(&json!({ "alg": "none" })), packed(claims))
}

#[derive(Default)]
struct Said {
    token: Option<String>,
    /// Goes with tokens.
    refresh: Option<String>,
    /// What it answers to refresh tokens, where that is not a token.
    refusal: Option<&'static str>,
    /// Seconds that access tokens are good for.
    lasts: i64,
    /// It answers nothing but errors.
    is_down: bool,
    user_info: Option<Value>,
    knows_access: bool,
    nonce: String,
    /// Seconds since 1970.
    now: i64,
    requests: Vec<String>,
}

pub struct Op {
    port: u16,
    said: Arc<Mutex<Said>>,
    key: Arc<Mutex<Key>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Op {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Op {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let said = Said { lasts: 60, knows_access: true, ..Said::default() };
        let (said, key) = (Arc::new(Mutex::new(said)), Arc::new(Mutex::new(Key::new("k1"))));
        let (for_all, keys) = (said.clone(), key.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, port, for_all.clone(), keys.clone()));
            }
        });
        Self { port, said, key, serving }
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().expect("what is said")
    }

    /// Notes what the browser brings.
    pub fn expect(&self, url: &str, now: i64) {
        let nonce = url.split(['?', '&']).find_map(|pair| pair.strip_prefix("nonce=")).unwrap_or_default();
        let mut said = self.lock();
        nonce.clone_into(&mut said.nonce);
        said.now = now;
    }

    /// Those of an honest token.
    pub fn claims(&self) -> Value {
        let now = self.lock().now;
        json!({ "iss": self.issuer(), "aud": "slipway", "sub": "eva-1", "nonce": self.lock().nonce, "iat": now, "exp": now + 300,
            "email": "eva@example.com", "email_verified": true, "name": "Eva" })
    }

    pub fn signed(&self, claims: &Value) -> String {
        self.key.lock().expect("the key").sign(claims)
    }

    /// A logout token of this person, with `change` made to its claims.
    pub fn logout(&self, change: impl FnOnce(&mut Value)) -> Value {
        let now = self.lock().now;
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let mut claims =
            json!({ "iss": self.issuer(), "aud": "slipway", "sub": "eva-1", "iat": now, "exp": now + 120, "jti": "j-1", "events": event });
        change(&mut claims);
        claims
    }

    pub fn signed_as(&self, typ: &str, claims: &Value) -> String {
        self.key.lock().expect("the key").sign_as(typ, claims)
    }

    /// The x of its key, as somebody may mistake it for a secret.
    pub fn public_key(&self) -> String {
        self.key.lock().expect("the key").public().to_string()
    }

    pub fn by_shared_secret(claims: &Value, secret: &str) -> String {
        let text = format!("{}.{}", packed(&json!({ "alg": "HS256", "kid": "k1" })), packed(claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub fn answer(&self, token: String) {
        self.lock().token = Some(token);
    }

    pub fn refuse_code(&self) {
        self.lock().token = None;
    }

    pub fn user_info(&self, claims: Value) {
        self.lock().user_info = Some(claims);
    }

    pub fn refreshes(&self, token: &str, lasts: i64) {
        let mut said = self.lock();
        (said.refresh, said.lasts) = (Some(token.to_owned()), lasts);
    }

    /// Seconds that access tokens are good for.
    pub fn lasts(&self, seconds: i64) {
        self.lock().lasts = seconds;
    }

    pub fn refuse_refresh(&self, error: &'static str) {
        self.lock().refusal = Some(error);
    }

    pub fn is_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// Access tokens are worth nothing from now on.
    pub fn revoke(&self) {
        self.lock().knows_access = false;
    }

    pub fn now(&self, now: i64) {
        self.lock().now = now;
    }

    pub fn rotate(&self) {
        *self.key.lock().expect("the key") = Key::new("k2");
    }

    /// How often it was asked for something.
    pub fn count(&self, line: &str) -> usize {
        self.lock().requests.iter().filter(|request| request.starts_with(line)).count()
    }

    /// The last request that begins like this.
    pub fn asked(&self, line: &str) -> String {
        self.lock().requests.iter().rfind(|request| request.starts_with(line)).cloned().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, port: u16, said: Arc<Mutex<Said>>, key: Arc<Mutex<Key>>) {
    let mut request = Vec::new();
    let mut block = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse().ok()));
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
        match stream.read(&mut block).await {
            Ok(read) if read > 0 => request.extend_from_slice(&block[..read]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let issuer = format!("http://127.0.0.1:{port}");
    let (status, answer) = {
        let mut said = said.lock().expect("what is said");
        said.requests.push(text.clone());
        let is_refresh = text.contains("grant_type=refresh_token");
        match text.split(' ').nth(1).unwrap_or_default() {
            _ if said.is_down => (503, json!({})),
            "/.well-known/openid-configuration" => (
                200,
                json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
                    "userinfo_endpoint": format!("{issuer}/me"), "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"],
                    "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
                    "end_session_endpoint": format!("{issuer}/end?of=test"), "authorization_response_iss_parameter_supported": true }),
            ),
            "/jwks" => (200, json!({ "keys": [key.lock().expect("the key").public()] })),
            "/token" if is_refresh && said.refusal.is_some() => (400, json!({ "error": said.refusal })),
            "/token" => match &said.token {
                Some(token) => {
                    let mut tokens = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": said.lasts, "id_token": token });
                    if let Some(refresh) = &said.refresh {
                        tokens["refresh_token"] = json!(refresh);
                    }
                    (200, tokens)
                }
                None => (400, json!({ "error": "invalid_grant", "error_description": "the code was used already" })),
            },
            "/me" if !said.knows_access => (401, json!({ "error": "invalid_token" })),
            "/me" => (200, said.user_info.clone().unwrap_or_else(|| json!({}))),
            _ => (404, json!({})),
        }
    };
    let body = answer.to_string();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}
