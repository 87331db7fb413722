//! Registered models and their aliases.

use super::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
