//! Reads OTLP's protobuf: `opentelemetry/proto/collector/trace/v1`, the few messages that matter, by their field numbers.

use super::{
    PARTS,
    message::{Attributes, Event, Export, ResourceSpans, Span, double},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{model::SpanLink, random::hex};
use serde_json::{Map, Value};

/// Deepest nesting of a value.
const DEPTH: usize = 64;

type Read<T> = Result<T, String>;

/// Reads an `ExportTraceServiceRequest`.
///
/// # Errors
/// Says what cannot be read.
pub fn read(bytes: &[u8]) -> Read<Export> {
    let mut left = PARTS;
    let mut export = Export::default();
    for field in fields(bytes, &mut left)? {
        if let (1, Raw::Bytes(bytes)) = field {
            export.resource_spans.push(resource_spans(bytes, &mut left)?);
        }
    }
    Ok(export)
}

/// A field's value as it is on the wire.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// A message as its fields, in their order; each counts as one of what is `left`.
fn fields<'a>(mut bytes: &'a [u8], left: &mut usize) -> Read<Vec<(u32, Raw<'a>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        *left = left.checked_sub(1).ok_or_else(|| format!("there are more than {PARTS} values"))?;
        let key = varint(&mut bytes)?;
        let number = u32::try_from(key >> 3).map_err(|_| "a field's number is too large")?;
        let raw = match key & 7 {
            0 => Raw::Varint(varint(&mut bytes)?),
            1 => Raw::Fixed(u64::from_le_bytes(fixed(&mut bytes)?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| "a field is too long")?;
                let (value, rest) = bytes.split_at_checked(length).ok_or("the request breaks off")?;
                bytes = rest;
                Raw::Bytes(value)
            }
            5 => Raw::Fixed(u64::from(u32::from_le_bytes(fixed(&mut bytes)?))),
            other => return Err(format!("the wire type {other} is not known")),
        };
        fields.push((number, raw));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Read<u64> {
    let mut value = 0_u64;
    for shift in 0..10 {
        let (byte, rest) = bytes.split_first().ok_or("the request breaks off")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long".to_owned())
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Read<[u8; N]> {
    let (value, rest) = bytes.split_first_chunk::<N>().ok_or("the request breaks off")?;
    *bytes = rest;
    Ok(*value)
}

fn text(bytes: &[u8]) -> Read<String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a text is not UTF-8".to_owned())
}

fn resource_spans(bytes: &[u8], left: &mut usize) -> Read<ResourceSpans> {
    let mut group = ResourceSpans::default();
    for field in fields(bytes, left)? {
        match field {
            (1, Raw::Bytes(resource)) => {
                for field in fields(resource, left)? {
                    if let (1, Raw::Bytes(attribute)) = field {
                        key_value(attribute, &mut group.resource, DEPTH, left)?;
                    }
                }
            }
            (2, Raw::Bytes(scope)) => {
                for field in fields(scope, left)? {
                    if let (2, Raw::Bytes(bytes)) = field {
                        group.spans.push(span(bytes, left)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(group)
}

#[expect(clippy::cast_possible_wrap, reason = "protobuf's enums are 32-bit integers written as varints")]
fn span(bytes: &[u8], left: &mut usize) -> Read<Span> {
    let mut span = Span::default();
    for field in fields(bytes, left)? {
        match field {
            (1, Raw::Bytes(id)) => span.trace_id = hex(id),
            (2, Raw::Bytes(id)) => span.span_id = hex(id),
            (4, Raw::Bytes(id)) => span.parent_span_id = hex(id),
            (5, Raw::Bytes(name)) => span.name = text(name)?,
            (6, Raw::Varint(kind)) => span.kind = kind as i64,
            (7, Raw::Fixed(at)) => span.start = at,
            (8, Raw::Fixed(at)) => span.end = at,
            (9, Raw::Bytes(attribute)) => key_value(attribute, &mut span.attributes, DEPTH, left)?,
            (11, Raw::Bytes(bytes)) => span.events.push(event(bytes, left)?),
            (13, Raw::Bytes(bytes)) => span.links.push(link(bytes, left)?),
            (15, Raw::Bytes(status)) => {
                for field in fields(status, left)? {
                    match field {
                        (2, Raw::Bytes(message)) => span.status_message = text(message)?,
                        (3, Raw::Varint(code)) => span.status_code = code as i64,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(span)
}

fn event(bytes: &[u8], left: &mut usize) -> Read<Event> {
    let mut event = Event::default();
    for field in fields(bytes, left)? {
        match field {
            (1, Raw::Fixed(at)) => event.time = at,
            (2, Raw::Bytes(name)) => event.name = text(name)?,
            (3, Raw::Bytes(attribute)) => key_value(attribute, &mut event.attributes, DEPTH, left)?,
            _ => {}
        }
    }
    Ok(event)
}

fn link(bytes: &[u8], left: &mut usize) -> Read<SpanLink> {
    let mut link = SpanLink::default();
    for field in fields(bytes, left)? {
        match field {
            (1, Raw::Bytes(id)) => link.trace_id = hex(id),
            (2, Raw::Bytes(id)) => link.span_id = hex(id),
            (4, Raw::Bytes(attribute)) => key_value(attribute, &mut link.attributes, DEPTH, left)?,
            _ => {}
        }
    }
    Ok(link)
}

fn key_value(bytes: &[u8], into: &mut Attributes, depth: usize, left: &mut usize) -> Read<()> {
    let (mut key, mut read) = (String::new(), Value::Null);
    for field in fields(bytes, left)? {
        match field {
            (1, Raw::Bytes(bytes)) => key = text(bytes)?,
            (2, Raw::Bytes(bytes)) => read = value(bytes, depth, left)?,
            _ => {}
        }
    }
    into.insert(key, read);
    Ok(())
}

#[expect(clippy::cast_possible_wrap, reason = "protobuf writes signed integers as varints of their bits")]
fn value(bytes: &[u8], depth: usize, left: &mut usize) -> Read<Value> {
    let deeper = depth.checked_sub(1).ok_or_else(|| format!("a value is nested more than {DEPTH} deep"))?;
    let mut read = Value::Null;
    for field in fields(bytes, left)? {
        read = match field {
            (1, Raw::Bytes(bytes)) => text(bytes)?.into(),
            (2, Raw::Varint(value)) => (value != 0).into(),
            (3, Raw::Varint(value)) => (value as i64).into(),
            (4, Raw::Fixed(bits)) => double(f64::from_bits(bits)),
            (5, Raw::Bytes(bytes)) => {
                let mut list = Vec::new();
                for field in fields(bytes, left)? {
                    if let (1, Raw::Bytes(bytes)) = field {
                        list.push(value(bytes, deeper, left)?);
                    }
                }
                list.into()
            }
            (6, Raw::Bytes(bytes)) => {
                let mut pairs = Map::new();
                for field in fields(bytes, left)? {
                    if let (1, Raw::Bytes(bytes)) = field {
                        key_value(bytes, &mut pairs, deeper, left)?;
                    }
                }
                pairs.into()
            }
            (7, Raw::Bytes(bytes)) => STANDARD.encode(bytes).into(),
            _ => read,
        };
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut length = content.len();
        let mut bytes = vec![number << 3 | 2];
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).expect("seven bits"));
        bytes.extend(content);
        bytes
    }

    fn attribute(value: &[u8]) -> Vec<u8> {
        let span =
            [field(1, &[1; 16]), field(2, &[2; 8]), field(5, b"step"), field(9, &[field(1, b"k"), field(2, value)].concat())].concat();
        field(1, &field(2, &field(2, &span)))
    }

    fn read_value(value: &[u8]) -> Value {
        let export = read(&attribute(value)).expect("read");
        export.resource_spans[0].spans[0].attributes["k"].clone()
    }

    #[test]
    fn every_kind_of_value_is_read() {
        assert_eq!(read_value(&field(1, "ä".as_bytes())), Value::from("ä"));
        assert_eq!(read_value(&[2 << 3, 1]), Value::from(true));
        assert_eq!(read_value(&[3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Value::from(-1));
        assert_eq!(read_value(&[&[4 << 3 | 1][..], &1.0_f64.to_le_bytes()].concat()).to_string(), "1.0");
        assert_eq!(read_value(&[&[4 << 3 | 1][..], &f64::NAN.to_le_bytes()].concat()), Value::from("NaN"));
        assert_eq!(read_value(&field(5, &[field(1, &field(1, b"a")), field(1, &[])].concat())), serde_json::json!(["a", null]));
        assert_eq!(read_value(&field(6, &field(1, &[field(1, b"x"), field(2, &[2 << 3, 0])].concat()))), serde_json::json!({ "x": false }));
        assert_eq!(read_value(&field(7, b"\xff")), Value::from("/w=="));
        assert_eq!(read_value(&[]), Value::Null);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let whole = attribute(&field(1, b"value"));
        for end in 1..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for bad in [&[0xff; 11][..], &[1 << 3 | 3], &[1 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f], b"{\"resourceSpans\": []}"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read(&attribute(&field(1, b"\xff\xfe"))).is_err(), "text that is not UTF-8");
    }

    #[test]
    fn nesting_and_empty_values_are_counted() {
        let mut deep = field(1, b"x");
        for _ in 0..100 {
            deep = field(5, &field(1, &deep));
        }
        assert!(read(&attribute(&deep)).expect_err("deep").contains("deep"));
        let many = [1 << 3 | 2, 0].repeat(PARTS);
        assert!(read(&attribute(&field(5, &many))).expect_err("many").contains("more than"));
    }
}
