//! Artifacts over HTTP, as MLflow's clients and as attackers send them.

use crate::house::{Answer, House};
use domain::{
    args,
    artifacts::pins,
    model::{ArtifactPath, Role, TeamId},
    random,
};
use serde_json::Value as Json;
use server::http::accept::Limits;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ROOT: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A token's header.
async fn bearer(house: &House, name: &str, role: Role) -> String {
    format!("Bearer {}", house.token(name, role).await)
}

async fn ask(house: &House, token: &str, method: &str, path: &str, body: &str) -> Answer {
    house.send(method, &format!("{ROOT}/{path}"), &[("authorization", token)], body).await
}

async fn put(house: &House, token: &str, path: &str, body: &str) -> Answer {
    ask(house, token, "PUT", path, body).await
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "0/r/artifacts/d/x.txt", "hello").await.status, 200);
    let file = ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await;
    assert_eq!((file.status, file.body.as_str(), file.header("content-length")), (200, "hello", Some("5")));
    assert_eq!(file.header("etag"), Some(&*format!("\"{}\"", random::digest("hello"))));
    let head = ask(&house, &token, "HEAD", "0/r/artifacts/d/x.txt", "").await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("5")));
    assert_eq!(put(&house, &token, "0/r/artifacts/d/x.txt", "again").await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await.body, "again");
    let listed = house.get(&format!("{ROOT}?path=0/r/artifacts"), &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[{"path":"d","is_dir":true}]}"#), "{}", listed.text);
    let listed = house.get(&format!("{ROOT}?path=0/r/artifacts/d"), &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[{"path":"x.txt","is_dir":false,"file_size":5}]}"#), "{}", listed.text);
    assert_eq!(ask(&house, &token, "DELETE", "0/r/artifacts/", "").await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "0/r/artifacts/d/x.txt", "").await.status, 404);
    let listed = house.get(ROOT, &[("authorization", &token)]).await;
    assert!(listed.text.contains(r#"{"files":[]}"#), "{}", listed.text);
}

/// Everything that lies in the store.
fn stored(house: &House) -> usize {
    fn below(folder: std::path::PathBuf) -> usize {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
        entries.map(|e| if e.is_dir() { below(e) } else { 1 }).sum()
    }
    below(house.test.folder.path().join("artifacts"))
}

async fn until(mut ready: impl FnMut() -> bool) {
    let waiting = async {
        while !ready() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes true");
}

/// A token of eve's team, blue.
async fn blue(house: &House) -> String {
    let new = domain::model::NewToken { name: "t".into(), team: "blue".into(), role: Role::Member, days: 30 };
    let made = domain::tokens::create_for(&house.portal, &domain::Caller::console(), "eve@example.com", new).await.expect("a token");
    format!("Bearer {}", made.1)
}

/// A run of red, in an experiment whose files are at `location`.
async fn run(house: &House, number: i64, location: &str) -> String {
    let db = &house.portal.db;
    let team: (String,) = db.fetch_one("SELECT id FROM teams WHERE name = 'red'", args![]).await.expect("a team");
    let ada = house.user_id("ada").await;
    let sql = "INSERT INTO experiments (id, team_id, is_default, name, artifact_location, created_by, created_at, updated_at, version)
         VALUES ($1, $2, 0, $3, $4, $5, 0, 0, 0)";
    db.execute(sql, args![number, &team.0, format!("e{number}"), location, &ada]).await.expect("an experiment");
    let id = format!("{number:032x}");
    let sql = "INSERT INTO runs (no, id, experiment_id, team_id, name, user_id, status, created_by, created_at, version)
         VALUES ($1, $2, $1, $3, 'r', 'ada', 'RUNNING', $4, 0, 0)";
    db.execute(sql, args![number, &id, &team.0, &ada]).await.expect("a run");
    id
}

#[tokio::test]
async fn a_path_that_leads_out_is_refused_however_it_is_written() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "a/x", "mine").await.status, 200);
    let deep = vec!["d"; 200].join("/");
    let bad = [
        "../../../../etc/passwd",
        "a/../../../etc/passwd",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "..%2fx",
        "%2e%2e/x",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a/../../b",
        ".",
        "..",
        "..%5c..%5cx",
        "%5c%5chost%5cshare",
        "C:%5cx",
        "C:/x",
        "a;/../../x",
        "a;p=../../x",
        "x%00",
        "a%0d%0aSet-Cookie:x=1",
        "%ff%fe",
        // Decoded once, a name; whoever decodes it again must not find dots in it.
        "%252e%252e%252fx",
        "..%252f..%252fetc%252fpasswd",
        &"n".repeat(300),
        &deep,
    ];
    for path in bad {
        for (method, body) in [("GET", ""), ("PUT", "evil"), ("DELETE", "")] {
            let answer = ask(&house, &token, method, path, body).await;
            assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
            assert!(answer.body.contains("INVALID_PARAMETER_VALUE") && !answer.text.contains("root:"), "{method} {path}: {}", answer.text);
        }
    }
    for path in ["../../etc", "/etc/passwd", "a/../..", "C:/", "a%5cb", "%2e%2e", "%252e%252e%252f"] {
        let answer = house.get(&format!("{ROOT}?path={path}"), &[("authorization", &token)]).await;
        assert!(answer.status == 400 && answer.body.contains("INVALID_PARAMETER_VALUE"), "{path}: {}", answer.text);
    }
    assert_eq!(put(&house, &token, "", "x").await.status, 400);
    assert_eq!(put(&house, &token, "a;p=1/x;y", "fine").await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "a;p=1/x;y", "").await.body, "fine");
    assert_eq!(stored(&house), 2);
}

