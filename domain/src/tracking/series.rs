//! How the points of a metric lie in the database: chunks of them, in columns, so that a history is a few sequential reads.
//!
//! A chunk is one byte of version, the number of points, the steps and then the timestamps as differences (zigzag, LEB128), and the values as
//! they are. Chunks of one history overlap in any order; `settle` makes one history of them.

use crate::{
    error::{Error, Result},
    model::Point,
};
use std::cmp::Ordering;

const VERSION: u8 = 1;
/// Bytes that a point takes at least.
const LEAST: usize = 10;

/// Packs points into a chunk. They take least space in the order of `settle`.
pub(crate) fn encode(points: &[Point]) -> Vec<u8> {
    let mut data = Vec::with_capacity(16 + points.len() * 12);
    data.push(VERSION);
    put(&mut data, points.len() as u64);
    for column in [|p: &Point| p.step, |p: &Point| p.timestamp] {
        let mut last = 0_i64;
        for point in points {
            let value = column(point);
            put(&mut data, zigzag(value.wrapping_sub(last)));
            last = value;
        }
    }
    for point in points {
        data.extend(point.value.to_le_bytes());
    }
    data
}

/// Appends the points of a chunk.
///
/// # Errors
/// `Internal` where it is none of `encode`'s.
pub(crate) fn decode(data: &[u8], points: &mut Vec<Point>) -> Result<()> {
    read(data, points).ok_or_else(|| Error::Internal("a chunk of a metric's history is damaged".to_owned()))
}

fn read(mut data: &[u8], points: &mut Vec<Point>) -> Option<()> {
    let (version, rest) = data.split_first()?;
    data = rest;
    let count = usize::try_from(take(&mut data)?).ok().filter(|count| *version == VERSION && *count <= data.len() / LEAST)?;
    let start = points.len();
    points.reserve(count);
    let mut step = 0_i64;
    for _ in 0..count {
        step = step.wrapping_add(unzigzag(take(&mut data)?));
        points.push(Point { step, timestamp: 0, value: 0.0 });
    }
    let mut timestamp = 0_i64;
    for point in &mut points[start..] {
        timestamp = timestamp.wrapping_add(unzigzag(take(&mut data)?));
        point.timestamp = timestamp;
    }
    let (values, rest) = data.as_chunks::<8>();
    if values.len() != count || !rest.is_empty() {
        return None;
    }
    for (point, value) in points[start..].iter_mut().zip(values) {
        point.value = f64::from_le_bytes(*value);
    }
    Some(())
}

/// Puts points in MLflow's order of a history, by time, step and value, and makes one of identical ones.
pub(crate) fn settle(points: &mut Vec<Point>) {
    if !points.is_sorted_by(|a, b| order(a, b) == Ordering::Less) {
        points.sort_by(order);
        points.dedup_by(|a, b| order(a, b) == Ordering::Equal);
    }
}

/// By time, step and value; NaN counts as zero, as in MLflow's database. Equal means identical.
fn order(a: &Point, b: &Point) -> Ordering {
    let value = |p: &Point| if p.value.is_nan() { 0.0 } else { p.value };
    let bits = |p: &Point| if p.value.is_nan() { u64::MAX } else { p.value.to_bits() };
    a.timestamp.cmp(&b.timestamp).then(a.step.cmp(&b.step)).then_with(|| value(a).total_cmp(&value(b))).then_with(|| bits(a).cmp(&bits(b)))
}

/// Whether `a` is later than `b`: by step, time and value, NaN as zero.
pub(crate) fn is_later(a: &Point, b: &Point) -> bool {
    let value = |p: &Point| if p.value.is_nan() { 0.0 } else { p.value };
    let by = a.step.cmp(&b.step).then(a.timestamp.cmp(&b.timestamp));
    by.then(value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal)) == Ordering::Greater
}

#[expect(clippy::cast_sign_loss, reason = "bits are moved, not numbers converted")]
fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

#[expect(clippy::cast_possible_wrap, reason = "bits are moved, not numbers converted")]
fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
fn put(data: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        data.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    data.push(v as u8);
}

fn take(data: &mut &[u8]) -> Option<u64> {
    let mut v = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        v |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(v);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: i64, timestamp: i64, value: f64) -> Point {
        Point { step, timestamp, value }
    }

    #[test]
    fn points_come_back_bit_by_bit() {
        let points = [
            point(0, 1_700_000_000_000, 0.1),
            point(i64::MAX, 0, -0.0),
            point(i64::MIN, i64::MAX, f64::INFINITY),
            point(-3, 5, f64::MIN_POSITIVE),
            point(-2, 5, f64::NAN),
        ];
        let mut read = vec![point(9, 9, 9.0)];
        decode(&encode(&points), &mut read).expect("read");
        let bits = |p: &Point| (p.step, p.timestamp, p.value.to_bits());
        assert_eq!(read[1..].iter().map(bits).collect::<Vec<_>>(), points.iter().map(bits).collect::<Vec<_>>());
        assert!(encode(&points[..1]).len() < 20);
    }

    #[test]
    fn a_damaged_chunk_is_refused_and_allocates_nothing() {
        let good = encode(&[point(1, 2, 3.0), point(2, 3, 4.0)]);
        for end in 0..good.len() {
            assert!(decode(&good[..end], &mut Vec::new()).is_err(), "{end}");
        }
        assert!(decode(&[good.clone(), vec![0]].concat(), &mut Vec::new()).is_err());
        assert!(decode(&[&[2], &good[1..]].concat(), &mut Vec::new()).is_err());
        assert!(decode(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], &mut Vec::new()).is_err());
        assert!(decode(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &mut Vec::new()).is_err());
    }

    #[test]
    fn a_history_is_in_order_and_has_each_point_once() {
        let mut points =
            vec![point(1, 5, 2.0), point(0, 5, 1.0), point(1, 5, 2.0), point(1, 5, f64::NAN), point(1, 5, -1.0), point(9, 1, 7.0)];
        points.push(point(1, 5, f64::NAN));
        settle(&mut points);
        let seen: Vec<_> = points.iter().map(|p| (p.timestamp, p.step, p.value.to_string())).collect();
        let expected = [(1, 9, "7"), (5, 0, "1"), (5, 1, "-1"), (5, 1, "NaN"), (5, 1, "2")].map(|(t, s, v)| (t, s, v.to_owned()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_latest_is_the_greatest_by_step_time_and_value() {
        let later = |a: (i64, i64, f64), b: (i64, i64, f64)| is_later(&point(a.0, a.1, a.2), &point(b.0, b.1, b.2));
        assert!(later((5, 100, 9.0), (5, 100, 4.0)) && later((5, 100, 4.0), (5, 50, 9.0)) && later((5, 1, 1.0), (3, 9, 9.0)));
        assert!(later((1, 1, 0.5), (1, 1, f64::NAN)) && !later((1, 1, -0.5), (1, 1, f64::NAN)) && !later((1, 1, 1.0), (1, 1, 1.0)));
    }
}
