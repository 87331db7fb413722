//! A run's page as a browser without scripts gets it: its files, its note, its metrics, its traces, and nothing of them active.

use crate::house::House;
use domain::{
    Settings, artifacts,
    model::{ArtifactPath, Batch, Metric, NewRun, Role, RunId, TAG_NOTE, TAG_PARENT, Tag},
    tracking,
};
use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArrayType, DoubleType},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use server::http::accept::Limits;

const ATTACK: &str = "<script>alert(1)</script>";

struct Desk {
    house: House,
    run: RunId,
    root: String,
    ada: String,
}

impl Desk {
    async fn new() -> Self {
        // What is read in a process apart is read by the real program.
        let program = |settings: &mut Settings| settings.program = Some(env!("CARGO_BIN_EXE_slipway").into());
        let house = House::settled(Limits::default(), None, program).await;
        let caller = house.test.caller("ada").await;
        let run = tracking::runs::create(&house.portal, &caller, "red", NewRun::default()).await.expect("a run");
        let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").expect("ours").to_owned();
        let ada = house.session("ada").await;
        Self { house, run: run.id, root, ada }
    }

    async fn upload(&self, path: &str, content: &str) {
        let bearer = format!("Bearer {}", self.house.token("ada", Role::Member).await);
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/{}/{}", self.root, path.replace(' ', "%20"));
        assert_eq!(self.house.send("PUT", &path, &[("authorization", &bearer)], content).await.status, 200);
    }

    async fn keep(&self, path: &str, content: Vec<u8>) {
        let (portal, ada) = (&self.house.portal, self.house.test.caller("ada").await);
        let path = ArtifactPath::parse(&format!("{}/{path}", self.root)).expect("a path");
        let mut incoming = artifacts::begin(portal, &ada, "red", &path, None).await.expect("begun");
        incoming.write(content.into()).await.expect("written");
        artifacts::publish(portal, &ada, &path, incoming).await.expect("kept");
    }

    async fn log(&self, batch: Batch) {
        let caller = self.house.test.caller("ada").await;
        tracking::runs::log(&self.house.portal, &caller, "red", &self.run, batch).await.expect("logged");
    }

    /// The page with this query; nothing that somebody wrote is a script in it.
    async fn page(&self, query: &str) -> String {
        let page = self.house.get(&format!("/t/red/runs/{}?{query}", self.run), &[("cookie", &self.ada)]).await;
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        assert!(!page.body.contains(ATTACK) && !page.body.contains(" style=\""), "{query}: {}", page.body);
        page.body
    }
}

