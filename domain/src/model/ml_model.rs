//! What a model's own file, `MLmodel`, says of it: flavours, signature, input example. MLflow's clients write it as YAML, of which this reads
//! the few forms that they write.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What an `MLmodel` file says. What it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MlModel {
    pub flavors: Vec<String>,
    /// Version of the client that wrote it.
    pub mlflow_version: Option<String>,
    /// Path of the input example beside the file.
    pub example: Option<String>,
    pub inputs: Vec<SchemaField>,
    pub outputs: Vec<SchemaField>,
    pub params: Vec<SchemaField>,
}

/// A column, tensor or param of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaField {
    /// Empty where it has none.
    pub name: String,
    /// In words: `double`, `list of long`, `float32 (-1, 3)`.
    pub kind: String,
    pub required: bool,
    /// Of a param, as JSON.
    pub default: Option<String>,
}

impl MlModel {
    /// Reads the text of the file; what it does not understand, it leaves out.
    pub fn parse(text: &str) -> Self {
        let mut model = Self::default();
        let (mut top, mut second) = (String::new(), 0);
        for Entry { indent, key, value } in entries(text) {
            if indent == 0 {
                if key == "mlflow_version" {
                    model.mlflow_version = Some(value).filter(|v| !is_null(v));
                }
                (top, second) = (key, 0);
                continue;
            }
            // Only what stands directly under its head, not what lies deeper.
            if second == 0 {
                second = indent;
            }
            if indent != second {
                continue;
            }
            match (top.as_str(), key.as_str()) {
                ("flavors", _) => model.flavors.push(key),
                ("saved_input_example_info", "artifact_path") => model.example = Some(value).filter(|v| !is_null(v)),
                ("signature", "inputs") => model.inputs = fields(&value),
                ("signature", "outputs") => model.outputs = fields(&value),
                ("signature", "params") => model.params = fields(&value),
                _ => {}
            }
        }
        model
    }

    pub fn has_signature(&self) -> bool {
        !(self.inputs.is_empty() && self.outputs.is_empty() && self.params.is_empty())
    }
}

fn is_null(value: &str) -> bool {
    matches!(value, "" | "null" | "~")
}

/// A key with its plain or quoted value; the value of one with things below it is empty.
struct Entry {
    indent: usize,
    key: String,
    value: String,
}

fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let Some((key, rest)) = line.trim().split_once(':') else { continue };
        let rest = rest.trim();
        let value = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(quote, &rest[1..], &mut lines).unwrap_or_default(),
            _ => rest.to_owned(),
        };
        found.push(Entry { indent, key: key.trim_matches(['\'', '"']).to_owned(), value });
    }
    found
}

/// The text up to the closing quote, which may stand some lines below; none where it is missing. A line's end is a space, unless it is escaped.
fn quoted<'a>(quote: char, first: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Option<String> {
    let mut text = String::new();
    let mut part = first;
    loop {
        let mut joined = false;
        let mut chars = part.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' if quote == '\'' && chars.next_if_eq(&'\'').is_some() => text.push('\''),
                c if c == quote => return Some(text),
                '\\' if quote == '"' => match chars.next() {
                    None => joined = true,
                    Some(escape) => text.push(unescaped(escape, &mut chars)),
                },
                c => text.push(c),
            }
        }
        if !joined {
            text.push(' ');
        }
        part = lines.next()?.trim();
    }
}

