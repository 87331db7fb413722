//! Compares chunks of points with a plain clustered table of points, for docs/adr/0007-metric-chunks.md. Prints; run it in release, with
//! `SLIPWAY_TEST_DATABASE_URL` for `PostgreSQL`:
//!
//! `cargo run --release -p domain --features testing --example metric_chunks`
//!
//! The chunks go the whole way (permission, checks, versions, latest values, params); the plain table is written by bare statements, one
//! transaction a batch, so that it is the plain table that is flattered.

#![expect(clippy::print_stdout, clippy::cast_possible_wrap, reason = "it prints, and counts to a hundred thousand")]

use domain::{
    Caller, Portal, args,
    model::{Batch, Metric, NewRun, Role, RunId},
    testing::TestPortal,
    tracking::{metrics, runs},
};
use std::time::Instant;

const POINTS: i64 = 100_000;
const SINGLE: i64 = 2000;

#[tokio::main]
async fn main() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let (portal, ada) = (test.portal.clone(), test.caller("ada").await);
    println!("database: {}", portal.db.kind());
    plain(&portal).await;
    chunks(&portal, &ada).await;
}

fn per_second(what: &str, count: i64, start: Instant) {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!("  {what}: {rate:.0}/s");
}

fn value(i: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "any number does")]
    let value = 1.0 / (i + 1) as f64;
    value
}

async fn plain(portal: &Portal) {
    println!("a row for each point");
    let table = match portal.db.kind() {
        "sqlite" => {
            "CREATE TABLE plain (run_no BIGINT, key TEXT, timestamp BIGINT, step BIGINT, value DOUBLE PRECISION,
             PRIMARY KEY (run_no, key, timestamp, step, value)) WITHOUT ROWID"
        }
        _ => {
            "CREATE TABLE plain (run_no BIGINT, key TEXT, timestamp BIGINT, step BIGINT, value DOUBLE PRECISION,
              PRIMARY KEY (run_no, key, timestamp, step, value))"
        }
    };
    portal.db.execute(table, args![]).await.expect("a table");
    let head = "INSERT INTO plain (run_no, key, timestamp, step, value)";
    let row = |key: String, i: i64| args![1_i64, key, 1_700_000_000_000 + i, i, value(i)];
    let start = Instant::now();
    for from in (0..POINTS).step_by(100) {
        let rows = (0..10).flat_map(|k| (from..from + 100).map(move |i| row(format!("m{k}"), i))).collect();
        let mut tx = portal.db.begin().await.expect("begun");
        tx.insert_many(head, "ON CONFLICT DO NOTHING", rows).await.expect("written");
        tx.commit().await.expect("committed");
    }
    per_second("points in batches of 10 x 100", 10 * POINTS, start);
    let start = Instant::now();
    for i in 0..SINGLE {
        let mut tx = portal.db.begin().await.expect("begun");
        tx.insert_many(head, "ON CONFLICT DO NOTHING", vec![row("single".into(), i)]).await.expect("written");
        tx.commit().await.expect("committed");
    }
    per_second("single points", SINGLE, start);
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let sql = "SELECT timestamp, step, value FROM plain WHERE run_no = 1 AND key = 'm3' ORDER BY timestamp, step, value";
        let found: Vec<(i64, i64, f64)> = portal.db.fetch_all(sql, args![]).await.expect("read");
        assert_eq!(found.len() as i64, POINTS);
        times.push(start.elapsed().as_millis());
    }
    times.sort_unstable();
    println!("  100,000 points read: {} ms", times[2]);
    size(portal, "plain").await;
}

async fn chunks(portal: &Portal, ada: &Caller) {
    println!("chunks");
    let run = runs::create(portal, ada, "vision", NewRun::default()).await.expect("a run").id;
    let metric = |key: &str, i: i64| Metric { key: key.to_owned(), value: value(i), timestamp: 1_700_000_000_000 + i, step: i };
    let start = Instant::now();
    for from in (0..POINTS).step_by(100) {
        let metrics = (0..10).flat_map(|k| (from..from + 100).map(move |i| metric(&format!("m{k}"), i))).collect();
        log(portal, ada, &run, metrics).await;
    }
    per_second("points in batches of 10 x 100", 10 * POINTS, start);
    let start = Instant::now();
    for i in 0..SINGLE {
        log(portal, ada, &run, vec![metric("single", i)]).await;
    }
    per_second("single points", SINGLE, start);
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let found = metrics::history(portal, ada, "vision", &run, "m3", None, None).await.expect("read");
        assert_eq!(found.points.len() as i64, POINTS);
        times.push(start.elapsed().as_millis());
    }
    times.sort_unstable();
    println!("  100,000 points read: {} ms", times[2]);
    let sql = "SELECT COUNT(*) FROM metric_chunks WHERE key = $1";
    for key in ["m3", "single"] {
        let (rows,): (i64,) = portal.db.fetch_one(sql, args![key]).await.expect("counted");
        println!("  rows of the history {key}: {rows}");
    }
    size(portal, "metric_chunks").await;
}

async fn log(portal: &Portal, ada: &Caller, run: &RunId, metrics: Vec<Metric>) {
    runs::log(portal, ada, "vision", run, Batch { metrics, ..Batch::default() }).await.expect("logged");
}

async fn size(portal: &Portal, table: &str) {
    let (bytes,): (i64,) = match portal.db.kind() {
        "sqlite" => {
            // What the database has grown to; each table is measured after it was the only one to grow.
            portal.db.fetch_one("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", args![]).await
        }
        _ => portal.db.fetch_one("SELECT pg_total_relation_size($1::regclass)", args![table]).await,
    }
    .expect("a size");
    println!("  {} MiB ({})", bytes >> 20, if portal.db.kind() == "sqlite" { "the whole database" } else { "the table" });
}