#[tokio::test]
async fn files_are_looked_at_without_scripts_and_stay_inert() {
    let desk = Desk::new().await;
    for (path, content) in [
        ("notes/read me.md", format!("# Title\n\n{ATTACK}\n\n[x](javascript:alert(1)) [y](https://a.example/)")),
        ("report.html", format!("<h1>Report</h1>{ATTACK}")),
        ("drawing.svg", format!("<svg>{ATTACK}</svg>")),
        ("scores.csv", format!("name,score\n{ATTACK},2\nb,10\n")),
        ("config.json", format!("{{\"b\":[1,2],\"a\":\"{ATTACK}\"}}")),
        ("fake.png", ATTACK.to_owned()),
        ("model.pkl", "cos\nsystem\n".to_owned()),
    ] {
        desk.upload(path, &content).await;
    }
    for (path, marks) in [
        ("notes", vec!["read me.md", "aria-label=\"Folder\""]),
        ("notes/read me.md", vec!["<h3>Title</h3>", "&lt;script&gt;", "href=\"https://a.example/\" rel=\"external noopener"]),
        ("report.html", vec!["none of them runs", "&lt;h1&gt;Report"]),
        ("drawing.svg", vec!["none of them runs"]),
        ("scores.csv", vec!["2 of 2 rows", "score"]),
        ("config.json", vec!["\n  &quot;b&quot;: [", "config.json"]),
        ("fake.png", vec!["its content is none of that type"]),
        ("model.pkl", vec!["never opens it"]),
    ] {
        let page = desk.page(&format!("tab=artifacts&path={}", path.replace(' ', "%20"))).await;
        for mark in marks {
            let plain = page.replace('"', "&quot;");
            assert!(page.contains(mark) || plain.contains(mark), "{path}: {mark}: {page}");
        }
        assert!(!page.contains("href=\"javascript"), "{path}");
        assert!(!page.contains("<img") && !page.contains("<iframe"), "{path}");
    }
    let sorted = desk.page("tab=artifacts&path=scores.csv&sort=-1").await;
    let (ten, two) = (sorted.find(">10<").expect("a cell"), sorted.find(">2<").expect("a cell"));
    assert!(ten < two, "the greatest first");
    for bad in ["gone.txt", "notes/gone.txt", "..%2f..%2fx", "a%00b"] {
        let address = format!("/t/red/runs/{}?tab=artifacts&path={bad}", desk.run);
        let page = desk.house.get(&address, &[("cookie", &desk.ada)]).await;
        assert!(matches!(page.status, 400 | 404) && page.body.contains("Show all files"), "{bad}: {}", page.body);
    }
    // Somebody else's team says what a run that is not there says.
    let eve = desk.house.session("eve").await;
    let body = format!("team=red&run={}&path=report.html", desk.run);
    let origin = desk.house.origin();
    let headers = [("cookie", eve.as_str()), ("content-type", "application/x-www-form-urlencoded"), ("origin", &origin)];
    assert_eq!(desk.house.send("POST", "/api/tracking/artifacts", &headers, &body).await.status, 404);
}

#[tokio::test]
async fn a_note_is_shown_as_markdown_and_never_lost_to_somebody_quicker() {
    let desk = Desk::new().await;
    desk.log(Batch { tags: vec![Tag::new(TAG_NOTE, format!("## Found\n\n{ATTACK}"))], ..Batch::default() }).await;
    assert!(desk.page("").await.contains("<h3>Found</h3>"));
    let (portal, ada) = (&desk.house.portal, desk.house.test.caller("ada").await);
    let set = async |before: &str, note: &str| tracking::runs::set_note(portal, &ada, "red", &desk.run, before, note).await;
    assert!(matches!(set("what was there before", "mine").await, Err(domain::Error::Conflict(_))));
    let before = format!("## Found\r\n\r\n{ATTACK}");
    set(&before, "mine").await.expect("saved");
    assert!(matches!(set("mine", &"x".repeat(8001)).await, Err(domain::Error::Invalid(_))));
    set("mine", "").await.expect("removed");
    assert!(desk.page("").await.contains("No note yet."));
    let vera = desk.house.test.caller("vera").await;
    assert!(matches!(tracking::runs::set_note(portal, &vera, "red", &desk.run, "", "x").await, Err(domain::Error::Forbidden(_))));
}

#[tokio::test]
async fn metrics_say_their_bounds_and_a_run_names_the_runs_around_it() {
    let desk = Desk::new().await;
    let metric = |value: f64, step: i64| Metric { key: "loss".into(), value, timestamp: step, step };
    desk.log(Batch { metrics: vec![metric(5.0, 0), metric(-2.5, 1), metric(f64::NAN, 2), metric(1.0, 3)], ..Batch::default() }).await;
    let page = desk.page("tab=metrics").await;
    for mark in ["-2.5", ">5<", "1 not finite", "<polyline", "1 metric"] {
        assert!(page.contains(mark), "{mark}: {page}");
    }
    let ada = desk.house.test.caller("ada").await;
    let tags = vec![Tag::new(TAG_PARENT, desk.run.as_str())];
    let child = NewRun { name: "inner".into(), tags, ..NewRun::default() };
    let child = tracking::runs::create(&desk.house.portal, &ada, "red", child).await.expect("a run").id;
    assert!(desk.page("").await.contains("inner"));
    let inner = desk.house.get(&format!("/t/red/runs/{child}"), &[("cookie", &desk.ada)]).await.body;
    assert!(inner.contains("Part of "), "{inner}");
    desk.upload("model/requirements.txt", "scikit-learn==1.5.2\n").await;
    assert!(desk.page("tab=reproduce").await.contains("scikit-learn==1.5.2"));
    assert!(desk.page("tab=data").await.contains("mlflow.log_input"));
    assert!(desk.page("tab=traces").await.contains("No traces yet"));
}

