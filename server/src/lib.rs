//! The doors of the portal: they translate between HTTP or the command line and the domain, and decide nothing.

pub mod cli;
pub mod config;
pub mod http;
pub mod metrics;
pub mod router;
pub mod serve;
pub mod sessions;
pub mod site;
mod sso;

mod exports;
mod functions;
mod live;
pub mod mlflow;
mod pages;
pub mod proxy;
mod shown;

use app::SiteFiles;
use domain::Portal;
use http::{Leaving, Origin, streams::Streams};
use metrics::Metrics;
use std::sync::Arc;

/// What every handler stands on. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    pub portal: Portal,
    /// Where browsers reach the portal.
    pub origin: Arc<Origin>,
    pub files: Arc<SiteFiles>,
    pub streams: Streams,
    pub leaving: Leaving,
    pub metrics: Metrics,
}

impl Server {
    pub fn new(portal: Portal, origin: Origin, files: Arc<SiteFiles>) -> Self {
        let (streams, leaving, metrics) = Default::default();
        Self { portal, origin: Arc::new(origin), files, streams, leaving, metrics }
    }
}
