//! Volumes: named persistent folders of a team.

use super::{Millis, VolumeId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub id: VolumeId,
    /// Unique in the team; a DNS label of at most 40 characters.
    pub name: String,
    pub team: String,
    /// Email of the person who made it.
    pub created_by: String,
    pub created_at: Millis,
    /// Bytes used on disk, where the engine can tell.
    pub used_bytes: Option<i64>,
    /// Names of the notebooks that have it attached, running or not.
    pub attached_to: Vec<String>,
}

/// A volume in a notebook, beside its home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// The volume's name. Appears as `data/<name>` in the notebook's home.
    pub volume: String,
    pub read_only: bool,
}
