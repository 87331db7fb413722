//! What an address asks of the table: filter, order, columns with their widths.

use domain::model::{RunField, RunKeys, TableColumn};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Metrics, and params, that a table shows where nobody chose.
const DEFAULTS: usize = 5;
/// Pixels that a column may have.
const NARROW: u32 = 60;
const WIDE: u32 = 800;
/// Columns that can be pinned beside the name.
pub const PINS: usize = 3;

/// The parts of the page's address, as they are written there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableAsk {
    pub filter: String,
    pub sort: String,
    pub columns: String,
    /// `deleted`, or nothing for the active ones.
    pub show: String,
    /// `running`, `finished`, `failed`.
    pub status: String,
    /// `1` for the caller's own.
    pub mine: String,
    /// Started in so many hours.
    pub last: String,
    /// `1` for runs below their parents.
    pub nested: String,
    /// A column whose values group the runs: `p.lr`, `t.team`, `a.status`.
    pub group: String,
    /// Runs, or groups, that are unfolded, parted by commas.
    pub open: String,
    /// The newest run that is shown.
    pub horizon: String,
}

impl TableAsk {
    /// The parts that the address keeps, by name.
    pub fn parts(&self) -> [(&'static str, &str); 10] {
        [
            ("filter", &self.filter),
            ("sort", &self.sort),
            ("columns", &self.columns),
            ("show", &self.show),
            ("status", &self.status),
            ("mine", &self.mine),
            ("last", &self.last),
            ("nested", &self.nested),
            ("group", &self.group),
            ("open", &self.open),
        ]
    }

    /// The same runs in the same order, whatever is shown of them.
    pub fn same_runs(&self, other: &Self) -> bool {
        let plain = |ask: &Self| Self { columns: String::new(), open: String::new(), horizon: String::new(), ..ask.clone() };
        plain(self) == plain(other)
    }

    /// Whether all runs are asked for.
    pub fn is_plain(&self) -> bool {
        self.same_runs(&Self { sort: self.sort.clone(), nested: self.nested.clone(), group: self.group.clone(), ..Self::default() })
    }
}

/// What the page's address asks.
pub fn use_ask() -> Memo<TableAsk> {
    let query = use_query_map();
    Memo::new(move |_| {
        query.with(|q| {
            let value = |name: &str| q.get_str(name).unwrap_or_default().to_owned();
            TableAsk {
                filter: value("filter"),
                sort: value("sort"),
                columns: value("columns"),
                show: value("show"),
                status: value("status"),
                mine: value("mine"),
                last: value("last"),
                nested: value("nested"),
                group: value("group"),
                open: value("open"),
                horizon: String::new(),
            }
        })
    })
}

/// A column as it is shown: `m.loss`, pinned `*m.loss`, with a width of its own `m.loss!180`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    pub column: TableColumn,
    pub pinned: bool,
    width: Option<u32>,
}

impl Shown {
    pub fn new(column: TableColumn) -> Self {
        Self { column, pinned: false, width: None }
    }

    /// Pixels.
    pub fn width(&self) -> u32 {
        self.width.unwrap_or(match &self.column {
            TableColumn::Field(RunField::Name) => 280,
            TableColumn::Field(RunField::Id) => 290,
            TableColumn::Field(RunField::By | RunField::User) => 170,
            TableColumn::Field(_) | TableColumn::Metric(_) => 120,
            TableColumn::Param(_) | TableColumn::Tag(_) => 140,
        })
    }

    /// Wider, or narrower, by so many pixels.
    #[must_use]
    pub fn resized(&self, by: i32) -> Self {
        let width = self.width().saturating_add_signed(by).clamp(NARROW, WIDE);
        Self { width: Some(width), ..self.clone() }
    }

    pub fn is_number(&self) -> bool {
        matches!(self.column, TableColumn::Metric(_) | TableColumn::Field(RunField::Duration))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.pinned { "*" } else { "" }, self.column)?;
        self.width.map_or(Ok(()), |width| write!(f, "!{width}"))
    }
}

impl FromStr for Shown {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (pinned, text) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (text, width) = match text.rsplit_once('!') {
            Some((text, width)) => (text, Some(width.parse::<u32>().map_err(|_| ())?.clamp(NARROW, WIDE))),
            None => (text, None),
        };
        Ok(Self { column: text.parse()?, pinned, width })
    }
}

