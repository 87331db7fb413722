//! The binary itself: commands, settings, refusals, and serving.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

#[expect(clippy::disallowed_methods, reason = "the test starts the binary as a person does")]
fn slipway(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.current_dir(data).env("SLIPWAY_DATA", data.join("data")).env_remove("SLIPWAY_CONFIG").stdin(Stdio::null());
    command
}

fn run(data: &Path, args: &[&str]) -> Output {
    slipway(data).args(args).output().expect("it ran")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn add_user(data: &Path, email: &str, password: &str) -> Output {
    let mut child = slipway(data)
        .args(["user", "add", email, "--admin", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it started");
    writeln!(child.stdin.take().expect("its input"), "{password}").expect("written");
    child.wait_with_output().expect("it ended")
}

#[test]
fn a_portal_is_set_up_unattended_and_moves_in_a_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    assert!(add_user(data, "ann@example.com", "correct horse battery").status.success());
    let again = add_user(data, "ann@example.com", "correct horse battery");
    assert!(!again.status.success() && error(&again).lines().count() == 1, "{}", error(&again));
    assert!(!add_user(data, "bob@example.com", "short").status.success());
    assert!(run(data, &["team", "add", "vision"]).status.success());
    assert!(run(data, &["team", "member", "vision", "ann@example.com", "member"]).status.success());
    let token = run(data, &["token", "create", "--user", "ann@example.com", "--team", "vision", "--role", "viewer", "--expires", "3"]);
    assert!(token.status.success(), "{}", error(&token));
    assert_eq!(out(&token).lines().count(), 1);
    assert!(!out(&token).trim().is_empty() && !out(&token).trim().contains(' '));

    let copy = data.join("copy.jsonl");
    let copied = run(data, &["backup", copy.to_str().expect("text")]);
    assert!(copied.status.success(), "{}", error(&copied));
    let restored = run(data, &["--data", "other", "restore", copy.to_str().expect("text")]);
    assert!(restored.status.success(), "{}", error(&restored));
    let refused = run(data, &["--data", "other", "restore", copy.to_str().expect("text")]);
    assert!(!refused.status.success() && error(&refused).contains("empty"), "{}", error(&refused));
    let checked = run(data, &["--data", "other", "check"]);
    assert!(
        checked.status.success() && out(&checked).contains("1 users") && out(&checked).contains("audit trail is whole"),
        "{}",
        out(&checked)
    );
    assert!(!run(data, &["--data", "nowhere", "backup", "x"]).status.success());
}

#[test]
fn a_purge_says_for_each_team_what_it_freed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    for team in ["vision", "speech"] {
        assert!(run(data, &["team", "add", team]).status.success());
    }
    let all = run(data, &["purge", "--dry-run"]);
    assert!(all.status.success(), "{}", error(&all));
    assert_eq!(out(&all).lines().count(), 2);
    let one = run(data, &["purge", "--team", "vision", "--older-than", "0"]);
    let expected =
        "vision: freed: 0 runs, 0 experiments, 0 logged models, 0 traces, 0 datasets (0 points, 0 bytes of rows), 0 files (0 bytes).\n";
    assert_eq!(out(&one), expected);
    let unknown = run(data, &["purge", "--team", "nowhere"]);
    assert!(!unknown.status.success() && error(&unknown).lines().count() == 1, "{}", error(&unknown));
}

#[test]
fn a_setting_that_cannot_be_used_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let refused = |args: &[&str], expected: &[&str]| {
        let output = run(data, args);
        let text = error(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.lines().count() == 1 && expected.iter().all(|part| text.contains(part)), "{text}");
    };
    refused(&["--listen", "here", "check"], &["listen", "--listen", "here", "127.0.0.1:3000"]);
    refused(&["--session-idle-hours", "0", "check"], &["session-idle-hours", "1 to 720"]);
    refused(&["--public-url", "localhost", "check"], &["public-url", "https://HOST"]);
    refused(&["--database", "mysql://x", "check"], &["database", "postgres://"]);
    refused(&["--log", "a=b=c", "check"], &["log"]);
    refused(&["--listen", "0.0.0.0:3000", "check"], &["listen", "--insecure-http"]);
    let with = |name: &str, value: &str| slipway(data).arg("check").env(name, value).output().expect("it ran");
    let output = with("SLIPWAY_LISTENN", "127.0.0.1:1");
    assert!(!output.status.success() && error(&output).contains("SLIPWAY_LISTENN"), "{}", error(&output));
    let output = with("SLIPWAY_LOG_FORMAT", "xml");
    assert!(!output.status.success() && error(&output).contains("SLIPWAY_LOG_FORMAT") && error(&output).contains("text or json"));

    std::fs::write(data.join("slipway.toml"), "listen = \"127.0.0.1:1\"\nlogg = \"info\"\n").expect("written");
    refused(&["check"], &["logg", "slipway.toml"]);
    std::fs::write(data.join("slipway.toml"), "session-idle-hours = [1]\n").expect("written");
    refused(&["check"], &["session-idle-hours", "slipway.toml", "array"]);
    refused(&["--config", "missing.toml", "check"], &["config", "missing.toml"]);
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    std::fs::write(data.join("slipway.toml"), "listen = \"127.0.0.1:1111\"\npublic-url = \"http://file.example\"\n").expect("written");
    let checked = |variable: Option<&str>, flag: &[&str]| {
        let mut command = slipway(data);
        command.args(flag).arg("check");
        if let Some(value) = variable {
            command.env("SLIPWAY_LISTEN", value);
        }
        out(&command.output().expect("it ran"))
    };
    assert!(checked(None, &[]).contains("listens on 127.0.0.1:1111, browsers use http://file.example"));
    assert!(checked(Some("127.0.0.1:2222"), &[]).contains("listens on 127.0.0.1:2222"));
    assert!(checked(Some("127.0.0.1:2222"), &["--listen", "127.0.0.1:3333"]).contains("listens on 127.0.0.1:3333"));
}

