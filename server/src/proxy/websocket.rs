//! Web sockets to a notebook: opened only on a valid handshake from both sides, and cut once their person may no longer be there.

use super::{
    frames::Frames,
    request::{Refused, onward},
    response::back,
    upstream::{filtered, send},
    watch::Guest,
};
use crate::http::{Slot, headers::plain, streams::Seat};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::notebooks::{self, Upstream};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Streams that one person may have open to one notebook; JupyterLab opens one for each kernel, terminal and language server.
pub const PER_NOTEBOOK: usize = 256;

/// Who holds the stream.
pub struct Watch {
    pub guest: Guest,
    /// Taken as long as the stream is open.
    pub seat: Seat,
}

/// Whether the request asks for a WebSocket, well or badly.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Opens the stream, or passes on the notebook's refusal.
pub async fn open(mut request: Request, upstream: &Upstream, watch: Watch) -> Response {
    let Some(accept) = expected(&request) else {
        return plain(StatusCode::BAD_REQUEST, "This is not a WebSocket handshake of version 13.");
    };
    let client = hyper::upgrade::on(&mut request);
    let slot = request.extensions().get::<Slot>().cloned();
    let (parts, _) = request.into_parts();
    let asked = onward(&parts, upstream).and_then(|builder| {
        let builder = builder.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "websocket");
        builder.body(Body::empty()).map_err(|_| Refused::Malformed)
    });
    let answer = match asked {
        Ok(asked) => send(upstream.address, asked).await,
        Err(refused) => Err(refused),
    };
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(refused) => return refused.answer(),
    };
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return filtered(answer, &watch.guest);
    }
    if !is_accepted(answer.headers(), &accept) {
        return Refused::Unreachable.answer();
    }
    let notebook = hyper::upgrade::on(&mut answer);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = back(answer.headers());
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    tokio::spawn(async move {
        tunnel(client, notebook, &watch).await;
        drop((slot, watch.seat));
    });
    response
}

/// What a right answer to this handshake says; none where it is no handshake.
fn expected(request: &Request) -> Option<String> {
    let headers = request.headers();
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    };
    let key = one(header::SEC_WEBSOCKET_KEY)?.as_bytes();
    let upgrades = has_token(headers, "upgrade") && one(header::UPGRADE)?.as_bytes().eq_ignore_ascii_case(b"websocket");
    let version = one(header::SEC_WEBSOCKET_VERSION)? == "13" && request.version() == Version::HTTP_11;
    let bodiless = !headers.contains_key(header::TRANSFER_ENCODING) && one(header::CONTENT_LENGTH).is_none_or(|v| v == "0");
    let whole = STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    (request.method() == http::Method::GET && upgrades && version && bodiless && whole).then(|| derive_accept_key(key))
}

fn is_accepted(headers: &HeaderMap, accept: &str) -> bool {
    headers.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|v| v == accept)
        && has_token(headers, "upgrade")
        && headers.get(header::UPGRADE).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
}

/// Copies both ways until one side ends or the person may no longer be there.
async fn tunnel(client: OnUpgrade, notebook: OnUpgrade, watch: &Watch) {
    let (Ok(client), Ok(notebook)) = (client.await, notebook.await) else { return };
    let halves = |upgraded: Upgraded| tokio::io::split(TokioIo::new(upgraded));
    let ((mut from_client, mut to_client), (mut from_notebook, to_notebook)) = (halves(client), halves(notebook));
    tokio::select! {
        _ = upward(&mut from_client, to_notebook, || notebooks::touch(&watch.guest.portal, &watch.guest.id)) => {}
        _ = tokio::io::copy(&mut from_notebook, &mut to_client) => {}
        () = watch.guest.until_refused() => {}
    }
    let _ = to_client.shutdown().await;
}

/// Copies from the browser, and calls back for each frame that carries data: keep-alives are not a person at work.
async fn upward(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, on_data: impl Fn()) -> std::io::Result<()> {
    let (mut buffer, mut frames) = (vec![0; 16 * 1024], Frames::default());
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        if frames.has_data(&buffer[..read]) {
            on_data();
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}
