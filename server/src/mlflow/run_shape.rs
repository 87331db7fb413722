//! A run as MLflow's clients read it, written straight into the answer: searches give back thousands of them.

use super::{experiments::stage, inputs::wire};
use domain::{
    model::{Metric, Run},
    tracking::FoundRun,
};
use serde::Serialize;

/// Writes `{"info": …, "data": …, "inputs": …, "outputs": …}`, field by field as `runs::Wire` says it.
pub fn write_found(out: &mut Vec<u8>, found: &FoundRun) {
    open(out, &found.run);
    for (name, json) in [("params", &found.params), ("tags", &found.tags)] {
        if json != "[]" {
            field(out, name);
            out.extend_from_slice(json.as_bytes());
        }
    }
    let (inputs, outputs) = wire(found.links.clone().unwrap_or_default());
    out.push(b'}');
    field(out, "inputs");
    json(out, &inputs);
    if let Some(outputs) = outputs {
        field(out, "outputs");
        json(out, &outputs);
    }
    out.push(b'}');
}

fn open(out: &mut Vec<u8>, run: &Run) {
    out.extend_from_slice(b"{\"info\":{");
    for (name, text) in [
        ("run_uuid", run.id.as_str()),
        ("run_id", run.id.as_str()),
        ("run_name", run.name.as_str()),
        ("experiment_id", run.experiment.as_str()),
        ("user_id", run.user_id.as_str()),
        ("status", run.status.as_str()),
    ] {
        if name != "user_id" || !text.is_empty() {
            field(out, name);
            json(out, text);
        }
    }
    for (name, time) in [("start_time", run.start_time), ("end_time", run.end_time)] {
        if let Some(time) = time {
            field(out, name);
            json(out, &time);
        }
    }
    field(out, "artifact_uri");
    json(out, &run.artifact_uri);
    field(out, "lifecycle_stage");
    json(out, stage(run.deleted_at));
    out.extend_from_slice(b"},\"data\":{");
    list(out, "metrics", &run.metrics, write_metric);
}

fn write_metric(out: &mut Vec<u8>, metric: &Metric) {
    out.extend_from_slice(b"{\"key\":");
    json(out, &metric.key);
    field(out, "value");
    if metric.value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        // JSON has no infinities; MLflow writes the largest doubles.
        json(out, &metric.value.clamp(f64::MIN, f64::MAX));
    }
    field(out, "timestamp");
    json(out, &metric.timestamp);
    field(out, "step");
    json(out, &metric.step);
    out.push(b'}');
}

/// A field with a list, left out where the list is empty.
fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: fn(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    field(out, name);
    for (i, item) in items.iter().enumerate() {
        out.push(if i == 0 { b'[' } else { b',' });
        write(out, item);
    }
    out.push(b']');
}

/// The name of the object's next field.
fn field(out: &mut Vec<u8>, name: &str) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    json(out, name);
    out.push(b':');
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Only plain values come here, and memory takes everything.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::model::RunStatus;

    fn run() -> Run {
        let metric = |key: &str, value| Metric { key: key.into(), value, timestamp: 1, step: -2 };
        Run {
            id: "0123456789abcdef0123456789abcdef".into(),
            experiment: "7".into(),
            name: "a \"quoted\" name".into(),
            user_id: String::new(),
            status: RunStatus::Finished,
            start_time: Some(5),
            end_time: None,
            artifact_uri: "mlflow-artifacts:/7/0123456789abcdef0123456789abcdef/artifacts".into(),
            created_by: "ada@example.com".into(),
            notebook: None,
            deleted_at: None,
            metrics: vec![metric("nan", f64::NAN), metric("inf", f64::INFINITY), metric("third", 1.0 / 3.0)],
            params: Vec::new(),
            tags: Vec::new(),
        }
    }

    #[test]
    fn a_run_is_written_as_json() {
        let mut out = Vec::new();
        write_found(&mut out, &FoundRun { run: run(), params: r#"[{"key":"p","value":"1"}]"#.into(), tags: "[]".into(), links: None });
        let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(read["data"]["params"], serde_json::json!([{ "key": "p", "value": "1" }]));
        assert_eq!(read["info"]["run_name"], "a \"quoted\" name");
        assert_eq!(read["data"]["metrics"][0]["value"], "NaN");
        assert_eq!(read["data"]["metrics"][1]["value"], f64::MAX);
        assert_eq!(read["data"]["metrics"][2]["value"], 1.0 / 3.0);
        assert!(read["data"].get("tags").is_none() && read["info"].get("end_time").is_none());
    }
}
