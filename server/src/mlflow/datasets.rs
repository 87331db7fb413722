//! Evaluation datasets and their records.

use super::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
