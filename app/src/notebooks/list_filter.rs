//! Which notebooks of a list are shown, and in which order: a pure function of the URL's query.

use super::words;
use crate::{components::sort_order, live::NotebookRow};
use domain::model::{Notebook, Phase};
use leptos::prelude::*;

/// Groups of phases that people look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    All,
    Running,
    Waiting,
    Stopped,
    Failed,
}

impl Group {
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::All, "", "All"),
        (Self::Running, "running", "Running"),
        (Self::Waiting, "waiting", "Waiting"),
        (Self::Stopped, "stopped", "Stopped"),
        (Self::Failed, "failed", "Failed"),
    ];
    /// From the query's value; anything unknown shows all.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|(_, key, _)| *key == text).map_or(Self::All, |(group, ..)| group)
    }
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

/// What the URL asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub text: String,
    pub group: Group,
    /// Only those of the person with this email.
    pub owner: Option<String>,
    /// `name`, `-activity`, …; empty for newest first.
    pub sort: String,
}

impl Wanted {
    fn wants(&self, notebook: &Notebook) -> bool {
        let text = self.text.trim().to_lowercase();
        let found = text.is_empty()
            || [&notebook.spec.name, &notebook.owner_email, &notebook.spec.environment]
                .into_iter()
                .any(|field| field.to_lowercase().contains(&text));
        found && self.group.holds(notebook.phase) && self.owner.as_ref().is_none_or(|email| *email == notebook.owner_email)
    }

    /// The rows to show, in order. Reads the signal of each row.
    pub fn apply(&self, rows: &[NotebookRow]) -> Vec<NotebookRow> {
        let mut shown: Vec<(NotebookRow, Notebook)> =
            rows.iter().map(|row| (row.clone(), row.now.get())).filter(|(_, notebook)| self.wants(notebook)).collect();
        shown.sort_by(|(_, a), (_, b)| {
            let order = match self.sort.trim_start_matches('-') {
                "name" => a.spec.name.cmp(&b.spec.name),
                "status" => a.phase.as_str().cmp(b.phase.as_str()),
                "owner" => a.owner_email.cmp(&b.owner_email),
                "environment" => words::environment(a).cmp(&words::environment(b)),
                "size" => size_key(a).cmp(&size_key(b)),
                "activity" => last_active(a).cmp(&last_active(b)),
                _ => return b.created_at.cmp(&a.created_at),
            };
            sort_order(&self.sort, order).then_with(|| b.created_at.cmp(&a.created_at))
        });
        shown.into_iter().map(|(row, _)| row).collect()
    }
}

fn size_key(notebook: &Notebook) -> (u32, u32, u32) {
    let resources = &notebook.spec.resources;
    (resources.gpus, resources.cpus, resources.memory_mib)
}

/// When something last happened in it.
pub fn last_active(notebook: &Notebook) -> i64 {
    notebook.last_activity_at.unwrap_or(notebook.phase_at).max(notebook.created_at)
}
