//! What people see: pages, components and server functions. `App` holds the table of every page.

pub mod access;
pub mod audit;
pub mod charts;
mod chunks;
pub mod compare;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod document;
pub mod environments;
pub mod error;
pub mod home;
pub mod identity;
pub mod live;
pub mod navigation;
pub mod notebooks;
pub mod previews;
pub mod promotion;
pub mod registry;
mod root;
mod system;
pub mod teams;
pub mod traces;
pub mod tracking;
pub mod volumes;
pub mod webhooks;

#[cfg(feature = "ssr")]
pub use document::{SiteFiles, shell};

pub use chunks::load_first;

use chunks::{AdminPages, ComparePages, PeoplePages, PromotionPages, RegistryPages, TrackingPages, WorkPages};
use components::Frame;
use home::HomePage;
use identity::{SetupPage, SignInPage, SsoCallbackPage};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use root::{NotFoundPage, RootPage};

/// Every page of the portal.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Slipway".to_owned() } else { format!("{text} · Slipway") } />
        <Router>
            <Frame>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=RootPage ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                    <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                    <Route path=path!("/sso/callback") view=SsoCallbackPage ssr=SsrMode::Async />
                    <Route path=path!("/welcome") view=PeoplePages::NewTeamPage ssr=SsrMode::Async />
                    <Route path=path!("/teams/new") view=PeoplePages::NewTeamPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team") view=HomePage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks") view=WorkPages::NotebooksPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks/new") view=WorkPages::LaunchPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks/:id") view=WorkPages::NotebookPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/experiments") view=TrackingPages::ExperimentsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/experiments/:experiment") view=TrackingPages::RunsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/experiments/:experiment/traces") view=TrackingPages::TracesPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/traces/:trace") view=TrackingPages::TracePage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/runs/:run") view=TrackingPages::RunPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models") view=RegistryPages::ModelsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models/:model") view=RegistryPages::ModelPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models/:model/versions/:version") view=RegistryPages::VersionPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models/:model/versions/:version/promote") view=PromotionPages::PromotePage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models/:model/aliases/:alias") view=PromotionPages::AliasPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/reviews") view=PromotionPages::ReviewsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/reviews/:request") view=PromotionPages::RequestPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/settings/promotion") view=PromotionPages::PromotionSettingsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/models/:model/compare") view=RegistryPages::CompareVersionsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/compare") view=ComparePages::ComparePage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/members") view=PeoplePages::MembersPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/webhooks") view=PeoplePages::WebhooksPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/webhooks/new") view=PeoplePages::NewWebhookPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/webhooks/:webhook") view=PeoplePages::WebhookPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/volumes") view=WorkPages::VolumesPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=PeoplePages::AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/account/sessions") view=PeoplePages::SessionsPage ssr=SsrMode::Async />
                    <Route path=path!("/account/tokens") view=PeoplePages::TokensPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/audit") view=PeoplePages::TeamAuditPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/access") view=AdminPages::AccessPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/audit") view=AdminPages::PortalAuditPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments") view=AdminPages::EnvironmentsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments/new") view=AdminPages::NewEnvironmentPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments/:name") view=AdminPages::EnvironmentPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/compute") view=AdminPages::ComputePage ssr=SsrMode::Async />
                    <Route path=path!("/admin/system") view=AdminPages::SystemPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/users") view=AdminPages::UsersPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/sign-in/:provider") view=AdminPages::GroupsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/sign-in") view=AdminPages::ProvidersPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/teams") view=AdminPages::TeamsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/teams/:team") view=AdminPages::NamespacePage ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}
