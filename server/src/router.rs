//! Every URL of the process in one table, with what it needs. What is not in the table is refused.

use crate::{
    Server, exports, functions,
    http::{
        Place, RequestId,
        caller::{resolve, unauthenticated},
        guard::{self, Foreigners},
        headers::{self, plain, see_other},
    },
    live, metrics, mlflow,
    pages::{self, Rendering},
    proxy, sessions, shown, site, sso,
};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use domain::{
    Caller,
    model::{Needs, Permission},
    random,
};
use leptos_axum::AxumRouteListing;
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tower::ServiceExt;
use tower_http::compression::{CompressionLayer, CompressionLevel, predicate::SizeAbove};

/// What a URL asks of its caller before anything else happens. The verb behind it asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, and nobody is asked who they are: a page has some fifty such files, and none of them is to wait for the database.
    File,
    /// Everybody.
    Open,
    /// Signed in; the page behind it sends a visitor to the sign-in page.
    Visit,
    /// Signed in.
    SignedIn,
    /// What the verb behind it needs.
    Needs(Permission),
    /// The same, in the team of a token, refused in MLflow's shape.
    Mlflow(Permission),
}

/// Method, path, access, handler.
pub type Route = (&'static str, String, Access, MethodRouter<Server>);

/// Longest path and query, in bytes.
const TARGET: usize = 8 * 1024;
/// Bytes from which an answer is packed.
const PACKED: u64 = 4096;
/// A database that takes longer does not answer.
const DATABASE_WITHIN: Duration = Duration::from_secs(2);

/// Routes that are neither pages nor server functions.
fn routes() -> Vec<Route> {
    let own: Vec<(&str, &str, Access, MethodRouter<Server>)> = vec![
        ("GET", "/healthz", Access::Open, get(health)),
        ("GET", "/readyz", Access::Open, get(ready)),
        ("GET", "/favicon.ico", Access::File, get(site::favicon)),
        ("GET", "/pkg/{*file}", Access::File, get(site::file)),
        ("GET", "/sso/{provider}/begin", Access::Open, get(sso::begin)),
        ("GET", "/sso/{provider}/end", Access::Open, get(sso::end)),
        ("GET", "/sso/ended", Access::Open, get(sso::ended)),
        ("POST", "/sso/back-channel-logout", Access::Open, post(sso::back_channel).layer(DefaultBodyLimit::max(sso::LOGOUT))),
        ("GET", "/live", Access::SignedIn, get(live::events)),
        ("GET", "/t/{team}/notebooks/{id}/logs/live", Access::Needs(Permission::ReadNotebooks), get(live::logs)),
        ("GET", "/t/{team}/notebooks/{id}/logs/download", Access::Needs(Permission::ReadNotebooks), get(exports::log)),
        ("GET", "/t/{team}/notebooks/{id}/open", Access::Visit, get(exports::open)),
        ("GET", "/notebooks/{id}/open", Access::Visit, get(exports::find)),
        ("GET", "/t/{team}/runs/{run}/artifacts/{*path}", Access::Needs(Permission::ReadTracking), get(exports::artifact)),
        ("GET", "/t/{team}/runs/{run}/shown/{*path}", Access::Needs(Permission::ReadTracking), get(shown::lead)),
        ("GET", "/t/{team}/runs/{run}/reproduce.json", Access::Needs(Permission::ReadTracking), get(exports::reproduce)),
        (
            "GET",
            "/t/{team}/models/{model}/versions/{version}/files/{*path}",
            Access::Needs(Permission::ReadRegistry),
            get(exports::version_file),
        ),
        ("GET", "/t/{team}/experiments/{experiment}/runs.csv", Access::Needs(Permission::ReadTracking), get(exports::runs_csv)),
        ("GET", "/t/{team}/experiments/{experiment}/runs.parquet", Access::Needs(Permission::ReadTracking), get(exports::runs_parquet)),
        ("GET", "/experiments/{experiment}", Access::Visit, get(pages::lead)),
        ("GET", "/runs/{run}", Access::Visit, get(pages::lead)),
        ("GET", "/t/{team}/compare.svg", Access::Needs(Permission::ReadTracking), get(exports::chart_svg)),
        ("GET", "/t/{team}/compare.csv", Access::Needs(Permission::ReadTracking), get(exports::chart_csv)),
        ("GET", "/t/{team}/compare.parquet", Access::Needs(Permission::ReadTracking), get(exports::chart_parquet)),
        ("GET", "/t/{team}/audit.csv", Access::Needs(Permission::ReadTeamAudit), get(exports::team_audit)),
        ("GET", "/admin/access.csv", Access::Needs(Permission::ReadAudit), get(exports::access)),
        ("GET", "/admin/audit.csv", Access::Needs(Permission::ReadAudit), get(exports::audit)),
    ];
    own.into_iter().map(|(method, path, access, handler)| (method, path.to_owned(), access, handler)).chain(mlflow::routes()).collect()
}

/// Server functions, by their path below `/api/`.
pub const FUNCTIONS: &[(&str, Access)] = {
    use {
        Access::{Needs, Open, SignedIn},
        Permission as P,
    };
    &[
        ("access/list", Needs(P::ReadAudit)),
        ("audit/list", SignedIn),
        ("charts/compare", Needs(P::ReadTracking)),
        ("compare/files", Needs(P::ReadTracking)),
        ("compare/images", Needs(P::ReadTracking)),
        ("charts/run", Needs(P::ReadTracking)),
        ("environments/choices", Needs(P::ReadTeam)),
        ("environments/list_all", Needs(P::ManageEnvironments)),
        ("environments/remove", Needs(P::ManageEnvironments)),
        ("environments/save", Needs(P::ManageEnvironments)),
        ("environments/save_form", Needs(P::ManageEnvironments)),
        ("environments/set_enabled", Needs(P::ManageEnvironments)),
        ("home/capacity", Needs(P::ReadTeam)),
        ("home/summary", Needs(P::ReadTeam)),
        ("identity/add_user", Needs(P::ManageUsers)),
        ("identity/change_password", Needs(P::ManageOwnAccount)),
        ("identity/create_token", Needs(P::CreateToken)),
        ("identity/has_password", SignedIn),
        ("identity/list_sessions", Needs(P::ManageOwnAccount)),
        ("identity/list_tokens", Needs(P::ManageOwnAccount)),
        ("identity/list_users", Needs(P::ManageUsers)),
        ("identity/local_state", Needs(P::ManageUsers)),
        ("identity/me", Open),
        ("identity/needs_setup", Open),
        ("identity/passwords_work", Open),
        ("identity/reset_password", Needs(P::ManageUsers)),
        ("identity/revoke_other_sessions", Needs(P::ManageOwnAccount)),
        ("identity/revoke_session", Needs(P::ManageOwnAccount)),
        ("identity/revoke_token", Needs(P::ManageOwnAccount)),
        ("identity/set_admin", Needs(P::ManageUsers)),
        ("identity/set_disabled", Needs(P::ManageUsers)),
        ("identity/set_local", Needs(P::ManageUsers)),
        ("identity/set_up", Open),
        ("identity/sign_in", Open),
        ("identity/sign_out", Open),
        ("identity/take_new_token", Needs(P::ManageOwnAccount)),
        ("live/position", Open),
        ("notebooks/delete", Needs(P::ChangeOwnNotebook)),
        ("notebooks/get", Needs(P::ReadNotebooks)),
        ("notebooks/launch", Needs(P::LaunchNotebook)),
        ("notebooks/manifests", Needs(P::LaunchNotebook)),
        ("notebooks/launch_options", Needs(P::ReadTeam)),
        ("notebooks/list", Needs(P::ReadNotebooks)),
        ("notebooks/logs", Needs(P::ReadNotebooks)),
        ("notebooks/page", Needs(P::ReadNotebooks)),
        ("notebooks/resize", Needs(P::ChangeOwnNotebook)),
        ("notebooks/review", Needs(P::LaunchNotebook)),
        ("notebooks/snooze", Needs(P::ChangeOwnNotebook)),
        ("notebooks/start", Needs(P::ChangeOwnNotebook)),
        ("notebooks/stop", Needs(P::ChangeOwnNotebook)),
        ("promotion/approve", Needs(P::ReviewPromotion)),
        ("promotion/ask_waiver", Needs(P::WriteRegistry)),
        ("promotion/check_again", Needs(P::WriteRegistry)),
        ("promotion/decline_waiver", Needs(P::ManagePromotion)),
        ("promotion/flow", Needs(P::ReadRegistry)),
        ("promotion/get", Needs(P::ReadRegistry)),
        ("promotion/grant_waiver", Needs(P::ManagePromotion)),
        ("promotion/history", Needs(P::ReadRegistry)),
        ("promotion/move_stage", Needs(P::ManagePromotion)),
        ("promotion/preview", Needs(P::ReadRegistry)),
        ("promotion/reject", Needs(P::ReviewPromotion)),
        ("promotion/remove_alias", Needs(P::ManagePromotion)),
        ("promotion/remove_stage", Needs(P::ManagePromotion)),
        ("promotion/request", Needs(P::WriteRegistry)),
        ("promotion/requests", Needs(P::ReadRegistry)),
        ("promotion/waiting", Needs(P::ReadRegistry)),
        ("promotion/roll_back", Needs(P::ReviewPromotion)),
        ("promotion/save_card", Needs(P::WriteRegistry)),
        ("promotion/save_card_fields", Needs(P::ManagePromotion)),
        ("promotion/save_stage", Needs(P::ManagePromotion)),
        ("promotion/use_recommended", Needs(P::ManagePromotion)),
        ("promotion/withdraw", Needs(P::WriteRegistry)),
        ("registry/compare", Needs(P::ReadRegistry)),
        ("registry/delete_model", Needs(P::WriteRegistry)),
        ("registry/delete_version", Needs(P::WriteRegistry)),
        ("registry/describe_model", Needs(P::WriteRegistry)),
        ("registry/describe_version", Needs(P::WriteRegistry)),
        ("registry/lineage", Needs(P::ReadRegistry)),
        ("registry/model", Needs(P::ReadRegistry)),
        ("registry/models", Needs(P::ReadRegistry)),
        ("registry/remove_alias", Needs(P::WriteRegistry)),
        ("registry/set_alias", Needs(P::WriteRegistry)),
        ("registry/version", Needs(P::ReadRegistry)),
        ("sso/add_rule", Needs(P::ManageUsers)),
        ("sso/choices", Open),
        ("sso/ends", Open),
        ("sso/finish", Open),
        ("sso/groups", Needs(P::ManageUsers)),
        ("sso/list", Needs(P::ManageUsers)),
        ("sso/preview_rule", Needs(P::ManageUsers)),
        ("sso/preview_without_rule", Needs(P::ManageUsers)),
        ("sso/remove", Needs(P::ManageUsers)),
        ("sso/remove_rule", Needs(P::ManageUsers)),
        ("sso/save", Needs(P::ManageUsers)),
        ("sso/set_enabled", Needs(P::ManageUsers)),
        ("system/check", Needs(P::ReadSystem)),
        ("system/compute", Needs(P::ReadSystem)),
        ("system/holders", Needs(P::ReadSystem)),
        ("teams/create", Needs(P::CreateTeam)),
        ("teams/list_all", Needs(P::ManageTeams)),
        ("teams/members", Needs(P::ReadTeam)),
        ("teams/remove_member", SignedIn),
        ("teams/set_member", SignedIn),
        ("teams/set_quota", Needs(P::ManageTeams)),
        ("teams/belongings", Needs(P::ManageTeams)),
        ("teams/repair", Needs(P::ManageTeams)),
        ("tracking/artifacts", Needs(P::ReadTracking)),
        ("tracking/delete_runs", Needs(P::WriteTracking)),
        ("tracking/delete_tag", Needs(P::WriteTracking)),
        ("tracking/delete_view", Needs(P::ReadTracking)),
        ("tracking/experiments", Needs(P::ReadTracking)),
        ("tracking/ids", Needs(P::ReadTracking)),
        ("tracking/keys", Needs(P::ReadTracking)),
        ("tracking/metrics", Needs(P::ReadTracking)),
        ("tracking/rename_view", Needs(P::ReadTracking)),
        ("tracking/rows", Needs(P::ReadTracking)),
        ("tracking/run", Needs(P::ReadTracking)),
        ("tracking/save_view", Needs(P::ReadTracking)),
        ("tracking/set_note", Needs(P::WriteTracking)),
        ("tracking/set_tag", Needs(P::WriteTracking)),
        ("tracking/sources", Needs(P::ReadTracking)),
        ("tracking/table", Needs(P::ReadTracking)),
        ("tracking/tag_runs", Needs(P::WriteTracking)),
        ("tracking/trace", Needs(P::ReadTracking)),
        ("tracking/traces", Needs(P::ReadTracking)),
        ("tracking/views", Needs(P::ReadTracking)),
        ("volumes/create", Needs(P::WriteVolumes)),
        ("volumes/list", Needs(P::ReadVolumes)),
        ("volumes/remove", Needs(P::WriteVolumes)),
        ("webhooks/create", Needs(P::ManageWebhooks)),
        ("webhooks/delete", Needs(P::ManageWebhooks)),
        ("webhooks/get", Needs(P::ManageWebhooks)),
        ("webhooks/list", Needs(P::ManageWebhooks)),
        ("webhooks/log", Needs(P::ManageWebhooks)),
        ("webhooks/replay", Needs(P::ManageWebhooks)),
        ("webhooks/set_active", Needs(P::ManageWebhooks)),
        ("webhooks/test", Needs(P::ManageWebhooks)),
        ("webhooks/update", Needs(P::ManageWebhooks)),
    ]
};

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Line {
    pub method: &'static str,
    pub path: String,
    pub access: Access,
}

/// The whole table: routes, server functions, pages.
///
/// # Errors
/// Names the server functions that are compiled in but not listed, or listed but not there.
pub fn table() -> Result<Vec<Line>, String> {
    let mut lines: Vec<Line> = routes().into_iter().map(|(method, path, access, _)| Line { method, path, access }).collect();
    let mut unlisted: Vec<String> = Vec::new();
    let compiled: Vec<&str> = server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    for path in &compiled {
        match FUNCTIONS.iter().find(|(name, _)| path.strip_prefix("/api/") == Some(name)) {
            Some((_, access)) => lines.push(Line { method: "POST", path: (*path).to_owned(), access: *access }),
            None => unlisted.push((*path).to_owned()),
        }
    }
    unlisted.extend(FUNCTIONS.iter().map(|(name, _)| format!("/api/{name}")).filter(|path| !compiled.contains(&path.as_str())));
    if !unlisted.is_empty() {
        return Err(format!("server functions and router::FUNCTIONS differ: {}", unlisted.join(", ")));
    }
    lines.extend(listings().iter().map(|page| Line { method: "GET", path: page.path().to_owned(), access: page_access(page.path()) }));
    Ok(lines)
}

fn page_access(path: &str) -> Access {
    if pages::PUBLIC.contains(&path) { Access::Open } else { Access::Visit }
}

/// Every page, listed once in a process: while routes are listed, a resource that another thread begins to load would never finish.
fn listings() -> &'static [AxumRouteListing] {
    static LISTINGS: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    LISTINGS.get_or_init(|| leptos_axum::generate_route_list(app::App))
}

