//! The table of an experiment's runs: any number of them, of which only those in sight are in the page; all that is chosen is in the address.

pub mod api;
mod ask;
mod bulk;
mod columns_menu;
mod complete;
mod filter;
mod group_menu;
mod heads;
#[cfg(feature = "ssr")]
pub mod parquet;
mod plot;
mod row;
mod rows;
mod table;
mod views_menu;

pub use ask::{TableAsk, use_ask};
pub use filter::RunsFilter;
pub use table::RunsTable;
