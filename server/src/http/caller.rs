//! Who calls: from a token or the session cookie, and from no other header.

use super::{Peer, RequestId, headers::plain};
use crate::{Server, sessions};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Caller, Identity};
use tower_sessions::Session;

/// Puts the `Caller` into the request. A token that does not speak for anybody is refused, never taken for an anonymous request.
pub async fn resolve(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let address = request.extensions().get::<Peer>().map(|p| p.0.ip().to_string()).unwrap_or_default();
    let (headers, session) = (request.headers().clone(), request.extensions().get::<Session>().cloned());
    let identity = match identity(&server, &headers, session).await {
        Ok(identity) => identity,
        Err(refusal) => return refusal,
    };
    let caller = match identity {
        Some(identity) => Caller::identified(identity, id, address),
        None => Caller::anonymous(id, address),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

async fn identity(server: &Server, headers: &HeaderMap, session: Option<Session>) -> Result<Option<Identity>, Response> {
    let portal = &server.portal;
    if headers.contains_key(header::AUTHORIZATION) {
        let secret = token(headers).ok_or_else(unauthenticated)?;
        let identity = domain::tokens::authenticate(portal, &secret).await.map_err(unavailable)?;
        return identity.map(Some).ok_or_else(unauthenticated);
    }
    let Some(session) = session else { return Ok(None) };
    let person = sessions::person(portal, &session).await.map_err(|e| unavailable(domain::Error::internal("session", e)))?;
    let Some((user, handle)) = person else { return Ok(None) };
    let identity = domain::identity::identify(portal, &user).await.map_err(unavailable)?;
    Ok(identity.map(|identity| Identity { session: Some(handle), ..identity }))
}

/// The token of `Authorization: Bearer TOKEN`, or of `Basic` as the password; none where it is said twice or in another way.
fn token(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, rest) = value.split_once(' ')?;
    let secret = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!secret.is_empty() && secret.len() <= 200).then_some(secret)
}

/// The same answer to every credential that does not work.
pub fn unauthenticated() -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, "Sign in, or send a valid token.");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn unavailable(error: domain::Error) -> Response {
    tracing::error!(%error, "a request's caller could not be found out");
    plain(StatusCode::SERVICE_UNAVAILABLE, "The portal cannot check who you are now. Try again in a moment.").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        token(&values.iter().map(|v| (header::AUTHORIZATION, v.parse().expect("value"))).collect())
    }

    #[test]
    fn one_token_is_read_and_anything_else_is_refused() {
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["Basic YW55OmFiYw=="]).as_deref(), Some("abc"));
        for bad in [&["Bearer "][..], &["Bearer"], &["Bearer a", "Bearer a"], &["Basic ***"], &["Digest abc"], &["Basic YWJj"]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert_eq!(read(&[&format!("Bearer {}", "a".repeat(201))]), None);
    }
}
