//! Every URL of the process, as everybody. What is not in the table of expectations fails.

use crate::house::{Answer, House};
use domain::{
    model::{Needs, NewModelVersion, NewRun, PromotionStage, Role, WebhookForm},
    promotion, random, registry, tracking, volumes,
};
use server::router::{self, Access};

/// Who calls, in the order of the expectations: a visitor, the admin of another team, a viewer, a member, a team admin, a portal
/// administrator, and a read-only token of the member.
const CALLERS: [&str; 7] = ["", "eve", "vera", "ada", "root", "boss", "token"];

/// Statuses by caller.
type Expected = [u16; 7];

/// For whoever is signed in, for a viewer of the team, and so on: what most URLs of a kind answer.
const TEAM_READS: Expected = [401, 404, 200, 200, 200, 404, 200];
const TEAM_WRITES: Expected = [401, 404, 403, 200, 200, 404, 403];
const ADMIN_ONLY: Expected = [401, 403, 403, 403, 403, 200, 403];
const OWN_ACCOUNT: Expected = [401, 200, 200, 200, 200, 200, 403];
const EVERYBODY: Expected = [200; 7];
const PAGE: Expected = [303, 200, 200, 200, 200, 200, 200];
const TEAM_PAGE: Expected = [303, 404, 200, 200, 200, 404, 200];
const MEMBERS_PAGE: Expected = [303, 404, 403, 200, 200, 404, 403];
const ADMIN_PAGE: Expected = [303, 403, 403, 403, 403, 200, 403];

