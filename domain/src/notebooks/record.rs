//! A notebook's row, and what its columns mean.

use crate::{
    error::{Error, Result},
    model::{Millis, NotebookId, NotebookSpec, Phase, Progress, TeamId, UserId, VolumeId},
};

/// What a person wants of a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Desired {
    Running,
    Stopped,
    Deleted,
}

impl Desired {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "running" => Ok(Self::Running),
            "stopped" => Ok(Self::Stopped),
            "deleted" => Ok(Self::Deleted),
            other => Err(Error::Internal(format!("stored wish {other}"))),
        }
    }
}

/// A row, with the names it points at.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub id: NotebookId,
    pub team_id: TeamId,
    pub team: String,
    pub owner: UserId,
    pub owner_email: String,
    pub spec: NotebookSpec,
    pub home: VolumeId,
    pub desired: Desired,
    pub delete_home: bool,
    pub launch: i64,
    pub phase: Phase,
    pub phase_at: Millis,
    pub reason: Option<String>,
    pub next_step: Option<String>,
    pub progress: Option<Progress>,
    pub last_activity_at: Option<Millis>,
    pub created_at: Millis,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    team_id: String,
    team: String,
    owner: String,
    owner_email: String,
    spec: String,
    home: String,
    desired: String,
    delete_home: i64,
    launch: i64,
    phase: String,
    phase_at: i64,
    reason: Option<String>,
    next_step: Option<String>,
    progress: Option<String>,
    last_activity_at: Option<i64>,
    created_at: i64,
}

pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::internal("stored JSON", e))
}

pub(super) fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::internal("JSON", e))
}

impl Row {
    pub fn record(self) -> Result<Record> {
        Ok(Record {
            id: self.id.into(),
            team_id: self.team_id.into(),
            team: self.team,
            owner: self.owner.into(),
            owner_email: self.owner_email,
            spec: json(&self.spec)?,
            home: self.home.into(),
            desired: Desired::parse(&self.desired)?,
            delete_home: self.delete_home != 0,
            launch: self.launch,
            phase: self.phase.parse().map_err(Error::Internal)?,
            phase_at: self.phase_at,
            reason: self.reason,
            next_step: self.next_step,
            progress: self.progress.as_deref().map(json).transpose()?,
            last_activity_at: self.last_activity_at,
            created_at: self.created_at,
        })
    }
}
