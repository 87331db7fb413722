//! Lists that may be long: pages of them stay small, and exports of them are never in memory as a whole.

use crate::house::House;
use domain::{args, model::UserId};

/// Stopped notebooks of ada's in `red`, `n-000` the newest.
async fn fill(house: &House, notebooks: i64) {
    let ada: UserId = house.user_id("ada").await;
    let (team,): (String,) = house.portal.db.fetch_one("SELECT id FROM teams WHERE name = 'red'", args![]).await.expect("a team");
    for i in 0..notebooks {
        let name = format!("n-{i:03}");
        let spec = serde_json::json!({ "name": name, "environment": "web", "version": "1", "home": name, "data": [], "env": [], "git": null,
            "idle_minutes": 60, "resources": { "cpus": 1, "memory_mib": 512, "gpus": 0 } });
        let volume = "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ($1, $2, $1, $3, $4)";
        house.portal.db.execute(volume, args![&name, &team, &ada, -i]).await.expect("a volume");
        let notebook =
            "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)
                        VALUES ($1, $2, $3, $1, $4, $1, $1, 'stopped', 1, 'stopped', $5, $5)";
        house.portal.db.execute(notebook, args![&name, &team, &ada, spec.to_string(), -i]).await.expect("a notebook");
    }
}

#[tokio::test]
async fn the_list_of_many_notebooks_is_a_small_page_that_leads_to_the_others_without_scripts() {
    let house = House::new().await;
    fill(&house, 120).await;
    let ada = house.session("ada").await;
    let page = async |query: &str| house.get(&format!("/t/red/notebooks{query}"), &[("cookie", &ada)]).await.body;
    let first = page("").await;
    assert!(first.len() < 100_000, "{} bytes", first.len());
    assert!(first.contains("1–25 of 120") && first.contains("n-000") && first.contains("n-024") && !first.contains("n-025"));
    assert!(first.contains("href=\"/t/red/notebooks?page=2\"") && !first.contains("rel=\"prev\""));

    let last = page("?sort=name&page=5").await;
    assert!(
        last.contains("101–120 of 120")
            && last.contains("n-119")
            && last.contains("n-100")
            && !last.contains("n-099")
            && !last.contains("rel=\"next\"")
    );
    assert!(last.contains("sort=name&amp;page=4") || last.contains("page=4&amp;sort=name"), "the order stays in the address");
    assert!(!last.contains("sort=-name&amp;page"), "another order begins with its first page");
    let found = page("?q=n-11").await;
    assert!(found.contains("10 of 120") && found.contains("n-119") && !found.contains("Page 1 of"), "the search sees every page");
    assert!(page("?page=nonsense").await.contains("1–25 of 120"));
    assert!(page("?page=99").await.contains("101–120 of 120"));
    assert!(page("?q=nothing").await.contains("No notebook matches"));
}

#[tokio::test]
async fn a_long_trail_is_exported_in_chunks_for_the_team_and_for_the_portal() {
    let house = House::new().await;
    let (known,): (i64,) = house.portal.db.fetch_one("SELECT COUNT(*) FROM audit", args![]).await.expect("a count");
    let sql = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
               INSERT INTO audit (seq, at, actor, via, team, action, object, object_name, request_id, address, hash)
               SELECT i + 1000, 0, '=cmd()', 'session', CASE i % 2 WHEN 0 THEN 'red' END, 'test.add', 'x', 'x', '', '', '' FROM n";
    house.portal.db.execute(sql, args![]).await.expect("records");
    let (boss, root) = (house.session("boss").await, house.session("root").await);
    for (path, cookie, least) in
        [("/admin/audit.csv", &boss, usize::try_from(known).expect("few") + 1_200), ("/t/red/audit.csv", &root, 600)]
    {
        let answer = house.get(path, &[("cookie", cookie)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8")), "{path}");
        assert_eq!((answer.header("transfer-encoding"), answer.header("content-length")), (Some("chunked"), None), "{path}");
        let lines = answer.body.matches("\r\n").count();
        assert!(lines > least, "{path}: {lines} lines");
        assert_eq!(answer.body.matches("\"'=cmd()\"").count(), if path.starts_with("/admin") { 1_200 } else { 600 }, "{path}");
    }
    let narrow = house.get("/admin/audit.csv?action=nothing", &[("cookie", &boss)]).await;
    assert!(narrow.body.contains("seq,at,actor") && !narrow.body.contains("test.add"));
}

#[tokio::test]
async fn who_has_access_to_what_is_a_page_that_is_filtered_without_scripts_and_exported_as_it_is_filtered() {
    let house = House::new().await;
    let boss = house.session("boss").await;
    let get = async |path: &str| house.get(path, &[("cookie", &boss)]).await;
    let page = get("/admin/access").await.body;
    assert!(page.contains("ada@example.com") && page.contains("newt@example.com") && page.contains("by hand"), "{page}");
    assert!(page.contains("href=\"/admin/access.csv\"") && page.contains("href=\"/admin/teams?q=red\""), "{page}");
    assert!(page.contains("href=\"/admin/users?q=ada%40example%2Ecom\"") && page.contains("action=\"/admin/access\""), "{page}");
    assert!(page.contains(r#"href="/admin/access" title="Access""#), "it is in the navigation");
    let red = get("/admin/access?team=red&role=viewer&sort=-last").await.body;
    let main = red.split("<main").nth(1).expect("the page itself");
    assert!(main.contains("vera@example.com") && !main.contains("ada@example.com") && main.contains("Clear"), "{main}");
    let href = main.split("/admin/access.csv").nth(1).and_then(|rest| rest.split('"').next()).expect("the export").replace("&amp;", "&");
    let csv = get(&format!("/admin/access.csv{href}")).await;
    assert_eq!((csv.status, csv.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert!(csv.header("content-disposition").is_some_and(|kind| kind.contains("attachment") && kind.contains("access.csv")), "{csv:?}");
    assert!(csv.body.contains("vera@example.com") && !csv.body.contains("ada@example.com"), "{}", csv.body);
    assert!(get("/admin/access?q=nobody-at-all").await.body.contains("Nobody matches"));
}
