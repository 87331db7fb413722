//! How MLflow's clients write requests: protobuf's JSON, or a query, read into one struct for each endpoint.
//!
//! Field names come in either spelling (`run_id`, `runId`; the structs name both), 64-bit integers as numbers or text, enums by name
//! or number. Unknown fields are ignored, a field that is said twice is refused.

use super::{Door, MlflowError};
use crate::Server;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Method, StatusCode, header},
};
use http_body::Body as _;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value as Json};
use std::{fmt, time::Duration};

/// Longest body of a request that is no file, in bytes: datasets have profiles of 16 MiB.
pub const BODY: usize = 24 * 1024 * 1024;
/// A body that takes longer is not being sent in earnest.
const BODY_WITHIN: Duration = Duration::from_mins(1);

/// A request: who asks, and what, from the query of a GET or the JSON body of at most `MOST` bytes of anything else.
pub struct Asked<T, const MOST: usize = BODY> {
    pub door: Door,
    pub fields: T,
}

impl<T: DeserializeOwned, const MOST: usize> FromRequest<Server> for Asked<T, MOST> {
    type Rejection = MlflowError;

    async fn from_request(request: Request, server: &Server) -> Result<Self, MlflowError> {
        let (mut parts, body) = request.into_parts();
        let door = Door::from_request_parts(&mut parts, server).await?;
        let fields = if parts.method == Method::GET {
            from_query(parts.uri.query().unwrap_or_default())?
        } else {
            let body = read(&parts.headers, body, MOST).await.map_err(|error| {
                // An endpoint's own limit is one of its parameters' rules.
                if error.status == StatusCode::PAYLOAD_TOO_LARGE && MOST < BODY { MlflowError::invalid(error.message) } else { error }
            })?;
            agrees(parts.uri.query().unwrap_or_default(), &body)?;
            from_json(&body)?
        };
        Ok(Self { door, fields })
    }
}

/// Refuses a field that is in the query as well as in the body: whoever checks one of them would let the other pass.
fn agrees(query: &str, body: &[u8]) -> Result<(), MlflowError> {
    if query.is_empty() {
        return Ok(());
    }
    let fields: Map<String, Json> = serde_json::from_slice(body).unwrap_or_default();
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let twice = pairs(query).into_iter().find(|(name, _)| fields.keys().any(|field| plain(field) == plain(name)));
    twice.map_or(Ok(()), |(name, _)| Err(MlflowError::invalid(format!("The parameter '{name}' is in the query and in the body."))))
}

/// Reads the body of a request that carries JSON.
///
/// # Errors
/// Where it is another kind of content (a page of another site can send those without being asked), compressed, too long or too slow.
pub async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, MlflowError> {
    let kind = content_type(headers);
    let body = read_any(headers, body, most).await?;
    match kind.as_deref() {
        Some("application/json") => Ok(body),
        None if body.is_empty() => Ok(body),
        other => {
            let other = other.unwrap_or("none");
            Err(MlflowError::invalid(format!("Bad Request. Content-Type must be application/json; it is {other:?}.")))
        }
    }
}

/// The kind of content without its parameters, in lower case.
pub fn content_type(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap_or_default());
    kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads a body of any kind.
///
/// # Errors
/// Where it is compressed, too long or too slow.
pub async fn read_any(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, MlflowError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(MlflowError { status, ..MlflowError::invalid("Send the request without compression.") });
    }
    let too_long = || {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        MlflowError { status, ..MlflowError::invalid(format!("The request is longer than {most} bytes, or broke off.")) }
    };
    // Said beforehand, it need not be read.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|length| length > most) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, most)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(too_long()),
        // Not 408, which clients repeat.
        Err(_) => Err(MlflowError::invalid("The request took too long to arrive.")),
    }
}

