//! The engine `kubernetes` on a real API server, where `SLIPWAY_TEST_KUBECONFIG` names one (`scripts/with-kubernetes.sh`).

mod cluster;
mod contract;
mod gate;
mod kubelet;
mod launching;
mod partition;
mod plan;
mod portal;
mod quotas;
mod real_node;
mod refusals;
mod replicas;
mod roles;
mod shape;
