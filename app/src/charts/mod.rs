//! Line charts of metrics. Pure steps on the server turn a history of any length into a few points for each pixel (`reduce`), and one drawing
//! makes SVG of them, for the first paint on the server and in the browser again when something was logged.

pub mod api;
mod columns;
mod controls;
mod line;
mod picture;
mod query;
mod reduce;
mod run_charts;
mod smooth;
mod svg;
mod ticks;

pub use columns::Columns;
pub use controls::{Controls, Plot, use_chart_query};
pub use line::{Line, grouped, left_out_words};
pub use picture::picture;
pub use query::{Query, XAxis};
pub use run_charts::RunCharts;
pub use svg::line_class;
pub use ticks::number;
