//! SQL of histories: chunks are added, merged and read.

use super::series;
use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::Point,
};

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
    let mut points = Vec::new();
    for (data,) in &chunks {
        series::decode(data, &mut points)?;
    }
    series::settle(&mut points);
    Ok(points)
}
