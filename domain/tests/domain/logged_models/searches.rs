//! The search for logged models: filter, order, pages, and what it never shows.

use super::{Lab, new, point};
use domain::{
    Error,
    model::{LoggedModelStatus, ModelMetric, NewLoggedModel, Tag},
    tracking::logged_models::{self as models, ModelOrder, ModelSearch},
};

fn all(filter: &str) -> ModelSearch {
    ModelSearch { experiments: vec!["0".into()], filter: filter.to_owned(), max_results: 100, ..ModelSearch::default() }
}

fn by(field: &str, ascending: bool) -> ModelOrder {
    ModelOrder { field: field.to_owned(), ascending, dataset_name: String::new(), dataset_digest: String::new() }
}

async fn names(lab: &Lab, search: &ModelSearch) -> Vec<String> {
    let (found, _) = models::search(&lab.portal, &lab.ada, "vision", search).await.expect("found");
    found.into_iter().map(|m| m.name).collect()
}

/// Models n0 to n4 with the param `i`, the metric `acc` = i / 10 and, for the odd ones, the tag `odd`.
async fn five(lab: &Lab) {
    let run = lab.run().await;
    for i in 0..5_i32 {
        let tags = if i % 2 == 1 { vec![Tag::new("odd", "Yes")] } else { Vec::new() };
        let wish = NewLoggedModel { params: vec![Tag::new("i", i.to_string())], tags, ..new(&format!("n{i}")) };
        let id = models::create(&lab.portal, &lab.ada, "vision", wish).await.expect("made").id;
        // An earlier step says something else.
        lab.measure(&run, vec![point(&id, "acc", 9.0, 0), point(&id, "acc", f64::from(i) / 10.0, 1)]).await.expect("measured");
        if i == 4 {
            models::finalize(&lab.portal, &lab.ada, "vision", &id, LoggedModelStatus::Ready).await.expect("ready");
        }
    }
}

#[tokio::test]
async fn models_are_found_by_what_they_are() {
    let lab = Lab::new().await;
    five(&lab).await;
    lab.foreign_model().await;
    for (filter, expected) in [
        ("", &["n4", "n3", "n2", "n1", "n0"] as &[&str]),
        ("name = 'n1'", &["n1"]),
        ("name != 'n1' AND name LIKE 'n%'", &["n4", "n3", "n2", "n0"]),
        ("name LIKE 'N%'", &[]),
        ("name ILIKE 'N%' and tags.odd LIKE 'Y_s'", &["n3", "n1"]),
        ("name IN ('n0', 'n2')", &["n2", "n0"]),
        ("name NOT IN ('n0', 'n2')", &["n4", "n3", "n1"]),
        ("params.i = '3'", &["n3"]),
        ("params.i != '3'", &["n4", "n2", "n1", "n0"]),
        ("params.nothing != '3'", &[]),
        ("tags.`odd` = 'Yes'", &["n3", "n1"]),
        ("metrics.acc > 0.25", &["n4", "n3"]),
        ("metrics.acc >= 0.1 AND metrics.acc < 0.4", &["n3", "n2", "n1"]),
        ("metrics.nothing != 1", &[]),
        ("status = 'READY'", &["n4"]),
        ("status IN ('PENDING', 'FAILED') AND params.i = '0'", &["n0"]),
        ("attributes.creation_timestamp > 0 AND source_run_id = ''", &["n4", "n3", "n2", "n1", "n0"]),
        ("last_updated_timestamp < 5", &[]),
    ] {
        assert_eq!(names(&lab, &all(filter)).await, expected, "{filter}");
    }
    assert!(names(&lab, &ModelSearch { experiments: vec!["999".into(), "x".into()], ..all("") }).await.is_empty());
}

#[tokio::test]
async fn a_filter_or_order_that_means_nothing_is_refused() {
    let lab = Lab::new().await;
    five(&lab).await;
    for bad in [
        "color = 'red'",
        "models.x = 'y'",
        "name > 'a'",
        "name = 5",
        "metrics.acc = 'x'",
        "metrics.acc LIKE '1'",
        "status = 'NOPE'",
        "status LIKE 'R%'",
        "creation_timestamp = 'x'",
        "name = 'a' OR name = 'b'",
        "name = 'a'; DROP TABLE logged_models--",
        "name IS NULL",
    ] {
        let answer = models::search(&lab.portal, &lab.ada, "vision", &all(bad)).await;
        assert!(matches!(answer, Err(Error::Invalid(_))), "{bad}: {answer:?}");
    }
    for bad in ["color", "params.i", "metrics.", "name; DROP TABLE runs", ""] {
        let answer = models::search(&lab.portal, &lab.ada, "vision", &ModelSearch { order_by: vec![by(bad, true)], ..all("") }).await;
        assert!(matches!(answer, Err(Error::Invalid(_))), "{bad}: {answer:?}");
    }
    // What looks like SQL is a value.
    assert!(names(&lab, &all("name = ''' OR 1=1 --'")).await.is_empty());
    assert_eq!(names(&lab, &all("")).await.len(), 5);
}

