//! Searches over runs and experiments: what fits, in which order, for whom, and never more.

use domain::{
    Caller, Error,
    model::{
        Batch, Dataset, DatasetInput, ExperimentId, ExperimentSearch, Metric, NewRun, Role, RunChange, RunId, RunSearch, RunStatus, Tag,
        View,
    },
    testing::TestPortal,
    tracking::{self, experiments, inputs, runs},
};
use std::collections::BTreeSet;

struct Lab {
    test: TestPortal,
    ada: Caller,
}

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("red", &[("ada", Role::Admin), ("vera", Role::Viewer)]).await;
        test.team("blue", &[("eve", Role::Admin)]).await;
        let ada = test.caller("ada").await;
        Self { test, ada }
    }

    async fn experiment(&self, name: &str) -> ExperimentId {
        experiments::create(&self.test.portal, &self.ada, "red", name, None, &[]).await.expect("an experiment")
    }

    async fn run(&self, experiment: &ExperimentId, start: i64, batch: Batch) -> RunId {
        let new =
            NewRun { experiment: Some(experiment.clone()), start_time: Some(start), name: format!("run-{start}"), ..NewRun::default() };
        let id = runs::create(&self.test.portal, &self.ada, "red", new).await.expect("a run").id;
        self.log(&id, batch).await;
        id
    }

    async fn log(&self, run: &RunId, batch: Batch) {
        runs::log(&self.test.portal, &self.ada, "red", run, batch).await.expect("logged");
    }

    async fn page(&self, search: &RunSearch) -> domain::Result<(Vec<RunId>, Option<String>)> {
        let page = tracking::search_runs(&self.test.portal, &self.ada, "red", search).await?;
        Ok((page.runs.into_iter().map(|run| run.id).collect(), page.next_page_token))
    }

    async fn ids(&self, experiments: &[&ExperimentId], filter: &str, order_by: &[&str]) -> Vec<RunId> {
        let search = search(experiments, filter, order_by);
        self.page(&search).await.unwrap_or_else(|e| panic!("{filter} {order_by:?}: {e}")).0
    }
}

fn search(experiments: &[&ExperimentId], filter: &str, order_by: &[&str]) -> RunSearch {
    RunSearch {
        experiments: experiments.iter().map(|id| (*id).clone()).collect(),
        filter: filter.to_owned(),
        order_by: order_by.iter().map(|text| (*text).to_owned()).collect(),
        ..RunSearch::default()
    }
}

fn batch(metrics: &[(&str, f64)], params: &[(&str, &str)], tags: &[(&str, &str)]) -> Batch {
    let tag = |(key, value): &(&str, &str)| Tag::new(*key, *value);
    let metric = |(key, value): &(&str, f64)| Metric { key: (*key).to_owned(), value: *value, timestamp: 1, step: 0 };
    Batch {
        metrics: metrics.iter().map(metric).collect(),
        params: params.iter().map(tag).collect(),
        tags: tags.iter().map(tag).collect(),
        ..Batch::default()
    }
}