#[tokio::test]
async fn a_trace_is_a_waterfall_with_the_details_of_one_span() {
    let desk = Desk::new().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let start = 1_767_225_600_000_000_000_i64;
    let text = |key: &str, value: &str| serde_json::json!({ "key": key, "value": { "stringValue": value } });
    let spans = serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [
        { "traceId": trace, "spanId": "b7ad6b7169203331", "name": "ask", "startTimeUnixNano": start.to_string(),
          "endTimeUnixNano": (start + 1_500_000_000).to_string(), "status": { "code": 1 } },
        { "traceId": trace, "spanId": "00f067aa0ba902b7", "parentSpanId": "b7ad6b7169203331", "name": format!("call {ATTACK}"),
          "startTimeUnixNano": (start + 500_000_000).to_string(), "endTimeUnixNano": (start + 750_000_000).to_string(),
          "status": { "code": 2, "message": "refused" }, "attributes": [text("mlflow.spanInputs", ATTACK), text("mlflow.spanType", "LLM")] },
    ] }] }] });
    let bearer = format!("Bearer {}", desk.house.token("ada", Role::Member).await);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("x-mlflow-experiment-id", "0")];
    assert_eq!(desk.house.send("POST", "/v1/traces", &headers, &spans.to_string()).await.status, 200);
    let get = async |path: &str| {
        let page = desk.house.get(path, &[("cookie", &desk.ada)]).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(!page.body.contains(ATTACK), "{path}");
        page.body
    };
    assert!(get("/t/red/experiments/0/traces").await.contains(&format!("/t/red/traces/tr-{trace}")));
    let page = get(&format!("/t/red/traces/tr-{trace}?span=00f067aa0ba902b7")).await;
    for mark in
        ["2 spans", "span-depth-1", "x=\"333\"", "width=\"167\"", "span-bar failed", "refused", "LLM", "250 ms", "aria-current=\"true\""]
    {
        assert!(page.contains(mark), "{mark}: {page}");
    }
}

