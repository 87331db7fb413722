//! SQL of histories: chunks are added, merged and read.

use super::series;
use crate::{
    args,
    db::{Db, Tx, Value},
    error::Result,
    model::Point,
};
use std::collections::{BTreeSet, HashMap};

/// A chunk to be written.
pub(super) struct Chunk<'a> {
    pub run_no: i64,
    pub key: &'a str,
    pub seq: i64,
    pub points: &'a [Point],
}

pub(super) async fn put_chunks(tx: &mut Tx, chunks: &[Chunk<'_>]) -> Result<()> {
    #[expect(clippy::cast_possible_wrap, reason = "a chunk has thousands of points")]
    let row = |c: &Chunk<'_>| args![c.run_no, c.key, c.seq, c.points.len() as i64, series::encode(c.points)];
    tx.insert_many("INSERT INTO metric_chunks (run_no, key, seq, points, data)", "", chunks.iter().map(row).collect()).await?;
    Ok(())
}

/// Takes the chunks of less than `points` points out; returns their numbers and what was in them.
pub(super) async fn take_small(tx: &mut Tx, run_no: i64, key: &str, points: i64) -> Result<(Vec<i64>, Vec<Point>)> {
    let sql = "SELECT seq, data FROM metric_chunks WHERE run_no = $1 AND key = $2 AND points < $3 ORDER BY seq";
    let rows: Vec<(i64, Vec<u8>)> = tx.fetch_all(sql, args![run_no, key, points]).await?;
    let (mut seqs, mut taken) = (Vec::with_capacity(rows.len()), Vec::new());
    for (seq, data) in rows {
        seqs.push(seq);
        series::decode(&data, &mut taken)?;
    }
    if !seqs.is_empty() {
        tx.execute("DELETE FROM metric_chunks WHERE run_no = $1 AND key = $2 AND points < $3", args![run_no, key, points]).await?;
    }
    Ok((seqs, taken))
}

/// The whole history of a metric, settled.
pub(super) async fn history(db: &Db, run_no: i64, key: &str) -> Result<Vec<Point>> {
    let sql = "SELECT data FROM metric_chunks WHERE run_no = $1 AND key = $2 ORDER BY seq";
    let chunks: Vec<(Vec<u8>,)> = db.fetch_all(sql, args![run_no, key]).await?;
    joined(&chunks.into_iter().map(|(data,)| data).collect::<Vec<_>>())
}

/// One history of its chunks, settled.
pub(super) fn joined(chunks: &[Vec<u8>]) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for data in chunks {
        series::decode(data, &mut points)?;
    }
    series::settle(&mut points);
    Ok(points)
}

/// A run's number and the key of a metric.
pub(super) type Series = (i64, String);

fn asked(series: &[Series]) -> Vec<Vec<Value>> {
    series.iter().map(|(no, key)| args![*no, key]).collect()
}

/// How many points are stored of each, where there are any; some may be there twice.
pub(super) async fn sizes(tx: &mut Tx, series: &[Series]) -> Result<HashMap<Series, i64>> {
    let head = "WITH asked (no, name) AS (";
    let tail = ") SELECT run_no, key, CAST(SUM(points) AS BIGINT) FROM (SELECT DISTINCT no, name FROM asked) AS each_once
               JOIN metric_chunks ON run_no = no AND key = name GROUP BY run_no, key";
    let found: Vec<(i64, String, i64)> = tx.fetch_many(head, tail, asked(series)).await?;
    Ok(found.into_iter().map(|(no, key, points)| ((no, key), points)).collect())
}

/// The chunks of each, where there are any.
pub(super) async fn histories(tx: &mut Tx, series: &[Series]) -> Result<HashMap<Series, Vec<Vec<u8>>>> {
    let head = "WITH asked (no, name) AS (";
    let tail = ") SELECT run_no, key, data FROM (SELECT DISTINCT no, name FROM asked) AS each_once
               JOIN metric_chunks ON run_no = no AND key = name ORDER BY run_no, key, seq";
    let each_once: BTreeSet<&Series> = series.iter().collect();
    let found: Vec<(i64, String, Vec<u8>)> = tx.fetch_many(head, tail, asked(&each_once.into_iter().cloned().collect::<Vec<_>>())).await?;
    let mut chunks: HashMap<Series, Vec<Vec<u8>>> = HashMap::new();
    for (no, key, data) in found {
        chunks.entry((no, key)).or_default().push(data);
    }
    Ok(chunks)
}
