//! Names and labels of what Slipway makes in a cluster. Labels are the only link back to the database.

use crate::{
    error::{Error, Result},
    model::{is_id, validate_name},
    random,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

/// Who changes fields, as server-side apply knows it.
pub(super) const MANAGER: &str = "slipway";
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
// `.internal` is nobody's domain.
pub(super) const PORTAL: &str = "slipway.internal/portal";
pub(super) const TEAM: &str = "slipway.internal/team";
pub(super) const WORKLOAD: &str = "slipway.internal/workload";
pub(super) const LAUNCH: &str = "slipway.internal/launch";
pub(super) const VOLUME: &str = "slipway.internal/volume";
/// On a pod that Slipway was asked to stop, so that whoever sees it go knows why.
pub(super) const STOP: &str = "slipway.internal/stop";
/// How the engine learns what the program says of its use.
pub(super) const ACTIVITY: &str = "slipway.internal/activity";
/// The name of every team's service account, which may do nothing.
/// The quota of a team and what one container may have of it.
pub(super) const QUOTA: &str = "slipway";
pub(super) const ACCOUNT: &str = "slipway-notebook";

/// The role that Slipway gives itself in a team's namespace.
pub(super) const TEAM_ROLE: &str = "slipway-team";

/// A namespace is a DNS label: what is too long is cut, with a digest of the whole so that no two teams meet.
pub(super) fn namespace(prefix: &str, team: &str) -> Result<String> {
    validate_name(team, 63).map_err(|why| Error::invalid("team", why))?;
    let whole = format!("{prefix}-{team}");
    if whole.len() <= 63 {
        return Ok(whole);
    }
    Ok(format!("{}-{}", whole[..52].trim_end_matches('-'), &random::digest(&whole)[..10]))
}

pub(super) fn workload(id: &str) -> Result<&str> {
    if is_id(id) { Ok(id) } else { Err(Error::NotFound("workload")) }
}

/// A pod is one launch, so that no launch is made twice whoever tries.
pub(super) fn pod(id: &str, launch: i64) -> String {
    format!("nb-{id}-{launch}")
}

pub(super) fn volume(id: &str) -> Result<String> {
    if is_id(id) { Ok(format!("vol-{id}")) } else { Err(Error::NotFound("volume")) }
}

/// What every object of this portal and team carries.
pub(super) fn labels(prefix: &str, team: &str) -> BTreeMap<String, String> {
    [(MANAGED_BY, MANAGER), (PORTAL, prefix), (TEAM, team)].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// Finds this portal's objects.
pub(super) fn selector(prefix: &str) -> String {
    format!("{MANAGED_BY}={MANAGER},{PORTAL}={prefix}")
}

pub(super) fn label<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.labels.as_ref()?.get(name).map(String::as_str)
}

/// Whether an object that is there carries every one of these labels.
pub(super) fn has_all(meta: &ObjectMeta, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| label(meta, name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_short_and_of_one_team_only() {
        assert_eq!(namespace("slipway", "vision").unwrap(), "slipway-vision");
        let long = |end: &str| namespace("slipway", &format!("{}{end}", "a".repeat(60))).unwrap();
        assert!(long("b").len() <= 63 && long("b") != long("c"), "{}", long("b"));
        for bad in ["kube-system\0", "-n red", "../x", "", "Red", "a.b"] {
            assert!(namespace("slipway", bad).is_err(), "{bad}");
        }
    }
}