#[tokio::test]
async fn runs_are_found_by_what_they_logged_and_are() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let mut ids = Vec::new();
    for i in 0..4_u8 {
        let (lr, source) = (i.to_string(), format!("s{i}"));
        let opt = if i % 2 == 1 { "Adam" } else { "sgd" };
        let logged = batch(
            &[("acc", f64::from(i) / 10.0)],
            &[("lr", &lr), ("opt", opt)],
            &[("k", ["a", "b"][usize::from(i % 2)]), ("mlflow.source.name", &source)],
        );
        ids.push(lab.run(&e, 1000 + i64::from(i), logged).await);
    }
    let change = RunChange { status: Some(RunStatus::Finished), end_time: Some(2000), name: None };
    runs::update(&lab.test.portal, &lab.ada, "red", &ids[0], change).await.expect("ended");
    lab.log(&ids[3], batch(&[("odd", f64::NAN)], &[], &[("only", "here")])).await;
    for (filter, expected) in [
        ("metrics.acc > 0.1", vec![2, 3]),
        ("metrics.acc >= 0.1", vec![1, 2, 3]),
        ("metric.acc = 0.2", vec![2]),
        ("metrics.acc != 0.2", vec![0, 1, 3]),
        ("metrics.acc < 0.1", vec![0]),
        ("metrics.odd != 5", vec![3]),
        ("metrics.odd > 0", vec![]),
        ("metrics.nobody != 5", vec![]),
        ("params.lr = '2'", vec![2]),
        ("param.opt != 'sgd'", vec![1, 3]),
        ("parameters.opt LIKE 'Ad%'", vec![1, 3]),
        ("params.opt LIKE 'ad%'", vec![]),
        ("params.opt ILIKE 'ad%'", vec![1, 3]),
        ("tags.only != 'there'", vec![3]),
        ("tags.only IS NULL", vec![0, 1, 2]),
        ("tags.only IS NOT NULL", vec![3]),
        ("params.nobody IS NULL", vec![0, 1, 2, 3]),
        ("params.nobody IS NOT NULL", vec![]),
        ("tags.\"mlflow.source.name\" = \"s3\"", vec![3]),
        ("tags.mlflow.source.name = 's1'", vec![1]),
        ("run_name = 'run-1002'", vec![2]),
        ("attributes.`run name` LIKE 'run-%3'", vec![3]),
        ("tags.`mlflow.runName` = 'run-1001'", vec![1]),
        ("status = 'FINISHED'", vec![0]),
        ("attributes.status != 'FINISHED'", vec![1, 2, 3]),
        ("attr.start_time > 1001", vec![2, 3]),
        ("created <= 1000", vec![0]),
        ("end_time != 5", vec![0]),
        ("user_id = ''", vec![0, 1, 2, 3]),
        ("artifact_uri LIKE 'mlflow-artifacts:/%/artifacts'", vec![0, 1, 2, 3]),
        ("datasets.name = 'A'", vec![]),
        ("metrics.acc > 0.0 AND params.opt = 'Adam' and tags.k = 'b' and metrics.acc < 0.2", vec![1]),
    ] {
        let found: BTreeSet<RunId> = lab.ids(&[&e], filter, &[]).await.into_iter().collect();
        let expected: BTreeSet<RunId> = expected.into_iter().map(|i: usize| ids[i].clone()).collect();
        assert_eq!(found, expected, "{filter}");
    }
    let listed = format!("run_id IN ('{}', '{}', 'none')", ids[1], ids[2]);
    assert_eq!(lab.ids(&[&e], &listed, &[]).await, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(lab.ids(&[&e], &format!("run_id NOT IN ('{}')", ids[1]), &[]).await.len(), 3);
    assert_eq!(lab.ids(&[&e], &format!("run_id LIKE '{}%'", &ids[1].as_str()[..20]), &[]).await, [ids[1].clone()]);
}