/// The character that an escape in double quotes means.
fn unescaped(escape: char, rest: &mut impl Iterator<Item = char>) -> char {
    let digits = match escape {
        'n' => return '\n',
        't' => return '\t',
        'r' => return '\r',
        '0' => return '\0',
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return other,
    };
    let hex: String = rest.take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A part of the signature, which is JSON in a string.
fn fields(text: &str) -> Vec<SchemaField> {
    let Ok(Json::Array(specs)) = serde_json::from_str::<Json>(text) else { return Vec::new() };
    specs
        .iter()
        .map(|spec| SchemaField {
            name: spec["name"].as_str().unwrap_or_default().to_owned(),
            kind: match &spec["shape"] {
                Json::Array(shape) => format!("{} {}", kind(spec), dimensions(shape)),
                _ => kind(spec),
            },
            required: spec["required"].as_bool().unwrap_or(true),
            default: spec.get("default").filter(|d| !d.is_null()).map(Json::to_string),
        })
        .collect()
}

fn kind(spec: &Json) -> String {
    match spec["type"].as_str() {
        Some("tensor") => {
            let tensor = &spec["tensor-spec"];
            let shape = tensor["shape"].as_array().map(|s| dimensions(s)).unwrap_or_default();
            format!("{} {shape}", tensor["dtype"].as_str().unwrap_or("tensor")).trim_end().to_owned()
        }
        Some("array") => format!("list of {}", kind(&spec["items"])),
        Some("map") => format!("map of {}", kind(&spec["values"])),
        Some("object") => {
            let within = spec["properties"].as_object().into_iter().flatten();
            format!("object {{ {} }}", within.map(|(name, spec)| format!("{name}: {}", kind(spec))).collect::<Vec<_>>().join(", "))
        }
        other => other.unwrap_or("any").to_owned(),
    }
}

/// `(-1, 3)`: a dimension of -1 may be of any length.
fn dimensions(shape: &[Json]) -> String {
    format!("({})", shape.iter().map(Json::to_string).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MLflow 3.18 writes it.
    const FILE: &str = r#"artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
    loader_module: mlflow.sklearn
  sklearn:
    sklearn_version: '1.5'
is_signature_from_type_hint: false
mlflow_version: 3.18.0
model_id: null
prompts: null
run_id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "sepal length (cm)", "required": true}, {"type":
    "string", "name": "it''s \u00fc", "required": true}, {"type": "long", "name":
    "b", "required": false}, {"type": "array", "items": {"type": "double"}, "name":
    "arr", "required": true}, {"type": "object", "properties": {"k": {"type": "string",
    "required": true}, "n": {"type": "array", "items": {"type": "long"}, "required":
    true}}, "name": "obj", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1,
    3]}}]'
  params: '[{"name": "temperature", "default": 0.5, "shape": null, "type": "double"},
    {"name": "stop", "default": ["a", "b"], "shape": [-1], "type": "string"}]'
type_hint_from_example: false
utc_time_created: '2026-11-27 02:36:59.277102'
"#;

    fn said(fields: &[SchemaField]) -> Vec<(&str, &str, bool)> {
        fields.iter().map(|f| (f.name.as_str(), f.kind.as_str(), f.required)).collect()
    }

    #[test]
    fn the_file_of_a_model_says_its_signature() {
        let model = MlModel::parse(FILE);
        assert_eq!(model.flavors, ["python_function", "sklearn"]);
        assert_eq!((model.mlflow_version.as_deref(), model.example.as_deref()), (Some("3.18.0"), Some("input_example.json")));
        let inputs = [
            ("sepal length (cm)", "double", true),
            ("it's ü", "string", true),
            ("b", "long", false),
            ("arr", "list of double", true),
            ("obj", "object { k: string, n: list of long }", true),
        ];
        assert_eq!(said(&model.inputs), inputs);
        assert_eq!(said(&model.outputs), [("", "float32 (-1, 3)", true)]);
        assert_eq!(said(&model.params), [("temperature", "double", true), ("stop", "string (-1)", true)]);
        assert_eq!(model.params[1].default.as_deref(), Some(r#"["a","b"]"#));
        assert!(model.has_signature());
    }

    #[test]
    fn a_signature_in_double_quotes_is_read_with_its_folds() {
        let text = "signature:\n  inputs: \"[{\\\"type\\\": \\\"long\\\", \\\"name\\\": \\\"a\\xFC\\\\u00e9\\\"}\\\n    , {\\\"type\\\":\\\n    \\ \\\"any\\\"}]\"\n  outputs: null\n";
        let model = MlModel::parse(text);
        assert_eq!(said(&model.inputs), [("aüé", "long", true), ("", "any", true)]);
        assert!(model.outputs.is_empty());
    }

    #[test]
    fn what_cannot_be_understood_is_left_out() {
        for odd in
            ["", "signature", "signature:\n  inputs: '", "signature:\n  inputs: 'x'", "a: \"\\", "\u{0}:", "signature:\n  inputs: '{}'"]
        {
            assert!(!MlModel::parse(odd).has_signature(), "{odd}");
        }
        let unclosed = MlModel::parse(&FILE.replace("required\": true}]'", "required\": true}]"));
        assert!(unclosed.inputs.is_empty() && unclosed.flavors.len() == 2);
        assert_eq!(MlModel::parse("flavors:\n  'a b':\n    x: 1\n").flavors, ["a b"]);
    }
}