/// Packs pages and the answers of server functions for browsers that ask for it, where it is worth the work: a chart's page has megabytes.
/// Neither repeats a secret beside what a stranger chooses, which packing could give away (BREACH): forms have no token of their own, and a
/// secret is told once, in answer to a POST from the portal's own page.
fn packed() -> CompressionLayer<SizeAbove> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(PACKED))
}

/// The router of the whole process: portal and notebooks.
///
/// # Errors
/// As `table`: the process does not start with a URL that nobody has thought about.
pub fn router(server: Server) -> Result<Router, String> {
    let table = table()?;
    let (mut files, mut portal): (Router<Server>, Router<Server>) = (Router::new(), Router::new());
    for (_, path, access, handler) in routes() {
        let guarded = match access {
            Access::File => {
                files = files.route(&path, handler);
                continue;
            }
            Access::Mlflow(needs) => handler.route_layer(middleware::from_fn_with_state((server.clone(), needs), mlflow::gate)),
            _ => handler.route_layer(middleware::from_fn_with_state(access, gate)),
        };
        portal = portal.route(&path, guarded);
    }
    for line in table.iter().filter(|line| line.path.starts_with("/api/") && !matches!(line.access, Access::Mlflow(_))) {
        portal =
            portal.route(&line.path, post(functions::call).layer(packed()).route_layer(middleware::from_fn_with_state(line.access, gate)));
    }
    for listing in listings() {
        portal = portal.route(listing.path(), get(pages::page).layer((packed(), Extension(Rendering::from(listing)))));
    }
    let portal = portal
        .fallback(get(pages::page).layer(Extension(Rendering::Missing)).fallback(not_allowed))
        .layer(middleware::from_fn(mlflow::missing))
        .layer(middleware::from_fn_with_state(server.clone(), resolve))
        .layer(sessions::layer(&server.portal, server.origin.secure()))
        .merge(files)
        .layer(middleware::from_fn_with_state(server.clone(), guard))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(tell_route))
        .with_state(server.clone());
    Ok(Router::new().fallback(move |state, request| dispatch(state, request, portal)).with_state(server))
}

