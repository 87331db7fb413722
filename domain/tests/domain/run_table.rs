//! Tables of runs: any part by its place, what came since, runs below others, changes of many at once, exports and views.

use domain::{
    Caller, Error,
    model::{
        BULK_MOST, Batch, ExperimentId, Metric, NewRun, PlacedRun, Role, RunField, RunId, RunStatus, RunTable, RunWindow, TableColumn,
        TableRow, Tag, View,
    },
    testing::TestPortal,
    tracking::{self, bulk, experiments, runs, views},
};
use futures::StreamExt;

struct Lab {
    test: TestPortal,
    ada: Caller,
    experiment: ExperimentId,
}

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("red", &[("ada", Role::Member), ("bob", Role::Member), ("vera", Role::Viewer)]).await;
        test.team("blue", &[("eve", Role::Admin)]).await;
        let ada = test.caller("ada").await;
        let experiment = experiments::create(&test.portal, &ada, "red", "e", None, &[]).await.expect("an experiment");
        Self { test, ada, experiment }
    }

    async fn run(&self, caller: &Caller, start: i64, tags: &[(&str, &str)]) -> RunId {
        let tags = tags.iter().map(|(key, value)| Tag::new(*key, *value)).collect();
        let new = NewRun {
            experiment: Some(self.experiment.clone()),
            start_time: Some(start),
            name: format!("run-{start}"),
            tags,
            ..NewRun::default()
        };
        let id = runs::create(&self.test.portal, caller, "red", new).await.expect("a run").id;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let metrics = vec![Metric { key: "loss".into(), value: 1.0 / start as f64, timestamp: 1, step: 0 }];
        let batch = Batch { metrics, params: vec![Tag::new("lr", start.to_string())], ..Batch::default() };
        runs::log(&self.test.portal, caller, "red", &id, batch).await.expect("logged");
        id
    }

    async fn window(&self, ask: &RunTable, offset: usize, limit: usize) -> RunWindow {
        tracking::runs_window(&self.test.portal, &self.ada, "red", ask, offset, limit).await.expect("a window")
    }

    fn all(&self) -> RunTable {
        RunTable::of(self.experiment.clone())
    }
}

fn placed(row: &TableRow) -> &PlacedRun {
    match row {
        TableRow::Run(placed) => placed,
        TableRow::Group(group) => panic!("a group: {group:?}"),
    }
}

fn names(window: &RunWindow) -> Vec<&str> {
    window.rows.iter().map(|row| placed(row).run.name.as_str()).collect()
}

#[tokio::test]
async fn a_window_is_a_part_of_the_sorted_result_with_the_count_of_all() {
    let lab = Lab::new().await;
    let bob = lab.test.caller("bob").await;
    for start in 1..=7 {
        lab.run(if start == 4 { &bob } else { &lab.ada }, start, &[]).await;
    }
    let window = lab.window(&lab.all(), 2, 3).await;
    assert_eq!((window.total, window.newer, names(&window)), (7, 0, vec!["run-5", "run-4", "run-3"]));
    assert_eq!(placed(&window.rows[0]).run.metrics[0].key, "loss");
    assert!(names(&lab.window(&lab.all(), 7, 3).await).is_empty() && names(&lab.window(&lab.all(), usize::MAX, 3).await).is_empty());
    let least = RunTable { order_by: vec!["metrics.loss ASC".into()], filter: "metrics.loss < 0.5".into(), ..lab.all() };
    let window = lab.window(&least, 1, 2).await;
    assert_eq!((window.total, names(&window)), (5, vec!["run-6", "run-5"]));
    let mine = RunTable { mine: true, since: Some(3), status: Some(RunStatus::Running), ..lab.all() };
    assert_eq!(names(&lab.window(&mine, 0, 9).await), ["run-7", "run-6", "run-5", "run-3"]);
    let none = RunTable { status: Some(RunStatus::Failed), ..lab.all() };
    assert_eq!(lab.window(&none, 0, 9).await.total, 0);
    let ids = tracking::run_ids(&lab.test.portal, &lab.ada, "red", &mine, 1, 2).await.expect("ids");
    assert_eq!(ids.len(), 2);
    let keys = tracking::run_keys(&lab.test.portal, &lab.ada, "red", &lab.experiment).await.expect("keys");
    assert_eq!((keys.metrics, keys.params, keys.tags), (vec!["loss".to_owned()], vec!["lr".to_owned()], vec!["mlflow.runName".to_owned()]));
}

