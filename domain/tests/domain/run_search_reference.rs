//! Random searches over random runs, against the plainest way to answer them.

use domain::{
    Caller,
    model::{Batch, ExperimentId, Metric, NewRun, Role, RunChange, RunId, RunSearch, RunStatus, Tag, View},
    testing::TestPortal,
    tracking::{self, experiments, runs},
};
use std::{cmp::Ordering, collections::BTreeMap};

/// A generator that gives the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len())]
    }
}

const NUMBERS: [f64; 8] = [0.0, -0.0, 1.0, 2.5, -3.0, 1e300, f64::NAN, f64::INFINITY];
const TEXTS: [&str; 8] = ["", "a", "ab", "Ab", "abc", "b_", "ä%", "it's \"x\"\n\\"];
const NAMES: [&str; 3] = ["x", "y z", "q/r"];

/// What a run is supposed to be.
#[derive(Clone, Debug)]
struct Known {
    id: RunId,
    experiment: usize,
    start: Option<i64>,
    end: Option<i64>,
    status: RunStatus,
    name: String,
    deleted: bool,
    metrics: BTreeMap<&'static str, f64>,
    params: BTreeMap<&'static str, &'static str>,
    tags: BTreeMap<&'static str, &'static str>,
}

enum Cell<'a> {
    Number(Option<f64>),
    Text(Option<&'a str>),
}

