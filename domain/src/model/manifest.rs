//! What a launch writes into a cluster, before it is written.

use serde::{Deserialize, Serialize};

/// One object as Kubernetes takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub kind: String,
    pub name: String,
    /// What is there now, as YAML; none where nothing is.
    pub before: Option<String>,
    /// What will be there, as YAML. Values of secrets are left out.
    pub after: String,
    pub verdict: DryRun,
}

/// What the cluster says to an object without making it (server-side dry run).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DryRun {
    Accepted,
    /// Refused, and why.
    Refused(String),
    /// It could not be asked yet, and why.
    Unasked(String),
}

impl Manifest {
    /// Whether it is there already as it should be.
    pub fn is_same(&self) -> bool {
        self.before.as_ref() == Some(&self.after)
    }
}
