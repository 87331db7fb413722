//! What the live stream carries.

use super::{ExperimentId, Millis, Notebook};
use serde::{Deserialize, Serialize};

/// One change of one thing, published once its transaction is committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Gapless, in the order of the commits; a stream resumes after it.
    pub seq: i64,
    pub at: Millis,
    /// Name of the team that may see it; none means every signed-in person.
    pub team: Option<String>,
    pub change: Change,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "data")]
pub enum Change {
    /// A notebook as it is now.
    Notebook(Box<Notebook>),
    NotebookDeleted {
        id: String,
    },
    /// Members, roles or the team itself.
    Team,
    Volumes,
    /// The audit trail of the team goes on with something that no other change tells.
    Activity,
    Environments,
    /// Registered models, their versions or aliases.
    Models,
    /// Requests for promotions, what is said of them, the team's flow, or model cards.
    Promotions,
    Webhooks,
    /// Experiments were made, renamed, deleted or came back.
    Experiments,
    /// Runs of this experiment were made, changed or deleted.
    Runs {
        experiment: ExperimentId,
    },
    /// Traces of this experiment were made, changed or deleted, or something was said of them.
    Traces {
        experiment: ExperimentId,
    },
    /// GPUs, CPUs or memory in use.
    Capacity,
}

/// What the server sends on the live stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum LiveMessage {
    /// First message: where the stream starts. `resumed` is false where earlier events may be missing, so that the page reloads its data.
    Hello {
        seq: i64,
        resumed: bool,
        now: Millis,
    },
    Event {
        event: Event,
    },
    /// Every 15 s, so that the page knows the stream is alive.
    Beat {
        now: Millis,
    },
    /// The sign-in ended; the page goes to the sign-in form.
    SignedOut,
}

/// One line of a log as the live tail sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Byte offset just after this line in the whole log, counted over rotations: the place to resume from.
    pub next: u64,
    /// Without its newline; control sequences other than SGR colours removed.
    pub text: String,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Bytes that were asked for but are no longer kept (rotated away) or were skipped because the reader was slow.
    pub dropped_bytes: u64,
    pub lines: Vec<LogLine>,
    /// Where to go on reading.
    pub next: u64,
}
