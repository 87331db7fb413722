//! Points of a line on their way to the browser: two columns of numbers as bytes instead of a list of objects.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use std::{fmt, ops::Range};

/// Places of a line; a `y` of NaN is a gap. They travel as bytes: all `x`, then all `y`, as little-endian doubles. Where the line is only to be
/// drawn, not read, there are the ends of both as doubles and then sixteen bits for each number: a share of the way between them, or 65,535 for a
/// gap. (No screen has so many pixels.) A byte before all that says which: 0 or 1. Inside JSON, which has no bytes, it is their base64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    /// Whether it is only to be drawn.
    pub rough: bool,
}

/// Stands for a gap.
const GAP: u16 = u16::MAX;
const STEPS: f64 = 65_534.0;

/// The finite ends.
fn ends(values: &[f64]) -> [f64; 2] {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    [finite().reduce(f64::min).unwrap_or_default(), finite().reduce(f64::max).unwrap_or_default()]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the steps")]
fn step(value: f64, [first, last]: [f64; 2]) -> u16 {
    if !value.is_finite() {
        return GAP;
    }
    // Halves, since the whole of a range may be beyond the numbers.
    let range = last / 2.0 - first / 2.0;
    if range > 0.0 { ((value / 2.0 - first / 2.0) / range * STEPS).round() as u16 } else { 0 }
}

fn value(step: u16, [first, last]: [f64; 2]) -> f64 {
    let share = f64::from(step) / STEPS;
    if step == GAP { f64::NAN } else { first * (1.0 - share) + last * share }
}

impl Columns {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.rough)];
        if self.rough {
            let (across, up) = (ends(&self.x), ends(&self.y));
            bytes.extend(across.iter().chain(&up).flat_map(|v| v.to_le_bytes()));
            let steps = self.x.iter().map(|v| step(*v, across)).chain(self.y.iter().map(|v| step(*v, up)));
            bytes.extend(steps.flat_map(u16::to_le_bytes));
        } else {
            bytes.extend(self.x.iter().chain(&self.y).flat_map(|v| v.to_le_bytes()));
        }
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, rest) => {
                let mut x = doubles(rest)?;
                let y = x.len().is_multiple_of(2).then(|| x.split_off(x.len() / 2))?;
                Some(Self { x, y, rough: false })
            }
            (1, rest) => Self::of_rough(rest),
            _ => None,
        }
    }

    fn of_rough(bytes: &[u8]) -> Option<Self> {
        let (ends, steps) = bytes.split_at_checked(32)?;
        let [a, b, c, d] = doubles(ends)?[..] else { return None };
        let (across, up) = ([a, b], [c, d]);
        let (steps, rest) = steps.as_chunks::<2>();
        let half = steps.len() / 2;
        (rest.is_empty() && steps.len().is_multiple_of(2)).then(|| Self {
            x: steps[..half].iter().map(|s| value(u16::from_le_bytes(*s), across)).collect(),
            y: steps[half..].iter().map(|s| value(u16::from_le_bytes(*s), up)).collect(),
            rough: true,
        })
    }
}

impl Columns {
    pub fn push(&mut self, x: f64, y: f64) {
        self.x.push(x);
        self.y.push(y);
    }

    /// Which places lie between two of the axis, these included; their `x` never falls.
    pub fn within(&self, first: f64, last: f64) -> Range<usize> {
        let start = self.x.partition_point(|x| *x < first);
        start..self.x.partition_point(|x| *x <= last).max(start)
    }

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}

/// Doubles, one after another, written as `Columns` are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubles(pub Vec<f64>);

/// None where half a number is missing.
fn doubles(bytes: &[u8]) -> Option<Vec<f64>> {
    let (values, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| values.iter().map(|v| f64::from_le_bytes(*v)).collect())
}

fn written<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { serializer.serialize_str(&STANDARD.encode(bytes)) } else { serializer.serialize_bytes(bytes) }
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    if deserializer.is_human_readable() {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    } else {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Takes bytes.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

impl Serialize for Doubles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(&self.0.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(), serializer)
    }
}

impl<'de> Deserialize<'de> for Doubles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        doubles(&read(deserializer)?).map(Self).ok_or_else(|| D::Error::custom("half a number is missing"))
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(&self.to_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_bytes(&read(deserializer)?).ok_or_else(|| D::Error::custom("the columns are damaged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_bit_by_bit_and_damaged_ones_are_refused() {
        let columns = Columns { x: vec![0.0, -1.5, 1e300], y: vec![0.1, f64::NAN, -0.0], rough: false };
        let text = serde_json::to_string(&columns).expect("JSON");
        let back: Columns = serde_json::from_str(&text).expect("columns");
        let bits = |c: &Columns| c.iter().map(|(x, y)| (x.to_bits(), y.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&columns));
        for rough in [false, true] {
            let columns = Columns { rough, ..columns.clone() };
            let mut bytes = Vec::new();
            ciborium::into_writer(&columns, &mut bytes).expect("CBOR");
            assert!(bytes.len() < if rough { 60 } else { 3 * 16 + 8 }, "{}", bytes.len());
            let back: Columns = ciborium::from_reader(&bytes[..]).expect("columns");
            assert_eq!((back.rough, back.x.len(), back.y[1].is_nan()), (rough, 3, true));
        }
        let text = |bytes: &[u8]| format!("\"{}\"", STANDARD.encode(bytes));
        let bad = [&[][..], &[0, 1], &[0; 9], &[1; 10], &[1; 36], &[2; 17]].map(text);
        for bad in bad.iter().map(String::as_str).chain(["\"!\"", "[1]"]) {
            assert!(serde_json::from_str::<Columns>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rough_columns_are_off_by_less_than_a_pixel_and_keep_their_ends_and_gaps() {
        let x: Vec<f64> = (0..500).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|v| (v / 30.0).sin() * 1e6 - 7.0).collect();
        y[100] = f64::NAN;
        let columns = Columns { x, y, rough: true };
        let text = serde_json::to_string(&columns).expect("JSON");
        assert!(text.len() < 500 * 4 * 4 / 3 + 100, "{}", text.len());
        let back: Columns = serde_json::from_str(&text).expect("columns");
        for ((x, y), (a, b)) in back.iter().zip(columns.iter()) {
            assert!((x - a).abs() < 499.0 / 60_000.0 && (y.is_nan() == b.is_nan()) && (b.is_nan() || (y - b).abs() < 2e6 / 60_000.0));
        }
        let same = |ends: [f64; 2], others: [f64; 2]| ends.map(f64::to_bits) == others.map(f64::to_bits);
        assert!(same(ends(&back.y), ends(&columns.y)) && same(ends(&back.x), ends(&columns.x)));
        for odd in [&[][..], &[f64::NAN], &[3.0], &[f64::MAX, f64::MIN]] {
            let columns = Columns { x: odd.to_vec(), y: odd.to_vec(), rough: true };
            let back: Columns = serde_json::from_str(&serde_json::to_string(&columns).expect("JSON")).expect("columns");
            assert_eq!(back.x.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), odd.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