#[tokio::test]
async fn runs_are_found_by_the_datasets_they_read() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let read = async |run: &RunId, name: &str, digest: &str, context: &str| {
        let dataset = Dataset {
            name: name.into(),
            digest: digest.into(),
            source_type: "local".into(),
            source: "/data".into(),
            schema: None,
            profile: None,
        };
        let input = DatasetInput { dataset, tags: vec![Tag::new("mlflow.data.context", context)] };
        inputs::log_inputs(&lab.test.portal, &lab.ada, "red", run, &[input], &[]).await.expect("noted");
    };
    let a = lab.run(&e, 1, batch(&[("m", 1.0)], &[], &[])).await;
    let b = lab.run(&e, 2, batch(&[("m", 2.0)], &[], &[])).await;
    let c = lab.run(&e, 3, Batch::default()).await;
    assert!(lab.ids(&[&e], "datasets.name != 'none'", &[]).await.is_empty());
    read(&a, "A", "x", "train").await;
    read(&b, "B", "y", "train").await;
    read(&b, "A", "z", "test").await;
    for (filter, expected) in [
        ("datasets.name = 'A'", vec![&b, &a]),
        ("dataset.digest = 'y'", vec![&b]),
        ("datasets.context = 'train'", vec![&b, &a]),
        ("datasets.context != 'train'", vec![&b]),
        ("datasets.name ILIKE 'a%' AND datasets.digest IN ('x', 'q')", vec![&a]),
        ("datasets.name = 'A' and dataset.name = 'B' and metrics.m > 1", vec![&b]),
        ("datasets.name NOT IN ('A', 'B')", vec![]),
    ] {
        assert_eq!(lab.ids(&[&e], filter, &[]).await, expected.into_iter().cloned().collect::<Vec<_>>(), "{filter}");
    }
    assert_eq!(lab.ids(&[&e], "datasets.name = 'A'", &["metrics.m ASC"]).await, [a.clone(), b]);
    let mut found = tracking::find_runs(&lab.test.portal, &lab.ada, "red", &search(&[&e], "", &["start_time"])).await.expect("found");
    let runs = found.next(&lab.test.portal).await.expect("read").expect("some");
    let names = |i: usize| runs[i].links.iter().flat_map(|l| &l.datasets).map(|d| d.dataset.digest.clone()).collect::<Vec<_>>();
    assert_eq!((names(0), names(1).len(), names(2)), (vec!["x".to_owned()], 2, vec![]));
    assert_eq!(runs[2].run.id, c);
}

#[tokio::test]
async fn metrics_come_back_bit_for_bit() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let mut values: Vec<f64> =
        (0..900).map(|_| f64::from_bits(u64::from_le_bytes(domain::random::bytes()))).filter(|v| v.is_finite()).collect();
    values.extend([-0.0, 0.0, 0.1 + 0.2, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY]);
    let keys: Vec<String> = (0..values.len()).map(|i| format!("m{i:03}")).collect();
    let metrics: Vec<(&str, f64)> = keys.iter().map(String::as_str).zip(values.iter().copied()).collect();
    lab.run(&e, 1, batch(&metrics, &[], &[])).await;
    let found = tracking::search_runs(&lab.test.portal, &lab.ada, "red", &search(&[&e], "", &[])).await.expect("found");
    // SQLite keeps no sign of zero.
    let bits = |values: &mut dyn Iterator<Item = f64>| values.map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&mut found.runs[0].metrics.iter().map(|m| m.value)), bits(&mut values.into_iter()));
}

#[tokio::test]
async fn orders_put_what_is_missing_last_and_the_newest_first_among_equals() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let nan = lab.run(&e, 5, batch(&[("m", f64::NAN)], &[("p", "b")], &[])).await;
    let low = lab.run(&e, 4, batch(&[("m", f64::NEG_INFINITY)], &[("p", "a")], &[])).await;
    let high = lab.run(&e, 3, batch(&[("m", 1e300)], &[("p", "b")], &[])).await;
    let none = lab.run(&e, 2, Batch::default()).await;
    let zero = lab.run(&e, 1, batch(&[("m", 0.0)], &[("p", "")], &[])).await;
    let order = |ids: &[&RunId]| ids.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
    assert_eq!(lab.ids(&[&e], "", &[]).await, order(&[&nan, &low, &high, &none, &zero]));
    assert_eq!(lab.ids(&[&e], "", &["metrics.m ASC"]).await, order(&[&low, &zero, &high, &nan, &none]));
    assert_eq!(lab.ids(&[&e], "", &["metrics.m DESC"]).await, order(&[&high, &zero, &low, &nan, &none]));
    assert_eq!(lab.ids(&[&e], "", &["params.p"]).await, order(&[&zero, &low, &nan, &high, &none]));
    assert_eq!(lab.ids(&[&e], "", &["params.p DESC", "attributes.start_time ASC"]).await, order(&[&high, &nan, &low, &zero, &none]));
    assert_eq!(lab.ids(&[&e], "", &["run_name"]).await, order(&[&zero, &none, &high, &low, &nan]));
    assert_eq!(lab.ids(&[&e], "", &["metrics.nobody", "created"]).await, order(&[&zero, &none, &high, &low, &nan]));
    let mut by_id = order(&[&nan, &low, &high, &none, &zero]);
    by_id.sort();
    assert_eq!(lab.ids(&[&e], "", &["run_id"]).await, by_id);
    assert_eq!(lab.ids(&[&e], "", &["status", "artifact_uri"]).await, by_id);
}

