//! Asking a workload by HTTP: whether it is ready, and when it was last used.

use crate::{
    compute::{Activity, Secret},
    error::{Error, Result},
    model::Millis,
};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, header::HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{net::TcpStream, time::timeout};

const ANSWER_TIME: Duration = Duration::from_secs(5);
const ANSWER_BYTES: usize = 4 << 20;

/// Status and body of a GET. Redirects are not followed.
pub(super) async fn get(address: SocketAddr, path: &str, header: Option<&(String, Secret)>) -> Result<(u16, Vec<u8>)> {
    let unavailable = |e: &dyn std::fmt::Display| Error::Unavailable(format!("The program does not answer: {e}"));
    let exchange = async {
        let stream = TcpStream::connect(address).await.map_err(|e| unavailable(&e))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Empty<&[u8]>>(TokioIo::new(stream)).await.map_err(|e| unavailable(&e))?;
        let connection = tokio::spawn(connection);
        let mut request = Request::get(path).header(HOST, address.to_string());
        if let Some((name, value)) = header {
            request = request.header(name, &value.0);
        }
        let request = request.body(Empty::new()).map_err(|e| Error::internal("probe request", e))?;
        let response = sender.send_request(request).await.map_err(|e| unavailable(&e))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(|e| unavailable(&e))?;
        connection.abort();
        Ok((status, body.to_bytes().to_vec()))
    };
    timeout(ANSWER_TIME, exchange).await.map_err(|e| unavailable(&e))?
}

/// What Jupyter's kernels and terminals say. Its own API's `last_activity` is left out, since our asking changes it.
pub(super) async fn jupyter_activity(address: SocketAddr, ready_path: &str, header: Option<&(String, Secret)>) -> Result<Activity> {
    let base = ready_path.trim_end_matches('/');
    let (status, kernels) = get(address, &format!("{base}/kernels"), header).await?;
    if status != 200 {
        return Err(Error::Unavailable(format!("Jupyter answers {status} when asked for its kernels.")));
    }
    // Terminals may be switched off.
    let terminals = get(address, &format!("{base}/terminals"), header).await.ok().filter(|(s, _)| *s == 200).map(|(_, body)| body);
    read_activity(&kernels, terminals.as_deref())
}

fn read_activity(kernels: &[u8], terminals: Option<&[u8]>) -> Result<Activity> {
    let list = |bytes: &[u8]| serde_json::from_slice::<Vec<Value>>(bytes);
    let mut all = list(kernels).map_err(|e| Error::Unavailable(format!("Jupyter's list of kernels cannot be read: {e}")))?;
    let busy = all.iter().any(|k| k["execution_state"] == "busy");
    all.extend(terminals.and_then(|t| list(t).ok()).unwrap_or_default());
    let last_activity_at = all.iter().filter_map(|k| moment(k["last_activity"].as_str()?)).max();
    Ok(Activity { busy, last_activity_at })
}

fn moment(text: &str) -> Option<Millis> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Millis::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_kernel_or_terminal_counts() {
        let kernels = br#"[
            {"id": "a", "execution_state": "idle", "last_activity": "2026-11-23T10:00:00.500000Z", "connections": 1},
            {"id": "b", "execution_state": "busy", "last_activity": "2026-11-23T09:00:00Z"}]"#;
        let terminals = br#"[{"name": "1", "last_activity": "2026-11-23T10:00:01.000000Z"}]"#;
        let at = 1_795_428_000_500;
        assert_eq!(read_activity(kernels, None).unwrap(), Activity { busy: true, last_activity_at: Some(at) });
        assert_eq!(read_activity(kernels, Some(terminals)).unwrap().last_activity_at, Some(at + 500));
        assert_eq!(read_activity(b"[]", Some(b"{}")).unwrap(), Activity { busy: false, last_activity_at: None });
        assert!(read_activity(b"<html>", None).is_err());
    }
}