#[tokio::test]
async fn another_teams_files_and_a_viewers_changes_are_refused() {
    let house = House::new().await;
    let (ada, vera, eve) = (bearer(&house, "ada", Role::Member).await, bearer(&house, "ada", Role::Viewer).await, blue(&house).await);
    assert_eq!(put(&house, &ada, "0/r/x", "mine").await.status, 200);
    assert_eq!(ask(&house, &vera, "GET", "0/r/x", "").await.body, "mine");
    assert_eq!((put(&house, &vera, "0/r/x", "no").await.status, ask(&house, &vera, "DELETE", "0/r/x", "").await.status), (403, 403));
    // The same words as for what nobody has.
    let (theirs, nobodys) = (ask(&house, &eve, "GET", "0/r/x", "").await, ask(&house, &eve, "GET", "0/r/y", "").await);
    assert_eq!((theirs.status, theirs.body.as_str()), (404, nobodys.body.as_str()));
    assert_eq!(ask(&house, &eve, "DELETE", "0/r/x", "").await.status, 404);
    assert_eq!(put(&house, &eve, "0/r/x", "eve").await.status, 200);
    assert_eq!(ask(&house, &ada, "GET", "0/r/x", "").await.body, "mine");
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(house.send(method, &format!("{ROOT}/0/r/x"), &[], "").await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn what_a_browser_gets_is_inert_and_named_safely() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    for (path, kind) in [
        ("d/x.html", "text/plain; charset=utf-8"),
        ("d/x.svg", "text/plain; charset=utf-8"),
        ("d/x.xhtml", "text/plain; charset=utf-8"),
        ("d/x.ipynb", "text/plain; charset=utf-8"),
        ("d/MLmodel", "text/plain; charset=utf-8"),
        ("d/x.png", "image/png"),
        ("d/x.pdf", "application/octet-stream"),
        ("d/x.mht", "application/octet-stream"),
        ("d/none", "application/octet-stream"),
    ] {
        assert_eq!(put(&house, &token, path, "<script>fetch('/api/x')</script>").await.status, 200);
        let file = ask(&house, &token, "GET", path, "").await;
        assert_eq!(file.header("content-type"), Some(kind), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("content-security-policy"), Some("sandbox; default-src 'none'"));
        assert!(file.header("content-disposition").is_some_and(|d| d.starts_with("attachment; filename=\"")), "{path}");
    }
    for (path, disposition) in [
        ("a%22;filename=%22x.html", "attachment; filename=\"a_;filename=_x.html\"; filename*=UTF-8''a%22%3Bfilename%3D%22x.html"),
        ("%D1%84.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%D1%84.txt"),
    ] {
        assert_eq!(put(&house, &token, path, "x").await.status, 200);
        assert_eq!(ask(&house, &token, "GET", path, "").await.header("content-disposition"), Some(disposition));
    }
    // A name with HTML in it is text in a listing.
    assert_eq!(put(&house, &token, "h/%3Cimg%20src=x%3E", "x").await.status, 200);
    let listed = house.get(&format!("{ROOT}?path=h"), &[("authorization", &token)]).await;
    assert_eq!(listed.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_part_of_a_file_is_one_range() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "f", "0123456789").await.status, 200);
    let many = format!("bytes={}", (0..1000).map(|i| format!("{i}-{i}")).collect::<Vec<_>>().join(","));
    for (range, status, body, content) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-2", 206, "89", Some("bytes 8-9/10")),
        ("bytes=0-18446744073709551616", 206, "0123456789", Some("bytes 0-9/10")),
        ("bytes=18446744073709551616-", 416, "", Some("bytes */10")),
        ("bytes=10-", 416, "", Some("bytes */10")),
        ("bytes=-0", 416, "", Some("bytes */10")),
        ("bytes=9-1", 200, "0123456789", None),
        (many.as_str(), 200, "0123456789", None),
    ] {
        let answer = house.get(&format!("{ROOT}/f"), &[("authorization", &token), ("range", range)]).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("content-range")), (status, body, content), "{range}");
        assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()), "{range}");
    }
    let stale = [("authorization", &*token), ("range", "bytes=0-1"), ("if-range", "\"old\"")];
    assert_eq!(house.get(&format!("{ROOT}/f"), &stale).await.status, 200);
}

