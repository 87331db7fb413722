//! Runs side by side: all of them in one chart, and what differs between them.

mod compare_page;
mod differences;
mod files;
pub mod files_api;
mod images;
pub mod images_api;
mod kinds;
mod legend;
mod line_chart;
mod png;
mod values_chart;
mod values_controls;
mod values_table;

pub use compare_page::ComparePage;
