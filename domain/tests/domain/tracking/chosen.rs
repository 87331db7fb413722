//! Runs that are compared: by id and by filter, of the team only, with columns that say what the runs themselves do.

use super::{Lab, metric};
use domain::{
    Error,
    model::{Batch, ExperimentId, NewRun, Run, RunId, RunSearch, Tag},
    tracking::{self, ChosenRuns, RunText},
};
use std::collections::{BTreeMap, BTreeSet};

/// Three hundred runs, newest last: each third without a param, each fifth without a metric.
async fn fill(lab: &Lab) -> Vec<RunId> {
    let mut made = Vec::new();
    for i in 0..300 {
        let new = NewRun { name: format!("n{}", i % 7), start_time: Some(1000 + i), ..NewRun::default() };
        let run = tracking::runs::create(&lab.portal, &lab.ada, "vision", new).await.expect("a run").id;
        let params = if i % 3 == 0 {
            Vec::new()
        } else {
            vec![Tag::new("lr", format!("0.{}", i % 4)), Tag::new("Seed", i.to_string()), Tag::new("a-b", "same"), Tag::new("Zero", "0")]
        };
        let tags = vec![Tag::new("kind", if i % 2 == 0 { "even" } else { "odd" })];
        let value = if i == 1 { f64::NAN } else { 0.5 };
        let metrics = if i % 5 == 0 { Vec::new() } else { vec![metric("m", value, i, 1), metric("m", value + 1.0, i + 1, 2)] };
        lab.log(&run, Batch { params, tags, metrics, ..Batch::default() }).await.expect("logged");
        made.push(run);
    }
    made
}

/// The columns say what the whole runs do.
async fn agree(lab: &Lab, chosen: &ChosenRuns) -> Vec<Run> {
    let whole = chosen.whole(&lab.portal, usize::MAX).await.expect("whole runs");
    assert_eq!(chosen.as_slice().iter().map(|run| &run.id).collect::<Vec<_>>(), whole.iter().map(|run| &run.id).collect::<Vec<_>>());
    let names = chosen.texts(&lab.portal, RunText::Name).await.expect("names");
    let params = chosen.texts(&lab.portal, RunText::Param("lr")).await.expect("params");
    let tags = chosen.texts(&lab.portal, RunText::Tag("kind")).await.expect("tags");
    let latest = chosen.latest(&lab.portal, "m").await.expect("metrics");
    let keys = chosen.keys(&lab.portal).await.expect("keys");
    let asked: Vec<(usize, String)> = (0..whole.len()).map(|i| (i, "m".to_owned())).collect();
    let curves = chosen.curves(&lab.portal, &asked, |i, points| (i, points.len())).await.expect("histories");
    let of = |pairs: &[Tag], key: &str| pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.clone());
    for (i, (run, short)) in whole.iter().zip(chosen.as_slice()).enumerate() {
        assert_eq!(
            (&short.experiment, short.status, short.start_time, short.end_time),
            (&run.experiment, run.status, run.start_time, run.end_time)
        );
        assert_eq!(names.get(i), Some(run.name.as_str()));
        assert_eq!((params.get(i).map(str::to_owned), tags.get(i).map(str::to_owned)), (of(&run.params, "lr"), of(&run.tags, "kind")));
        let value = run.metrics.iter().find(|metric| metric.key == "m").map(|metric| metric.value);
        assert_eq!(latest[i].map(f64::is_nan), value.map(f64::is_nan), "{i}");
        assert!(value.is_none_or(f64::is_nan) || latest[i] == value, "{i}: {:?} {value:?}", latest[i]);
        assert_eq!(curves[i], (i, if value.is_some() { 2 } else { 0 }));
    }
    let ordered = |keys: BTreeSet<&String>| keys.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(keys.metrics, ordered(whole.iter().flat_map(|run| run.metrics.iter().map(|metric| &metric.key)).collect()));
    assert_eq!(keys.params, ordered(whole.iter().flat_map(|run| run.params.iter().map(|param| &param.key)).collect()));
    assert_eq!(keys.tags, ordered(whole.iter().flat_map(|run| run.tags.iter().map(|tag| &tag.key)).collect()));
    let mut values: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for param in whole.iter().flat_map(|run| &run.params) {
        values.entry(&param.key).or_default().insert(&param.value);
    }
    let varying: Vec<&String> = values.into_iter().filter(|(_, values)| values.len() > 1).map(|(key, _)| key).collect();
    assert_eq!(chosen.varying(&lab.portal).await.expect("params").iter().collect::<Vec<_>>(), varying);
    assert_eq!(chosen.texts(&lab.portal, RunText::Param("none")).await.expect("nothing").words, Vec::<String>::new());
    whole
}

