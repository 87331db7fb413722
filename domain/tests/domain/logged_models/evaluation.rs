//! Evaluation datasets and scorers.

use super::{Lab, ZERO};
use domain::{
    Error,
    model::{ExperimentId, NewRecord, Tag},
    traces::{
        datasets::{self, DatasetSearch},
        scorers::{self, Of},
    },
};
use serde_json::{Value, json};

fn records(list: &Value) -> Vec<NewRecord> {
    serde_json::from_value(list.clone()).expect("records")
}

fn zero() -> ExperimentId {
    ZERO.into()
}

#[tokio::test]
async fn records_with_the_same_inputs_are_merged() {
    let lab = Lab::new().await;
    let (p, ada) = (&lab.portal, &lab.ada);
    let id = datasets::create(p, ada, "vision", "qa", &[Tag::new("a", "b")], &[zero()]).await.expect("made").id;
    let first = json!([
        { "inputs": { "q": "1", "n": 2 }, "expectations": { "a": "x" }, "tags": { "t": "1" }, "source": { "source_type": "trace", "source_data": { "trace_id": "tr-1" } } },
        { "inputs": { "q": "2" }, "outputs": [1, 2] },
        { "inputs": { "q": "2" }, "outputs": null },
    ]);
    let merged = datasets::merge_records(p, ada, "vision", &id, records(&first)).await.expect("merged");
    assert_eq!((merged.inserted, merged.updated), (2, 1));
    let before = datasets::get(p, ada, "vision", &id).await.expect("the dataset");
    lab.test.portal.clock.advance(1000);
    let second = json!([{ "inputs": { "n": 2, "q": "1" }, "expectations": { "b": "y" } }]);
    let merged = datasets::merge_records(p, ada, "vision", &id, records(&second)).await.expect("merged");
    assert_eq!((merged.inserted, merged.updated), (0, 1), "the order of keys says nothing");
    let (found, next) = datasets::records(p, ada, "vision", &id, 100, None).await.expect("records");
    assert!(next.is_none() && found.len() == 2);
    assert_eq!(found[0].expectations, Some(json!({ "a": "x", "b": "y" })));
    assert_eq!((&found[0].outputs, &found[1].outputs), (&Some(json!({})), &None));
    assert_eq!(found[0].source, Some(json!({ "source_type": "TRACE", "source_data": { "trace_id": "tr-1" } })));
    let after = datasets::get(p, ada, "vision", &id).await.expect("the dataset");
    assert!(after.records == 2 && after.digest != before.digest && after.digest.len() == 8);
    let schema: Value = serde_json::from_str(after.schema.as_deref().expect("a schema")).expect("JSON");
    assert_eq!(schema["inputs"], json!({ "q": "string", "n": "integer" }));
    assert_eq!(schema["outputs"], "array");
    let removed = datasets::remove_records(p, ada, "vision", &id, &[found[0].id.clone(), "dr-none".into()]).await.expect("removed");
    assert_eq!((removed, datasets::get(p, ada, "vision", &id).await.expect("the dataset").records), (1, 1));
}

#[tokio::test]
async fn records_come_in_pages_in_the_order_they_were_added() {
    let lab = Lab::new().await;
    let (p, ada) = (&lab.portal, &lab.ada);
    let id = datasets::create(p, ada, "vision", "qa", &[], &[]).await.expect("made").id;
    let many: Vec<Value> = (0..120).map(|i| json!({ "inputs": { "i": i } })).collect();
    datasets::merge_records(p, ada, "vision", &id, records(&json!(many))).await.expect("merged");
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = datasets::records(p, ada, "vision", &id, 50, token.as_deref()).await.expect("a page");
        seen.extend(page.into_iter().map(|r| r.inputs["i"].as_i64().expect("a number")));
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..120).collect::<Vec<_>>());
    for (most, token) in [(0, None), (-1, None), (5, Some("garbage"))] {
        assert!(matches!(datasets::records(p, ada, "vision", &id, most, token).await, Err(Error::Invalid(_))));
    }
}

