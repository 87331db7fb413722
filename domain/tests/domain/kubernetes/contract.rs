//! The common contract of engines, on a played node.

use super::cluster::Corner;
use crate::compute_contract::keeps_the_common_contract;

#[tokio::test(flavor = "multi_thread")]
async fn the_kubernetes_engine_keeps_the_contract() {
    let Some(corner) = Corner::start().await else { return };
    keeps_the_common_contract(&corner).await;
    corner.end().await;
}
