//! Requests that other sites make a browser send, hosts that are not ours, and the headers on every answer.

use crate::house::House;
use domain::args;
use server::http::accept;

const FORM: &str = "name=stolen";

#[tokio::test]
async fn a_post_that_another_site_makes_is_refused_before_it_runs() {
    let house = House::new().await;
    let (ada, own) = (house.session("ada").await, house.origin());
    let cases: &[&[(&str, &str)]] = &[
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost")],
        &[("origin", &own), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("origin", &own), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        // Neither says where it comes from.
        &[],
    ];
    for headers in cases {
        let headers = [&[("cookie", ada.as_str())], *headers].concat();
        assert_eq!(house.send("POST", "/api/teams/create", &headers, FORM).await.status, 403, "{headers:?}");
    }
    let teams = domain::teams::list_all(&house.portal, &domain::Caller::console()).await.expect("teams");
    assert!(teams.iter().all(|t| t.team.name != "stolen"));
    assert_eq!(house.post("/api/teams/create", &ada, FORM).await.status, 200);
}

#[tokio::test]
async fn another_site_may_link_to_a_page_but_neither_frame_nor_fetch_one() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let get = async |path: &str, mode: &str, dest: &str| {
        let headers = [("cookie", ada.as_str()), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
        house.get(path, &headers).await.status
    };
    assert_eq!(get("/account", "navigate", "document").await, 200);
    assert_eq!(get("/account", "navigate", "iframe").await, 403);
    assert_eq!(get("/account", "cors", "empty").await, 403);
    assert_eq!(get("/admin/audit.csv", "no-cors", "image").await, 403);
}

#[tokio::test]
async fn a_form_never_leads_to_another_site() {
    let house = House::new().await;
    let (ada, own) = (house.session("ada").await, house.origin());
    for foreign in ["https://evil.example/x", &format!("{own}.evil.example/x"), "javascript:alert(1)"] {
        let headers = [("cookie", ada.as_str()), ("origin", &own), ("accept", "text/html"), ("referer", foreign)];
        let answer = house.send("POST", "/api/volumes/create", &headers, "team=red&name=UPPER").await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{foreign}");
    }
    let here = format!("{own}/t/red/volumes?q=a");
    let headers = [("cookie", ada.as_str()), ("origin", &own), ("accept", "text/html"), ("referer", &here)];
    let answer = house.send("POST", "/api/volumes/create", &headers, "team=red&name=UPPER").await;
    assert!(answer.header("location").is_some_and(|l| l.starts_with(&here) && l.contains("__err")), "{answer:?}");
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_misdirected() {
    let house = House::new().await;
    let (ada, port) = (house.session("ada").await, house.address.port());
    let hosts = ["attacker.test", "127.0.0.1", "localhost", &format!("x.localhost:{port}"), &format!("localhost:{port}.evil.example"), ""];
    for host in hosts {
        let answer = house.get("/account", &[("host", host), ("cookie", &ada), ("x-forwarded-host", &house.host())]).await;
        assert_eq!(answer.status, 421, "{host}");
        assert!(!answer.body.contains("ada@example.com"));
    }
    // An orchestrator asks by address.
    assert_eq!(house.get("/healthz", &[("host", "10.0.0.7:3000")]).await.status, 200);
    assert_eq!(house.get("/readyz", &[("host", "10.0.0.7:3000")]).await.status, 200);
}

#[tokio::test]
async fn a_portal_without_its_database_lives_and_is_not_ready() {
    let house = House::new().await;
    assert_eq!(house.get("/readyz", &[]).await.body, "ready");
    house.portal.db.close().await;
    let answer = house.get("/readyz", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "the database does not answer"));
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_portal_that_was_asked_to_stop_wants_no_more_requests() {
    let house = House::new().await;
    house.server.leaving.ask();
    let answer = house.get("/readyz", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "stopping"));
    assert_eq!(house.get("/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn no_header_makes_somebody() {
    let house = House::new().await;
    for (name, value) in [
        ("kubeflow-userid", "root@example.com"),
        ("x-forwarded-user", "root@example.com"),
        ("x-forwarded-email", "root@example.com"),
        ("x_forwarded_user", "root@example.com"),
        ("x-remote-user", "root@example.com"),
        ("x-original-url", "/healthz"),
        ("x-forwarded-uri", "/healthz"),
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "kube-probe/1.30"),
    ] {
        assert_eq!(house.get("/admin/audit.csv", &[(name, value)]).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn one_guesser_behind_a_proxy_keeps_out_nobody_else() {
    let proxies = vec!["127.0.0.1".parse().expect("an address")].leak();
    let house = House::with(accept::Limits { proxies, ..accept::Limits::default() }, None).await;
    let guess = async |from: &str, who: u32| {
        let origin = house.origin();
        let headers = [("origin", origin.as_str()), ("x-forwarded-for", from)];
        house.send("POST", "/api/identity/sign_in", &headers, &format!("email=n{who}@example.com&password=wrong&next=/")).await
    };
    for n in 0..40 {
        guess(&format!("192.0.2.{n}, 198.51.100.1"), n).await;
    }
    guess("198.51.100.2", 100).await;
    let sql = "SELECT DISTINCT address, action FROM audit WHERE action LIKE 'user.sign_in%' ORDER BY address, action";
    let seen: Vec<(String, String)> = house.portal.db.fetch_all(sql, args![]).await.expect("records");
    let expected =
        [("198.51.100.1", "user.sign_in_refused"), ("198.51.100.1", "user.sign_in_throttled"), ("198.51.100.2", "user.sign_in_refused")];
    assert_eq!(seen, expected.map(|(address, action)| (address.to_owned(), action.to_owned())));
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let id = house.notebook().await;
    for (method, path, cookie, status) in [
        ("GET", "/sign-in", "", 200),
        ("GET", "/account", ada.as_str(), 200),
        ("GET", "/account", "", 303),
        ("GET", "/t/red/nothing", &ada, 404),
        ("GET", "/t/red/audit.csv", &ada, 403),
        ("GET", &format!("/t/red/notebooks/{id}/logs/download"), &ada, 200),
        ("GET", "/pkg/nothing.js", "", 404),
        ("GET", "/healthz", "", 200),
        ("PUT", "/account", "", 405),
        ("POST", "/api/notebooks/list", "", 401),
    ] {
        let origin = house.origin();
        let answer = house.send(method, path, &[("cookie", cookie), ("origin", &origin)], "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-request-id").len(), 16, "{path}");
        assert!(header("permissions-policy").contains("camera=()"), "{path}");
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "connect-src 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*'), "{policy}");
        assert_eq!(header("strict-transport-security"), "", "over plain HTTP browsers ignore it");
    }
}

#[tokio::test]
async fn a_pages_scripts_carry_the_nonce_of_its_policy_and_no_other_answers() {
    let house = House::new().await;
    let nonce = async || {
        let page = house.get("/sign-in", &[]).await;
        let policy = page.header("content-security-policy").expect("a policy").to_owned();
        let nonce = policy.split("'nonce-").nth(1).and_then(|n| n.split('\'').next()).expect("a nonce").to_owned();
        let scripts = page.body.matches("<script").count();
        assert!(scripts > 0 && page.body.matches(&format!("nonce=\"{nonce}\"")).count() >= scripts, "{}", page.body);
        nonce
    };
    assert_ne!(nonce().await, nonce().await);
}

#[tokio::test]
async fn over_https_cookies_are_bound_to_the_host_and_browsers_stay_on_https() {
    let house = House::with(server::http::accept::Limits::default(), Some("https://ml.example.org")).await;
    house.test.user("amy").await;
    let headers = [("host", "ml.example.org"), ("origin", "https://ml.example.org")];
    let body = "email=amy@example.com&password=correct horse battery&next=/";
    let answer = house.send("POST", "/api/identity/sign_in", &headers, body).await;
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-slipway="), "{cookie}");
    for part in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    assert!(answer.header("strict-transport-security").is_some_and(|v| v.contains("max-age=31536000")));
}