#[tokio::test]
async fn each_search_sees_what_was_answered_before_it() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let a = lab.run(&e, 1, batch(&[("m", 1.0)], &[], &[("t", "old")])).await;
    assert_eq!(lab.ids(&[&e], "tags.t = 'old' and metrics.m = 1", &[]).await, std::slice::from_ref(&a));
    let b = lab.run(&e, 2, batch(&[("m", 2.0)], &[], &[("t", "old")])).await;
    assert_eq!(lab.ids(&[&e], "tags.t = 'old'", &["metrics.m DESC"]).await, [b.clone(), a.clone()]);
    lab.log(&a, Batch { metrics: vec![Metric { key: "m".into(), value: 9.0, timestamp: 2, step: 1 }], ..batch(&[], &[], &[("t", "new")]) })
        .await;
    assert_eq!(lab.ids(&[&e], "tags.t = 'old'", &[]).await, std::slice::from_ref(&b));
    assert_eq!(lab.ids(&[&e], "metrics.m > 1", &["metrics.m DESC"]).await, [a.clone(), b.clone()]);
    runs::delete_tag(&lab.test.portal, &lab.ada, "red", &a, "t").await.expect("removed");
    assert_eq!(lab.ids(&[&e], "tags.t IS NULL", &[]).await, std::slice::from_ref(&a));
    runs::update(&lab.test.portal, &lab.ada, "red", &a, RunChange { name: Some("other".into()), ..RunChange::default() })
        .await
        .expect("renamed");
    assert_eq!(lab.ids(&[&e], "run_name = 'other'", &[]).await, std::slice::from_ref(&a));
    // What another process writes counts the same.
    let elsewhere = tracking::Indexes::default();
    let mut other = lab.test.portal.clone();
    other.indexes = std::sync::Arc::new(elsewhere);
    let c = lab.run(&e, 3, Batch::default()).await;
    let all = search(&[&e], "", &[]);
    let seen = tracking::search_runs(&other, &lab.ada, "red", &all).await.expect("found").runs;
    assert_eq!((seen.len(), &seen[0].id), (3, &c));
    lab.log(&c, batch(&[("m", 5.0)], &[], &[])).await;
    let seen = tracking::search_runs(&other, &lab.ada, "red", &search(&[&e], "metrics.m = 5", &[])).await.expect("found").runs;
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn deleted_runs_are_found_by_the_view_and_purged_ones_never() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let a = lab.run(&e, 1, Batch::default()).await;
    let b = lab.run(&e, 2, Batch::default()).await;
    let c = lab.run(&e, 3, Batch::default()).await;
    runs::delete(&lab.test.portal, &lab.ada, "red", &b).await.expect("deleted");
    let view = async |view| lab.page(&RunSearch { view, ..search(&[&e], "", &[]) }).await.expect("found").0;
    assert_eq!(view(View::Active).await, [c.clone(), a.clone()]);
    assert_eq!(view(View::Deleted).await, std::slice::from_ref(&b));
    assert_eq!(view(View::All).await, [c.clone(), b.clone(), a.clone()]);
    lab.test.portal.clock.advance(40 * 24 * 60 * 60 * 1000);
    tracking::purge(&lab.test.portal, &lab.ada, "red", 30, false).await.expect("purged");
    assert_eq!(view(View::All).await, [c.clone(), a.clone()]);
    assert_eq!(view(View::Deleted).await, []);
    experiments::delete(&lab.test.portal, &lab.ada, "red", &e).await.expect("deleted");
    assert_eq!((view(View::Active).await, view(View::Deleted).await.len()), (vec![], 2));
    experiments::restore(&lab.test.portal, &lab.ada, "red", &e).await.expect("restored");
    assert_eq!(view(View::Active).await, [c, a]);
}

