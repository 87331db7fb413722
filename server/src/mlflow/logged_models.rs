//! Models that runs logged.

use super::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