#[tokio::test]
async fn runs_that_come_while_a_table_is_read_are_counted_and_move_nothing() {
    let lab = Lab::new().await;
    for start in 1..=3 {
        lab.run(&lab.ada, start, &[]).await;
    }
    let first = lab.window(&lab.all(), 0, 2).await;
    let still = RunTable { horizon: first.newest.clone(), ..lab.all() };
    let new = lab.run(&lab.ada, 9, &[("k", "v")]).await;
    let window = lab.window(&still, 0, 2).await;
    assert_eq!((window.total, window.newer, names(&window)), (3, 1, names(&first)));
    assert_eq!(window.newest, Some(new.clone()));
    let window = lab.window(&RunTable { horizon: window.newest, ..lab.all() }, 0, 2).await;
    assert_eq!((window.total, window.newer, names(&window)), (4, 0, vec!["run-9", "run-3"]));
    // What changes is seen at once.
    let done = bulk::delete(&lab.test.portal, &lab.ada, "red", &[new]).await.expect("deleted");
    assert_eq!((done.done.len(), lab.window(&lab.all(), 0, 9).await.total), (1, 3));
    let keys = tracking::run_keys(&lab.test.portal, &lab.ada, "red", &lab.experiment).await.expect("keys");
    assert!(keys.tags.contains(&"k".to_owned()));
}

#[tokio::test]
async fn runs_stand_below_their_parents_where_these_are_unfolded() {
    let lab = Lab::new().await;
    let top = lab.run(&lab.ada, 1, &[]).await;
    let child = lab.run(&lab.ada, 2, &[("mlflow.parentRunId", top.as_str())]).await;
    lab.run(&lab.ada, 3, &[("mlflow.parentRunId", child.as_str())]).await;
    lab.run(&lab.ada, 4, &[("mlflow.parentRunId", "nobody")]).await;
    let own = lab.run(&lab.ada, 5, &[]).await;
    let tag = Tag::new("mlflow.parentRunId", own.as_str());
    bulk::set_tag(&lab.test.portal, &lab.ada, "red", std::slice::from_ref(&own), &tag).await.expect("tagged");
    let nested = RunTable { nested: true, ..lab.all() };
    let window = lab.window(&nested, 0, 9).await;
    assert_eq!((window.total, names(&window)), (3, vec!["run-5", "run-4", "run-1"]));
    assert_eq!((placed(&window.rows[2]).children, placed(&window.rows[2]).open), (1, false));
    let window = lab.window(&RunTable { open: vec![top, child], ..nested }, 1, 9).await;
    let seen: Vec<_> = window.rows.iter().map(placed).map(|row| (row.run.name.as_str(), row.depth, row.children)).collect();
    assert_eq!((window.total, seen), (5, vec![("run-4", 0, 0), ("run-1", 0, 1), ("run-2", 1, 1), ("run-3", 2, 0)]));
}

