//! Figures for Prometheus, on a listener of their own: requests as they are answered, and at each look how the process does. No label holds what people
//! chose, so that the number of series is bounded by the program.

mod process;

use crate::Server;
use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::vitals::{self, Beats, Counts};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::ConstCounter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::Registry,
};
use std::{sync::Arc, time::Duration};

/// Upper bounds of a request's duration, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// A database that takes longer is told to be down.
const DATABASE_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    /// As the table of routes has it, or a class in parentheses.
    route: Arc<str>,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: Arc<str>,
}

type Requests = Family<Answered, prometheus_client::metrics::counter::Counter>;
type Durations = Family<Route, Histogram, fn() -> Histogram>;

/// What is counted as it happens.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Requests,
    durations: Durations,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { requests: Requests::default(), durations: Durations::new_with_constructor(|| Histogram::new(BOUNDS)) }
    }
}

impl Metrics {
    /// Counts a request whose answer's head was ready after so long.
    pub fn answered(&self, route: &Arc<str>, method: &Method, status: StatusCode, took: Duration) {
        let labels = Answered { route: route.clone(), method: known(method), status: class(status) };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
    }
}

/// A client may call a method what it wants.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().find(|name| *name == method.as_str()).unwrap_or("OTHER")
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// `GET /metrics`, on the operator's listener.
pub async fn show(State(server): State<Server>) -> Response {
    let counts = tokio::time::timeout(DATABASE_WITHIN, vitals::counts(&server.portal)).await;
    let counts = counts.ok().and_then(|counted| counted.inspect_err(|error| tracing::warn!(%error, "the database cannot be counted")).ok());
    let registry = registry(&server, counts.as_ref());
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn registry(server: &Server, counts: Option<&Counts>) -> Registry {
    let mut registry = Registry::default();
    let r = &mut registry;
    r.register("slipway_http_requests", "Requests by route, method and class of status", server.metrics.requests.clone());
    let help = "From a request's head to its answer's head, by route; streams and downloads go on after it";
    r.register("slipway_http_request_duration_seconds", help, server.metrics.durations.clone());
    gauge(r, "slipway_streams_open", "Open live pages, logs and WebSockets to notebooks", count(server.streams.open()));

    let info: Family<[(&str, &str); 2], Gauge> = Family::default();
    info.get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("database", server.portal.db.kind())]).set(1);
    r.register("slipway_build_info", "1, with the version and the kind of database as labels", info);

    database(r, server, counts);
    let (jobs, weight) = server.portal.writer.waiting();
    gauge(r, "slipway_writer_jobs_waiting", "What runs log that waits to be written: requests", count(jobs));
    gauge(r, "slipway_writer_items_waiting", "What runs log that waits to be written: metrics, params and tags", count(weight));
    pulse(r, "slipway_supervisor_looks", "Looks of the supervisor at all notebooks", server.portal.looks.beats());
    process::register(r);
    registry
}

fn database(r: &mut Registry, server: &Server, counts: Option<&Counts>) {
    let connections = server.portal.db.connections();
    let by_state: Family<[(&str, &str); 1], Gauge> = Family::default();
    for (state, number) in [("used", connections.used), ("idle", connections.idle)] {
        by_state.get_or_create(&[("state", state)]).set(i64::try_from(number).unwrap_or(i64::MAX));
    }
    r.register("slipway_database_connections", "Open connections of the pool, by state", by_state);
    gauge(r, "slipway_database_connections_max", "Connections that the pool may open", connections.most);
    let beginning = server.portal.db.beginning();
    gauge(
        r,
        "slipway_database_transactions_waiting",
        "Write transactions that wait for a connection or for those before them",
        beginning.waiting(),
    );
    pulse(r, "slipway_database_transactions", "Write transactions begun", beginning.waited.beats());
    gauge(r, "slipway_database_up", "Whether the database answered this look", u64::from(counts.is_some()));

    let Some(counts) = counts else { return };
    r.register("slipway_events_behind", "Committed events that open pages were not told of yet", ConstGauge::new(counts.events_behind));
    let phases: Family<[(&str, &str); 1], Gauge> = Family::default();
    for (phase, number) in &counts.notebooks {
        phases.get_or_create(&[("phase", phase.as_str())]).set(*number);
    }
    r.register("slipway_notebooks", "Notebooks of all teams, by phase", phases);
    let deliveries: Family<[(&str, &str); 1], Gauge> = Family::default();
    deliveries.get_or_create(&[("state", "waiting")]).set(counts.deliveries_waiting);
    deliveries.get_or_create(&[("state", "given_up")]).set(counts.deliveries_given_up);
    r.register("slipway_webhook_deliveries", "Deliveries of webhooks that have not arrived, by state", deliveries);
}

fn gauge(r: &mut Registry, name: &str, help: &str, value: u64) {
    r.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
}

/// How often and how long altogether; the age of the last where there was one.
fn pulse(r: &mut Registry, name: &str, help: &str, beats: Beats) {
    r.register(name, help, ConstCounter::new(beats.count));
    r.register(
        format!("{name}_seconds"),
        format!("{help}: time they took or waited altogether"),
        ConstCounter::new(beats.took.as_secs_f64()),
    );
    if let Some(last) = beats.last {
        r.register(format!("{name}_age_seconds"), format!("{help}: time since the last"), ConstGauge::new(last.elapsed().as_secs_f64()));
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_statuses_are_few() {
        assert_eq!(known(&Method::PATCH), "PATCH");
        assert_eq!(known(&Method::from_bytes(b"BREW-1234").expect("a method")), "OTHER");
        let codes = [101, 200, 204, 303, 404, 429, 500, 503, 999];
        let classes = codes.map(|code| class(StatusCode::from_u16(code).expect("a status")));
        assert_eq!(classes, ["1xx", "2xx", "2xx", "3xx", "4xx", "4xx", "5xx", "5xx", "5xx"]);
    }
}
