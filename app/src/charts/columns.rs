//! Points of a line on their way to the browser: two columns of doubles instead of a list of objects.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Places of a line; a `y` of NaN is a gap. Inside JSON it is a string: base64 of all `x`, then all `y`, as little-endian doubles. Where it is
/// only to be drawn, not read, it is after a `~` the ends of both as doubles and then sixteen bits for each number: a share of the way between
/// them, or 65,535 for a gap. (No screen has so many pixels.)
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
    fn rough_text(&self) -> String {
        let (across, up) = (ends(&self.x), ends(&self.y));
        let ends = across.iter().chain(&up).flat_map(|v| v.to_le_bytes());
        let steps = self.x.iter().map(|v| step(*v, across)).chain(self.y.iter().map(|v| step(*v, up)));
        let bytes: Vec<u8> = ends.chain(steps.flat_map(u16::to_le_bytes)).collect();
        format!("~{}", STANDARD.encode(bytes))
    }

    fn of_rough(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (ends, steps) = bytes.split_at_checked(32)?;
        let [a, b, c, d] = ends.as_chunks::<8>().0 else { return None };
        let (across, up) = ([f64::from_le_bytes(*a), f64::from_le_bytes(*b)], [f64::from_le_bytes(*c), f64::from_le_bytes(*d)]);
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

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}

/// Doubles, one after another, written as `Columns` are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubles(pub Vec<f64>);

fn written<'a, S: Serializer>(values: impl Iterator<Item = &'a f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = values.flat_map(|v| v.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn read<E: Error>(text: &str) -> Result<Vec<f64>, E> {
    let bytes = STANDARD.decode(text).map_err(E::custom)?;
    let (values, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(E::custom("half a number is missing"));
    }
    Ok(values.iter().map(|v| f64::from_le_bytes(*v)).collect())
}

impl Serialize for Doubles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(self.0.iter(), serializer)
    }
}

impl<'de> Deserialize<'de> for Doubles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&String::deserialize(deserializer)?).map(Self)
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.rough { serializer.serialize_str(&self.rough_text()) } else { written(self.x.iter().chain(&self.y), serializer) }
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(rough) = text.strip_prefix('~') {
            return Self::of_rough(rough).ok_or_else(|| D::Error::custom("the rough columns are damaged"));
        }
        let mut x = read(&text)?;
        if !x.len().is_multiple_of(2) {
            return Err(D::Error::custom("the two columns are not of one length"));
        }
        let y = x.split_off(x.len() / 2);
        Ok(Self { x, y, rough: false })
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
        for bad in ["\"AAAA\"", "\"~AAAA\"", "\"~!\"", "\"AAAAAAAAAAA=\"", "\"!\"", "[1]"] {
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