#[tokio::test]
async fn runs_are_grouped_by_what_they_have_in_common_with_the_means_of_metrics() {
    let lab = Lab::new().await;
    for (start, stage) in [(1, "b"), (2, "a"), (4, "b"), (5, ""), (8, "a")] {
        let tags: &[(&str, &str)] = if stage.is_empty() { &[] } else { &[("stage", stage)] };
        lab.run(&lab.ada, start, tags).await;
    }
    let by_stage =
        RunTable { group: Some(TableColumn::Tag("stage".into())), means: vec!["loss".into(), "none".into()], nested: true, ..lab.all() };
    let window = lab.window(&by_stage, 0, 9).await;
    let group = |row: &TableRow| match row {
        TableRow::Group(group) => group.clone(),
        TableRow::Run(run) => panic!("a run: {run:?}"),
    };
    let said: Vec<_> = window.rows.iter().map(group).map(|g| (g.value, g.runs, g.open, g.means)).collect();
    let of = |value: Option<&str>, runs, mean| (value.map(str::to_owned), runs, false, vec![Some(mean), None]);
    // In the order of the newest run of each.
    assert_eq!(said, [of(Some("a"), 2, 0.3125), of(None, 1, 0.2), of(Some("b"), 2, 0.625)]);
    assert_eq!((window.total, window.runs, window.groups), (3, 5, 3));

    let b = group(&window.rows[2]).id;
    let open =
        RunTable { open: vec![b], order_by: vec!["metrics.loss ASC".into()], filter: "metrics.loss < 0.9".into(), ..by_stage.clone() };
    let window = lab.window(&open, 1, 9).await;
    assert_eq!((window.total, window.runs, window.groups), (4, 4, 3));
    assert_eq!((group(&window.rows[0]).value, group(&window.rows[1]).open), (None, true));
    let run = placed(&window.rows[2]);
    assert_eq!((run.run.name.as_str(), run.depth), ("run-4", 1));
    let ids = tracking::run_ids(&lab.test.portal, &lab.ada, "red", &open, 0, 9).await.expect("ids");
    assert_eq!(ids.len(), 4, "also those that are folded");

    for (column, groups) in [("p.lr", 5), ("a.status", 1), ("a.user", 1), ("t.nothing", 1)] {
        let window = lab.window(&RunTable { group: Some(column.parse().expect("a column")), ..lab.all() }, 0, 9).await;
        assert_eq!((window.groups, window.runs), (groups, 5), "{column}");
    }
    let horizon = lab.window(&lab.all(), 0, 1).await.newest;
    lab.run(&lab.ada, 9, &[("stage", "c")]).await;
    let still = lab.window(&RunTable { horizon, ..by_stage.clone() }, 0, 9).await;
    assert_eq!((still.groups, still.runs, still.newer), (3, 5, 1));
    for bad in ["m.loss", "a.name", "a.started"] {
        let ask = RunTable { group: Some(bad.parse().expect("a column")), ..lab.all() };
        let refused = tracking::runs_window(&lab.test.portal, &lab.ada, "red", &ask, 0, 9).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{bad}");
    }
}

#[tokio::test]
async fn many_runs_are_changed_at_once_and_what_cannot_be_is_told() {
    let lab = Lab::new().await;
    let (a, b, c) = (lab.run(&lab.ada, 1, &[]).await, lab.run(&lab.ada, 2, &[]).await, lab.run(&lab.ada, 3, &[]).await);
    let portal = &lab.test.portal;
    bulk::delete(portal, &lab.ada, "red", std::slice::from_ref(&c)).await.expect("deleted");
    let eve = lab.test.caller("eve").await;
    let theirs = runs::create(portal, &eve, "blue", NewRun::default()).await.expect("a run").id;
    let asked = [b.clone(), theirs.clone(), a.clone(), c.clone(), b.clone()];
    let done = bulk::set_tag(portal, &lab.ada, "red", &asked, &Tag::new("stage", "seen")).await.expect("tagged");
    assert_eq!(done.done, [b.clone(), a.clone()]);
    let failed: Vec<_> = done.failed.iter().map(|(id, why)| (id, why.contains("deleted"))).collect();
    assert_eq!(failed, [(&theirs, false), (&c, true)]);
    let tagged = RunTable { filter: "tags.stage = 'seen'".into(), ..lab.all() };
    assert_eq!(lab.window(&tagged, 0, 9).await.total, 2);
    bulk::remove_tag(portal, &lab.ada, "red", &[a.clone(), b.clone()], "stage").await.expect("untagged");
    assert_eq!(lab.window(&tagged, 0, 9).await.total, 0);

    let done = bulk::delete(portal, &lab.ada, "red", &[a.clone(), b.clone(), c.clone()]).await.expect("deleted");
    assert_eq!((done.done.len(), lab.window(&lab.all(), 0, 9).await.total), (3, 0));
    assert_eq!(lab.window(&RunTable { view: View::Deleted, ..lab.all() }, 0, 9).await.total, 3);
    bulk::restore(portal, &lab.ada, "red", &[a, b, theirs.clone()]).await.expect("restored");
    assert_eq!(lab.window(&lab.all(), 0, 9).await.total, 2);

    for key in ["", "slipway.x", "mlflow.runName", "a!"] {
        let refused = bulk::set_tag(portal, &lab.ada, "red", std::slice::from_ref(&c), &Tag::new(key, "v")).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{key}");
    }
    let many = vec![c.clone(); BULK_MOST + 1];
    assert!(matches!(bulk::delete(portal, &lab.ada, "red", &many).await, Err(Error::Invalid(_))));
    let vera = lab.test.caller("vera").await;
    assert!(matches!(bulk::delete(portal, &vera, "red", std::slice::from_ref(&c)).await, Err(Error::Forbidden(_))));
    assert!(matches!(bulk::delete(portal, &eve, "red", &[theirs]).await, Err(Error::NotFound(_))));
    let foreign = tracking::runs_window(portal, &eve, "blue", &lab.all(), 0, 9).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_table_is_exported_whole_and_harmless() {
    let lab = Lab::new().await;
    for start in 1..=300 {
        lab.run(&lab.ada, start, &[("note", "=cmd()")]).await;
    }
    let columns = [TableColumn::Metric("loss".into()), TableColumn::Tag("note".into()), TableColumn::Field(RunField::Started)];
    let ask = RunTable { order_by: vec!["params.lr DESC".into()], ..lab.all() };
    let (columns, pieces) = tracking::export_runs(&lab.test.portal, &lab.ada, "red", &ask, &columns).await.expect("an export");
    let lines: Vec<String> = pieces.map(|piece| tracking::csv_lines(&piece.expect("a piece"), &columns)).collect().await;
    let text = tracking::csv_head(&columns) + &lines.concat();
    assert_eq!((text.lines().count(), text.matches("\"'=cmd()\"").count()), (301, 300));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("\"Run\",\"Run id\",\"loss\",\"note\",\"Started\""));
    assert!(lines.next().is_some_and(|line| line.starts_with("\"run-99\",") && line.ends_with("1970-01-01T00:00:00.099Z")));
}

