//! Requests through the real router and the real accept loop. One binary, so that linking is paid once.

mod charts;
mod command_line;
mod evil;
mod hardening;
mod house;
mod limits;
mod links;
mod lists;
mod live;
mod malformed;
mod mlflow_artifacts;
mod mlflow_models;
mod mlflow_registry;
mod mlflow_runs;
mod mlflow_search;
mod mlflow_traces;
mod notebook_host;
mod notebook_tracking;
mod origins;
mod proxying;
mod registry_pages;
mod sign_in;
mod stage;
mod tokens;
mod tunnels;
mod walk;
