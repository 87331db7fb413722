//! Artifacts: files of runs and models, up, down and listed.

use super::Endpoint;
use crate::router::Route;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}

/// Names outside the API's prefixes.
pub fn bare() -> Vec<Route> {
    Vec::new()
}