#[tokio::test]
async fn datasets_are_found_by_name_tag_time_and_experiment() {
    let lab = Lab::new().await;
    let (p, ada) = (&lab.portal, &lab.ada);
    for (name, tag, of) in [("alpha", "x", vec![zero()]), ("beta", "y", vec![]), ("gamma", "x", vec![])] {
        datasets::create(p, ada, "vision", name, &[Tag::new("t", tag)], &of).await.expect("made");
        lab.test.portal.clock.advance(1000);
    }
    datasets::create(p, &lab.eve, "speech", "theirs", &[], &[]).await.expect("made");
    let search = |filter: &str| DatasetSearch { filter: filter.to_owned(), max_results: 10, ..DatasetSearch::default() };
    let names = async |search: DatasetSearch| -> Vec<String> {
        datasets::search(p, ada, "vision", &search).await.expect("found").0.into_iter().map(|d| d.name).collect()
    };
    for (filter, expected) in [
        ("", &["gamma", "beta", "alpha"] as &[&str]),
        ("name = 'beta'", &["beta"]),
        ("name LIKE '%a' AND tags.t = 'x'", &["gamma", "alpha"]),
        ("tags.t != 'x'", &["beta"]),
        ("tags.u != 'x'", &[]),
        ("name IN ('alpha', 'theirs')", &["alpha"]),
        ("created_by = 'ada@example.com' AND name ILIKE 'G%'", &["gamma"]),
        ("created_time < 5", &[]),
    ] {
        assert_eq!(names(search(filter)).await, expected, "{filter}");
    }
    assert_eq!(names(DatasetSearch { experiments: Some(vec![zero(), "77".into()]), ..search("") }).await, ["alpha"]);
    assert_eq!(names(DatasetSearch { order_by: vec!["name ASC".into()], ..search("") }).await, ["alpha", "beta", "gamma"]);
    let (page, next) = datasets::search(p, ada, "vision", &DatasetSearch { max_results: 2, ..search("") }).await.expect("a page");
    let rest = DatasetSearch { page_token: next.clone(), max_results: 2, ..search("") };
    assert_eq!((page.len(), names(rest).await), (2, vec!["alpha".to_owned()]));
    for bad in [
        search("color = 'red'"),
        search("name > 'a'"),
        search("created_time = 'x'"),
        DatasetSearch { order_by: vec!["tags.t".into()], ..search("") },
        DatasetSearch { max_results: 0, ..search("") },
        DatasetSearch { max_results: 50_001, ..search("") },
        DatasetSearch { page_token: next, ..search("name = 'a'") },
    ] {
        assert!(matches!(datasets::search(p, ada, "vision", &bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn an_evaluation_dataset_of_another_team_is_answered_like_none() {
    let lab = Lab::new().await;
    let (p, ada) = (&lab.portal, &lab.ada);
    let theirs = datasets::create(p, &lab.eve, "speech", "theirs", &[], &[]).await.expect("made").id;
    for id in [theirs.as_str(), "d-none"] {
        let tags = [Tag::new("a", "b")];
        let answers = [
            datasets::get(p, ada, "vision", id).await.map(|_| ()),
            datasets::remove(p, ada, "vision", id).await,
            datasets::set_tags(p, ada, "vision", id, &tags).await.map(|_| ()),
            datasets::remove_tag(p, ada, "vision", id, "a").await,
            datasets::set_experiments(p, ada, "vision", id, &[zero()], true).await.map(|_| ()),
            datasets::merge_records(p, ada, "vision", id, Vec::new()).await.map(|_| ()),
            datasets::records(p, ada, "vision", id, 5, None).await.map(|_| ()),
            datasets::remove_records(p, ada, "vision", id, &[]).await.map(|_| ()),
        ];
        for (i, answer) in answers.into_iter().enumerate() {
            assert!(matches!(answer, Err(Error::NotFound("evaluation dataset"))), "{i} {answer:?}");
        }
    }
    assert!(matches!(datasets::create(p, ada, "vision", "x", &[], &["77".into()]).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(datasets::create(p, &lab.vera, "vision", "x", &[], &[]).await, Err(Error::Forbidden(_))));
    for bad in ["", " ", "a\0b", &"n".repeat(256)] {
        assert!(matches!(datasets::create(p, ada, "vision", bad, &[], &[]).await, Err(Error::Invalid(_))), "{bad:?}");
    }
    let mine = datasets::create(p, ada, "vision", "theirs", &[], &[]).await.expect("a hidden name is free").id;
    let added = datasets::set_experiments(p, ada, "vision", &mine, &[zero()], true).await.expect("added");
    assert_eq!(added.experiments, [zero()]);
    let left = datasets::set_experiments(p, ada, "vision", &mine, &[zero()], false).await.expect("left");
    assert!(left.experiments.is_empty());
    datasets::remove(p, ada, "vision", &mine).await.expect("deleted");
}

#[tokio::test]
async fn a_scorer_counts_its_versions_and_never_gives_a_number_twice() {
    let lab = Lab::new().await;
    let (p, ada) = (&lab.portal, &lab.ada);
    let register = async |text: &str| scorers::register(p, ada, "vision", &zero(), "tone", text).await;
    assert_eq!(register(r#"{"v":1}"#).await.expect("registered").version, 1);
    assert_eq!(register(r#"{"v":2}"#).await.expect("registered").version, 2);
    scorers::remove(p, ada, "vision", &zero(), "tone", Some(2)).await.expect("deleted");
    assert_eq!(register(r#"{"v":3}"#).await.expect("registered").version, 3);
    let numbers: Vec<i64> =
        scorers::versions(p, ada, "vision", &zero(), "tone").await.expect("versions").iter().map(|v| v.version).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(scorers::get(p, ada, "vision", &zero(), "tone", None).await.expect("the newest").serialized, r#"{"v":3}"#);
    assert_eq!(scorers::get(p, ada, "vision", &zero(), "tone", Some(1)).await.expect("the first").version, 1);
    for of in [Of::Team, Of::One(&zero()), Of::Several(&[zero(), "77".into()])] {
        let listed = scorers::list(p, ada, "vision", of).await.expect("listed");
        assert_eq!(listed.iter().map(|s| s.version).collect::<Vec<_>>(), [3], "{of:?}");
    }
    assert!(scorers::list(p, &lab.eve, "speech", Of::Team).await.expect("listed").is_empty());
    for bad in ["{nope", "", &format!("\"{}\"", "x".repeat(1024 * 1024))] {
        assert!(matches!(register(bad).await, Err(Error::Invalid(_))));
    }
    assert!(matches!(scorers::get(p, ada, "vision", &zero(), "tone", Some(2)).await, Err(Error::NotFound("scorer"))));
    assert!(matches!(scorers::get(p, ada, "vision", &"77".into(), "tone", None).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(scorers::register(p, &lab.vera, "vision", &zero(), "x", "{}").await, Err(Error::Forbidden(_))));
    scorers::remove(p, ada, "vision", &zero(), "tone", None).await.expect("deleted");
    assert!(matches!(scorers::versions(p, ada, "vision", &zero(), "tone").await, Err(Error::NotFound("scorer"))));
}
