//! Leaving the provider, too, and sessions that end because the provider says so (OpenID Connect RP-Initiated Logout 1.0, Back-Channel Logout 1.0).

use super::{
    claims::payload,
    discovery::{Known, discover, rediscover},
    flow::{ALGORITHMS, SKEW},
    store::{self, ProviderRow},
};
use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    model::{Millis, UserId},
    portal::Portal,
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{JsonWebKey, JsonWebKeyId, SignatureVerificationError, core::CoreJwsSigningAlgorithm};
use serde_json::Value;

/// Longest logout token, in bytes.
const TOKEN: usize = 16 * 1024;
/// How old a logout token may be, whatever it says itself, in milliseconds: as long as its id is remembered.
const FRESH: Millis = 10 * 60 * 1000;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Where providers send browsers that have left them.
pub fn ended_at(portal: &Portal) -> String {
    format!("{}/sso/ended", portal.settings.address.trim_end_matches('/'))
}

/// Where providers send logout tokens.
pub fn back_channel_at(portal: &Portal) -> String {
    format!("{}/sso/back-channel-logout", portal.settings.address.trim_end_matches('/'))
}

/// The name of the provider, if one can leave it from here. It is not asked now: a session ends also where it is silent.
pub async fn ends(portal: &Portal, provider: &str) -> Result<Option<String>> {
    let row = store::find(&portal.db, provider).await?;
    let known = portal.sso.known(&row.issuer);
    Ok(known.filter(|known| known.metadata.additional_metadata().end_session_endpoint.is_some()).map(|_| row.name))
}

/// Where to leave the provider, and the state by which the way back is known. No token goes along, so the provider asks the person first.
///
/// # Errors
/// `NotFound` where the provider has no such place.
pub async fn end(portal: &Portal, provider: &str) -> Result<(String, String)> {
    let row = store::find(&portal.db, provider).await?;
    let known = discover(portal, &row).await?;
    let endpoint = known.metadata.additional_metadata().end_session_endpoint.as_deref().ok_or(Error::NotFound("way out"))?;
    let mut url = openidconnect::url::Url::parse(endpoint).map_err(|e| Error::internal("a provider's way out", e))?;
    let state: String = random::id();
    url.query_pairs_mut()
        .append_pair("client_id", &row.client_id)
        .append_pair("post_logout_redirect_uri", &ended_at(portal))
        .append_pair("state", &state);
    Ok((url.into(), state))
}

fn wrong(reason: &str) -> Error {
    Error::invalid("logout_token", format!("The logout token was refused: {reason}."))
}