#[tokio::test]
async fn a_torn_upload_is_not_seen_and_leaves_nothing() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    let head = |path: &str, rest: &str| {
        format!("PUT {ROOT}/{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\n{rest}\r\n\r\n", house.host())
    };
    for (path, rest, body) in [
        ("short", "Content-Length: 10485760", "x".repeat(1024 * 1024)),
        ("open", "Transfer-Encoding: chunked", format!("100000\r\n{}\r\n", "x".repeat(0x10_0000))),
    ] {
        let mut stream = TcpStream::connect(house.address).await.expect("connected");
        stream.write_all((head(path, rest) + &body).as_bytes()).await.expect("sent");
        until(|| stored(&house) > 0).await;
        stream.shutdown().await.expect("ended");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        until(|| stored(&house) == 0).await;
        assert_eq!(ask(&house, &token, "GET", path, "").await.status, 404);
    }
    let whole = head("whole", "Connection: close\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(house.raw(whole.as_bytes()).await.status, 200);
    assert_eq!(ask(&house, &token, "GET", "whole", "").await.body, "abcde");
}

#[tokio::test]
async fn a_token_that_is_revoked_during_an_upload_publishes_nothing() {
    let house = House::new().await;
    let new = domain::model::NewToken { name: "t".into(), team: "red".into(), role: Role::Member, days: 30 };
    let (known, secret) =
        domain::tokens::create_for(&house.portal, &domain::Caller::console(), "ada@example.com", new).await.expect("a token");
    let mut stream = TcpStream::connect(house.address).await.expect("connected");
    let head = format!(
        "PUT {ROOT}/late HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
        house.host()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![b'x'; 600_000]).await.expect("sent");
    until(|| stored(&house) > 0).await;
    domain::tokens::revoke(&house.portal, &house.test.caller("ada").await, &known.id).await.expect("revoked");
    stream.write_all(&vec![b'x'; 400_000]).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("UNAUTHENTICATED"), "{answer}");
    until(|| stored(&house) == 0).await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(ask(&house, &token, "GET", "late", "").await.status, 404);
}