#[tokio::test]
async fn a_page_that_was_logged_is_shown_on_an_origin_of_its_own_for_half_a_minute() {
    let desk = Desk::new().await;
    for path in ["report.html", "drawing.svg", "notes.txt"] {
        desk.upload(path, "<p>something</p>").await;
    }
    let lead = async |path: &str, cookie: &str| {
        let answer = desk.house.get(&format!("/t/red/runs/{}/shown/{path}", desk.run), &[("cookie", cookie)]).await;
        (answer.status, answer.header("location").map(str::to_owned))
    };
    assert_eq!(lead("notes.txt", &desk.ada).await.0, 400, "there is nothing active in it");
    assert_eq!(lead("none.html", &desk.ada).await.0, 404);
    assert_eq!(lead("report.html", &desk.house.session("eve").await).await.0, 404, "of another team");
    assert_eq!(lead("report.html", "").await.0, 401);

    let host = format!("files.{}", desk.house.host());
    let (status, to) = lead("report.html", &desk.ada).await;
    let ticket = to.as_deref().and_then(|to| to.strip_prefix(&format!("http://{host}"))).expect("the host of files").to_owned();
    assert_eq!(status, 303);
    let ask = async |method: &str, path: &str| desk.house.send(method, path, &[("host", host.as_str())], "").await;
    let page = ask("GET", &ticket).await;
    assert_eq!((page.status, page.body.as_str(), page.header("content-type")), (200, "<p>something</p>", Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'") && !policy.contains("allow-same-origin"), "{policy}");
    assert!(policy.ends_with(&format!("frame-ancestors {}", desk.house.origin())) && !policy.contains("connect-src"), "{policy}");
    assert_eq!(
        (page.header("set-cookie"), page.header("referrer-policy"), page.header("cache-control")),
        (None, Some("no-referrer"), Some("no-store"))
    );
    assert_eq!(ask("HEAD", &ticket).await.status, 200);
    let (_, to) = lead("drawing.svg", &desk.ada).await;
    let drawing = ask("GET", to.as_deref().and_then(|to| to.strip_prefix(&format!("http://{host}"))).expect("an address")).await;
    let policy = drawing.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("sandbox; default-src 'none'") && !policy.contains("script-src"), "{policy}");

    // Nothing else is there, whatever cookie comes along.
    assert_eq!(ask("POST", &ticket).await.status, 405);
    for path in
        ["/", "/sign-in", "/api/identity/me", "/pkg/x.js", &format!("{ticket}x"), &ticket[..ticket.len() - 2], &format!("{ticket}/x")]
    {
        let answer = desk.house.send("GET", path, &[("host", host.as_str()), ("cookie", &desk.ada)], "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    // A page of the portal may frame that origin and no other.
    let portal = desk.house.get(&format!("/t/red/runs/{}?tab=artifacts", desk.run), &[("cookie", &desk.ada)]).await;
    assert!(portal.header("content-security-policy").expect("a policy").contains(&format!("frame-src 'self' http://{host};")));

    desk.house.portal.clock.advance(31_000);
    assert_eq!(ask("GET", &ticket).await.status, 404, "its time is over");
}

/// So many rows of a number and a text.
fn parquet_of(rows: usize, compression: Compression) -> Vec<u8> {
    let schema = parse_message_type("message m { required double number; required binary word (STRING); }").expect("a schema");
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema.into(), properties.into()).expect("a file");
    let mut group = writer.next_row_group().expect("a group");
    let mut column = group.next_column().expect("columns").expect("a column");
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    column.typed::<DoubleType>().write_batch(&(0..rows).map(|n| n as f64).collect::<Vec<_>>(), None, None).expect("written");
    column.close().expect("closed");
    let mut column = group.next_column().expect("columns").expect("a column");
    column.typed::<ByteArrayType>().write_batch(&vec![ATTACK.into(); rows], None, None).expect("written");
    column.close().expect("closed");
    group.close().expect("closed");
    writer.into_inner().expect("a file")
}

#[tokio::test]
async fn parquet_is_a_table_and_a_file_that_is_damaged_or_a_bomb_hurts_nobody() {
    let desk = Desk::new().await;
    for (name, compression) in
        [("snappy", Compression::SNAPPY), ("zstd", Compression::ZSTD(ZstdLevel::default())), ("plain", Compression::UNCOMPRESSED)]
    {
        desk.keep(&format!("{name}.parquet"), parquet_of(1200, compression)).await;
        let page = desk.page(&format!("tab=artifacts&path={name}.parquet")).await;
        assert!(page.contains("The first 1000 of 1200 rows") && page.contains("&lt;script&gt;"), "{name}: {page}");
    }
    let whole = parquet_of(3, Compression::UNCOMPRESSED);
    let footer = whole.len() - 8;
    let length = u32::from_le_bytes(whole[footer..footer + 4].try_into().expect("four bytes")) as usize;
    let mut cases = vec![whole[..whole.len() / 2].to_vec(), b"PAR1".to_vec(), vec![0; 5000]];
    // Each byte of the footer and of the first page's head that says something else.
    for at in (4..40).chain(footer - length..footer).step_by(7) {
        let mut bad = whole.clone();
        bad[at] ^= 0xff;
        cases.push(bad);
    }
    for (i, bad) in cases.into_iter().enumerate() {
        desk.keep(&format!("bad-{i}.parquet"), bad).await;
        let page = desk.page(&format!("tab=artifacts&path=bad-{i}.parquet")).await;
        assert!(page.contains("cannot be shown") || page.contains("rows"), "{i}: {page}");
    }
}