#[tokio::test]
async fn pages_give_each_run_once_and_their_tokens_belong_to_one_question_of_one_person() {
    let lab = Lab::new().await;
    let (e, f) = (lab.experiment("e").await, lab.experiment("f").await);
    let mut all = Vec::new();
    for i in 0..7 {
        let experiment = if i % 3 == 0 { &f } else { &e };
        all.insert(0, lab.run(experiment, i, batch(&[("m", 1.0)], &[], &[])).await);
    }
    let asked = RunSearch { max_results: 3, ..search(&[&e, &f], "metrics.m = 1", &[]) };
    let (mut got, mut token, mut pages) = (Vec::new(), Some(String::new()), 0);
    while let Some(page_token) = token {
        let (ids, next) = lab.page(&RunSearch { page_token, ..asked.clone() }).await.expect("a page");
        (got, token, pages) = ([got, ids].concat(), next, pages + 1);
    }
    assert_eq!((got, pages), (all, 3));
    let page_token = lab.page(&asked).await.expect("a page").1.expect("more");
    let with = |asked: &RunSearch| RunSearch { page_token: page_token.clone(), ..asked.clone() };
    assert!(lab.page(&RunSearch { max_results: 50, ..with(&asked) }).await.is_ok(), "another size of page is no other question");
    for other in [
        RunSearch { filter: "metrics.m = 2".into(), ..with(&asked) },
        RunSearch { order_by: vec!["metrics.m".into()], ..with(&asked) },
        RunSearch { view: View::All, ..with(&asked) },
        RunSearch { experiments: vec![e.clone()], ..with(&asked) },
        RunSearch { page_token: "eyJ4IjoxfQ==".into(), ..asked.clone() },
        RunSearch { page_token: "!".into(), ..asked.clone() },
        RunSearch { page_token: "Mw".into(), ..asked.clone() },
    ] {
        assert!(matches!(lab.page(&other).await, Err(Error::Invalid(_))), "{other:?}");
    }
    let vera = lab.test.caller("vera").await;
    let borrowed = tracking::search_runs(&lab.test.portal, &vera, "red", &with(&asked)).await;
    assert!(matches!(borrowed, Err(Error::Invalid(_))), "{borrowed:?}");
    let eve = lab.test.caller("eve").await;
    let stolen = tracking::search_runs(&lab.test.portal, &eve, "blue", &with(&asked)).await;
    assert!(matches!(stolen, Err(Error::Invalid(_))), "{stolen:?}");
    for max_results in [-1, 0, 50_001, i64::MAX, i64::MIN] {
        assert!(matches!(lab.page(&RunSearch { max_results, ..asked.clone() }).await, Err(Error::Invalid(_))), "{max_results}");
    }
}

#[tokio::test]
async fn another_teams_runs_are_as_those_that_do_not_exist() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    let run = lab.run(&e, 1, batch(&[("m", 1.0)], &[("p", "secret")], &[])).await;
    let eve = lab.test.caller("eve").await;
    let ask = async |search: RunSearch| tracking::search_runs(&lab.test.portal, &eve, "blue", &search).await.expect("answered");
    let filters = [String::new(), "params.p LIKE '%'".to_owned(), format!("run_id = '{run}'")];
    for filter in filters {
        for experiments in [vec![&e], vec![&e, &e], vec![]] {
            for view in [View::Active, View::All, View::Deleted] {
                let page = ask(RunSearch { view, max_results: 1, ..search(&experiments, &filter, &["params.p"]) }).await;
                assert_eq!((page.runs.len(), page.next_page_token), (0, None));
            }
        }
    }
    for id in ["999999", "01", "-1", "", "x", "0"] {
        assert!(ask(search(&[&id.into()], "", &[])).await.runs.is_empty(), "{id}");
    }
    assert!(matches!(tracking::search_runs(&lab.test.portal, &eve, "red", &search(&[&e], "", &[])).await, Err(Error::NotFound("team"))));
    let stranger = lab.test.stranger();
    assert!(matches!(
        tracking::search_runs(&lab.test.portal, &stranger, "red", &search(&[&e], "", &[])).await,
        Err(Error::Unauthenticated)
    ));
    let vera = lab.test.caller("vera").await;
    assert_eq!(tracking::search_runs(&lab.test.portal, &vera, "red", &search(&[&e], "", &[])).await.expect("a viewer sees").runs.len(), 1);
}

