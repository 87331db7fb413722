//! Figures and correlations.

use super::{Lab, START, feedback, three, zero};
use domain::{
    Error,
    traces::{self, Aggregation, MetricsQuery, View},
};
use serde_json::json;

fn asked(view: View, metric: &str, aggregations: &[Aggregation]) -> MetricsQuery {
    MetricsQuery {
        experiments: vec![zero()],
        view,
        metric: metric.into(),
        aggregations: aggregations.to_vec(),
        dimensions: vec![],
        filters: vec![],
        interval_seconds: None,
        from: None,
        to: None,
        most: 100,
    }
}

/// Dimensions, value, bucket.
fn row(dimensions: &str, value: f64, bucket: Option<i64>) -> (String, f64, Option<i64>) {
    (dimensions.to_owned(), value, bucket)
}

#[tokio::test]
async fn figures_count_traces_spans_and_assessments() {
    let lab = Lab::new().await;
    three(&lab).await;
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "score", json!(0.5))).await.expect("assessed");
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(2, "score", json!(true))).await.expect("assessed");
    let figures = async |query: MetricsQuery| {
        let points = traces::metrics(&lab.portal, &lab.ada, "vision", &query).await.unwrap_or_else(|e| panic!("{query:?}: {e}"));
        points
            .into_iter()
            .map(|p| (p.dimensions.into_iter().map(|d| d.1).collect::<Vec<_>>().join("/"), p.values[0].1, p.bucket))
            .collect::<Vec<_>>()
    };
    let by = |mut query: MetricsQuery, dimensions: &[&str]| {
        query.dimensions = dimensions.iter().map(|&d| d.to_owned()).collect();
        query
    };
    let count = [Aggregation::Count];
    assert_eq!(figures(asked(View::Traces, "trace_count", &count)).await, [row("", 3.0, None)]);
    let by_name = figures(by(asked(View::Traces, "trace_count", &count), &["trace_name", "trace_status"])).await;
    assert_eq!(by_name, [row("ask/OK", 2.0, None), row("fail/ERROR", 1.0, None)]);
    assert_eq!(figures(asked(View::Traces, "input_tokens", &[Aggregation::Sum])).await, [row("", 30.0, None)]);
    assert_eq!(figures(asked(View::Traces, "latency", &[Aggregation::Percentile(50.0)])).await, [row("", 110.0, None)]);
    assert_eq!(figures(by(asked(View::Spans, "span_count", &count), &["span_type"])).await.len(), 3);
    assert_eq!(figures(by(asked(View::Spans, "total_cost", &[Aggregation::Avg]), &["span_model_name"])).await, [row("small", 1.0, None)]);
    assert_eq!(figures(asked(View::Assessments, "assessment_value", &[Aggregation::Max])).await, [row("", 1.0, None)]);
    let mut filtered = asked(View::Spans, "span_count", &count);
    filtered.filters = vec!["trace.tag.topic = 'weather'".into(), "span.name = 'call'".into()];
    assert_eq!(figures(filtered).await, [row("", 2.0, None)]);
    let mut bucketed = asked(View::Traces, "trace_count", &count);
    (bucketed.interval_seconds, bucketed.from, bucketed.to) = (Some(2), Some(START), Some(START + 3000));
    assert_eq!(figures(bucketed).await, [row("", 1.0, Some(START)), row("", 2.0, Some(START + 2000))]);
    assert!(traces::metrics(&lab.portal, &lab.eve, "speech", &asked(View::Traces, "trace_count", &count)).await.expect("none").is_empty());
}

#[tokio::test]
async fn figures_that_make_no_sense_are_refused() {
    let lab = Lab::new().await;
    let good = || asked(View::Traces, "latency", &[Aggregation::Avg]);
    for bad in [
        MetricsQuery { metric: "nothing".into(), ..good() },
        MetricsQuery { view: View::Spans, metric: "trace_count".into(), ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Sum], ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Percentile(101.0)], ..good() },
        MetricsQuery { aggregations: vec![Aggregation::Percentile(f64::NAN)], ..good() },
        MetricsQuery { aggregations: vec![], ..good() },
        MetricsQuery { dimensions: vec!["span_name".into()], ..good() },
        MetricsQuery { dimensions: vec!["trace_name".into(), "trace_name".into()], ..good() },
        MetricsQuery { interval_seconds: Some(60), ..good() },
        MetricsQuery { interval_seconds: Some(-1), from: Some(0), to: Some(1), ..good() },
        MetricsQuery { filters: vec!["trace.status = 'OK' AND trace.status = 'OK'".into()], ..good() },
        MetricsQuery { filters: vec!["span.name = 'x'".into()], ..good() },
        MetricsQuery { filters: vec!["trace.status != 'OK'".into()], ..good() },
        MetricsQuery { most: 0, ..good() },
    ] {
        assert!(matches!(traces::metrics(&lab.portal, &lab.ada, "vision", &bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn two_filters_go_together_as_often_as_they_do() {
    let lab = Lab::new().await;
    three(&lab).await;
    let ask =
        async |a: &str, b: &str| traces::correlation(&lab.portal, &lab.ada, "vision", &[zero()], [a, b], Some("")).await.expect("compared");
    let together = ask("tags.topic = 'weather'", "span.type = 'LLM'").await;
    assert_eq!((together.first, together.second, together.both, together.total), (2, 2, 2, 3));
    assert_eq!(together.npmi(0.0), Some(1.0));
    let apart = ask("status = 'ERROR'", "name LIKE 'a%'").await;
    assert_eq!((apart.both, apart.npmi(0.0)), (0, Some(-1.0)));
    assert_eq!(ask("status = 'ERROR'", "name = 'none'").await.npmi(0.0), None);
}
