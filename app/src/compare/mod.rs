//! Runs side by side: one metric of all of them in a chart, and what differs between them.

mod compare_page;
mod differences;
mod legend;

pub use compare_page::ComparePage;
