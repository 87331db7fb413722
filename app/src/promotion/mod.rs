//! Pages and server functions: promotion of versions, reviews, holders of aliases, a team's flow, model cards.
mod alias_page;
pub mod api;
mod card;
mod gates;
mod promote_page;
mod request_page;
mod request_parts;
mod reviews_page;
mod settings_page;
mod stage_form;
mod words;

pub use {
    alias_page::AliasPage,
    card::{CardPart, ModelCard},
    promote_page::PromotePage,
    request_page::RequestPage,
    reviews_page::ReviewsPage,
    settings_page::PromotionSettingsPage,
    words::{page_of_alias, page_of_promotion},
};