impl Known {
    fn cell(&self, target: &Target) -> Cell<'_> {
        #[expect(clippy::cast_precision_loss, reason = "small times")]
        let time = |time: Option<i64>| Cell::Number(time.map(|t| t as f64));
        match target {
            Target::Metric(key) => Cell::Number(self.metrics.get(key).copied()),
            Target::Param(key) => Cell::Text(self.params.get(key).copied()),
            Target::Tag(key) => Cell::Text(self.tags.get(key).copied()),
            Target::Start => time(self.start),
            Target::End => time(self.end),
            Target::Status => Cell::Text(Some(self.status.as_str())),
            Target::Name => Cell::Text(Some(&self.name)),
            Target::Id => Cell::Text(Some(self.id.as_str())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Metric(&'static str),
    Param(&'static str),
    Tag(&'static str),
    Start,
    End,
    Status,
    Name,
    Id,
}

impl Target {
    fn any(dice: &mut Dice) -> Self {
        let key = dice.of(&NAMES);
        dice.of(&[
            Self::Metric(key),
            Self::Param(key),
            Self::Tag(key),
            Self::Metric(key),
            Self::Start,
            Self::End,
            Self::Status,
            Self::Name,
            Self::Id,
        ])
    }
    fn written(self) -> String {
        match self {
            Self::Metric(key) => format!("metrics.`{key}`"),
            Self::Param(key) => format!("params.\"{key}\""),
            Self::Tag(key) => format!("tag.`{key}`"),
            Self::Start => "start_time".into(),
            Self::End => "attributes.end_time".into(),
            Self::Status => "status".into(),
            Self::Name => "run_name".into(),
            Self::Id => "run_id".into(),
        }
    }
}

/// LIKE by trying everything.
fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|from| like(rest, &text[from..])),
        Some(('_', rest)) => !text.is_empty() && like(rest, &text[1..]),
        Some((c, rest)) => text.first() == Some(c) && like(rest, &text[1..]),
    }
}

type Condition = (String, Box<dyn Fn(&Known) -> bool>);

fn condition(dice: &mut Dice, ids: &[RunId]) -> Condition {
    let target = Target::any(dice);
    if matches!(target, Target::Metric(_) | Target::Start | Target::End) {
        let (op, than) = (dice.of(&[">", ">=", "=", "!=", "<", "<="]), dice.of(&[0.0, 1.0, 2.5, -3.0, 2.0, 3.0]));
        #[expect(clippy::float_cmp, reason = "what the filter asks")]
        let fits = move |value: f64| match op {
            ">" => value > than,
            ">=" => value >= than,
            "=" => value == than,
            "!=" => value != than,
            "<" => value < than,
            _ => value <= than,
        };
        let holds = move |run: &Known| matches!(run.cell(&target), Cell::Number(Some(value)) if fits(value));
        return (format!("{} {op} {than}", target.written()), Box::new(holds));
    }
    if target == Target::Id && dice.roll(2) == 0 {
        let (some, not) = ([ids[dice.roll(ids.len())].clone(), ids[dice.roll(ids.len())].clone()], dice.roll(2) == 0);
        let text = format!("run_id {} ('{}', '{}')", if not { "NOT IN" } else { "in" }, some[0], some[1]);
        return (text, Box::new(move |run| some.contains(&run.id) != not));
    }
    if matches!(target, Target::Param(_) | Target::Tag(_)) && dice.roll(3) == 0 {
        let is = dice.roll(2) == 0;
        let text = format!("{} {}", target.written(), if is { "IS NULL" } else { "is not null" });
        return (text, Box::new(move |run| matches!(run.cell(&target), Cell::Text(None)) == is));
    }
    let (op, value) = (
        dice.of(&["=", "!=", "LIKE", "ILIKE"]),
        dice.of(&["", "a", "ab", "%b%", "a_", "_%", "FINISHED", "%i%n", "%", "ä%", "it's \"x\"\n\\"]),
    );
    let fits = move |text: &str| {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        match op {
            "=" => text == value,
            "!=" => text != value,
            "LIKE" => like(&chars(value), &chars(text)),
            _ => like(&chars(&value.to_lowercase()), &chars(&text.to_lowercase())),
        }
    };
    let holds = move |run: &Known| matches!(run.cell(&target), Cell::Text(Some(text)) if fits(text));
    (format!("{} {op} '{}'", target.written(), value.replace('\'', "''")), Box::new(holds))
}

fn compare(a: &Known, b: &Known, order: &[(Target, bool)]) -> Ordering {
    let turn = |order: Ordering, ascending: bool| if ascending { order } else { order.reverse() };
    for (target, ascending) in order {
        let result = match (a.cell(target), b.cell(target)) {
            (Cell::Number(Some(x)), Cell::Number(Some(y))) if x.is_nan() || y.is_nan() => x.is_nan().cmp(&y.is_nan()),
            (Cell::Number(Some(x)), Cell::Number(Some(y))) => turn(x.partial_cmp(&y).expect("numbers"), *ascending),
            (Cell::Number(x), Cell::Number(y)) => x.is_none().cmp(&y.is_none()),
            (Cell::Text(Some(x)), Cell::Text(Some(y))) => turn(x.cmp(y), *ascending),
            (Cell::Text(x), Cell::Text(y)) => x.is_none().cmp(&y.is_none()),
            _ => unreachable!("one target has one kind"),
        };
        if result != Ordering::Equal {
            return result;
        }
    }
    b.start.cmp(&a.start).then_with(|| a.id.cmp(&b.id))
}

struct World {
    test: TestPortal,
    ada: Caller,
    experiments: Vec<ExperimentId>,
    known: Vec<Known>,
}

impl World {
    async fn create(&mut self, dice: &mut Dice) {
        let experiment = dice.roll(self.experiments.len());
        let start = dice.of(&[None, Some(1), Some(2), Some(3)]);
        let name = dice.of(&["a", "ab", "Ab c"]).to_owned();
        let new =
            NewRun { experiment: Some(self.experiments[experiment].clone()), start_time: start, name: name.clone(), ..NewRun::default() };
        let id = runs::create(&self.test.portal, &self.ada, "red", new).await.expect("made").id;
        let (metrics, params, tags) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let status = RunStatus::Running;
        self.known.push(Known { id, experiment, start, end: None, status, name, deleted: false, metrics, params, tags });
        let last = self.known.len() - 1;
        self.log(dice, last).await;
    }

    async fn log(&mut self, dice: &mut Dice, at: usize) {
        let run = &mut self.known[at];
        let mut batch = Batch::default();
        for key in NAMES {
            if dice.roll(2) == 0 {
                let (value, step) = (dice.of(&NUMBERS), i64::try_from(dice.roll(1 << 20)).expect("small"));
                // Later than everything before, so that it is the latest.
                let timestamp = self.test.portal.clock.now();
                batch.metrics.push(Metric { key: key.to_owned(), value, timestamp, step: timestamp * 2000 + step });
                run.metrics.insert(key, value);
                self.test.portal.clock.advance(1000);
            }
            if dice.roll(2) == 0 && !run.params.contains_key(key) {
                let value = dice.of(&TEXTS);
                batch.params.push(Tag::new(key, value));
                run.params.insert(key, value);
            }
            if dice.roll(2) == 0 {
                let value = dice.of(&TEXTS);
                batch.tags.push(Tag::new(key, value));
                run.tags.insert(key, value);
            }
        }
        runs::log(&self.test.portal, &self.ada, "red", &run.id, batch).await.expect("logged");
    }

    async fn change(&mut self, dice: &mut Dice) {
        let at = dice.roll(self.known.len());
        let (portal, ada) = (&self.test.portal.clone(), &self.ada.clone());
        let id = self.known[at].id.clone();
        if self.known[at].deleted {
            runs::restore(portal, ada, "red", &id).await.expect("restored");
            self.known[at].deleted = false;
            return;
        }
        match dice.roll(5) {
            0 => {
                runs::delete(portal, ada, "red", &id).await.expect("deleted");
                self.known[at].deleted = true;
            }
            1 => {
                let (status, end, name) = (dice.of(&RunStatus::ALL), i64::try_from(dice.roll(4)).expect("small"), dice.of(&["b", "Ab"]));
                let change = RunChange { status: Some(status), end_time: Some(end), name: Some(name.to_owned()) };
                runs::update(portal, ada, "red", &id, change).await.expect("changed");
                let run = &mut self.known[at];
                (run.status, run.end, run.name) = (status, Some(end), name.to_owned());
            }
            2 => {
                if let Some((key, _)) = self.known[at].tags.pop_first() {
                    runs::delete_tag(portal, ada, "red", &id, key).await.expect("removed");
                }
            }
            _ => self.log(dice, at).await,
        }
    }

    async fn ask(&self, dice: &mut Dice) {
        let ids: Vec<RunId> = self.known.iter().map(|run| run.id.clone()).collect();
        let conditions: Vec<Condition> = (0..dice.roll(4)).map(|_| condition(dice, &ids)).collect();
        let mut order: Vec<(Target, bool)> = Vec::new();
        for _ in 0..dice.roll(4) {
            let target = Target::any(dice);
            if !order.iter().any(|(other, _)| *other == target) {
                order.push((target, dice.roll(2) == 0));
            }
        }
        let view = dice.of(&[View::Active, View::Active, View::Deleted, View::All]);
        let among: Vec<usize> = (0..self.experiments.len()).filter(|_| dice.roll(3) > 0).collect();
        let max_results = i64::try_from(1 + dice.roll(60)).expect("small");
        let filter = conditions.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" AND ");
        let written = |(target, ascending): &(Target, bool)| format!("{} {}", target.written(), if *ascending { "ASC" } else { "desc" });
        let experiments = among.iter().map(|i| self.experiments[*i].clone()).collect();
        let order_by = order.iter().map(written).collect();
        let mut search = RunSearch { experiments, filter, view, order_by, max_results, page_token: String::new() };

        let fits =
            |run: &&Known| among.contains(&run.experiment) && view.shows(run.deleted) && conditions.iter().all(|(_, holds)| holds(run));
        let mut expected: Vec<&Known> = self.known.iter().filter(fits).collect();
        expected.sort_by(|a, b| compare(a, b, &order));
        let expected: Vec<RunId> = expected.into_iter().map(|run| run.id.clone()).collect();
        let mut found = Vec::new();
        loop {
            let page =
                tracking::search_runs(&self.test.portal, &self.ada, "red", &search).await.unwrap_or_else(|e| panic!("{search:?}: {e}"));
            assert!(page.runs.len() <= usize::try_from(max_results).expect("small"));
            for run in &page.runs {
                self.is_whole(run);
            }
            found.extend(page.runs.into_iter().map(|run| run.id));
            let Some(token) = page.next_page_token else { break };
            search.page_token = token;
        }
        assert_eq!(found, expected, "{search:?}");
    }

    /// Everything that the run logged is there.
    fn is_whole(&self, run: &domain::model::Run) {
        let known = self.known.iter().find(|known| known.id == run.id).expect("one of ours");
        // SQLite keeps no sign of zero.
        let same = |a: f64, b: f64| (a + 0.0).to_bits() == (b + 0.0).to_bits() || a.is_nan() && b.is_nan();
        let metrics = known.metrics.iter().zip(&run.metrics).all(|((key, value), m)| *key == m.key && same(*value, m.value));
        let tags =
            |known: &BTreeMap<&str, &str>, tags: &[Tag]| known.iter().zip(tags).all(|((key, value), t)| *key == t.key && *value == t.value);
        let tagged: Vec<Tag> = run.tags.iter().filter(|t| !t.key.starts_with("mlflow.")).cloned().collect();
        let lengths =
            known.metrics.len() == run.metrics.len() && known.params.len() == run.params.len() && known.tags.len() == tagged.len();
        assert!(metrics && lengths && tags(&known.params, &run.params) && tags(&known.tags, &tagged), "{known:?} {run:?}");
        assert_eq!((run.start_time, run.end_time, run.status, &run.name), (known.start, known.end, known.status, &known.name));
    }
}

#[tokio::test]
async fn random_searches_are_answered_as_the_plain_way_does() {
    let test = TestPortal::new().await;
    test.team("red", &[("ada", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    let mut experiments = Vec::new();
    for name in ["one", "two", "three"] {
        experiments.push(experiments::create(&test.portal, &ada, "red", name, None, &[]).await.expect("made"));
    }
    let (mut world, mut dice) = (World { test, ada, experiments, known: Vec::new() }, Dice(0x5eed_1234_5678_9abc));
    for round in 0..25 {
        for _ in 0..4 {
            world.create(&mut dice).await;
        }
        for _ in 0..(round % 5) {
            world.change(&mut dice).await;
        }
        for _ in 0..16 {
            world.ask(&mut dice).await;
        }
    }
}
