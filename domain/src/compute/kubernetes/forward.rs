//! Where the proxy reaches a pod: its own address from inside the cluster, else a loopback port that is forwarded through the API server.

use super::{Cluster, api, facts, manifests::PORT, memory::lock};
use crate::error::{Error, Result};
use k8s_openapi::api::core::v1::Pod;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

/// How long opening one forwarded connection may take.
const OPENS: Duration = Duration::from_secs(10);

/// Listeners of this process, one for each pod by its uid.
#[derive(Default)]
pub(super) struct Forwards(HashMap<String, (SocketAddr, AbortHandle)>);

impl Forwards {
    /// Ends the listener of a pod and every connection through it.
    pub fn close(&mut self, uid: &str) {
        if let Some((_, task)) = self.0.remove(uid) {
            task.abort();
        }
    }
    pub fn close_all(&mut self) {
        self.0.drain().for_each(|(_, (_, task))| task.abort());
    }
}

fn silent() -> Error {
    Error::Unavailable("The notebook does not answer now.".to_owned())
}

pub(super) async fn address(cluster: &Arc<Cluster>, id: &str) -> Result<SocketAddr> {
    let pod = cluster.pods_of(id).into_iter().next().ok_or(Error::NotFound("workload"))?;
    if facts::phase(&pod) != "Running" || facts::is_being_deleted(&pod) {
        return Err(silent());
    }
    if cluster.inside {
        let ip = pod.status.as_ref().and_then(|s| s.pod_ip.as_deref()).and_then(|ip| ip.parse::<IpAddr>().ok());
        return ip.map(|ip| SocketAddr::new(ip, PORT)).ok_or_else(silent);
    }
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    if let Some((address, _)) = lock(&cluster.forwards).0.get(&uid) {
        return Ok(*address);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|e| Error::internal("forward", e))?;
    let address = listener.local_addr().map_err(|e| Error::internal("forward", e))?;
    let task = tokio::spawn(serve(cluster.clone(), pod, listener)).abort_handle();
    let mut forwards = lock(&cluster.forwards);
    if let Some((first, _)) = forwards.0.get(&uid) {
        task.abort();
        return Ok(*first);
    }
    forwards.0.insert(uid, (address, task));
    Ok(address)
}

/// Takes connections until it is aborted, and its connections with it.
async fn serve(cluster: Arc<Cluster>, pod: Arc<Pod>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, _)) => { connections.spawn(forward(cluster.clone(), pod.clone(), stream)); }
                // Out of file descriptors, which others may give back.
                Err(error) => {
                    tracing::debug!(%error, "a forwarded connection could not be taken");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn forward(cluster: Arc<Cluster>, pod: Arc<Pod>, mut stream: TcpStream) {
    // The name may be another pod's by now: this one must still be there.
    if cluster.pods.find(|p| p.metadata.uid == pod.metadata.uid).is_none() {
        return;
    }
    let (namespace, name) = (pod.metadata.namespace.as_deref().unwrap_or_default(), pod.metadata.name.as_deref().unwrap_or_default());
    let pods = api::within::<Pod>(&cluster.client, namespace);
    let opened = timeout(OPENS, pods.portforward(name, &[PORT])).await;
    let Ok(Ok(mut forwarder)) = opened else {
        tracing::debug!(pod = name, "a connection could not be forwarded");
        return;
    };
    if let Some(mut far) = forwarder.take_stream(PORT) {
        let _ = copy_bidirectional(&mut stream, &mut far).await;
    }
    forwarder.abort();
}
