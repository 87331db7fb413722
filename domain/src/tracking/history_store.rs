//! SQL of histories: chunks are added, merged and read.

use super::series;
use crate::{
    args,
    db::{Db, Tx, Value},
    error::Result,
    model::Point,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most keys that are asked for one by one.
const KEYS: usize = 8;

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

/// The numbers of the runs by key, where there are fewer keys than would make it slow.
fn by_key(series: &[Series]) -> Option<BTreeMap<&str, Vec<i64>>> {
    let mut keys: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (no, key) in series {
        keys.entry(key).or_default().push(*no);
        if keys.len() > KEYS {
            return None;
        }
    }
    Some(keys)
}

/// How many points are stored of each, where there are any; some may be there twice.
pub(super) async fn sizes(tx: &mut Tx, series: &[Series]) -> Result<HashMap<Series, i64>> {
    if let Some(keys) = by_key(series) {
        let mut sizes = HashMap::with_capacity(series.len());
        for (key, numbers) in keys {
            let head = "SELECT run_no, CAST(SUM(points) AS BIGINT) FROM metric_chunks WHERE key = $2 AND run_no IN";
            let found: Vec<(i64, i64)> = tx.fetch_listed(head, "GROUP BY run_no", &numbers, args![key]).await?;
            sizes.extend(found.into_iter().map(|(no, points)| ((no, key.to_owned()), points)));
        }
        return Ok(sizes);
    }
    let head = "WITH asked (no, name) AS (";
    let tail = ") SELECT run_no, key, CAST(SUM(points) AS BIGINT) FROM (SELECT DISTINCT no, name FROM asked) AS each_once
               JOIN metric_chunks ON run_no = no AND key = name GROUP BY run_no, key";
    let found: Vec<(i64, String, i64)> = tx.fetch_many(head, tail, asked(series)).await?;
    Ok(found.into_iter().map(|(no, key, points)| ((no, key), points)).collect())
}

/// The chunks of each, where there are any.
pub(super) async fn histories(tx: &mut Tx, series: &[Series]) -> Result<HashMap<Series, Vec<Vec<u8>>>> {
    let mut chunks: HashMap<Series, Vec<Vec<u8>>> = HashMap::with_capacity(series.len());
    if let Some(keys) = by_key(series) {
        for (key, numbers) in keys {
            let head = "SELECT run_no, seq, data FROM metric_chunks WHERE key = $2 AND run_no IN";
            let mut found: Vec<(i64, i64, Vec<u8>)> = tx.fetch_listed(head, "", &numbers, args![key]).await?;
            found.sort_by_key(|(no, seq, _)| (*no, *seq));
            for (no, _, data) in found {
                chunks.entry((no, key.to_owned())).or_default().push(data);
            }
        }
        return Ok(chunks);
    }
    let head = "WITH asked (no, name) AS (";
    let tail = ") SELECT run_no, key, data FROM (SELECT DISTINCT no, name FROM asked) AS each_once
               JOIN metric_chunks ON run_no = no AND key = name ORDER BY run_no, key, seq";
    let each_once: BTreeSet<&Series> = series.iter().collect();
    let found: Vec<(i64, String, Vec<u8>)> = tx.fetch_many(head, tail, asked(&each_once.into_iter().cloned().collect::<Vec<_>>())).await?;
    for (no, key, data) in found {
        chunks.entry((no, key)).or_default().push(data);
    }
    Ok(chunks)
}
