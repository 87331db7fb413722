//! From a workload to its pod. The pod's name is the launch, so whoever tries again, after a crash or beside another, makes nothing twice.

use super::{
    Cluster, api, capacity, facts,
    manifests::{pod, secret, violations},
    memory::{Made, Replacing, lock},
    names::{self, WORKLOAD},
    stop, teams, volumes,
};
use crate::{
    compute::{Fact, Outcome, State, Workload},
    error::{Error, Result},
    model::{Fit, validate_image},
};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ListParams;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

const TRY_AGAIN: Duration = Duration::from_secs(2);

pub(super) async fn ensure(cluster: &Arc<Cluster>, workload: &Workload) -> Result<()> {
    check(workload)?;
    cluster.listed().await?;
    let known = cluster.known(&workload.id);
    if known.as_ref().is_some_and(|f| f.launch == workload.launch) {
        return Ok(());
    }
    let capacity = capacity::capacity(cluster).await?;
    if let Fit::Never(why) = capacity.fit_together(&workload.resources) {
        return Err(Error::invalid("size", why));
    }
    let namespace = teams::ready(cluster, &workload.team).await?;
    // Asked of the cluster itself: what is known here may be old, and two launches at once is what must never be.
    let pods = api::within::<Pod>(&cluster.client, &namespace);
    let selector = format!("{},{WORKLOAD}={}", names::selector(&cluster.config.prefix), workload.id);
    let there = api::call(pods.list(&ListParams::default().labels(&selector))).await?.items;
    if let Some(made) = there.iter().find(|pod| facts::launch_of(pod).is_some_and(|(_, launch)| launch == workload.launch)) {
        // An earlier try may have got no further.
        return if facts::has_terminated(made) {
            Ok(())
        } else {
            seal(cluster, workload, &namespace, made.metadata.uid.as_deref()).await.map(drop)
        };
    }
    let later = |pod: &Pod| facts::launch_of(pod).is_some_and(|(_, launch)| launch > workload.launch);
    if there.iter().any(|pod| later(pod) && !facts::has_terminated(pod)) {
        return Err(Error::Conflict("A later launch of this workload is known.".to_owned()));
    }
    if there.is_empty() {
        lock(&cluster.memory).ended.remove(&workload.id);
        return match make(cluster, workload, &namespace).await {
            // The namespace was deleted since this process made it.
            Err(Error::NotFound(_)) => make(cluster, workload, &teams::ready(cluster, &workload.team).await?).await,
            made => made,
        };
    }
    replace(cluster, workload, &namespace, &there).await
}

/// What this engine refuses whatever the cluster says.
pub(super) fn check(workload: &Workload) -> Result<()> {
    names::workload(&workload.id)?;
    names::volume(workload.home.as_str())?;
    if workload.launch < 0 {
        return Err(Error::invalid("launch", "A launch is counted from 1."));
    }
    if workload.argv.is_empty() || workload.argv.iter().any(|a| a.contains('\0')) {
        return Err(Error::invalid("argv", "There is no program to start."));
    }
    if let Some(image) = &workload.image {
        validate_image(image).map_err(|why| Error::invalid("version", why))?;
    }
    if workload.repository.is_some() {
        return Err(Error::invalid(
            "git_url",
            "On Kubernetes repositories are not cloned at the start yet. Leave it out and clone inside the notebook.",
        ));
    }
    for (name, value) in &workload.env {
        variable(name)?;
        if value.contains('\0') {
            return Err(Error::invalid("env", format!("The value of {name} holds a character that no variable can.")));
        }
    }
    workload.secrets.keys().try_for_each(|name| variable(name))
}

fn variable(name: &str) -> Result<()> {
    let ok = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.len() <= 200
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !["KUBERNETES_", "LD_"].iter().any(|p| name.starts_with(p))
        && !["PATH", "HOME"].contains(&name);
    if ok {
        Ok(())
    } else {
        Err(Error::invalid("env", format!("The variable {name:?} is set by Slipway or malformed; choose another name.")))
    }
}

/// Makes volumes, secret and pod. Dying between any two of them leaves what the next try goes on from.
async fn make(cluster: &Cluster, workload: &Workload, namespace: &str) -> Result<()> {
    let made = make_in(cluster, workload, namespace).await;
    if made.is_err() {
        // It may have been deleted under us; the next try looks at it anew.
        lock(&cluster.memory).namespaces.remove(&workload.team);
    }
    made
}