/// Reads a JSON body. One that is no JSON counts as empty, and one that is text holding JSON is read again, as MLflow does.
///
/// # Errors
/// Names the field that has the wrong type or is said twice.
pub fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, MlflowError> {
    let error = match serde_json::from_slice::<T>(body) {
        Ok(fields) => return Ok(fields),
        Err(error) => error,
    };
    if std::str::from_utf8(body).is_err() {
        return Err(MlflowError::invalid("The request is not UTF-8."));
    }
    if let Ok(inner) = serde_json::from_slice::<String>(body) {
        return if serde_json::from_str::<String>(&inner).is_ok() { from_json(b"{}") } else { from_json(inner.as_bytes()) };
    }
    if error.is_syntax() || error.is_eof() || !matches!(body.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{')) {
        let text = error.to_string();
        if text.starts_with("recursion limit") {
            return Err(MlflowError::invalid("The request is nested too deeply."));
        }
        if text.starts_with("number out of range") {
            return Err(MlflowError::invalid("A number is too large."));
        }
        return if body == b"{}" { Err(MlflowError::invalid(error.to_string())) } else { from_json(b"{}") };
    }
    // The slow way, to say where.
    let mut reader = serde_json::Deserializer::from_slice(body);
    let described = serde_path_to_error::deserialize::<_, T>(&mut reader).err();
    let whole: Json = serde_json::from_slice(body).unwrap_or_default();
    Err(described.map_or_else(|| MlflowError::invalid(error.to_string()), |e| wrong(&e, &whole)))
}

/// MLflow's complaint about a field of the wrong type, with the reason put in.
fn wrong(error: &serde_path_to_error::Error<serde_json::Error>, whole: &Json) -> MlflowError {
    use serde_path_to_error::Segment;
    let path = error.path();
    let value = path.iter().try_fold(whole, |value, segment| match segment {
        Segment::Map { key } => value.get(key),
        Segment::Seq { index } => value.get(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let reason = brief(error.inner());
    if path.iter().next().is_none() {
        return MlflowError::invalid(format!("{reason}. See the API docs for more information about request parameters."));
    }
    let name = path.to_string();
    let (said, kind) = match value {
        // What was meant to be a secret is not repeated, whatever it is.
        _ if name.contains("secret") => (String::new(), None),
        None => (String::new(), None),
        Some(value) => (format!(" {}", domain::model::cut(&value.to_string(), 200)), Some(kind(value))),
    };
    let hint = kind.map(|kind| format!(" Hint: Value was of type '{kind}'.")).unwrap_or_default();
    MlflowError::invalid(format!(
        "Invalid value{said} for parameter '{name}' supplied: {reason}.{hint} See the API docs for more information about request parameters."
    ))
}

/// What MLflow's server, which is Python, calls such a value.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(n) if n.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

/// Without the place, which says nothing to a client.
fn brief(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(text, _)| text.to_owned())
}

/// Reads a query; a name that is repeated is a list.
///
/// # Errors
/// As `from_json`.
pub fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, MlflowError> {
    let mut fields: Map<String, Json> = Map::new();
    for (name, value) in pairs(query) {
        match fields.get_mut(&name) {
            None => drop(fields.insert(name, Json::String(value))),
            Some(Json::Array(list)) => list.push(value.into()),
            Some(one) => *one = Json::Array(vec![one.take(), value.into()]),
        }
    }
    let whole = Json::Object(fields);
    serde_path_to_error::deserialize(&whole).map_err(|e| wrong(&e, &whole))
}

/// The pairs of a query, decoded.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
}

/// The value, or MLflow's complaint that it is missing. Empty text counts as missing, as in protobuf.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, naming the parameter.
pub fn required<T: MaybeEmpty>(value: Option<T>, name: &str) -> Result<T, MlflowError> {
    value.filter(|v| !v.is_empty()).ok_or_else(|| MlflowError::missing(name))
}

/// What can be there and still say nothing.
pub trait MaybeEmpty {
    fn is_empty(&self) -> bool;
}
impl MaybeEmpty for String {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}
impl MaybeEmpty for domain::model::ArtifactPath {
    fn is_empty(&self) -> bool {
        false
    }
}
impl MaybeEmpty for Int {
    fn is_empty(&self) -> bool {
        false
    }
}
impl MaybeEmpty for Double {
    fn is_empty(&self) -> bool {
        false
    }
}

/// A 64-bit integer, as a number or as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Int(pub i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Int;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 64-bit integer")
            }
            fn visit_i64<E>(self, v: i64) -> Result<Int, E> {
                Ok(Int(v))
            }
            fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Int, E> {
                i64::try_from(v).map(Int).map_err(|_| E::custom("the integer does not fit 64 bits"))
            }
            fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Int, E> {
                // protobuf takes 1.0 for 1; above 2^53 a double is no exact integer.
                #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
                if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 {
                    Ok(Int(v as i64))
                } else {
                    Err(E::custom("not a 64-bit integer"))
                }
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Int, E> {
                v.trim().parse().map(Int).map_err(|_| E::custom("not a 64-bit integer"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A double, as a number or as text: also `NaN`, `Infinity` and `-Infinity`. A number too large for a double is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Double(pub f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Double;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            #[expect(clippy::cast_precision_loss, reason = "JSON has one kind of number")]
            fn visit_i64<E>(self, v: i64) -> Result<Double, E> {
                Ok(Double(v as f64))
            }
            #[expect(clippy::cast_precision_loss, reason = "JSON has one kind of number")]
            fn visit_u64<E>(self, v: u64) -> Result<Double, E> {
                Ok(Double(v as f64))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Double, E> {
                Ok(Double(v))
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Double, E> {
                match v {
                    "NaN" => return Ok(Double(f64::NAN)),
                    "Infinity" => return Ok(Double(f64::INFINITY)),
                    "-Infinity" => return Ok(Double(f64::NEG_INFINITY)),
                    _ => {}
                }
                let digits = v.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
                let value = v.parse::<f64>().ok().filter(|value| digits && value.is_finite());
                value.map(Double).ok_or_else(|| E::custom("not a number"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Writes a double as MLflow does: NaN as text, infinities as the largest doubles.
pub fn double<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() { serializer.serialize_str("NaN") } else { serializer.serialize_f64(value.clamp(f64::MIN, f64::MAX)) }
}

/// A boolean, as itself or as the text of a query, where Python's clients write `True`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bool(pub bool);

impl<'de> Deserialize<'de> for Bool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Bool(value) => Ok(Self(value)),
            Json::String(text) if text.eq_ignore_ascii_case("true") => Ok(Self(true)),
            Json::String(text) if text.eq_ignore_ascii_case("false") => Ok(Self(false)),
            _ => Err(D::Error::custom("not true or false")),
        }
    }
}

/// A repeated field: a list, or one value alone, as in a query.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<List<T>, E> {
                Ok(List(Vec::new()))
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<List<T>, E> {
                T::deserialize(serde::de::value::StrDeserializer::new(v)).map(|one| List(vec![one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut all = Vec::with_capacity(list.size_hint().unwrap_or(0).min(1024));
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(List(all))
            }
        }
        deserializer.deserialize_any(Reader(std::marker::PhantomData))
    }
}

/// An enum of protobuf, by name or number; `NAMES` starts with the name of number 0.
///
/// # Errors
/// Where it is neither.
pub fn choice(value: &Json, names: &[&'static str]) -> Result<&'static str, String> {
    let found = match value {
        Json::String(text) => names.iter().find(|n| **n == text).or_else(|| text.parse::<usize>().ok().and_then(|n| names.get(n))),
        Json::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()).and_then(|n| names.get(n)),
        _ => None,
    };
    found.copied().filter(|name| !name.is_empty()).ok_or_else(|| format!("is none of {}", names.join(", ")))
}

/// A key and its value: a tag or a param.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Pair {
    pub key: Option<String>,
    pub value: Option<String>,
}

/// A request without fields. What is sent all the same is ignored.
#[derive(Debug, Default)]
pub struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Nothing;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nothing, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Nothing)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The answer to what has nothing to say.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Empty {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(alias = "runId")]
        run_id: Option<String>,
        #[serde(alias = "startTime")]
        start_time: Option<Int>,
        value: Option<Double>,
        keys: List<String>,
    }

    fn read(text: &str) -> Result<Sample, String> {
        from_json(text.as_bytes()).map_err(|e| e.message)
    }

    #[test]
    fn either_spelling_and_either_kind_of_number_is_read() {
        let sample = read(r#"{"runId":"r","startTime":"1234567890123","value":"Infinity","future":[{}]}"#).expect("read");
        assert_eq!((sample.run_id.as_deref(), sample.start_time), (Some("r"), Some(Int(1_234_567_890_123))));
        assert_eq!(sample.value, Some(Double(f64::INFINITY)));
        assert_eq!(read(r#"{"start_time":5,"value":-0.0}"#).expect("read").value.map(|v| v.0.to_bits()), Some((-0.0_f64).to_bits()));
        assert_eq!(read(r#""{\"run_id\":\"twice\"}""#).expect("read").run_id.as_deref(), Some("twice"));
        assert_eq!(read("{nope").expect("as empty").run_id, None);
        assert_eq!(from_query::<Sample>("keys=a&keys=b&start_time=7").expect("read").keys.0, ["a", "b"]);
        assert_eq!(from_query::<Sample>("keys=a").expect("read").keys.0, ["a"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (bad, name) in [
            (r#"{"run_id":123}"#, "run_id"),
            (r#"{"start_time":"x"}"#, "start_time"),
            (r#"{"start_time":9223372036854775808}"#, "start_time"),
            (r#"{"value":"abc"}"#, "value"),
            (r#"{"run_id":"MINE","run_id":"THEIRS"}"#, "run_id"),
            (r#"{"run_id":"MINE","runId":"THEIRS"}"#, "run_id"),
        ] {
            let message = read(bad).expect_err(bad);
            assert!(message.contains(name), "{bad}: {message}");
        }
        for (bad, words) in [
            (r#"{"run_id":123}"#, "Invalid value 123 for parameter 'run_id' supplied: "),
            (r#"{"value":"abc"}"#, "Invalid value \"abc\" for parameter 'value' supplied: "),
            (r#"{"keys":[{"b":1.5,"a":[]}]}"#, "Invalid value {\"a\":[],\"b\":1.5} for parameter 'keys[0]' supplied: "),
            (r#"{"run_id":[1]}"#, "Hint: Value was of type 'list'. See"),
            (r#"{"run_id":[1]}"#, "Invalid value [1] for parameter 'run_id' supplied: "),
        ] {
            let message = read(bad).expect_err(bad);
            assert!(message.contains(words), "{bad}: {message}");
        }
        assert!(read(&"[".repeat(100_000)).is_ok_and(|s| s.run_id.is_none()) || read(&"[".repeat(100_000)).is_err());
        assert!(read(r#"{"value":1e400}"#).is_err());
    }
}