#[tokio::test]
async fn columns_of_chosen_runs_say_what_the_runs_do() {
    let lab = Lab::new().await;
    let made = fill(&lab).await;
    let choose = async |ids: &[RunId], filter: Option<&str>, most| {
        let experiment = ExperimentId("0".to_owned());
        tracking::choose_runs(&lab.portal, &lab.ada, "vision", ids, filter.map(|filter| (&experiment, filter)), most).await
    };
    let ids = |runs: &[Run]| runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>();
    // By name: in that order, each once.
    let mut asked: Vec<RunId> = made.iter().rev().cloned().collect();
    asked.extend(made[..5].iter().cloned());
    let named = choose(&asked, None, 10_000).await.expect("chosen");
    assert_eq!(ids(&agree(&lab, &named).await), made.iter().rev().cloned().collect::<Vec<_>>());
    assert!(!named.has_more());
    // By filter, as a search finds them.
    for filter in ["", "tags.kind = 'odd'", "metrics.m > 1 AND params.lr = '0.1'", "tags.kind = 'never'"] {
        let found = choose(&[], Some(filter), 10_000).await.expect("chosen");
        let search = RunSearch {
            experiments: vec![ExperimentId("0".to_owned())],
            filter: filter.to_owned(),
            max_results: 1000,
            ..RunSearch::default()
        };
        let wanted = tracking::search_runs(&lab.portal, &lab.ada, "vision", &search).await.expect("found");
        assert_eq!(ids(&agree(&lab, &found).await), ids(&wanted.runs), "{filter}");
    }
    // Both: the named first, none twice, and no more than may be.
    let both = choose(&made[..2], Some("tags.kind = 'even'"), 10_000).await.expect("chosen");
    let whole = agree(&lab, &both).await;
    assert_eq!((whole.len(), &whole[0].id, &whole[1].id), (151, &made[0], &made[1]));
    let few = choose(&made[..2], Some("tags.kind = 'even'"), 10).await.expect("chosen");
    assert_eq!((agree(&lab, &few).await.len(), few.has_more()), (10, true));
    let exactly = choose(&made[..1], Some("tags.kind = 'even'"), 150).await.expect("chosen");
    assert_eq!((exactly.as_slice().len(), exactly.has_more()), (150, false));
    // A few of many are read by their numbers, which says the same.
    agree(&lab, &choose(&[], Some("params.Seed = '7'"), 10_000).await.expect("chosen")).await;
    // What is deleted is found by its id only.
    tracking::runs::delete(&lab.portal, &lab.ada, "vision", &made[4]).await.expect("deleted");
    assert_eq!(choose(&[], Some(""), 10_000).await.expect("chosen").as_slice().len(), 299);
    assert_eq!(choose(&made[4..5], None, 10_000).await.expect("chosen").as_slice().len(), 1);
}

#[tokio::test]
async fn runs_of_others_are_not_there_and_a_filter_must_be_readable() {
    let lab = Lab::new().await;
    let mine = lab.run().await;
    let theirs = tracking::runs::create(&lab.portal, &lab.eve, "speech", NewRun::default()).await.expect("a run").id;
    let choose = async |caller, ids: &[RunId], search: Option<(&str, &str)>| {
        let experiment = search.map(|(id, _)| ExperimentId(id.to_owned()));
        let search = experiment.as_ref().zip(search.map(|(_, filter)| filter));
        tracking::choose_runs(&lab.portal, caller, "vision", ids, search, 100).await.map(|runs| runs.as_slice().len())
    };
    for foreign in [theirs, RunId::from("none")] {
        assert!(matches!(choose(&lab.ada, &[mine.clone(), foreign], None).await, Err(Error::NotFound("run"))));
    }
    assert!(matches!(choose(&lab.eve, &[], None).await, Err(Error::NotFound(_))));
    assert!(matches!(choose(&lab.ada, &[], Some(("99", ""))).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(choose(&lab.ada, &[], Some(("0", "nonsense"))).await, Err(Error::Invalid(_))));
    assert_eq!(choose(&lab.ada, &[], None).await.expect("nothing"), 0);
}