/// What the operator's own listener answers, and nobody else's: it is not to be reached from outside.
pub fn operations(server: Server) -> Router {
    Router::new().route("/metrics", get(metrics::show)).with_state(server)
}

/// Which line of the table a request met, told to whoever counts answers.
async fn tell_route(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}

/// Answers, and says what was answered: to the metrics, and to the log where its filter has `requests=debug`. Neither learns an address that somebody
/// chose.
async fn dispatch(State(server): State<Server>, mut request: Request, portal: Router) -> Response {
    let (begun, method, id) = (Instant::now(), request.method().clone(), RequestId(random::id::<String>()));
    request.extensions_mut().insert(id.clone());
    let (mut response, class) = answer(&server, request, portal, &id).await;
    let route: Arc<str> = response.extensions_mut().remove::<MatchedPath>().map_or_else(|| class.into(), |path| path.as_str().into());
    let (status, took) = (response.status(), begun.elapsed());
    server.metrics.answered(&route, &method, status, took);
    tracing::debug!(target: "requests", request = id.0, %method, %route, status = status.as_u16(), seconds = took.as_secs_f64(), "answered");
    response
}

/// Chooses by the host, which is checked before anything else is believed. Also says of which class the answer is, where no line of the table does.
async fn answer(server: &Server, request: Request, portal: Router, id: &RequestId) -> (Response, &'static str) {
    let (mut response, class) = match server.origin.place(request.uri(), request.headers()) {
        // An orchestrator asks by address.
        _ if request.uri().path() == "/healthz" => (health().await.into_response(), "/healthz"),
        _ if request.uri().path() == "/readyz" => (ready(State(server.clone())).await, "/readyz"),
        _ if request.uri().path_and_query().is_some_and(|p| p.as_str().len() > TARGET) => {
            (plain(StatusCode::URI_TOO_LONG, "This address is too long."), "(none)")
        }
        Some(Place::Portal) => (portal.oneshot(request).await.into_response(), "(none)"),
        Some(Place::Notebook(notebook)) => return (proxy::serve(server, &notebook, request, id).await, "(notebook)"),
        Some(Place::Files) => return (shown::serve(server, request.method(), request.uri().path(), id).await, "(file)"),
        None => {
            (plain(StatusCode::MISDIRECTED_REQUEST, format!("This is Slipway; it is reached at {}", server.origin.text())), "(other host)")
        }
    };
    headers::complete(response.headers_mut(), server.origin.secure(), id);
    (response, class)
}