#[test]
fn a_demo_says_in_one_line_what_keeps_it_from_beginning_and_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let refused = |args: &[&str]| {
        let output = run(data, args);
        assert!(!output.status.success() && error(&output).lines().count() == 1, "{output:?}");
        error(&output)
    };
    assert!(refused(&["demo", "--remove"]).contains("no demo data"));
    assert!(refused(&["demo", "--python", "/nonexistent/python"]).contains("--python /path/to/python"));
    // A Python of the standard library alone: nothing is downloaded unasked.
    let bare = data.join("bare");
    std::fs::write(&bare, "#!/bin/sh\necho answers mlflow sklearn\n").expect("written");
    std::fs::set_permissions(&bare, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("allowed");
    let asked = refused(&["demo", "--python", bare.to_str().expect("text")]);
    assert!(["lacks mlflow, sklearn", "mlflow-skinny==", "MB to download", "--yes"].iter().all(|part| asked.contains(part)), "{asked}");
    // One that fails takes away what it began.
    std::fs::write(&bare, "#!/bin/sh\ncase \"$*\" in *find_spec*) echo answers;; *) echo broken >&2; exit 1;; esac\n").expect("written");
    let failed = refused(&["demo", "--python", bare.to_str().expect("text")]);
    assert!(failed.contains("broken") && failed.contains("Nothing of the demo was kept"), "{failed}");
    assert!(refused(&["demo", "--remove"]).contains("no demo data"));
    assert!(out(&run(data, &["check"])).contains("0 users"));
}

#[test]
fn it_serves_in_an_empty_folder_and_stops_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child =
        slipway(folder.path()).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it started");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let address = lines.next().expect("a line").expect("text");
    assert!(address.contains("http://localhost:") && !address.contains(":0"), "{address}");
    assert!(lines.next().expect("a line").expect("text").contains("one-time code"));
    // The command line works beside it.
    assert!(run(folder.path(), &["team", "add", "vision"]).status.success());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("asked");
    assert!(child.wait().expect("it ended").success());
}