#[tokio::test]
async fn models_are_ordered_by_attributes_and_latest_metrics_with_the_missing_last() {
    let lab = Lab::new().await;
    five(&lab).await;
    let nan = lab.model("nan").await.id;
    lab.measure(&lab.run().await, vec![point(&nan, "acc", f64::NAN, 0)]).await.expect("measured");
    let order = async |orders: Vec<ModelOrder>| names(&lab, &ModelSearch { order_by: orders, ..all("") }).await;
    assert_eq!(order(vec![by("metrics.acc", true)]).await, ["n0", "n1", "n2", "n3", "n4", "nan"]);
    assert_eq!(order(vec![by("metrics.acc", false)]).await, ["n4", "n3", "n2", "n1", "n0", "nan"]);
    assert_eq!(order(vec![by("status", false), by("name", true)]).await, ["n4", "n0", "n1", "n2", "n3", "nan"]);
    assert_eq!(order(vec![by("creation_timestamp", true)]).await.len(), 6);
}

#[tokio::test]
async fn data_narrows_what_counts_as_measured() {
    let lab = Lab::new().await;
    let (run, a, b) = (lab.run().await, lab.model("a").await.id, lab.model("b").await.id);
    lab.model("c").await;
    let on = |digest: &str, p: ModelMetric| ModelMetric { dataset_name: "d".into(), dataset_digest: digest.to_owned(), ..p };
    let points = vec![on("1", point(&a, "acc", 0.9, 0)), on("2", point(&a, "acc", 0.1, 1)), on("1", point(&b, "acc", 0.5, 0))];
    lab.measure(&run, points).await.expect("measured");
    let search = |digest: &str, filter: &str| ModelSearch { datasets: vec![("d".to_owned(), digest.to_owned())], ..all(filter) };
    assert_eq!(names(&lab, &search("", "")).await, ["b", "a"]);
    assert_eq!(names(&lab, &search("2", "")).await, ["a"]);
    assert_eq!(names(&lab, &search("1", "metrics.acc > 0.6")).await, ["a"]);
    assert_eq!(names(&lab, &search("", "metrics.acc > 0.6")).await, Vec::<String>::new());
    let order = ModelOrder { dataset_name: "d".into(), dataset_digest: "1".into(), ..by("metrics.acc", false) };
    assert_eq!(names(&lab, &ModelSearch { order_by: vec![order], ..all("") }).await, ["a", "b", "c"]);
    let nameless = ModelOrder { dataset_digest: "1".into(), ..by("metrics.acc", false) };
    let answer = models::search(&lab.portal, &lab.ada, "vision", &ModelSearch { order_by: vec![nameless], ..all("") }).await;
    assert!(matches!(answer, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn pages_follow_each_other_and_a_token_fits_its_own_question_only() {
    let lab = Lab::new().await;
    five(&lab).await;
    for filter in ["", "name LIKE 'n%'"] {
        let (mut seen, mut token, mut first) = (Vec::new(), None, None);
        for _ in 0..3 {
            let page = ModelSearch { max_results: 2, page_token: token.clone(), ..all(filter) };
            let (found, next) = models::search(&lab.portal, &lab.ada, "vision", &page).await.expect("a page");
            seen.extend(found.into_iter().map(|m| m.name));
            first = first.or(next.clone());
            token = next;
        }
        assert_eq!((seen, token), (["n4", "n3", "n2", "n1", "n0"].map(str::to_owned).to_vec(), None), "{filter}");
        for wrong in [
            ModelSearch { page_token: first.clone(), ..all("name = 'n1'") },
            ModelSearch { page_token: first.clone(), order_by: vec![by("name", true)], ..all(filter) },
            ModelSearch { page_token: Some("garbage".into()), ..all(filter) },
        ] {
            assert!(matches!(models::search(&lab.portal, &lab.ada, "vision", &wrong).await, Err(Error::Invalid(_))));
        }
        let same = ModelSearch { page_token: first, ..all(filter) };
        assert!(matches!(models::search(&lab.portal, &lab.eve, "speech", &same).await, Err(Error::Invalid(_))));
    }
}
