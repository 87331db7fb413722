//! One request to the notebook over a connection of its own, so that nothing it sends too much reaches the next request.

use super::{
    pace::Paced,
    request::{Refused, onward},
    response::back,
    watch::Guest,
};
use axum::{
    body::Body,
    extract::Request,
    http::{Response, StatusCode},
};
use domain::notebooks::Upstream;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpStream;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// To the head of the answer, the sending of the request included; a notebook may convert a document meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_mins(10);

/// The notebook's answer, streamed both ways for as long as the guest may be there.
///
/// # Errors
/// Why there is none.
pub async fn fetch(request: Request, upstream: &Upstream, guest: &Guest) -> Result<Response<Body>, Refused> {
    let (parts, body) = request.into_parts();
    let request = onward(&parts, upstream)?.body(guest.watched(Body::new(Paced::new(body)))).map_err(|_| Refused::Malformed)?;
    let answer = tokio::select! {
        answer = send(upstream.address, request) => answer?,
        // It may take minutes to answer.
        () = guest.until_refused() => return Err(Refused::Revoked),
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for that.
        return Err(Refused::Unreachable);
    }
    Ok(filtered(answer, guest))
}

/// The answer without what is not the notebook's to say.
pub fn filtered(answer: Response<Incoming>, guest: &Guest) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    parts.headers = back(&parts.headers);
    parts.extensions.clear();
    Response::from_parts(parts, guest.watched(Body::new(body)))
}

/// Sends one request over a new connection.
pub async fn send(address: SocketAddr, request: http::Request<Body>) -> Result<Response<Incoming>, Refused> {
    let stream = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
    let stream = stream.ok().and_then(Result::ok).ok_or(Refused::Unreachable)?;
    let _ = stream.set_nodelay(true);
    let handshake = http1::Builder::new().max_headers(200).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| Refused::Unreachable)?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a notebook's connection ended early");
        }
    });
    match tokio::time::timeout(ANSWER_WITHIN, sender.send_request(request)).await {
        Ok(Ok(answer)) => Ok(answer),
        // The fault is in the request's body, which is the browser's.
        Ok(Err(error)) if error.is_user() => Err(Refused::Slow),
        Ok(Err(error)) => {
            tracing::debug!(%error, %address, "a notebook's answer could not be read");
            Err(Refused::Unreachable)
        }
        Err(_) => Err(Refused::Silent),
    }
}
