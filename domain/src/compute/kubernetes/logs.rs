//! The log of a pod, through the API server. It goes with the pod: of a launch that was stopped nothing is left.

use super::{Cluster, api, facts, manifests::CONTAINER};
use crate::{
    compute::sanitise::sanitise,
    error::{Error, Result},
    model::{LogLine, LogPage},
};
use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Kubelets keep 10 MiB of a container unless told otherwise, so this is all of it.
const MOST: i64 = 32 << 20;
const GROWS: Duration = Duration::from_secs(20);
/// One line longer than this is shown in parts.
const LINE: usize = 64 << 10;

/// The pod whose log is read: of the latest launch, once a container of it has begun.
fn logged(cluster: &Cluster, id: &str) -> Option<Arc<Pod>> {
    let pod = cluster.pods_of(id).into_iter().next()?;
    let begun = |pod: &Pod| facts::has_terminated(pod) || facts::phase(pod) == "Running";
    Some(pod).filter(|pod| begun(pod))
}

fn params(follow: bool) -> LogParams {
    LogParams { container: Some(CONTAINER.to_owned()), follow, limit_bytes: (!follow).then_some(MOST), ..LogParams::default() }
}

fn place(pod: &Pod) -> (String, String) {
    (pod.metadata.namespace.clone().unwrap_or_default(), pod.metadata.name.clone().unwrap_or_default())
}

/// The API knows no offsets: the whole is read, and the part that was asked for is cut out of it.
pub(super) async fn page(cluster: &Cluster, id: &str, from: Option<u64>, limit: u32) -> Result<LogPage> {
    let Some(pod) = logged(cluster, id) else { return Ok(LogPage::default()) };
    let (namespace, name) = place(&pod);
    let pods = api::within::<Pod>(&cluster.client, &namespace);
    let stream = match api::call(pods.log_stream(&name, &params(false))).await {
        Ok(stream) => stream,
        // The node answers with 400 as long as the container is being made.
        Err(Error::Conflict(_) | Error::NotFound(_)) => return Ok(LogPage::default()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let read = timeout(GROWS, pin!(stream).read_to_end(&mut bytes)).await;
    match read {
        Ok(Ok(_)) => Ok(cut(&bytes, from, limit)),
        _ => Err(Error::Unavailable("The log cannot be read now. Try again in a moment.".to_owned())),
    }
}

/// Whole lines of a log from a byte on, or its last lines.
fn cut(log: &[u8], from: Option<u64>, limit: u32) -> LogPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let asked = from.map_or(0, |from| usize::try_from(from).unwrap_or(usize::MAX));
    // A log that is shorter than what was read of it was rotated: it begins anew.
    let rotated = asked > log.len();
    let start = if rotated { 0 } else { asked };
    let mut at = start;
    let mut lines = Vec::new();
    for line in log[start..].split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n") || line.len() > LINE) {
        at += line.len();
        let next = u64::try_from(at).unwrap_or(u64::MAX);
        lines.push(LogLine { next, text: sanitise(&String::from_utf8_lossy(line)) });
    }
    if from.is_none() && lines.len() > limit {
        lines.drain(..lines.len() - limit);
    }
    lines.truncate(limit);
    let next = lines.last().map_or_else(|| u64::try_from(start).unwrap_or(u64::MAX), |l| l.next);
    LogPage { dropped_bytes: 0, lines, next }
}

/// Follows the log until it has gone on past a byte.
pub(super) async fn grows(cluster: &Cluster, id: &str, from: u64) -> Result<bool> {
    let grown = async {
        let mut news = cluster.pod_news.subscribe();
        loop {
            if let Some(pod) = logged(cluster, id) {
                let (namespace, name) = place(&pod);
                let pods = api::within::<Pod>(&cluster.client, &namespace);
                if let Ok(stream) = pods.log_stream(&name, &params(true)).await {
                    let mut stream = pin!(stream);
                    let (mut seen, mut buffer) = (0_u64, vec![0; 16 << 10]);
                    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                        seen += u64::try_from(n).unwrap_or(0);
                        if seen > from {
                            return true;
                        }
                    }
                    // It has ended, or was rotated to less than was read of it.
                    if seen < from {
                        return true;
                    }
                }
            }
            if news.changed().await.is_err() {
                return false;
            }
        }
    };
    Ok(timeout(GROWS, grown).await.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_at_bytes_and_lines() {
        let text = "one\ntwó\nthree\nhal".as_bytes();
        let shown = |page: &LogPage| page.lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
        let last = cut(text, None, 2);
        assert_eq!((shown(&last), last.next), (vec!["twó".to_owned(), "three".to_owned()], 15));
        let first = cut(text, Some(0), 1);
        assert_eq!((shown(&first), first.next), (vec!["one".to_owned()], 4));
        assert_eq!(shown(&cut(text, Some(first.next), 9)), ["twó", "three"]);
        assert!(cut(text, Some(15), 9).lines.is_empty(), "half a line waits for its other half");
        assert_eq!(shown(&cut(text, Some(900), 1)), ["one"], "rotated");
    }
}