#[tokio::test]
async fn a_file_of_a_model_version_stays_as_it_is() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "0/r/artifacts/model/MLmodel", "flavors").await.status, 200);
    let team: (String,) = house.portal.db.fetch_one("SELECT id FROM teams WHERE name = 'red'", args![]).await.expect("a team");
    let mut tx = house.portal.db.begin().await.expect("begun");
    let root = ArtifactPath::parse("0/r/artifacts/model").expect("a path");
    pins::pin(&mut tx, &TeamId(team.0), "net/1", &root).await.expect("pinned");
    tx.commit().await.expect("committed");
    let before = ask(&house, &token, "HEAD", "0/r/artifacts/model/MLmodel", "").await;
    for (method, path) in [("PUT", "0/r/artifacts/model/MLmodel"), ("DELETE", "0/r/artifacts/model/MLmodel"), ("DELETE", "0/r")] {
        let answer = ask(&house, &token, method, path, if method == "PUT" { "poison" } else { "" }).await;
        assert!(answer.status == 409 && answer.body.contains("RESOURCE_CONFLICT"), "{method} {path}: {}", answer.text);
    }
    let big = "x".repeat(2_000_000);
    assert_eq!(put(&house, &token, "0/r/artifacts/model/MLmodel", &big).await.status, 409, "and a large one hears why");
    assert_eq!(ask(&house, &token, "HEAD", "0/r/artifacts/model/MLmodel", "").await.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn a_full_store_is_said_once_and_reads_go_on() {
    let house = House::settled(Limits::default(), None, |settings| settings.artifact_quota = Some(1000)).await;
    let token = bearer(&house, "ada", Role::Member).await;
    assert_eq!(put(&house, &token, "a", "kept").await.status, 200);
    let answer = put(&house, &token, "b", &"x".repeat(2000)).await;
    // Clients try 408, 429, 500, 502, 503 and 504 again.
    assert!(answer.status == 507 && answer.body.contains("error_code") && answer.body.contains("red"), "{}", answer.text);
    assert_eq!(ask(&house, &token, "GET", "a", "").await.body, "kept");
}

#[tokio::test]
async fn a_runs_files_have_one_answer_by_every_name() {
    let house = House::new().await;
    let (token, eve) = (bearer(&house, "ada", Role::Member).await, blue(&house).await);
    let run = run(&house, 9001, "mlflow-artifacts:/9001").await;
    for (name, content) in [("a.txt", "hello"), ("d/b.txt", "deep")] {
        assert_eq!(put(&house, &token, &format!("9001/{run}/artifacts/{name}"), content).await.status, 200);
    }
    let get = async |token: &str, path: &str| house.get(path, &[("authorization", token)]).await;
    for path in [format!("/get-artifact?run_id={run}&path=a.txt"), format!("/get-artifact?run_uuid={run}&path=a.txt")] {
        let file = get(&token, &path).await;
        assert_eq!((file.status, file.body.as_str(), file.header("x-content-type-options")), (200, "hello", Some("nosniff")), "{path}");
        assert_eq!((get(&eve, &path).await.status, house.get(&path, &[]).await.status), (404, 401), "{path}");
    }
    let listed = get(&token, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await;
    let json: Json = serde_json::from_str(&listed.body).expect("JSON");
    assert_eq!(json["root_uri"], format!("mlflow-artifacts:/9001/{run}/artifacts"));
    assert_eq!(json["files"], serde_json::json!([{"path": "a.txt", "is_dir": false, "file_size": 5}, {"path": "d", "is_dir": true}]));
    let listed = get(&token, &format!("/ajax-api/2.0/mlflow/artifacts/list?run_uuid={run}&path=d")).await;
    let json: Json = serde_json::from_str(&listed.body).expect("JSON");
    assert_eq!(json["files"], serde_json::json!([{"path": "d/b.txt", "is_dir": false, "file_size": 4}]));
    assert_eq!(get(&eve, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await.status, 404);
    for bad in ["../..", "%2e%2e", "/etc", "%252e%252e%252f"] {
        for path in [format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={bad}"), format!("/get-artifact?run_id={run}&path={bad}")] {
            let answer = get(&token, &path).await;
            assert!(answer.status == 400 && answer.body.contains("INVALID_PARAMETER_VALUE"), "{path}: {}", answer.text);
        }
    }
    let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=up/c.txt");
    assert_eq!(house.send("POST", &upload, &[("authorization", &token)], "small").await.status, 200);
    assert_eq!(get(&token, &format!("/get-artifact?run_id={run}&path=up/c.txt")).await.body, "small");
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    let refused = house.send("POST", &upload, &[("authorization", &token)], &large).await;
    assert!(refused.status == 400 && refused.body.contains("too large"), "{}", refused.text);
    // The portal's own pages, for who is signed in.
    let page = format!("/t/red/runs/{run}/artifacts/d/b.txt");
    let (ada, stranger) = (house.session("ada").await, house.session("eve").await);
    let file = house.get(&page, &[("cookie", &ada)]).await;
    assert_eq!((file.status, file.body.as_str()), (200, "deep"));
    assert!(file.header("content-disposition").is_some_and(|d| d.starts_with("attachment")));
    assert_eq!(file.header("content-security-policy"), Some("sandbox; default-src 'none'"));
    assert_eq!((house.get(&page, &[("cookie", &stranger)]).await.status, house.get(&page, &[]).await.status), (404, 401));
    assert_eq!(house.get(&format!("/t/red/runs/{run}/artifacts/..%2fx"), &[("cookie", &ada)]).await.status, 400);
}

#[tokio::test]
async fn files_that_are_elsewhere_are_not_opened() {
    let house = House::new().await;
    let token = bearer(&house, "ada", Role::Member).await;
    for (number, location) in
        (9101..).zip(["s3://bucket/x", "file:///etc", "/etc", "mlflow-artifacts:/x#/../../y", "http:///#/../../../etc", "ftp://h/a"])
    {
        let run = run(&house, number, location).await;
        for path in [format!("/api/2.0/mlflow/artifacts/list?run_id={run}"), format!("/get-artifact?run_id={run}&path=passwd")] {
            let answer = house.get(&path, &[("authorization", &token)]).await;
            assert!(answer.status == 400 && answer.body.contains("INVALID_PARAMETER_VALUE"), "{location}: {}", answer.text);
        }
    }
}

/// The body of an answer as JSON.
fn json(answer: &Answer) -> Json {
    serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text))
}

#[tokio::test]
async fn an_upload_in_parts_goes_to_addresses_that_need_no_token() {
    let house = House::new().await;
    let (ada, vera, eve) = (bearer(&house, "ada", Role::Member).await, bearer(&house, "ada", Role::Viewer).await, blue(&house).await);
    let mpu = async |token: &str, verb: &str, body: Json| {
        let headers = [("authorization", token), ("content-type", "application/json")];
        house.send("POST", &format!("/api/2.0/mlflow-artifacts/mpu/{verb}/0/r/artifacts"), &headers, &body.to_string()).await
    };
    let begin = serde_json::json!({"path": "/home/ada/big.bin", "num_parts": 2});
    assert_eq!(mpu(&vera, "create", begin.clone()).await.status, 403);
    let created = json(&mpu(&ada, "create", begin).await);
    let upload = created["upload_id"].as_str().expect("an id").to_owned();
    let mut named = Vec::new();
    for (i, content) in ["first ", "second"].into_iter().enumerate() {
        let credential = &created["credentials"][i];
        assert_eq!((&credential["part_number"], &credential["headers"]), (&Json::from(i + 1), &serde_json::json!({})));
        let url = credential["url"].as_str().expect("an address").strip_prefix(&house.origin()).expect("of this portal").to_owned();
        assert_eq!(house.send("PUT", &url, &[("authorization", &eve)], content).await.status, 404);
        assert_eq!(house.send("PUT", &url, &[("authorization", &vera)], content).await.status, 403);
        assert_eq!(house.send("PUT", url.split('?').next().expect("a path"), &[], content).await.status, 404);
        assert_eq!(house.send("PUT", &url.replace("/part/", "/part/x"), &[], content).await.status, 404);
        let sent = house.send("PUT", &url, &[], content).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        named.push(serde_json::json!({"part_number": i + 1, "etag": sent.header("etag").expect("a tag"), "url": url}));
    }
    let parts = house.get(&format!("/api/2.0/mlflow-artifacts/mpu/parts/{upload}"), &[("authorization", &ada)]).await;
    assert_eq!(json(&parts)["parts"][1]["size"], 6);
    assert_eq!(ask(&house, &ada, "GET", "0/r/artifacts/big.bin", "").await.status, 404, "not before it is complete");
    let end = serde_json::json!({"path": "big.bin", "upload_id": upload, "parts": named});
    for verb in ["complete", "abort"] {
        assert_eq!((mpu(&eve, verb, end.clone()).await.status, mpu(&vera, verb, end.clone()).await.status), (404, 403), "{verb}");
    }
    let done = mpu(&ada, "complete", end.clone()).await;
    assert_eq!((done.status, done.body.as_str()), (200, "{}"));
    assert_eq!(mpu(&ada, "complete", end.clone()).await.status, 200);
    assert_eq!(mpu(&ada, "abort", end).await.status, 404);
    let file = ask(&house, &ada, "GET", "0/r/artifacts/big.bin", "").await;
    assert_eq!((file.body.as_str(), file.header("etag")), ("first second", Some(&*format!("\"{}\"", random::digest("first second")))));
    for bad in ["../x", "", "..", "a/../.."] {
        let refused = mpu(&ada, "create", serde_json::json!({"path": bad, "num_parts": 1})).await;
        assert!(matches!(refused.status, 200 | 400), "{bad}: {}", refused.text);
    }
    let info = json(&house.get("/api/3.0/mlflow/server-info", &[("authorization", &ada)]).await);
    assert_eq!(info["multipart_uploads_enabled"], true);
}
