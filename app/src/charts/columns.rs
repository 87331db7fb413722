//! Points of a line on their way to the browser: two columns of doubles instead of a list of objects.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Places of a line; a `y` of NaN is a gap. Inside JSON it is a string: base64 of all `x`, then all `y`, as little-endian doubles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
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

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let bytes = STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
    let (values, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(D::Error::custom("half a number is missing"));
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
        read(deserializer).map(Self)
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(self.x.iter().chain(&self.y), serializer)
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut x = read(deserializer)?;
        if !x.len().is_multiple_of(2) {
            return Err(D::Error::custom("the two columns are not of one length"));
        }
        let y = x.split_off(x.len() / 2);
        Ok(Self { x, y })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_bit_by_bit_and_damaged_ones_are_refused() {
        let columns = Columns { x: vec![0.0, -1.5, 1e300], y: vec![0.1, f64::NAN, -0.0] };
        let text = serde_json::to_string(&columns).expect("JSON");
        let back: Columns = serde_json::from_str(&text).expect("columns");
        let bits = |c: &Columns| c.iter().map(|(x, y)| (x.to_bits(), y.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&columns));
        for bad in ["\"AAAA\"", "\"AAAAAAAAAAA=\"", "\"!\"", "[1]"] {
            assert!(serde_json::from_str::<Columns>(bad).is_err(), "{bad}");
        }
    }
}