#[tokio::test]
async fn hostile_filters_are_refused_or_quick_and_change_nothing() {
    let lab = Lab::new().await;
    let e = lab.experiment("e").await;
    lab.run(&e, 1, batch(&[("a", 2.0)], &[("x", &"a".repeat(6000))], &[])).await;
    let start = std::time::Instant::now();
    for filter in [
        "metrics.a > 1; DROP TABLE runs--".to_owned(),
        "params.x = '' OR '1'='1'".to_owned(),
        "a".repeat(1_000_000),
        "params.x = '".to_owned() + &"b".repeat(1_000_000) + "'",
        "metrics.a > 1 AND ".repeat(1000),
        format!("params.x LIKE '{}'", "%a".repeat(1001)),
    ] {
        assert!(matches!(lab.page(&search(&[&e], &filter, &[])).await, Err(Error::Invalid(_))));
    }
    for order in ["metrics.a ASC; --", "(SELECT 1)", "metrics.a, metrics.b"] {
        assert!(matches!(lab.page(&search(&[&e], "", &[order])).await, Err(Error::Invalid(_))), "{order}");
    }
    for pattern in [format!("{}b%", "%a".repeat(999)), format!("%{}b%", "a_".repeat(900)), "%a_".repeat(600) + "b"] {
        assert!(lab.ids(&[&e], &format!("params.x LIKE '{pattern}'"), &[]).await.is_empty());
    }
    assert!(lab.ids(&[&e], "params.x = 'x'' OR ''1''=''1'", &[]).await.is_empty());
    assert!(lab.ids(&[&e], "tags.`a'; DROP TABLE tags; --` = 'x'", &["params.`\\'; --`"]).await.is_empty());
    assert!(start.elapsed().as_secs() < 20);
    assert_eq!(lab.ids(&[&e], "", &[]).await.len(), 1);
}

#[tokio::test]
async fn a_small_memory_changes_no_answer() {
    let lab = Lab::new().await;
    let mut portal = lab.test.portal.clone();
    portal.indexes = std::sync::Arc::new(tracking::Indexes::within(10_000, 4_000));
    let (e, f) = (lab.experiment("e").await, lab.experiment("f").await);
    for i in 0..20 {
        let long = format!("{i}{}", "x".repeat(500));
        lab.run(if i % 2 == 0 { &e } else { &f }, i, batch(&[("m", 1.0)], &[("long", &long), ("short", "s")], &[])).await;
    }
    let ask = async |asked: RunSearch| tracking::search_runs(&portal, &lab.ada, "red", &asked).await;
    for _ in 0..3 {
        assert_eq!(ask(search(&[&e, &f], "params.long LIKE '1%' and params.short = 's'", &[])).await.expect("found").runs.len(), 11);
        assert_eq!(ask(search(&[&e], "params.long IS NOT NULL and metrics.m = 1", &["metrics.m"])).await.expect("found").runs.len(), 10);
        assert_eq!(ask(search(&[&f], "params.long IS NULL", &[])).await.expect("found").runs.len(), 0);
        assert_eq!(ask(search(&[&f], "params.long != '7'", &["run_name"])).await.expect("found").runs.len(), 10);
        assert!(matches!(ask(search(&[&e], "", &["params.long"])).await, Err(Error::Invalid(_))));
    }
    assert!(portal.indexes.bytes() < 20_000, "{}", portal.indexes.bytes());
}