/// The columns of the address, the name first and then the pinned ones; without any those that the experiment's keys suggest.
pub fn shown_columns(text: &str, keys: &RunKeys) -> Vec<Shown> {
    let mut columns: Vec<Shown> = Vec::new();
    for shown in text.split(',').filter_map(|part| part.parse::<Shown>().ok()).take(domain::model::COLUMNS_MOST) {
        if columns.iter().all(|other| other.column != shown.column) {
            columns.push(shown);
        }
    }
    if text.is_empty() {
        let fields = [RunField::Status, RunField::Started, RunField::Duration];
        columns.extend(fields.map(|field| Shown::new(TableColumn::Field(field))));
        // What the machine did is of less interest than what the script says.
        let some = |keys: &[String]| {
            let (own, system): (Vec<_>, Vec<_>) = keys.iter().cloned().partition(|key| !key.starts_with("system/"));
            own.into_iter().chain(system).take(DEFAULTS).collect::<Vec<_>>()
        };
        columns.extend(some(&keys.metrics).into_iter().map(|key| Shown::new(TableColumn::Metric(key))));
        columns.extend(some(&keys.params).into_iter().map(|key| Shown::new(TableColumn::Param(key))));
    }
    let name = TableColumn::Field(RunField::Name);
    let at = columns.iter().position(|shown| shown.column == name);
    let first = at.map_or_else(|| Shown::new(name), |at| columns.remove(at));
    let (mut pinned, rest): (Vec<Shown>, Vec<Shown>) = columns.into_iter().partition(|shown| shown.pinned);
    let mut unpinned = pinned.split_off(pinned.len().min(PINS));
    for shown in &mut unpinned {
        shown.pinned = false;
    }
    std::iter::once(Shown { pinned: true, ..first }).chain(pinned).chain(unpinned).chain(rest).collect()
}

/// As an address writes columns.
pub fn written(columns: &[Shown]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// MLflow's ORDER BY for the address' `sort`: `name`, `-metrics.loss`, `params.lr`, ….
#[cfg(any(feature = "ssr", test))]
pub fn order_by(sort: &str) -> Option<String> {
    let (key, direction) = sort.strip_prefix('-').map_or((sort, "ASC"), |key| (key, "DESC"));
    let column = RunField::all().find(|field| sort_key(&TableColumn::Field(*field)) == key).map(TableColumn::Field);
    let column = column.or_else(|| {
        let (kind, name) = key.split_once('.').filter(|(_, name)| !name.is_empty())?;
        match kind {
            "metrics" => Some(TableColumn::Metric(name.to_owned())),
            "params" => Some(TableColumn::Param(name.to_owned())),
            "tags" => Some(TableColumn::Tag(name.to_owned())),
            _ => None,
        }
    })?;
    Some(format!("{} {direction}", column.order()?))
}

/// What the address' `sort` calls a column.
pub fn sort_key(column: &TableColumn) -> String {
    match column {
        TableColumn::Field(_) => column.to_string().trim_start_matches("a.").to_owned(),
        TableColumn::Metric(key) => format!("metrics.{key}"),
        TableColumn::Param(key) => format!("params.{key}"),
        TableColumn::Tag(key) => format!("tags.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_becomes_mlflows_order() {
        for (sort, order) in [
            ("", None),
            ("name", Some("attributes.run_name ASC")),
            ("-started", Some("attributes.start_time DESC")),
            ("-metrics.val/loss", Some("metrics.`val/loss` DESC")),
            ("params.a b", Some("params.`a b` ASC")),
            ("tags.team", Some("tags.`team` ASC")),
            ("metrics.a` ASC; --", Some("metrics.`a ASC; --` ASC")),
            ("duration", None),
            ("nothing", None),
        ] {
            assert_eq!(order_by(sort).as_deref(), order);
        }
    }

    #[test]
    fn columns_come_back_from_the_address_with_the_name_and_the_pinned_ones_first() {
        let text = "a.status,m.val/loss!180,*p.lr,t.a b";
        let columns = shown_columns(text, &RunKeys::default());
        assert_eq!(written(&columns), "*a.name,*p.lr,a.status,m.val/loss!180,t.a b");
        assert_eq!(shown_columns(&written(&columns), &RunKeys::default()), columns);
        assert_eq!(columns[3].width(), 180);
        assert_eq!(written(&shown_columns("m.a!9,m.a,x.y,nonsense,m.b!x,a.name!99999", &RunKeys::default())), "*a.name!800,m.a!60");
        let pinned = shown_columns("*m.a,*m.b,*m.c,*m.d", &RunKeys::default());
        assert_eq!(pinned.iter().filter(|shown| shown.pinned).count(), 1 + PINS);
    }

    #[test]
    fn without_a_choice_the_first_keys_are_columns_and_the_machines_own_come_last() {
        let keys =
            RunKeys { metrics: ["loss", "system/cpu"].map(str::to_owned).to_vec(), params: vec!["lr".into()], tags: vec!["x".into()] };
        let keys = RunKeys { metrics: ["a", "system/b"].into_iter().map(str::to_owned).chain(keys.metrics).collect(), ..keys };
        assert_eq!(written(&shown_columns("", &keys)), "*a.name,a.status,a.started,a.duration,m.a,m.loss,m.system/b,m.system/cpu,p.lr");
    }
}
