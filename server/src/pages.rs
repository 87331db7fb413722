//! Pages: renders the Leptos app, and sends people to where they have to be first.

use crate::{
    Server,
    http::{
        errors::refusal,
        headers::{policy, see_other},
    },
    sessions,
};
use app::{components::TEAM_COOKIE, navigation::safe_path};
use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{Caller, model::Me};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{AxumRouteListing, ResponseOptions};
use leptos_router::SsrMode;
use std::fmt::Write;
use tower_sessions::Session;

/// Pages that anybody may see.
pub const PUBLIC: [&str; 3] = ["/sign-in", "/setup", "/sso/callback"];

/// How a page is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendering {
    OutOfOrder,
    InOrder,
    PartiallyBlocked,
    /// All at once.
    Whole,
    /// There is no such page.
    Missing,
}

impl From<&AxumRouteListing> for Rendering {
    fn from(listing: &AxumRouteListing) -> Self {
        match listing.mode() {
            SsrMode::OutOfOrder => Self::OutOfOrder,
            SsrMode::InOrder => Self::InOrder,
            SsrMode::PartiallyBlocked => Self::PartiallyBlocked,
            SsrMode::Async | SsrMode::Static(_) => Self::Whole,
        }
    }
}

/// A page of the app.
pub async fn page(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(rendering): Extension<Rendering>,
    session: Session,
    request: Request,
) -> Response {
    match detour(&server, &caller, request.uri().clone(), request.headers().clone()).await {
        Ok(None) => {}
        Ok(Some(target)) => return see_other(&target),
        Err(error) => {
            tracing::error!(%error, "a page could not be prepared");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let remembered = team_to_remember(&caller, &request, server.origin.secure());
    let door = sessions::door(&server.portal, &session, &caller, request.headers());
    let (portal, files) = (server.portal.clone(), app::SiteFiles::clone(&server.files));
    let shown = server.origin.of_files();
    let provide = move || {
        provide_context(portal.clone());
        provide_context(caller.clone());
        provide_context(door.clone());
        let Some(response) = use_context::<ResponseOptions>() else { return };
        if rendering == Rendering::Missing {
            response.set_status(StatusCode::NOT_FOUND);
        }
        let nonce = leptos::nonce::use_nonce().map(|nonce| nonce.to_string());
        if let Ok(policy) = HeaderValue::from_str(&policy(nonce.as_deref(), &shown)) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        if let Some(cookie) = remembered.clone() {
            response.append_header(header::SET_COOKIE, cookie);
        }
    };
    render(rendering, provide, files, request).await
}

/// `GET /experiments/{experiment}` and `GET /runs/{run}`: to the team's page of it.
pub async fn lead(State(server): State<Server>, Extension(caller): Extension<Caller>, session: Session, request: Request) -> Response {
    let target = request.uri().path_and_query().map_or("/", |p| p.as_str());
    match app::tracking::links::led(&server.portal, &caller, target, cookie(request.headers(), TEAM_COOKIE)).await {
        Ok(Some(page)) => see_other(&page),
        Ok(None) => page(State(server), Extension(caller), Extension(Rendering::Missing), session, request).await,
        Err(error) => refusal(error, &caller.request_id),
    }
}

async fn render(
    rendering: Rendering,
    provide: impl Fn() + Clone + Send + Sync + 'static,
    files: app::SiteFiles,
    request: Request,
) -> Response {
    let shell = move || app::shell(files.clone());
    match rendering {
        Rendering::OutOfOrder => leptos_axum::render_app_to_stream_with_context(provide, shell)(request).await,
        Rendering::InOrder => leptos_axum::render_app_to_stream_in_order_with_context(provide, shell)(request).await,
        Rendering::PartiallyBlocked => {
            leptos_axum::render_app_to_stream_with_context_and_replace_blocks(provide, shell, true)(request).await
        }
        Rendering::Whole | Rendering::Missing => leptos_axum::render_app_async_with_context(provide, shell)(request).await,
    }
}

/// Where this person has to go instead, if anywhere.
async fn detour(server: &Server, caller: &Caller, uri: Uri, headers: HeaderMap) -> domain::Result<Option<String>> {
    let path = uri.path();
    if caller.identity.is_none() {
        if domain::identity::needs_setup(&server.portal).await? {
            return Ok((path != "/setup").then(|| "/setup".to_owned()));
        }
        return Ok(match path {
            "/setup" => Some("/sign-in".to_owned()),
            _ if PUBLIC.contains(&path) => None,
            "/" => Some("/sign-in".to_owned()),
            _ => Some(sign_in(&uri)),
        });
    }
    let me = domain::identity::me(caller)?;
    Ok(match path {
        "/" => Some(home(&me, &headers)),
        "/setup" => Some("/".to_owned()),
        "/sign-in" => Some(next(uri.query().unwrap_or_default())),
        _ => None,
    })
}

/// The sign-in page, which leads on to what was asked for.
pub fn sign_in(wanted: &Uri) -> String {
    let wanted = wanted.path_and_query().map_or("/", |p| p.as_str());
    format!("/sign-in?next={}", encode(safe_path(wanted)))
}

/// The last team, if it is still one of theirs, else the first; else the page that says what to do without one.
fn home(me: &Me, headers: &HeaderMap) -> String {
    let last = cookie(headers, TEAM_COOKIE);
    let team = me.teams.iter().find(|m| Some(m.team_name.as_str()) == last).or_else(|| me.teams.first());
    team.map_or_else(|| "/welcome".to_owned(), |m| format!("/t/{}", m.team_name))
}

/// `next` of a sign-in link, if it leads to a path of this portal.
fn next(query: &str) -> String {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("next="));
    let decoded = value.map(leptos_router::location::Url::unescape).unwrap_or_default();
    safe_path(&decoded).to_owned()
}

/// A cookie for the team whose page is asked for, where it is not remembered yet.
fn team_to_remember(caller: &Caller, request: &Request, secure: bool) -> Option<HeaderValue> {
    let team = request.uri().path().strip_prefix("/t/")?.split('/').next()?;
    let mine = caller.identity.as_ref()?.memberships.iter().any(|m| m.team_name == team);
    if !mine || cookie(request.headers(), TEAM_COOKIE) == Some(team) {
        return None;
    }
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{TEAM_COOKIE}={team}; Path=/; Max-Age=31536000; SameSite=Lax{secure}")).ok()
}

/// A cookie's value.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// For the value of a query parameter.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
