//! Pages that the first visit does not need come in chunks of the wasm, each loaded with the first of its pages.

use crate::{
    access::AccessPage,
    audit::{PortalAuditPage, TeamAuditPage},
    compare::ComparePage,
    environments::{EnvironmentPage, EnvironmentsPage, NewEnvironmentPage},
    identity::{AccountPage, GroupsPage, ProvidersPage, SessionsPage, TokensPage, UsersPage},
    notebooks::{LaunchPage, NotebookPage, NotebooksPage},
    promotion::{AliasPage, PromotePage, PromotionSettingsPage, RequestPage, ReviewsPage},
    registry::{CompareVersionsPage, ModelPage, ModelsPage, VersionPage},
    system::{ComputePage, SystemPage},
    teams::{MembersPage, NamespacePage, NewTeamPage, TeamsPage},
    traces::{TracePage, TracesPage},
    tracking::{ExperimentsPage, RunPage, RunsPage},
    volumes::VolumesPage,
    webhooks::{NewWebhookPage, WebhookPage, WebhooksPage},
};
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_router::{ChooseView, hooks::use_url};

/// Each chunk: its name, the function that loads it, and its pages.
macro_rules! chunks {
    ($($(#[$doc:meta])* $chunk:ident, $load:ident, $pages:ident { $($page:ident)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $pages { $($page),+ }

            #[wasm_split($chunk, wasm_split_path = ::leptos::wasm_split, preload($load), fallible)]
            fn $chunk(page: $pages) -> Result<AnyView, SplitLoaderError> {
                Ok(match page { $($pages::$page => $page().into_any()),+ })
            }

            impl ChooseView for $pages {
                async fn choose(self) -> AnyView {
                    #[cfg(feature = "ssr")]
                    announce(stringify!($chunk));
                    match $chunk(self).await {
                        Ok(view) => view,
                        Err(_) => visit_afresh().await,
                    }
                }

                async fn preload(&self) {
                    if $load().await.is_err() {
                        _ = visit_afresh().await;
                    }
                }
            }
        )+

        /// Loads the chunk of this name; other names have nothing to load.
        async fn load(chunk: &str) -> Result<(), SplitLoaderError> {
            match chunk {
                $(stringify!($chunk) => $load().await,)+
                _ => Ok(()),
            }
        }
    };
}

chunks! {
    /// What people work with in a team.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    work, load_work, WorkPages { NotebooksPage LaunchPage NotebookPage VolumesPage }
    /// Experiments and runs.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    tracking, load_tracking, TrackingPages { ExperimentsPage RunsPage RunPage TracesPage TracePage }
    /// Runs side by side, in all charts.
    compare, load_compare, ComparePages { ComparePage }
    /// Registered models and their versions.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    registry, load_registry, RegistryPages { ModelsPage ModelPage VersionPage CompareVersionsPage }
    /// Promotions: asked for, reviewed, rolled back, and what they take.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    promotion, load_promotion, PromotionPages { PromotePage AliasPage ReviewsPage RequestPage PromotionSettingsPage }
    /// People, teams, and what they did.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    people, load_people, PeoplePages {
        NewTeamPage MembersPage TeamAuditPage AccountPage SessionsPage TokensPage WebhooksPage NewWebhookPage WebhookPage
    }
    /// What an admin sees.
    #[expect(clippy::enum_variant_names, reason = "they are named as the pages are")]
    admin, load_admin, AdminPages {
        AccessPage PortalAuditPage EnvironmentsPage NewEnvironmentPage EnvironmentPage ComputePage SystemPage UsersPage GroupsPage
        ProvidersPage TeamsPage NamespacePage
    }
}

/// Tells the browser which chunk the page needs, and its files, so that these load beside the main module and are there before hydration.
#[cfg(feature = "ssr")]
fn announce(chunk: &'static str) {
    use leptos_meta::Html;
    let files = use_context::<crate::SiteFiles>().and_then(|mut files| files.chunks.remove(chunk)).unwrap_or_default().join(" ");
    // Registers the attributes for the document; the view itself is empty.
    _ = view! { <Html attr:data-chunk=chunk attr:data-files=files /> }.to_html();
}

/// Loads what the document says that its page needs; false where that failed.
///
/// It has to be there before hydration begins: a page that waits half-way would let effects run while only half of it is alive.
pub async fn load_first() -> bool {
    let named = document().document_element().and_then(|root| root.get_attribute("data-chunk"));
    load(named.as_deref().unwrap_or_default()).await.is_ok()
}

/// Asks the server for the page instead: its chunk is gone since the portal was upgraded, or the network failed.
async fn visit_afresh() -> AnyView {
    let url = use_url().get_untracked();
    let mut address = url.path().to_owned();
    for (mark, rest) in [("?", url.search()), ("#", url.hash())] {
        if !rest.is_empty() {
            address.push_str(mark);
            address.push_str(rest.trim_start_matches(mark));
        }
    }
    _ = window().location().assign(&address);
    std::future::pending().await
}
