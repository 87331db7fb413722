//! What Slipway does not have, said as such: 501 and never a silent success.

use super::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