/// Path, body of a POST, statuses. `{…}` in a body is filled with something of its kind that exists and is ada's, `{fresh}` with a new name.
#[rustfmt::skip]
const EXPECTATIONS: &[(&str, &str, Expected)] = &[
    ("/healthz", "", EVERYBODY),
    ("/readyz", "", EVERYBODY),
    ("/health", "", EVERYBODY),
    ("/version", "", EVERYBODY),
    ("/favicon.ico", "", [404; 7]),
    ("/pkg/{*file}", "", [404; 7]),
    // There is no such provider, which the sign-in page says.
    ("/sso/{provider}/begin", "", [303; 7]),
    ("/sso/{provider}/end", "", [303; 7]),
    ("/sso/ended", "", [303; 7]),
    // Who asks is of no matter, only the token is.
    ("/sso/back-channel-logout", "logout_token=x", [400; 7]),
    // Without the headers of an upgrade, whoever may open the stream is told that they are missing.
    ("/live", "", [401, 400, 400, 400, 400, 400, 400]),
    ("/t/{team}/notebooks/{id}/logs/live", "", [401, 400, 400, 400, 400, 400, 400]),
    ("/t/{team}/notebooks/{id}/logs/download", "", TEAM_READS),
    // 303 leads in for the owner only, and to the notebook's page for the others: see `notebook_host`.
    ("/t/{team}/notebooks/{id}/open", "", [303, 404, 303, 303, 303, 404, 303]),
    ("/notebooks/{id}/open", "", [303, 404, 303, 303, 303, 404, 303]),
    // There is no such run.
    ("/t/{team}/runs/{run}/artifacts/{*path}", "", [401, 404, 404, 404, 404, 404, 404]),
    ("/t/{team}/runs/{run}/shown/{*path}", "", [401, 404, 404, 404, 404, 404, 404]),
    ("/t/{team}/runs/{run}/reproduce.json", "", TEAM_READS),
    ("/t/{team}/experiments/{experiment}/runs.csv", "", TEAM_READS),
    ("/t/{team}/experiments/{experiment}/runs.parquet", "", TEAM_READS),
    ("/t/{team}/compare.svg", "", TEAM_READS),
    ("/t/{team}/compare.csv", "", TEAM_READS),
    ("/t/{team}/compare.parquet", "", TEAM_READS),
    // There is no such file.
    ("/t/{team}/models/{model}/versions/{version}/files/{*path}", "", [401, 404, 404, 404, 404, 404, 404]),
    // 303 leads to the team's page of it: see `links`. Experiment 0 is the Default of whichever team one is in.
    ("/experiments/{experiment}", "", [303, 303, 303, 303, 303, 404, 303]),
    ("/runs/{run}", "", [303, 404, 303, 303, 303, 404, 303]),
    // The address of a part is its key; this one is wrong.
    ("/api/2.0/mlflow-artifacts/mpu/part/{upload}/{number}", "", [404; 7]),
    ("/t/{team}/audit.csv", "", [401, 404, 403, 403, 200, 200, 403]),
    ("/admin/audit.csv", "", ADMIN_ONLY),
    ("/admin/access.csv", "", ADMIN_ONLY),

    ("/api/access/list", "", ADMIN_ONLY),
    ("/api/audit/list", "filter[team]=red", [401, 404, 403, 403, 200, 200, 403]),
    ("/api/charts/compare", "team=red&runs={run}", TEAM_READS),
    ("/api/compare/files", "team=red&first={run}&second={run}", TEAM_READS),
    ("/api/compare/images", "team=red&runs[0]={run}", TEAM_READS),
    ("/api/charts/run", "team=red&run={run}&most=12", TEAM_READS),
    ("/api/environments/choices", "team=red", TEAM_READS),
    ("/api/environments/list_all", "", ADMIN_ONLY),
    ("/api/environments/remove", "name={fresh}", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/environments/save", "{environment}", ADMIN_ONLY),
    ("/api/environments/save_form", "form[name]=", [401, 403, 403, 403, 403, 400, 403]),
    ("/api/environments/set_enabled", "name=web&enabled=true", ADMIN_ONLY),
    ("/api/home/capacity", "team=red", TEAM_READS),
    ("/api/home/summary", "team=red", TEAM_READS),
    ("/api/identity/add_user", "email={fresh}@example.com&name=x&password=short", [401, 403, 403, 403, 403, 400, 403]),
    ("/api/identity/change_password", "old=x&new=y", [401, 400, 400, 400, 400, 400, 403]),
    ("/api/identity/create_token", "new[name]=x&new[team]=red&new[role]=viewer&new[days]=1", [401, 404, 200, 200, 200, 404, 403]),
    ("/api/identity/has_password", "", [401, 200, 200, 200, 200, 200, 200]),
    ("/api/identity/list_sessions", "", OWN_ACCOUNT),
    ("/api/identity/list_tokens", "", OWN_ACCOUNT),
    ("/api/identity/list_users", "", ADMIN_ONLY),
    ("/api/identity/local_state", "", ADMIN_ONLY),
    ("/api/identity/me", "", EVERYBODY),
    ("/api/identity/needs_setup", "", EVERYBODY),
    ("/api/identity/passwords_work", "", EVERYBODY),
    ("/api/identity/reset_password", "user={newt}&password=short", [401, 403, 403, 403, 403, 400, 403]),
    ("/api/identity/revoke_other_sessions", "", OWN_ACCOUNT),
    ("/api/identity/revoke_session", "handle={fresh}", [401, 404, 404, 404, 404, 404, 403]),
    ("/api/identity/revoke_token", "id={fresh}", [401, 404, 404, 404, 404, 404, 403]),
    ("/api/identity/set_admin", "user={newt}&admin=false", ADMIN_ONLY),
    ("/api/identity/set_disabled", "user={newt}&disabled=false", ADMIN_ONLY),
    // They are on already.
    ("/api/identity/set_local", "on=true", ADMIN_ONLY),
    ("/api/identity/set_up", "code=x&email=x@example.com&name=x&password=correct horse", [409; 7]),
    ("/api/identity/sign_in", "email={fresh}@example.com&password=x&next=/", [400; 7]),
    ("/api/identity/sign_out", "", EVERYBODY),
    ("/api/identity/take_new_token", "", OWN_ACCOUNT),
    ("/api/live/position", "", EVERYBODY),
    ("/api/notebooks/delete", "team=red&id={id}", TEAM_WRITES),
    ("/api/notebooks/get", "team=red&id={id}", TEAM_READS),
    ("/api/notebooks/launch", "team=red&form[name]=", [401, 404, 403, 400, 400, 404, 403]),
    ("/api/notebooks/launch_options", "team=red", TEAM_READS),
    ("/api/notebooks/list", "team=red", TEAM_READS),
    ("/api/notebooks/logs", "team=red&id={id}&limit=5", TEAM_READS),
    ("/api/notebooks/page", "team=red&query[text]=", TEAM_READS),
    ("/api/notebooks/resize", "team=red&id={id}&cpus=1&memory=1&gpus=0", [401, 404, 403, 409, 409, 404, 403]),
    ("/api/notebooks/manifests", "team=red&form[name]=", [401, 404, 403, 400, 400, 404, 403]),
    ("/api/notebooks/review", "team=red&form[name]=", [401, 404, 403, 400, 400, 404, 403]),
    ("/api/notebooks/snooze", "team=red&id={id}", TEAM_WRITES),
    ("/api/notebooks/start", "team=red&id={id}", TEAM_WRITES),
    ("/api/notebooks/stop", "team=red&id={id}", TEAM_WRITES),
    ("/api/promotion/approve", "team=red&id={asked}", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/ask_waiver", "team=red&id={asked}&gate=tag:x&reason=x", [401, 404, 403, 404, 404, 404, 403]),
    ("/api/promotion/check_again", "team=red&id={asked}", TEAM_WRITES),
    ("/api/promotion/decline_waiver", "team=red&id={asked}&gate=tag:x&reason=x", [401, 404, 403, 403, 404, 404, 403]),
    ("/api/promotion/flow", "team=red", [401, 404, 200, 200, 200, 404, 200]),
    ("/api/promotion/get", "team=red&id={asked}", TEAM_READS),
    ("/api/promotion/grant_waiver", "team=red&id={asked}&gate=tag:x", [401, 404, 403, 403, 404, 404, 403]),
    ("/api/promotion/history", "team=red&model={model}&alias=champion", TEAM_READS),
    ("/api/promotion/move_stage", "team=red&alias=candidate", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/preview", "team=red&model={model}&version=1&to=champion", TEAM_READS),
    ("/api/promotion/reject", "team=red&id={asked}&comment=no", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/remove_alias", "team=red&model={model}&alias=champion", [401, 404, 403, 403, 409, 404, 403]),
    ("/api/promotion/remove_stage", "team=red&alias={fresh}", [401, 404, 403, 403, 404, 404, 403]),
    ("/api/promotion/request", "team=red&model={model}&version=1&alias=champion", TEAM_WRITES),
    ("/api/promotion/requests", "team=red", TEAM_READS),
    ("/api/promotion/waiting", "team=red", TEAM_READS),
    ("/api/promotion/roll_back", "team=red&model={model}&alias=champion&version=1", [401, 404, 403, 409, 409, 404, 403]),
    ("/api/promotion/save_card", "team=red&model={model}&version=1&card[0][field]=Owner&card[0][text]=ada", TEAM_WRITES),
    ("/api/promotion/save_card_fields", "team=red&fields=Intended+use%0ATraining+data%0AEvaluation%0ALimitations%0AOwner", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/save_stage", "team=red&form[old]=candidate&form[alias]=candidate", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/use_recommended", "team=red", [401, 404, 403, 403, 200, 404, 403]),
    ("/api/promotion/withdraw", "team=red&id={asked}", [401, 404, 403, 200, 200, 404, 403]),
    ("/api/registry/compare", "team=red&model={model}&versions=1", TEAM_READS),
    ("/api/registry/delete_model", "team=red&model={model}", TEAM_WRITES),
    ("/api/registry/delete_version", "team=red&model={model}&version=1", TEAM_WRITES),
    ("/api/registry/describe_model", "team=red&model={model}&description=d", TEAM_WRITES),
    ("/api/registry/describe_version", "team=red&model={model}&version=1&description=d", TEAM_WRITES),
    ("/api/registry/lineage", "team=red&model={model}&version=1", TEAM_READS),
    ("/api/registry/model", "team=red&model={model}", TEAM_READS),
    ("/api/registry/models", "team=red", TEAM_READS),
    // Champion may be protected by now.
    ("/api/registry/remove_alias", "team=red&model={model}&alias=candidate", TEAM_WRITES),
    ("/api/registry/set_alias", "team=red&model={model}&alias=candidate&version=1", TEAM_WRITES),
    ("/api/registry/version", "team=red&model={model}&version=1", TEAM_READS),
    ("/api/sso/add_rule", "provider={fresh}&form[pattern]=x&form[team]=red&form[role]=member", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/choices", "", EVERYBODY),
    ("/api/sso/ends", "provider={fresh}", [404; 7]),
    // No sign-in of this browser waits for it.
    ("/api/sso/finish", "state=x&code=x", [400; 7]),
    ("/api/sso/groups", "provider={fresh}", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/list", "", ADMIN_ONLY),
    ("/api/sso/preview_rule", "provider={fresh}&form[pattern]=x&form[team]=red&form[role]=member", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/preview_without_rule", "rule={fresh}", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/remove", "id={fresh}", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/remove_rule", "rule={fresh}", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/sso/save", "form[name]=", [401, 403, 403, 403, 403, 400, 403]),
    ("/api/sso/set_enabled", "id={fresh}&enabled=true", [401, 403, 403, 403, 403, 404, 403]),
    ("/api/system/check", "", ADMIN_ONLY),
    ("/api/system/compute", "", ADMIN_ONLY),
    ("/api/system/holders", "", ADMIN_ONLY),
    ("/api/teams/belongings", "team=red", ADMIN_ONLY),
    ("/api/teams/repair", "team=red", ADMIN_ONLY),
    ("/api/teams/set_quota", "team=red&cpus=100000&memory=&gpus=", ADMIN_ONLY),
    ("/api/teams/create", "name={fresh}", OWN_ACCOUNT),
    ("/api/teams/list_all", "", ADMIN_ONLY),
    ("/api/teams/members", "team=red", [401, 404, 200, 200, 200, 200, 200]),
    ("/api/teams/remove_member", "team=red&user={newt}", [401, 404, 403, 403, 200, 200, 403]),
    ("/api/teams/set_member", "team=red&email=newt@example.com&role=viewer", [401, 404, 403, 403, 200, 200, 403]),
    ("/api/tracking/artifacts", "team=red&run={run}", TEAM_READS),
    ("/api/tracking/delete_runs", "team=red&runs={run}", TEAM_WRITES),
    ("/api/tracking/delete_tag", "team=red&run={run}&key={fresh}", [401, 404, 403, 404, 404, 404, 403]),
    // There is no such view.
    ("/api/tracking/delete_view", "team=red&experiment=0&id={fresh}", [401, 404, 404, 404, 404, 404, 404]),
    ("/api/tracking/experiments", "team=red", TEAM_READS),
    ("/api/tracking/ids", "team=red&experiment=0", TEAM_READS),
    ("/api/tracking/keys", "team=red&experiment=0", TEAM_READS),
    ("/api/tracking/metrics", "team=red&run={run}", TEAM_READS),
    ("/api/tracking/rename_view", "team=red&experiment=0&id={fresh}&name=x", [401, 404, 404, 404, 404, 404, 404]),
    ("/api/tracking/rows", "team=red&experiment=0&limit=50", TEAM_READS),
    ("/api/tracking/run", "team=red&run={run}", TEAM_READS),
    ("/api/tracking/save_view", "team=red&experiment=0&name={fresh}", TEAM_READS),
    ("/api/tracking/set_note", "team=red&run={run}&before=&note=", TEAM_WRITES),
    ("/api/tracking/set_tag", "team=red&run={run}&key=a&value=b", TEAM_WRITES),
    ("/api/tracking/sources", "team=red&run={run}", TEAM_READS),
    ("/api/tracking/table", "team=red&experiment=0", TEAM_READS),
    ("/api/tracking/tag_runs", "team=red&runs={run}&key=k&value=v", TEAM_WRITES),
    ("/api/tracking/trace", "team=red&trace=tr-gone", [401, 404, 404, 404, 404, 404, 404]),
    ("/api/tracking/traces", "team=red&experiment=0", TEAM_READS),
    ("/api/tracking/views", "team=red&experiment=0", TEAM_READS),
    ("/api/volumes/create", "team=red&name={fresh}", TEAM_WRITES),
    ("/api/volumes/list", "team=red", TEAM_READS),
    ("/api/volumes/remove", "team=red&name={volume}", TEAM_WRITES),
    ("/api/webhooks/create", "team=red&webhook[name]=w&webhook[url]=https://1.1.1.1/x&webhook[events][prompt.created]=true", TEAM_WRITES),
    ("/api/webhooks/delete", "team=red&id={webhook}", TEAM_WRITES),
    ("/api/webhooks/get", "team=red&id={webhook}", TEAM_WRITES),
    ("/api/webhooks/list", "team=red", TEAM_WRITES),
    ("/api/webhooks/log", "team=red&id={webhook}", TEAM_WRITES),
    // Nothing of this name was sent, and there is no such webhook to try.
    ("/api/webhooks/replay", "team=red&id={webhook}&delivery={fresh}", [401, 404, 403, 404, 404, 404, 403]),
    ("/api/webhooks/set_active", "team=red&id={webhook}&active=false", TEAM_WRITES),
    ("/api/webhooks/test", "team=red&id={fresh}", [401, 404, 403, 404, 404, 404, 403]),
    ("/api/webhooks/update", "team=red&id={webhook}&webhook[name]=w&webhook[url]=https://1.1.1.1/y&webhook[events][prompt.created]=true", TEAM_WRITES),

    ("/", "", [303; 7]),
    ("/sign-in", "", [200, 303, 303, 303, 303, 303, 303]),
    ("/setup", "", [303; 7]),
    ("/sso/callback", "", [400; 7]),
    ("/welcome", "", PAGE),
    ("/teams/new", "", PAGE),
    ("/account", "", PAGE),
    ("/account/sessions", "", [303, 200, 200, 200, 200, 200, 403]),
    ("/account/tokens", "", [303, 200, 200, 200, 200, 200, 403]),
    ("/t/{team}", "", TEAM_PAGE),
    ("/t/{team}/notebooks", "", TEAM_PAGE),
    ("/t/{team}/notebooks/new", "", TEAM_PAGE),
    ("/t/{team}/notebooks/{id}", "", TEAM_PAGE),
    ("/t/{team}/experiments", "", TEAM_PAGE),
    ("/t/{team}/experiments/{experiment}", "", TEAM_PAGE),
    ("/t/{team}/runs/{run}", "", TEAM_PAGE),
    ("/t/{team}/experiments/{experiment}/traces", "", TEAM_PAGE),
    // There is no such trace.
    ("/t/{team}/traces/{trace}", "", [303, 404, 404, 404, 404, 404, 404]),
    ("/t/{team}/models", "", TEAM_PAGE),
    ("/t/{team}/models/{model}", "", TEAM_PAGE),
    ("/t/{team}/models/{model}/versions/{version}", "", TEAM_PAGE),
    ("/t/{team}/models/{model}/versions/{version}/promote", "", TEAM_PAGE),
    ("/t/{team}/models/{model}/aliases/{alias}", "", TEAM_PAGE),
    ("/t/{team}/reviews", "", TEAM_PAGE),
    ("/t/{team}/reviews/{request}", "", TEAM_PAGE),
    ("/t/{team}/settings/promotion", "", TEAM_PAGE),
    ("/t/{team}/models/{model}/compare", "", TEAM_PAGE),
    // Without runs it says how to choose some; another team's run is not found: see `charts`.
    ("/t/{team}/compare", "", TEAM_PAGE),
    ("/t/{team}/members", "", [303, 404, 200, 200, 200, 200, 200]),
    ("/t/{team}/volumes", "", TEAM_PAGE),
    ("/t/{team}/webhooks", "", MEMBERS_PAGE),
    ("/t/{team}/webhooks/new", "", MEMBERS_PAGE),
    ("/t/{team}/webhooks/{webhook}", "", MEMBERS_PAGE),
    ("/t/{team}/audit", "", [303, 404, 403, 403, 200, 200, 403]),
    ("/admin/access", "", ADMIN_PAGE),
    ("/admin/audit", "", ADMIN_PAGE),
    ("/admin/compute", "", ADMIN_PAGE),
    ("/admin/environments", "", ADMIN_PAGE),
    // An empty form; what it sends is refused.
    ("/admin/environments/new", "", PAGE),
    ("/admin/environments/{name}", "", ADMIN_PAGE),
    ("/admin/system", "", ADMIN_PAGE),
    ("/admin/teams", "", ADMIN_PAGE),
    ("/admin/teams/{team}", "", ADMIN_PAGE),
    ("/admin/users", "", ADMIN_PAGE),
    ("/admin/sign-in", "", ADMIN_PAGE),
    // There is no such provider.
    ("/admin/sign-in/{provider}", "", [303, 403, 403, 403, 403, 404, 403]),
];

#[tokio::test]
async fn every_url_lets_in_whom_it_should() {
    let house = House::new().await;
    let mut wrong = Vec::new();
    for line in router::table().expect("a sound table").into_iter().filter(|l| !matches!(l.access, Access::Mlflow(_))) {
        let Some((_, body, expected)) = EXPECTATIONS.iter().find(|(path, _, _)| *path == line.path) else {
            wrong.push(format!("{} {}: say in EXPECTATIONS who may", line.method, line.path));
            continue;
        };
        for (who, expected) in CALLERS.iter().zip(expected) {
            let got = ask(&house, line.method, &line.path, body, who).await.status;
            if got != *expected {
                wrong.push(format!("{} {} as {who:?}: {got}, expected {expected}", line.method, line.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// MLflow's endpoints take a token of the team and nothing else, each as far as its permission goes.
#[tokio::test]
async fn every_mlflow_endpoint_takes_a_token_that_may() {
    let house = House::new().await;
    let (viewer, member) = (house.token("ada", Role::Viewer).await, house.token("ada", Role::Member).await);
    let ada = house.session("ada").await;
    let mut wrong = Vec::new();
    for line in router::table().expect("a sound table") {
        let Access::Mlflow(needs) = line.access else { continue };
        let path = line.path.replace(['{', '}', '*'], "");
        let origin = house.origin();
        let send = async |name: &str, value: &str| {
            let headers = [("origin", origin.as_str()), ("content-type", "application/json"), (name, value)];
            house.send(line.method, &path, &headers, if line.method == "GET" { "" } else { "{}" }).await
        };
        let through = |status: u16| !matches!(status, 0 | 401 | 403 | 405 | 500 | 502 | 503);
        let reads = needs.needs() == Needs::InTeam(Role::Viewer);
        for (who, answer, fine) in [
            ("nobody", send("x-none", "x").await, (&|s: u16| s == 401) as &dyn Fn(u16) -> bool),
            ("a dead token", send("authorization", "Bearer slw_nothing").await, &|s| s == 401),
            ("a session", send("cookie", &ada).await, &|s| s == 403),
            ("a viewer", send("authorization", &format!("Bearer {viewer}")).await, &|s| if reads { through(s) } else { s == 403 }),
            ("a member", send("authorization", &format!("Bearer {member}")).await, &|s| {
                if needs.needs() == Needs::InTeam(Role::Admin) { s == 403 } else { through(s) }
            }),
        ] {
            if !fine(answer.status) {
                wrong.push(format!("{} {} as {who}: {} {}", line.method, line.path, answer.status, answer.body));
            }
            if answer.status >= 400 && !answer.body.contains("error_code") {
                wrong.push(format!("{} {} as {who}: not MLflow's shape: {}", line.method, line.path, answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn ask(house: &House, method: &str, path: &str, body: &str, who: &str) -> Answer {
    let mut id = String::new();
    if path.contains("{id}") || body.contains("{id}") {
        id = house.notebook().await.0;
    }
    let mut run = String::new();
    if path.ends_with("{run}") || path.ends_with("{run}/reproduce.json") || body.contains("{run}") {
        let new = NewRun { name: "r".into(), ..NewRun::default() };
        run = tracking::runs::create(&house.portal, &house.test.caller("ada").await, "red", new).await.expect("a run").id.0;
    }
    let fresh = format!("f-{}", random::id::<String>());
    if body.contains("{volume}") {
        let ada = house.test.caller("ada").await;
        volumes::create(&house.portal, &ada, "red", &fresh).await.expect("a volume");
    }
    if path.contains("{model}") || body.contains("{model}") {
        version_of(house, &fresh).await;
    }
    let mut asked = String::new();
    if path.contains("{request}") || body.contains("{asked}") {
        version_of(house, &fresh).await;
        asked = promotion_of(house, &fresh).await;
    }
    let mut webhook = String::new();
    if path.contains("{webhook}") || body.contains("{webhook}") {
        let form = WebhookForm {
            name: Some("w".into()),
            url: Some("https://1.1.1.1/x".into()),
            events: Some(vec!["prompt.created".into()]),
            ..WebhookForm::default()
        };
        webhook = domain::webhooks::create(&house.portal, &house.test.caller("ada").await, "red", form).await.expect("a webhook").id;
    }
    if path == "/api/teams/remove_member" {
        // Somebody to remove, each time.
        let console = domain::Caller::console();
        domain::teams::set_member(&house.portal, &console, "red", "newt@example.com", Role::Viewer).await.expect("a member");
    }
    let path =
        path.replace("{run}", &run).replace("{experiment}", "0").replace("{team}", "red").replace("{id}", &id).replace("{name}", "web");
    let path = path.replace("{model}", &fresh).replace("{version}", "1").replace("{alias}", "champion").replace("{request}", &asked);
    let path = path.replace("{webhook}", &webhook);
    let body =
        body.replace("{model}", &fresh).replace("{run}", &run).replace("{id}", &id).replace("{fresh}", &fresh).replace("{volume}", &fresh);
    let body = body.replace("{asked}", &asked);
    let body = body.replace("{webhook}", &webhook);
    let body = body.replace("{newt}", house.user_id("newt").await.as_str());
    let (body, kind) = match body.as_str() {
        "{environment}" => (environment(&fresh), "application/json"),
        _ => (body, "application/x-www-form-urlencoded"),
    };
    let origin = house.origin();
    let mut headers = vec![("origin", origin), ("content-type", kind.to_owned())];
    match who {
        "" => {}
        "token" => headers.push(("authorization", format!("Bearer {}", house.token("ada", Role::Viewer).await))),
        name => headers.push(("cookie", house.session(name).await)),
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    house.send(method, &path, &headers, if method == "POST" { &body } else { "" }).await
}

/// Version 1 of a model of ada's.
async fn version_of(house: &House, model: &str) {
    let ada = house.test.caller("ada").await;
    let run = tracking::runs::create(&house.portal, &ada, "red", NewRun::default()).await.expect("a run").id;
    registry::create(&house.portal, &ada, "red", model, None, Vec::new()).await.expect("a model");
    let new = NewModelVersion { name: model.into(), source: format!("runs:/{run}/model"), ..NewModelVersion::default() };
    registry::create_version(&house.portal, &ada, "red", new).await.expect("a version");
}

/// A request of ada's that waits for an approval.
async fn promotion_of(house: &House, model: &str) -> String {
    let champion = PromotionStage { alias: "champion".into(), approvals: 1, ..PromotionStage::default() };
    let root = house.test.caller("root").await;
    promotion::save_stage(&house.portal, &root, "red", "champion", champion).await.expect("a stage");
    promotion::request(&house.portal, &house.test.caller("ada").await, "red", (model, 1), "champion", "").await.expect("asked")
}

fn environment(name: &str) -> String {
    serde_json::json!({
        "environment": {
            "name": name, "title": "T", "description": "", "logo": "terminal", "program": {"kind": "command", "argv": ["serve", "{port}"]},
            "versions": [{"name": "1", "packages": [], "deprecated": null}],
            "default_resources": {"cpus": 1, "memory_mib": 512, "gpus": 0}, "visible_to": [], "enabled": true, "updated_at": 0
        },
        "create": true
    })
    .to_string()
}

#[tokio::test]
async fn a_url_that_nobody_listed_is_refused() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    assert_eq!(house.post("/api/identity/unknown", &ada, "a=1").await.status, 405);
    let missing = house.get("/t/red/nothing/here", &[("cookie", &ada)]).await;
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert_eq!(house.get("/nothing", &[]).await.status, 303);
}

#[tokio::test]
async fn what_changes_something_answers_post_only() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    for (path, _) in router::FUNCTIONS {
        let path = format!("/api/{path}");
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let headers = [("cookie", ada.as_str()), ("sec-fetch-site", "same-origin"), ("x-http-method-override", "POST")];
            let answer = house.send(method, &format!("{path}?_method=POST"), &headers, "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}
