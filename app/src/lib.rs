//! What people see: pages, components and server functions. `App` holds the table of every page.

pub mod audit;
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
mod root;
mod system;
pub mod teams;
pub mod tracking;
pub mod volumes;

#[cfg(feature = "ssr")]
pub use document::{SiteFiles, shell};

use audit::{PortalAuditPage, TeamAuditPage};
use components::Frame;
use environments::{EnvironmentPage, EnvironmentsPage, NewEnvironmentPage};
use home::HomePage;
use identity::{AccountPage, SessionsPage, SetupPage, SignInPage, TokensPage, UsersPage};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use notebooks::{LaunchPage, NotebookPage, NotebooksPage};
use root::{NotFoundPage, RootPage};
use system::{ComputePage, SystemPage};
use teams::{MembersPage, NewTeamPage, TeamsPage};
use tracking::{ExperimentsPage, RunPage, RunsPage};
use volumes::VolumesPage;

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
                    <Route path=path!("/welcome") view=NewTeamPage ssr=SsrMode::Async />
                    <Route path=path!("/teams/new") view=NewTeamPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team") view=HomePage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks") view=NotebooksPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks/new") view=LaunchPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/notebooks/:id") view=NotebookPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/experiments") view=ExperimentsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/experiments/:experiment") view=RunsPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/runs/:run") view=RunPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/members") view=MembersPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/volumes") view=VolumesPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/account/sessions") view=SessionsPage ssr=SsrMode::Async />
                    <Route path=path!("/account/tokens") view=TokensPage ssr=SsrMode::Async />
                    <Route path=path!("/t/:team/audit") view=TeamAuditPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/audit") view=PortalAuditPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments") view=EnvironmentsPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments/new") view=NewEnvironmentPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/environments/:name") view=EnvironmentPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/compute") view=ComputePage ssr=SsrMode::Async />
                    <Route path=path!("/admin/system") view=SystemPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/users") view=UsersPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/teams") view=TeamsPage ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}
