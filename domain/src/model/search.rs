//! Searches over runs and experiments: what is asked for, and one page of what is found.

use super::{Experiment, ExperimentId, Run};
use serde::{Deserialize, Serialize};

/// Most results of one page.
pub const PAGE_MOST: i64 = 50_000;
/// Results of a page of runs where nobody says how many.
pub const PAGE_OF_RUNS: i64 = 1000;
/// Most keys of one ORDER BY.
pub const ORDERS: usize = 32;

/// Which of the deleted and the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum View {
    #[default]
    Active,
    Deleted,
    All,
}

impl View {
    /// Whether a thing that is `deleted`, or is not, is in this view.
    pub fn shows(self, deleted: bool) -> bool {
        match self {
            Self::Active => !deleted,
            Self::Deleted => deleted,
            Self::All => true,
        }
    }
}

/// Asks for runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSearch {
    /// Where to look; what is not the team's has no runs.
    pub experiments: Vec<ExperimentId>,
    /// MLflow's filter language; blank for all.
    pub filter: String,
    pub view: View,
    /// Without any: the newest start first.
    pub order_by: Vec<String>,
    /// 1 to `PAGE_MOST`.
    pub max_results: i64,
    /// Of the page before; empty for the first.
    pub page_token: String,
}

impl Default for RunSearch {
    fn default() -> Self {
        let (experiments, order_by) = (Vec::new(), Vec::new());
        Self { experiments, filter: String::new(), view: View::Active, order_by, max_results: PAGE_OF_RUNS, page_token: String::new() }
    }
}

/// Runs that were found, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunPage {
    pub runs: Vec<Run>,
    /// None on the last page.
    pub next_page_token: Option<String>,
}

/// Asks for experiments of the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentSearch {
    pub filter: String,
    pub view: View,
    /// Without any: the newest first.
    pub order_by: Vec<String>,
    /// 1 to `PAGE_MOST`.
    pub max_results: i64,
    pub page_token: String,
}

impl Default for ExperimentSearch {
    fn default() -> Self {
        Self { filter: String::new(), view: View::Active, order_by: Vec::new(), max_results: PAGE_OF_RUNS, page_token: String::new() }
    }
}

/// Experiments that were found, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExperimentPage {
    pub experiments: Vec<Experiment>,
    pub next_page_token: Option<String>,
}
