//! Traces of generative applications: spans, assessments, evaluation datasets and scorers.

mod assessment_store;
mod assessments;
mod change;
pub mod datasets;
mod datasets_store;
mod derive;
mod filter;
mod ingest;
mod matching;
mod metrics;
mod metrics_store;
mod order;
mod read;
pub mod scorers;
mod search;
mod semantics;
mod span_store;
mod start;
mod store;
mod told;

pub use assessments::{AssessmentChange, assess, assessment, change_assessment, remove_assessment};
pub use change::{Doomed, delete, delete_tag, link_prompts, link_run, set_tag};
pub use ingest::{Arriving, log_spans};
pub use metrics::{Aggregation, DataPoint, MetricsQuery, View, metrics};
pub use read::{batch, batch_infos, get, info, parts};
pub use search::{Correlation, Page, TraceSearch, correlation, search};
pub use start::{End, end_v2, start, start_v2};
pub use told::Told;