/// Ends the sessions that a provider's logout token is about; how many.
///
/// # Errors
/// `Invalid` where the token is not to be believed.
pub async fn back_channel(portal: &Portal, token: &str) -> Result<u64> {
    if token.len() > TOKEN {
        return Err(wrong("it is too long"));
    }
    let claims = payload(token).ok_or_else(|| wrong("it is no token"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let issuer = text("iss").ok_or_else(|| wrong("it does not say who issued it"))?;
    let row = store::find_issuer(&portal.db, issuer).await?.ok_or_else(|| wrong("its issuer is not known here"))?;
    let parsed = Parsed::of(token)?;
    let for_us = match claims.get("aud") {
        Some(Value::String(one)) => *one == row.client_id,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(&row.client_id)),
        _ => false,
    };
    if !for_us {
        return Err(wrong("it is for another client"));
    }
    let now = portal.clock.now();
    let at = |name: &str| claims.get(name).and_then(Value::as_i64).map(|seconds| seconds.saturating_mul(1000));
    let issued = at("iat").ok_or_else(|| wrong("it does not say when it was issued"))?;
    let over = now - issued > FRESH || at("exp").is_some_and(|until| until <= now - SKEW);
    if issued > now + SKEW || over {
        return Err(wrong("its time is over, or not yet come"));
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(wrong("it is not about a logout"));
    }
    if claims.get("nonce").is_some() {
        return Err(wrong("it has a nonce, so it is an ID token"));
    }
    let (subject, sid) = (text("sub"), text("sid"));
    if subject.is_none() && sid.is_none() {
        return Err(wrong("it does not say whose sessions end"));
    }
    let jti = text("jti").ok_or_else(|| wrong("it has no id"))?;
    // What was looked at so far anybody may have written; the provider is asked for its keys only for what could be its own.
    if let Err(first) = parsed.signed(&*discover(portal, &row).await?) {
        // It may have changed its keys.
        parsed.signed(&*rediscover(portal, &row).await?).map_err(|_| first)?;
    }
    let used = format!("logout {issuer} {jti}");
    if !portal.sso.use_up(&used, now, FRESH + SKEW) {
        return Err(wrong("it was given before"));
    }
    let user = match subject {
        Some(subject) => match store::known(&portal.db, issuer, subject).await? {
            Some(user) => Some(user),
            None => return Ok(0),
        },
        None => None,
    };
    let ended = end_sessions(portal, &row, user.as_ref(), sid, "the provider ended them").await;
    if ended.is_err() {
        // The provider tries again.
        portal.sso.give_back(&used);
    }
    ended
}

/// A token in its parts, of the kind that is believed once a key of the provider has signed it.
struct Parsed {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<JsonWebKeyId>,
    message: String,
    signature: Vec<u8>,
}

impl Parsed {
    fn of(token: &str) -> Result<Self> {
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, signature] = parts[..] else { return Err(wrong("it is no signed token")) };
        let unpack = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("it is no token"));
        let header: Value = serde_json::from_slice(&unpack(head)?).map_err(|_| wrong("it is no token"))?;
        let alg = header.get("alg").cloned().and_then(|alg| serde_json::from_value::<CoreJwsSigningAlgorithm>(alg).ok());
        let alg =
            alg.filter(|alg| ALGORITHMS.contains(alg)).ok_or_else(|| wrong("it is not signed by a key that only the provider has"))?;
        let typ = header.get("typ").and_then(Value::as_str).map(str::to_ascii_lowercase);
        if typ.is_some_and(|typ| !matches!(typ.trim_start_matches("application/"), "logout+jwt" | "jwt")) || header.get("crit").is_some() {
            return Err(wrong("it is another kind of token"));
        }
        let kid = header.get("kid").and_then(Value::as_str).map(|kid| JsonWebKeyId::new(kid.to_owned()));
        Ok(Self { alg, kid, message: format!("{head}.{body}"), signature: unpack(signature)? })
    }

    /// Whether one of the provider's keys has signed it.
    fn signed(&self, known: &Known) -> Result<()> {
        let tried = |key: &openidconnect::core::CoreJsonWebKey| -> Result<(), SignatureVerificationError> {
            key.verify_signature(&self.alg, self.message.as_bytes(), &self.signature)
        };
        let named =
            |key: &&openidconnect::core::CoreJsonWebKey| self.kid.is_none() || key.key_id().is_none() || key.key_id() == self.kid.as_ref();
        let mut keys = known.metadata.jwks().keys().iter().filter(named);
        if keys.any(|key| tried(key).is_ok()) { Ok(()) } else { Err(wrong("none of the provider's keys has signed it")) }
    }
}

/// Ends those of the person, or those that the provider calls so, among the sessions that began with it; how many. What they are open on closes within a minute.
pub(super) async fn end_sessions(
    portal: &Portal,
    row: &ProviderRow,
    user: Option<&UserId>,
    sid: Option<&str>,
    because: &'static str,
) -> Result<u64> {
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let ended: Vec<(String, String)> = tx
        .fetch_all(
            "DELETE FROM sessions WHERE issuer = $1 AND user_id IS NOT NULL AND (CAST($2 AS TEXT) IS NULL OR user_id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR sid = $3 OR (sid IS NULL AND CAST($2 AS TEXT) IS NOT NULL))
             RETURNING user_id, (SELECT u.email FROM users u WHERE u.id = sessions.user_id)",
            args![&row.issuer, user.map(|user| user.0.clone()), sid],
        )
        .await?;
    let people: std::collections::BTreeMap<&str, &str> = ended.iter().map(|(id, email)| (id.as_str(), email.as_str())).collect();
    for (object, object_name) in people {
        let after = Some(serde_json::json!({ "provider": row.name, "because": because }));
        let entry = audit::Entry::<(), _> { team: None, action: "user.signed_out", object, object_name, before: None, after };
        audit::record(&mut tx, &Caller::system(), portal.clock.now(), entry).await?;
    }
    tx.commit().await?;
    Ok(ended.len() as u64)
}
