//! What runs read and made: datasets, input models, output models.

use super::Endpoint;

pub fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
