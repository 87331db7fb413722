//! The parts every page is made of.
//!
//! A page, from the outside in (`volumes/volumes_page.rs` is the shortest whole example):
//!
//! ```text
//! <Page title="Volumes" count=3 crumbs=vec![Crumb::new("vision", "/t/vision")] actions=move || view! { <a class="btn btn-primary" …> }>
//!     content
//! </Page>
//! ```
//!
//! - Data: `<Transition fallback=|| view! { <LoadingPage title="Volumes" /> }>` around `Suspend::new(async move { page_or_error(data.await, |data| view! { … }) })`;
//!   an error becomes `<ErrorPage error />`, which also sets the status of the answer. Routes render with `SsrMode::Async`.
//! - Forms: `let action = ServerAction::<CreateVolume>::new(); let form = FormState::of(action);` then
//!   `<ActionForm action><FormError form /><Field label="Name" name="name" form check=validate><TextInput /></Field>
//!   <SubmitButton form label="Create volume" /></ActionForm>`. Before WASM it is a plain POST whose error comes back in the URL;
//!   after it, the same form answers in place. `when_done(action, move |made| …)` runs after a success: refetch, toast, navigate.
//!   Controls inside a `Field` take name, id and description from it. `TextInput bind=signal` for a value that the page also reads.
//! - Destructive: `<ConfirmDialog trigger="Delete" title="Delete volume data" form>what is lost <ActionForm …><input type="hidden" …/>
//!   <DialogActions form label="Delete volume" /></ActionForm></ConfirmDialog>`. It is a `<details>` without JavaScript, a modal with it.
//! - Status: `<StatusBadge tone=Tone::Good glyph=Glyph::CircleCheck text="Active" />`, `<PhaseBadge phase />`: word, icon and colour.
//! - Values: `<Time at />` (ticks, exact on hover), `bytes()`, `mib()`, `duration()`, `<Meter value max label />`.
//! - Lists: `SortHeader`, `FilterBar`, `SearchField`, `query_value` keep their state in the URL; `.table-wrap > table.table` scrolls with a sticky head.
//! - Markdown: the server function answers `SafeHtml::of_markdown(&text)`, the page shows `<Markdown html />`; never `inner_html` of anything else.
//! - Others: `EmptyState`, `ErrorNote`, `Note`, `Loading`, `Tabs`, `Menu`, `CopyButton`, `use_toasts().show(Tone::Good, "Saved")`.
//! - Classes: `btn`, `btn-primary`, `btn-danger`, `btn-ghost`, `btn-sm`, `icon-btn`, `card`, `chip`, `muted`, `mono`, `num`, `stack`, `row`, `needs-js`
//!   (hidden where scripts are off), `without-js` (hidden where they are on). The content security policy refuses `style` attributes: never write one.

mod copy;
mod dialog;
mod fact;
mod field;
mod form;
mod format;
pub mod frame;
mod icon;
mod lines;
mod manifests;
mod markdown;
mod menu;
mod meter;
mod notes;
mod page;
mod status;
mod table;
pub(crate) mod time;
mod toast;

pub use copy::CopyButton;
pub use dialog::{ConfirmDialog, DialogActions};
pub use fact::Fact;
pub use field::{Check, Checkbox, Field, Select, TextInput, Textarea};
pub use form::{FormError, FormState, SubmitButton, when_done};
pub use format::{bytes, count, duration, exact_time, iso_time, mib, relative_time};
pub use frame::{Frame, Logo, MeResource, TEAM_COOKIE, preferred_team, role_in, use_me, use_team};
pub use icon::{Glyph, Icon};
#[cfg(feature = "ssr")]
pub(crate) use lines::differences;
pub use lines::{DiffLine, Lines};
pub use manifests::{ManifestList, Planned};
#[cfg(feature = "ssr")]
pub use markdown::first_words;
pub use markdown::{Markdown, SafeHtml};
pub use menu::{Menu, Tab, Tabs};
pub use meter::Meter;
pub use notes::{EmptyState, ErrorNote, ErrorPage, Loading, LoadingPage, Note, page_or_error};
pub use page::{Crumb, Page};
pub use status::{PhaseBadge, StatusBadge, Tone};
pub use table::{Column, FilterBar, ListTable, Pager, SearchField, SortHeader, query_value, sort_order, with_query};
pub use time::{Now, Time, provide_now, use_now};
pub use toast::{Toasts, ToastsArea, provide_toasts, use_toasts};
