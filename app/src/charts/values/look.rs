//! How a chart of values is looked at: what needs no new data. All of it is in the page's address.

use std::collections::{BTreeMap, BTreeSet};

/// From and to, where there are such ends.
pub type Range = (Option<f64>, Option<f64>);

/// Which ends of a scatter plot's axes are the better ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Front {
    #[default]
    None,
    LowLow,
    LowHigh,
    HighLow,
    HighHigh,
}

impl Front {
    pub const ALL: [(Self, &str, &str); 5] = [
        (Self::None, "", "No front"),
        (Self::LowLow, "low-low", "Low across, low up"),
        (Self::LowHigh, "low-high", "Low across, high up"),
        (Self::HighLow, "high-low", "High across, low up"),
        (Self::HighHigh, "high-high", "High across, high up"),
    ];

    /// 1 or -1 for each axis: what makes the better the smaller.
    pub fn signs(self) -> Option<(f64, f64)> {
        match self {
            Self::None => None,
            Self::LowLow => Some((1.0, 1.0)),
            Self::LowHigh => Some((1.0, -1.0)),
            Self::HighLow => Some((-1.0, 1.0)),
            Self::HighHigh => Some((-1.0, -1.0)),
        }
    }
}

/// The look of a chart of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Keys whose axis of parallel coordinates is upside down.
    pub flipped: BTreeSet<String>,
    /// Keys whose axis there is logarithmic.
    pub logs: BTreeSet<String>,
    /// What of an axis is looked at; the other runs step back.
    pub ranges: BTreeMap<String, Range>,
    pub front: Front,
}

fn set(text: &str) -> BTreeSet<String> {
    text.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

fn range(text: &str) -> Option<(String, Range)> {
    // A key may have colons of its own.
    let mut parts = text.rsplitn(3, ':');
    let end = |text: Option<&str>| text.and_then(|t| t.parse::<f64>().ok()).filter(|v| v.is_finite());
    let (to, from) = (end(parts.next()), end(parts.next()));
    let key = parts.next().filter(|key| !key.is_empty())?;
    (from.is_some() || to.is_some()).then(|| (key.to_owned(), (from, to)))
}

impl Look {
    /// What the values of an address ask for.
    pub fn of<'a>(text: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        let text = |name| text(name).unwrap_or_default();
        Self {
            flipped: set(text("flip")),
            logs: set(text("logs")),
            ranges: text("ranges").split(',').filter_map(range).collect(),
            front: super::super::query::chosen(&Front::ALL, text("front")),
        }
    }

    /// `ranges` with another range of `key`, as the address has it.
    pub fn ranged(&self, key: &str, range: Range) -> String {
        let mut ranges = self.ranges.clone();
        ranges.insert(key.to_owned(), range);
        let end = |end: Option<f64>| end.map(|v| v.to_string()).unwrap_or_default();
        let text = ranges.into_iter().filter(|(_, (from, to))| from.is_some() || to.is_some());
        text.map(|(key, (from, to))| format!("{key}:{}:{}", end(from), end(to))).collect::<Vec<_>>().join(",")
    }

    /// Whether `value` of `key` is looked at.
    pub fn holds(&self, key: &str, value: f64) -> bool {
        self.ranges.get(key).is_none_or(|(from, to)| from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to))
    }
}

/// The texts with `key` among them or not any more, parted by commas.
pub fn turned(keys: &BTreeSet<String>, key: &str) -> String {
    let mut keys = keys.clone();
    if !keys.remove(key) {
        keys.insert(key.to_owned());
    }
    keys.into_iter().collect::<Vec<_>>().join(",")
}
