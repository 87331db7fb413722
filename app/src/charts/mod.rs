//! Charts. Lines of metrics: pure steps on the server turn a history of any length into columns of at most a few points for each pixel that a screen
//! has, which travel as bytes; the browser reduces these to the pixels that its chart has (`reduce`). One drawing makes SVG of them, for the first
//! paint and in files, or paints them on a canvas, in the browser. Charts of what runs ended with are in `values`.

pub mod api;
mod axis;
mod canvas;
mod columns;
mod controls;
#[cfg(feature = "ssr")]
pub mod export;
mod expression;
mod group;
#[cfg(feature = "ssr")]
mod join;
mod line;
mod picture;
mod plot;
mod query;
#[cfg(feature = "ssr")]
pub mod read;
mod reduce;
mod run_charts;
mod scale;
mod smooth;
mod surface;
mod svg;
mod ticks;
pub mod values;

pub use columns::Columns;
pub use controls::{Choice, Controls, Named, use_chart_query, use_follow, use_look};
pub use expression::Expression;
pub use line::{Line, grouped, left_out_words};
pub use picture::{Part, beyond, draw_on, frame_of, lit};
pub use plot::{Picture, Plot, after_paint, follow_width, place_words, reading};
pub use query::{Band, Kind, Middle, Outliers, Query, XAxis};
pub use run_charts::RunCharts;
pub use scale::Scale;
pub use smooth::Smoothing;
pub use surface::Drawing;
pub use svg::line_class;
pub use ticks::number;
