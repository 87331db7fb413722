//! Stands in until the engine `local` is there: refuses everything with a reason.

use async_trait::async_trait;
use domain::{
    Error, Result,
    compute::{Activity, ComputeEngine, Fact, Workload},
    model::{Capacity, Environment, Finding, LogPage, VolumeId},
};
use futures::stream::{self, BoxStream};
use std::net::SocketAddr;

pub struct Absent;

fn absent<T>() -> Result<T> {
    Err(Error::Unavailable("This build has no engine yet.".to_owned()))
}

#[async_trait]
impl ComputeEngine for Absent {
    fn name(&self) -> &'static str {
        "none"
    }
    async fn ensure(&self, _: &Workload) -> Result<()> {
        absent()
    }
    async fn stop(&self, _: &str) -> Result<()> {
        absent()
    }
    async fn remove(&self, _: &str) -> Result<()> {
        absent()
    }
    async fn status(&self, _: &str) -> Result<Option<Fact>> {
        absent()
    }
    async fn list(&self) -> Result<Vec<Fact>> {
        absent()
    }
    fn watch(&self) -> BoxStream<'static, Fact> {
        Box::pin(stream::pending())
    }
    async fn logs(&self, _: &str, _: Option<u64>, _: u32) -> Result<LogPage> {
        absent()
    }
    async fn log_grows(&self, _: &str, _: u64) -> Result<bool> {
        absent()
    }
    async fn address(&self, _: &str) -> Result<SocketAddr> {
        absent()
    }
    async fn activity(&self, _: &str) -> Result<Option<Activity>> {
        absent()
    }
    async fn capacity(&self) -> Result<Capacity> {
        absent()
    }
    async fn unavailable(&self, _: &Environment) -> Option<String> {
        Some("This build has no engine yet.".to_owned())
    }
    async fn is_cached(&self, _: &str) -> bool {
        false
    }
    async fn create_volume(&self, _: &VolumeId) -> Result<()> {
        absent()
    }
    async fn delete_volume(&self, _: &VolumeId) -> Result<()> {
        absent()
    }
    async fn volume_usage(&self, _: &VolumeId) -> Option<u64> {
        None
    }
    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}
