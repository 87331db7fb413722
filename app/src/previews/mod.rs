//! What files show of themselves inside the portal: text, tables, pictures, Markdown. Nothing of them is ever active here.

#[cfg(feature = "ssr")]
mod json;
#[cfg(feature = "ssr")]
pub mod parquet;
#[cfg(feature = "ssr")]
mod read;
mod rows;
#[cfg(feature = "ssr")]
mod separated;
mod view;

#[cfg(feature = "ssr")]
pub use read::read;
pub use view::{FileText, PreviewCard};

use crate::components::SafeHtml;
use domain::model::Millis;
use serde::{Deserialize, Serialize};

/// A file, and what can be shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub sha256: String,
    pub created_at: Millis,
    pub content: Content,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    Text {
        text: String,
        /// Something about the text as a whole; often empty.
        note: String,
        part: Part,
    },
    /// The source of what is shown on an origin of its own only.
    Active {
        form: Form,
        text: String,
        part: Part,
    },
    Table(Table),
    Markdown {
        html: SafeHtml,
        part: Part,
    },
    /// Its type, and its width and height where the file says them at its beginning.
    Picture {
        kind: String,
        pixels: Option<(u32, u32)>,
    },
    /// Nothing, and why.
    Nothing(String),
}

/// What may be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    WebPage,
    Drawing,
}

/// How much of a file is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    #[default]
    Whole,
    /// The first so many bytes; more are shown to who asks.
    First(u64),
    /// The first so many bytes; the rest has to be downloaded.
    Most(u64),
}

/// The first rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub columns: Vec<String>,
    /// Whether every cell of the column is a number or empty.
    pub numeric: Vec<bool>,
    pub rows: Vec<Vec<String>>,
    /// Rows below the head, as far as the file was read.
    pub counted: usize,
    /// Whether it was read to its end.
    pub complete: bool,
    /// Columns that are not shown.
    pub more_columns: usize,
}