async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // A token is sent by a program, never by a browser on its own.
    let by_token = headers.contains_key(header::AUTHORIZATION);
    let visit = if request.uri().path().starts_with("/api/") { Foreigners::Refused } else { Foreigners::MayVisit };
    if !by_token && guard::check(request.method(), headers, &server.origin.text(), visit).is_err() {
        return plain(StatusCode::FORBIDDEN, "This request was made by another site.");
    }
    next.run(request).await
}

/// Refuses who cannot be let through whatever the request says.
async fn gate(State(access): State<Access>, Extension(caller): Extension<Caller>, request: Request, next: Next) -> Response {
    let refused = match access {
        Access::File | Access::Open => None,
        Access::Visit | Access::SignedIn => caller.identity().err(),
        Access::Needs(permission) | Access::Mlflow(permission) => match permission.needs() {
            // Which team is known to the verb only.
            Needs::InTeam(_) => caller.identity().err(),
            _ => caller.require(permission).err(),
        },
    };
    match refused {
        None => next.run(request).await,
        Some(domain::Error::Unauthenticated) if access == Access::Visit => see_other(&pages::sign_in(request.uri())),
        Some(domain::Error::Unauthenticated) => unauthenticated(),
        Some(error) => plain(StatusCode::FORBIDDEN, error.to_string()),
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side. Try again; the header x-request-id names this request.")
}

async fn not_allowed() -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, "This address answers GET only.")
}

/// Alive: a process that does not answer this is started anew.
async fn health() -> impl IntoResponse {
    "ok"
}

/// Whether requests are to be sent here: the database answers, and the process was not asked to stop. It says nothing else to strangers.
async fn ready(State(server): State<Server>) -> Response {
    if server.leaving.asked() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    match tokio::time::timeout(DATABASE_WITHIN, domain::events::latest(&server.portal)).await {
        Ok(Ok(_)) => "ready".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
        }
        Err(_) => {
            tracing::warn!("not ready: the database does not answer in time");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer")
        }
    }
}