#[tokio::test]
async fn experiments_are_found_by_name_time_id_and_tags() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let make = async |name: &str, tags: &[(&str, &str)]| {
        portal.clock.advance(1000);
        let tags: Vec<Tag> = tags.iter().map(|(key, value)| Tag::new(*key, *value)).collect();
        experiments::create(portal, &lab.ada, "red", name, None, &tags).await.expect("made")
    };
    let (a, b, c) = (make("Abc", &[("k", "1")]).await, make("abd", &[("k", "2")]).await, make("xyz", &[]).await);
    experiments::delete(portal, &lab.ada, "red", &c).await.expect("deleted");
    let ask = async |filter: &str, order_by: &[&str], view| {
        let order_by = order_by.iter().map(|text| (*text).to_owned()).collect();
        let asked = ExperimentSearch { filter: filter.to_owned(), order_by, view, ..ExperimentSearch::default() };
        let page = tracking::search_experiments(portal, &lab.ada, "red", &asked).await;
        page.map(|page| page.experiments.into_iter().map(|e| e.id).collect::<Vec<_>>())
    };
    let zero = ExperimentId("0".into());
    let start = portal.clock.now() - 1500;
    for (filter, expected) in [
        (String::new(), vec![&b, &a, &zero]),
        ("name = 'Abc'".to_owned(), vec![&a]),
        ("name LIKE 'ab%'".to_owned(), vec![&b]),
        ("name ILIKE 'ab%'".to_owned(), vec![&b, &a]),
        ("attributes.name != 'Abc'".to_owned(), vec![&b, &zero]),
        ("tags.k != '1'".to_owned(), vec![&b]),
        ("tag.`k` = '1' AND name ILIKE 'a%'".to_owned(), vec![&a]),
        ("tags.k IS NULL".to_owned(), vec![&zero]),
        ("tags.k IS NOT NULL".to_owned(), vec![&b, &a]),
        (format!("experiment_id = '{a}'"), vec![&a]),
        (format!("experiment_id NOT IN ('{a}', '0')"), vec![&b]),
        (format!("creation_time >= {start}"), vec![&b]),
        (format!("last_update_time < {start}"), vec![&a, &zero]),
    ] {
        let expected: Vec<ExperimentId> = expected.into_iter().cloned().collect();
        assert_eq!(ask(&filter, &[], View::Active).await.unwrap_or_else(|e| panic!("{filter}: {e}")), expected, "{filter}");
    }
    assert_eq!(ask("", &["name"], View::All).await.expect("found"), [a.clone(), zero.clone(), b.clone(), c.clone()]);
    assert_eq!(ask("", &["name DESC"], View::Deleted).await.expect("found"), [c]);
    assert_eq!(ask("", &["experiment_id ASC"], View::Active).await.expect("found"), [zero, a, b]);
    for (filter, order) in [
        ("name ==== 'x'", "name"),
        ("nosuch = 'x'", "name"),
        ("metrics.a = 1", "name"),
        ("name IN ('a')", "name"),
        ("experiment_id = 'x'", "name"),
        ("creation_time > 1.5", "name"),
        ("name IS NULL", "name"),
        ("", "tags.k"),
        ("", "nosuch"),
    ] {
        assert!(matches!(ask(filter, &[order], View::Active).await, Err(Error::Invalid(_))), "{filter} {order}");
    }
    let eve = lab.test.caller("eve").await;
    let theirs = tracking::search_experiments(portal, &eve, "blue", &ExperimentSearch::default()).await.expect("found").experiments;
    assert_eq!(theirs.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["Default"]);
    assert!(matches!(tracking::search_experiments(portal, &eve, "red", &ExperimentSearch::default()).await, Err(Error::NotFound("team"))));
}