/// Sends a bare GET to `address` and reads all of the answer.
fn ask(address: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn each_request_is_a_line_of_the_log_and_counted_where_the_operator_asks_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log", "info,requests=debug", "--log-format", "json"];
    let mut child = slipway(folder.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it started");
    let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
    let mut record = |message: &str| loop {
        let line: serde_json::Value = serde_json::from_str(&log.next().expect("a line").expect("text")).expect("JSON");
        if line["fields"]["message"] == message {
            return line;
        }
    };
    let operations = record("metrics are read here")["fields"]["address"].as_str().expect("an address").to_owned();
    // Kept open: it writes another line.
    let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = output.next().expect("a line").expect("text");
    let portal = first.replace("Slipway serves http://localhost", "127.0.0.1");

    let answer = ask(&portal, "/healthz?name=secret");
    assert!(answer.starts_with("HTTP/1.1 200") && !ask(&portal, "/metrics").contains("slipway_http_requests"));
    let line = record("answered");
    let fields = &line["fields"];
    assert!(answer.contains(&format!("x-request-id: {}", fields["request"].as_str().expect("an id"))), "{answer} {line}");
    assert_eq!((&fields["method"], &fields["route"], &fields["status"]), (&"GET".into(), &"/healthz".into(), &200.into()));
    assert!(fields["seconds"].as_f64().is_some_and(|took| took > 0.0) && !line.to_string().contains("secret"));

    let told = ask(&operations, "/metrics");
    assert!(
        told.starts_with("HTTP/1.1 200") && told.contains(r#"slipway_http_requests_total{route="/healthz",method="GET",status="2xx"} 1"#),
        "{told}"
    );
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("asked");
    assert!(child.wait().expect("it ended").success());
}

#[test]
fn an_import_says_in_one_line_what_keeps_it_from_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    assert!(add_user(data, "ann@example.com", "correct horse battery").status.success());
    assert!(run(data, &["team", "add", "vision"]).status.success());
    let refused = |from: &str, more: &[&str]| {
        let output = run(data, &[&["import", "mlflow", "--from", from, "--team", "vision"], more].concat());
        assert!(!output.status.success() && out(&output).is_empty(), "{output:?}");
        error(&output)
    };
    assert!(refused("http://127.0.0.1:1", &[]).contains("--user"));
    assert!(refused("http://127.0.0.1:1", &["--user", "ann@example.com"]).contains("No such team"));
    assert!(run(data, &["team", "member", "vision", "ann@example.com", "admin"]).status.success());
    assert!(refused("http://127.0.0.1:1", &[]).contains("cannot be reached"));
    let secret = refused("http://ann:hunter2@127.0.0.1:1", &[]);
    assert!(secret.contains("MLFLOW_TRACKING_PASSWORD") && !secret.contains("hunter2"), "{secret}");
    assert!(refused("sqlite:///mlflow.db", &[]).contains("http://"));
}

#[tokio::test]
async fn break_glass_is_opened_and_closed_on_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let refused = |args: &[&str], expected: &str| {
        let output = run(data, &[&["user", "break-glass"], args].concat());
        let text = error(&output);
        assert!(output.status.code() == Some(1) && text.lines().count() == 1 && text.contains(expected), "{text}");
    };
    refused(&["ann@example.com"], "switched on");
    // As an administrator of a provider does on the page.
    let db = domain::db::Db::open(&format!("sqlite:{}", data.join("data/slipway.sqlite").display())).await.expect("the database");
    db.execute("INSERT INTO settings (name, value) VALUES ('local_accounts', 'off')", domain::args![]).await.expect("off");
    db.close().await;
    refused(&["ann@example.com"], "slipway user add EMAIL --admin --password-stdin");
    let added = add_user(data, "ann@example.com", "correct horse battery");
    assert!(added.status.success() && out(&added).contains("slipway user break-glass ann@example.com"), "{}", out(&added));
    refused(&["bob@example.com"], "Local administrators: ann@example.com.");
    refused(&["ann@example.com", "--close"], "No window is open");
    let opened = run(data, &["--listen", "127.0.0.1:4321", "user", "break-glass", "ann@example.com", "--reason", "the provider is down"]);
    assert!(opened.status.success(), "{}", error(&opened));
    let told = out(&opened);
    assert!(
        ["15 minutes", "http://localhost:4321/sign-in?with=password", "1 hour", "--close"].iter().all(|part| told.contains(part)),
        "{told}"
    );
    assert!(out(&run(data, &["user", "break-glass", "ann@example.com", "--close"])).contains("Closed"));
    // With a password that is read.
    let mut child = slipway(data)
        .args(["user", "break-glass", "ann@example.com", "--password-stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it started");
    writeln!(child.stdin.take().expect("its input"), "short").expect("written");
    let output = child.wait_with_output().expect("it ended");
    assert!(!output.status.success() && error(&output).contains("password:"), "{}", error(&output));
}
