//! Prints how long searches over many runs take: `cargo run --release --example search --features domain/testing -- 100000`.

#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use domain::{
    args,
    model::{ExperimentId, Role, RunSearch},
    testing::TestPortal,
    tracking::{self, experiments},
};
use std::time::{Duration, Instant};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is what this program is for")]
async fn main() -> domain::Result<()> {
    let count: i64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let test = TestPortal::new().await;
    test.team("red", &[("ada", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    let experiment = experiments::create(&test.portal, &ada, "red", "many", None, &[]).await?;
    let start = Instant::now();
    fill(&test, &experiment, count).await?;
    println!("{count} runs on {}, made in {:.1} s", test.portal.db.kind(), start.elapsed().as_secs_f64());
    let cases: [(&str, &str, &[&str], i64); 8] = [
        ("default 100", "", &[], 100),
        ("default 1000", "", &[], 1000),
        ("filter and order 100", "metrics.m0 > 0.5 and params.p0 = '3'", &["metrics.m1 DESC"], 100),
        ("tag, param order 100", "tags.team = 't3'", &["params.p1 ASC", "metrics.m2 DESC"], 100),
        ("three conditions 1", "metrics.m0 > 0.5 and params.p0 != '3' and tags.team LIKE 't%'", &["metrics.m1 DESC"], 1),
        ("order by metric 1", "", &["metrics.m3 ASC"], 1),
        ("order by name 1", "run_name LIKE 'run-%7'", &["run_name"], 1),
        ("default 1", "", &[], 1),
    ];
    for (name, filter, order_by, max_results) in cases {
        let order_by = order_by.iter().map(|text| (*text).to_owned()).collect();
        let search =
            RunSearch { experiments: vec![experiment.clone()], filter: filter.to_owned(), order_by, max_results, ..RunSearch::default() };
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..100 {
            let start = Instant::now();
            let mut page = tracking::find_runs(&test.portal, &ada, "red", &search).await?;
            found = 0;
            while let Some(part) = page.next(&test.portal).await? {
                found += part.len();
            }
            times.push(start.elapsed());
        }
        let first = times[0];
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (p50, p95) = (ms(times[50]), ms(times[95]));
        println!("{name:<24} {found:>5} found, first {:>8.2} ms, p50 {p50:>7.3} ms, p95 {p95:>7.3} ms", ms(first));
    }
    println!("index: {:.1} MiB", test.portal.indexes.bytes() as f64 / 1024.0 / 1024.0);
    Ok(())
}

/// Runs with five metrics, five params and three tags each.
async fn fill(test: &TestPortal, experiment: &ExperimentId, count: i64) -> domain::Result<()> {
    let number: i64 = experiment.as_str().parse().expect("a number");
    let team: (String, String) =
        test.portal.db.fetch_one("SELECT team_id, created_by FROM experiments WHERE id = $1", args![number]).await?;
    let mut dice = 7_u64;
    let mut random = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 11) as f64 / (1_u64 << 53) as f64
    };
    for from in (1..=count).step_by(2000) {
        let mut tx = test.portal.db.begin().await?;
        let (mut runs, mut metrics, mut params, mut tags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for no in from..(from + 2000).min(count + 1) {
            let id = format!("{:016x}{no:016x}", (no.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let name = format!("run-{no}");
            runs.push(args![no, id, number, &team.0, &name, "bench", "RUNNING", 1_700_000_000_000 + no, &team.1, 0_i64, no]);
            for key in 0..5 {
                metrics.push(args![no, format!("m{key}"), random(), 1_i64, 0_i64]);
                params.push(args![no, format!("p{key}"), (no * (key + 3) % 10).to_string()]);
            }
            for (key, value) in
                [("mlflow.runName", name), ("stage", ["a", "b"][usize::from(no % 2 == 1)].to_owned()), ("team", format!("t{}", no % 7))]
            {
                tags.push(args![no, key, value]);
            }
        }
        let head = "INSERT INTO runs (no, id, experiment_id, team_id, name, user_id, status, start_time, created_by, created_at, version)";
        tx.insert_many(head, "", runs).await?;
        tx.insert_many("INSERT INTO latest_metrics (run_no, key, value, timestamp, step)", "", metrics).await?;
        tx.insert_many("INSERT INTO params (run_no, key, value)", "", params).await?;
        tx.insert_many("INSERT INTO tags (run_no, key, value)", "", tags).await?;
        let last = (from + 1999).min(count);
        tx.execute("UPDATE experiments SET version = $1 WHERE id = $2", args![last, number]).await?;
        tx.commit().await?;
    }
    Ok(())
}
