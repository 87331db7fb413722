//! A pod that has its node: images, secrets, volumes, the node itself.

use super::{Situation, Waiting, brief, event, storage};
use k8s_openapi::api::core::v1::ContainerStateWaiting;

pub(super) fn explain(situation: &Situation<'_>, held: &ContainerStateWaiting) -> Waiting {
    let said = held.message.as_deref().unwrap_or_default();
    let image = situation.pod.spec.as_ref().and_then(|s| s.containers.first()?.image.as_deref()).unwrap_or("its image");
    match held.reason.as_deref().unwrap_or_default() {
        "InvalidImageName" => Waiting::new(format!("{image} is not the name of an image.")).or("Correct it under Environments."),
        "ErrImageNeverPull" => {
            Waiting::new(format!("Its node does not have the image {image} and may not fetch it.")).or("Ask the administrator.")
        }
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" | "ImageInspectError" => pull(situation, image, said),
        "CreateContainerConfigError" => Waiting::new(format!("Its container lacks something in the cluster: {}.", brief(said)))
            .or("Stop it and start it again; if that does not help, ask the administrator."),
        "CreateContainerError" | "RunContainerError" | "PreCreateHookError" | "PreStartHookError" => {
            Waiting::new(format!("Its node cannot make the container: {}.", brief(said))).or("Ask the administrator to look at the node.")
        }
        "CrashLoopBackOff" => Waiting::new("It ends as soon as it starts, and is tried again.").or("See its log."),
        _ => on_node(situation),
    }
}

fn pull(situation: &Situation<'_>, image: &str, said: &str) -> Waiting {
    // The reason to back off stands in an earlier event.
    let failed = situation.events.iter().rev().filter_map(|e| e.message.as_deref()).find(|m| m.contains("Failed to pull image"));
    let all = format!("{said} {}", failed.unwrap_or_default());
    let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
    if has(&["not found", "manifest unknown", "does not exist", "NotFound"]) {
        Waiting::new(format!("There is no image {image}.")).or("Correct it under Environments, or choose another version.")
    } else if has(&["unauthorized", "authentication required", "denied", "no basic auth", "403 Forbidden", "401 Unauthorized"]) {
        Waiting::new(format!("The registry does not let the cluster have the image {image}.")).or("Ask the administrator for access to it.")
    } else if has(&["toomanyrequests", "rate limit", "429"]) {
        Waiting::new(format!("The registry limits how often images are fetched; {image} is tried again."))
    } else if has(&["no space left", "disk pressure"]) {
        Waiting::new(format!("Its node has no room for the image {image}.")).or("Ask the administrator to look at the node.")
    } else if has(&["x509", "certificate"]) {
        Waiting::new(format!("The certificate of the registry of {image} is not trusted by the node.")).or("Ask the administrator.")
    } else if has(&["no such host", "i/o timeout", "connection refused", "dial tcp", "network is unreachable"]) {
        Waiting::new(format!("The registry of {image} cannot be reached; it is tried again."))
    } else {
        Waiting::new(format!("The image {image} cannot be fetched; it is tried again."))
    }
}

/// It has a node, and its container is being made.
pub(super) fn on_node(situation: &Situation<'_>) -> Waiting {
    if let Some(volume) = storage::on_node(situation) {
        return volume;
    }
    if let Some(why) = event(situation, "FailedCreatePodSandBox") {
        return Waiting::new(format!("Its node cannot give it a network: {}.", brief(why)))
            .or("Ask the administrator to look at the node.");
    }
    let pulled = event(situation, "Pulled").is_some();
    if let Some(image) = event(situation, "Pulling").filter(|_| !pulled) {
        let image = image.trim_start_matches("Pulling image ").trim_matches('"');
        return Waiting::new(format!("Fetches the image {image}."));
    }
    match situation.pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) {
        Some(node) => Waiting::new(format!("{node} prepares it.")),
        None => Waiting::new("Its node prepares it."),
    }
}