#[tokio::test]
async fn views_are_a_persons_own_or_the_teams() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let (bob, vera, eve) = (lab.test.caller("bob").await, lab.test.caller("vera").await, lab.test.caller("eve").await);
    let of = &lab.experiment;
    let save = async |who: &Caller, name: &str, query: &str, shared| views::save(portal, who, "red", of, name, query, shared).await;
    let seen = async |who: &Caller| {
        let all = views::list(portal, who, "red", of).await.expect("views");
        all.into_iter().map(|view| (view.name, view.query, view.shared, view.id)).collect::<Vec<_>>()
    };
    save(&lab.ada, "best", "?sort=-metrics.loss", false).await.expect("saved");
    save(&lab.ada, " best ", "sort=metrics.loss", false).await.expect("saved again");
    save(&lab.ada, "team's", "filter=metrics.loss%20%3C%201", true).await.expect("saved");
    save(&vera, "best", "", false).await.expect("a viewer has views too");
    assert!(matches!(save(&vera, "x", "", true).await, Err(Error::Forbidden(_))));
    for (name, query) in [("", ""), ("a\nb", ""), ("long", &*"x".repeat(7000)), ("odd", "a#b"), ("odd", "a b"), (&*"n".repeat(81), "")] {
        assert!(matches!(save(&lab.ada, name, query, false).await, Err(Error::Invalid(_))), "{name}");
    }
    let mine = seen(&lab.ada).await;
    assert_eq!(
        mine.iter().map(|(n, q, s, _)| (n.as_str(), q.as_str(), *s)).collect::<Vec<_>>(),
        [("best", "sort=metrics.loss", false), ("team's", "filter=metrics.loss%20%3C%201", true)]
    );
    assert_eq!((seen(&bob).await.len(), seen(&vera).await.len()), (1, 2));
    let (own, shared) = (&mine[0].3, &mine[1].3);
    assert!(matches!(views::delete(portal, &bob, "red", of, own).await, Err(Error::NotFound(_))));
    assert!(matches!(views::rename(portal, &vera, "red", of, shared, "x").await, Err(Error::Forbidden(_))));
    assert!(matches!(views::delete(portal, &eve, "blue", of, shared).await, Err(Error::NotFound(_))));
    save(&lab.ada, "other", "", false).await.expect("saved");
    assert!(matches!(views::rename(portal, &lab.ada, "red", of, own, "other").await, Err(Error::AlreadyExists(_))));
    views::rename(portal, &bob, "red", of, shared, "everybody's").await.expect("renamed");
    views::delete(portal, &lab.ada, "red", of, own).await.expect("deleted");
    assert_eq!(seen(&lab.ada).await.into_iter().map(|(name, ..)| name).collect::<Vec<_>>(), ["everybody's", "other"]);
}
