//! A page of a team's notebooks: what is asked for, and what comes.

use super::{Notebook, Phase};
use serde::{Deserialize, Serialize};

/// Rows of one page.
pub const NOTEBOOK_ROWS: usize = 25;

/// Groups of phases that people look for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseGroup {
    #[default]
    All,
    Running,
    Waiting,
    Stopped,
    Failed,
}

impl PhaseGroup {
    pub fn holds(self, phase: Phase) -> bool {
        match self {
            Self::All => true,
            Self::Running => phase.is_open() || phase == Phase::Stopping,
            Self::Waiting => matches!(phase, Phase::Queued | Phase::Preparing | Phase::Starting),
            Self::Stopped => phase == Phase::Stopped,
            Self::Failed => phase == Phase::Failed,
        }
    }
}

/// Filter, order and page. The filter and the order concern all of the team's notebooks, not those of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotebookQuery {
    /// Found in name, owner or environment, whatever its case.
    pub text: String,
    pub group: PhaseGroup,
    /// Only the caller's own.
    pub mine: bool,
    /// `name`, `status`, `owner`, `environment`, `size` or `activity`, with `-` in front the other way round; anything else means newest first.
    pub sort: String,
    /// Counts from 1; 0 means 1, and one past the end means the last.
    pub page: usize,
}

/// Rows without timelines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotebookPage {
    pub notebooks: Vec<Notebook>,
    /// Which page this is.
    pub page: usize,
    /// How many match.
    pub found: usize,
    /// How many the team has.
    pub total: usize,
}

impl NotebookPage {
    /// How many pages there are; 1 where nothing matches.
    pub fn pages(&self) -> usize {
        self.found.div_ceil(NOTEBOOK_ROWS).max(1)
    }
    /// Position of its first row among those that match, from 1; 0 where nothing matches.
    pub fn first(&self) -> usize {
        if self.found == 0 { 0 } else { (self.page - 1) * NOTEBOOK_ROWS + 1 }
    }
    /// Position of its last row.
    pub fn last(&self) -> usize {
        self.found.min(self.page * NOTEBOOK_ROWS)
    }
}