async fn make_in(cluster: &Cluster, workload: &Workload, namespace: &str) -> Result<()> {
    let wanted = pod(&cluster.config, workload, namespace)?;
    let wrong = violations(&wanted, namespace, &names::labels(&cluster.config.prefix, &workload.team));
    if !wrong.is_empty() {
        return Err(Error::internal("a pod that Slipway itself forbids", wrong.join(", ")));
    }
    volumes::ready(cluster, workload, namespace).await?;
    let kept = seal(cluster, workload, namespace, None).await?;
    let pods = api::within::<Pod>(&cluster.client, namespace);
    let made = match api::create(&pods, &wanted).await {
        Ok(made) => made,
        Err(error) => {
            // Where it was refused there is none; a silent cluster may have made it all the same, and it needs its secret.
            if let (Some(kept), Error::Conflict(_) | Error::QuotaExceeded(_)) = (&kept, &error) {
                let _ = api::delete(&api::within::<Secret>(&cluster.client, namespace), kept).await;
            }
            return Err(error);
        }
    };
    let name = made.metadata.name.clone().unwrap_or_default();
    let uid = made.metadata.uid.clone().unwrap_or_default();
    {
        let mut memory = lock(&cluster.memory);
        memory.headers.insert(name, workload.header.clone());
        let known = cluster.pods.find(|pod| pod.metadata.uid == made.metadata.uid).is_some();
        if !known && !memory.is_buried(&uid) {
            // A list that begins from now on has it.
            let list = memory.lists;
            memory.made.insert(workload.id.clone(), Made { pod: Arc::new(made), list });
        }
    }
    cluster.tell(&workload.id);
    if kept.is_some() {
        seal(cluster, workload, namespace, Some(&uid)).await?;
    }
    Ok(())
}

/// Brings the launch's secret, if it has any, to what it should be; owned by its pod once there is one.
async fn seal(cluster: &Cluster, workload: &Workload, namespace: &str, owner: Option<&str>) -> Result<Option<Secret>> {
    if workload.secrets.is_empty() && workload.header.is_none() {
        return Ok(None);
    }
    let secrets = api::within::<Secret>(&cluster.client, namespace);
    let wanted = secret(&cluster.config.prefix, workload, namespace, owner);
    let there = api::create(&secrets, &wanted).await?;
    api::apply(&secrets, &there, &wanted).await.map(Some)
}

/// Tries again for as long as the cluster is silent or full: nobody else does while it is on its way. Where another process was quicker, nothing is left
/// to do.
async fn make_at_last(cluster: &Cluster, workload: &Workload, namespace: &str) -> Result<()> {
    loop {
        if !stop::until_gone(cluster, workload, namespace).await {
            return Ok(());
        }
        match make(cluster, workload, namespace).await {
            Err(error @ (Error::Unavailable(_) | Error::QuotaExceeded(_))) => {
                tracing::debug!(workload = %workload.id, %error, "a launch that replaces another has to wait");
                sleep(TRY_AGAIN).await;
            }
            made => return made,
        }
    }
}

/// Ends the launches before this one, and makes it once they are gone.
async fn replace(cluster: &Arc<Cluster>, workload: &Workload, namespace: &str, there: &[Pod]) -> Result<()> {
    for pod in there {
        stop::end(cluster, pod).await?;
    }
    let (cluster, workload, namespace) = (cluster.clone(), workload.clone(), namespace.to_owned());
    let (id, launch) = (workload.id.clone(), workload.launch);
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn({
        let cluster = cluster.clone();
        async move {
            let _ = begun.await;
            let made = make_at_last(&cluster, &workload, &namespace).await;
            let mut memory = lock(&cluster.memory);
            memory.replacing.remove(&workload.id);
            memory.ended.remove(&workload.id);
            if let Err(error) = made {
                tracing::warn!(workload = %workload.id, %error, "a launch that replaces another could not be made");
                let outcome = Outcome::Failed { reason: error.to_string(), next_step: "Start it again.".to_owned() };
                let fact = Fact { id: workload.id.clone(), launch, at: cluster.clock.now(), state: State::Ended { outcome } };
                memory.ended.insert(workload.id.clone(), fact);
            }
            drop(memory);
            cluster.tell(&workload.id);
        }
    });
    let before = lock(&cluster.memory).replacing.insert(id.clone(), Replacing { launch, task: task.abort_handle() });
    if let Some(before) = before {
        before.task.abort();
    }
    let _ = begin.send(());
    cluster.tell(&id);
    Ok(())
}
