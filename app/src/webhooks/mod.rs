//! Pages and server functions: webhooks of a team, and the log of their deliveries.
pub mod api;
mod delivery_log;
mod form;
mod new_page;
mod webhook_page;
mod webhooks_page;
mod words;

pub use new_page::NewWebhookPage;
pub use webhook_page::WebhookPage;
pub use webhooks_page::WebhooksPage;
