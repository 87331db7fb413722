//! Who calls: from a token or the session cookie, and from no other header.

use super::{Peer, RequestId, errors::refusal, headers::plain};
use crate::{Server, mlflow, sessions};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Caller, Error, Identity, Portal, compute::Secret, model::UserId};
use tower_sessions::Session;

/// What a request proves its caller with; open streams ask it again and again.
#[derive(Clone)]
pub enum Credential {
    /// Handle of a session, and whose it is.
    Session {
        handle: String,
        user: UserId,
    },
    Token(Secret),
}

impl Credential {
    /// Whom it speaks for now: account, teams and roles as of this moment. None where it is no longer good.
    pub async fn identity(&self, portal: &Portal) -> domain::Result<Option<Identity>> {
        match self {
            Self::Token(secret) => domain::tokens::authenticate(portal, &secret.0).await,
            Self::Session { handle, user } => {
                let identity = domain::identity::identify(portal, user).await?;
                Ok(identity.map(|identity| Identity { session: Some(handle.clone()), ..identity }))
            }
        }
    }

    /// Like `identity`, for a stream that has been open for a while: the session itself may have ended too.
    pub async fn identity_again(&self, portal: &Portal) -> domain::Result<Option<Identity>> {
        if let Self::Session { handle, user } = self {
            let session = domain::sessions::load(portal, handle).await?;
            if session.and_then(|s| s.user).as_ref() != Some(user) {
                return Ok(None);
            }
        }
        self.identity(portal).await
    }
}

/// Puts the `Caller` into the request. A token that does not speak for anybody is refused, never taken for an anonymous request.
pub async fn resolve(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let address = request.extensions().get::<Peer>().map(|p| p.0.ip().to_string()).unwrap_or_default();
    let (headers, session) = (request.headers().clone(), request.extensions().get::<Session>().cloned());
    let caller = match identify(&server.portal, &headers, session).await {
        Ok(Some((credential, identity))) => {
            request.extensions_mut().insert(credential);
            Caller::identified(identity, id, address)
        }
        Ok(None) => Caller::anonymous(id, address),
        Err(error) if mlflow::is_ours(request.uri().path()) => return mlflow::refusal(error),
        Err(error) => return refusal(error, &id),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

async fn identify(portal: &Portal, headers: &HeaderMap, session: Option<Session>) -> domain::Result<Option<(Credential, Identity)>> {
    if headers.contains_key(header::AUTHORIZATION) {
        let credential = Credential::Token(Secret(token(headers).ok_or(Error::Unauthenticated)?));
        let identity = credential.identity(portal).await?.ok_or(Error::Unauthenticated)?;
        return Ok(Some((credential, identity)));
    }
    let Some(session) = session else { return Ok(None) };
    let person = sessions::person(portal, &session).await.map_err(|e| Error::internal("session", e))?;
    let Some((user, handle)) = person else { return Ok(None) };
    let credential = Credential::Session { handle, user };
    let identity = credential.identity(portal).await?;
    Ok(identity.map(|identity| (credential, identity)))
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
