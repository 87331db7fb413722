//! Numbers and texts that may be written as the other: so Protobuf writes large integers and what is no number.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value as Json;

pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    maybe_whole(from).map(Option::unwrap_or_default)
}

#[expect(clippy::cast_possible_truncation, reason = "only where nothing is lost")]
pub(super) fn maybe_whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Json::deserialize(from)?;
    let number = match &value {
        Json::Null => return Ok(None),
        Json::Number(n) => n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| D::Error::custom(format!("{value} is no whole number")))
}

pub(super) fn real<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = Json::deserialize(from)?;
    let number = match &value {
        Json::Null => Some(0.0),
        Json::Number(n) => n.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        _ => None,
    };
    number.ok_or_else(|| D::Error::custom(format!("{value} is no number")))
}

/// A text that may be written as a number: a version of a model.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Json::deserialize(from)? {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    })
}
