//! Artifacts: absent or whole, found by the team only, and reclaimed once nobody needs them.

use bytes::Bytes;
use domain::{
    Caller, Error, Portal, Result, args,
    artifacts::{self, Removed, parts, pins, sweep},
    db::Db,
    model::{Artifact, ArtifactPath, NewLoggedModel, NewRun, Role, TeamId, TokenId},
    random,
    testing::{START, TestPortal},
};
use futures::TryStreamExt;
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect("a path")
}

async fn put(portal: &Portal, caller: &Caller, name: &str, content: &[u8]) -> Result<Artifact> {
    let mut incoming = artifacts::begin(portal, caller, "red", &path(name), None).await?;
    for block in content.chunks(100_000) {
        incoming.write(Bytes::copy_from_slice(block)).await?;
    }
    artifacts::publish(portal, caller, &path(name), incoming).await
}

async fn get(portal: &Portal, caller: &Caller, name: &str) -> Result<Vec<u8>> {
    let file = artifacts::find(portal, caller, "red", &path(name)).await?;
    let size = file.artifact.size;
    part(portal, caller, name, 0, size).await
}

async fn part(portal: &Portal, caller: &Caller, name: &str, from: u64, length: u64) -> Result<Vec<u8>> {
    let file = artifacts::find(portal, caller, "red", &path(name)).await?;
    let blocks: Vec<Bytes> = file.read(portal, from, length).await?.try_collect().await.expect("read");
    Ok(blocks.concat())
}

async fn names(portal: &Portal, caller: &Caller, folder: &str) -> Vec<String> {
    let folder = (!folder.is_empty()).then(|| path(folder));
    let listed = artifacts::list(portal, caller, "red", folder.as_ref(), "", 100).await.expect("listed");
    listed.into_iter().map(|e| if e.is_folder { format!("{}/", e.name) } else { format!("{}:{}", e.name, e.size) }).collect()
}

/// Team `red` with ada (member) and vera (viewer); team `blue` with eve.
async fn house() -> (TestPortal, Caller) {
    let test = TestPortal::new().await;
    test.team("red", &[("ada", Role::Member), ("vera", Role::Viewer)]).await;
    test.team("blue", &[("eve", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    (test, ada)
}

/// Everything that lies in the store.
fn files(test: &TestPortal) -> Vec<PathBuf> {
    fn below(folder: PathBuf, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() { below(entry, all) } else { all.push(entry) }
        }
    }
    let mut all = Vec::new();
    below(test.folder.path().join("artifacts"), &mut all);
    all
}

async fn until(mut ready: impl FnMut() -> bool) {
    let waiting = async {
        while !ready() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes true");
}

/// As if it had been written before the clock of the tests began.
fn age(file: &PathBuf, minutes: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(START.unsigned_abs()) - Duration::from_secs(minutes * 60);
    std::fs::File::options().write(true).open(file).expect("opened").set_modified(at).expect("aged");
}

#[tokio::test]
async fn a_file_is_there_whole_and_with_its_digest_once_it_is_published() {
    let (test, ada) = house().await;
    let content: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
    let mut incoming = artifacts::begin(&test.portal, &ada, "red", &path("0/r/artifacts/m/w.bin"), None).await.expect("begun");
    incoming.write(Bytes::from(content.clone())).await.expect("written");
    assert!(matches!(get(&test.portal, &ada, "0/r/artifacts/m/w.bin").await, Err(Error::NotFound("artifact"))));
    let made = artifacts::publish(&test.portal, &ada, &path("0/r/artifacts/m/w.bin"), incoming).await.expect("published");
    assert_eq!((made.size, made.sha256.len()), (1_500_000, 64));
    assert!(get(&test.portal, &ada, "0/r/artifacts/m/w.bin").await.expect("read") == content);
    assert!(part(&test.portal, &ada, "0/r/artifacts/m/w.bin", 999_999, 300_000).await.expect("read") == content[999_999..1_299_999]);
    put(&test.portal, &ada, "0/r/artifacts/empty", b"").await.expect("published");
    assert_eq!(get(&test.portal, &ada, "0/r/artifacts/empty").await.expect("read"), b"");
    assert_eq!(names(&test.portal, &ada, "").await, ["0/"]);
    assert_eq!(names(&test.portal, &ada, "0/r/artifacts").await, ["empty:0", "m/"]);
    assert_eq!(names(&test.portal, &ada, "0/r/artifacts/m").await, ["w.bin:1500000"]);
    let folder = artifacts::find(&test.portal, &ada, "red", &path("0/r")).await;
    assert!(matches!(folder, Err(Error::Invalid(_))), "{folder:?}");
}

#[tokio::test]
async fn objects_are_private_files_under_random_names() {
    use std::os::unix::fs::PermissionsExt;
    let (test, ada) = house().await;
    put(&test.portal, &ada, "0/secret.txt", b"x").await.expect("published");
    let stored = files(&test);
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].display().to_string().contains("secret"));
    assert_eq!(std::fs::metadata(&stored[0]).expect("a file").permissions().mode() & 0o777, 0o600);
    for folder in stored[0].ancestors().skip(1).take(3) {
        assert_eq!(std::fs::metadata(folder).expect("a folder").permissions().mode() & 0o777, 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_an_object_is_not_followed() {
    let (test, ada) = house().await;
    put(&test.portal, &ada, "x", b"mine").await.expect("published");
    let object = files(&test).remove(0);
    std::fs::remove_file(&object).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", &object).expect("linked");
    assert!(matches!(get(&test.portal, &ada, "x").await, Err(Error::Internal(_))));
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let (test, ada) = house().await;
    let mut incoming = artifacts::begin(&test.portal, &ada, "red", &path("a/b"), None).await.expect("begun");
    incoming.write(Bytes::from(vec![1; 700_000])).await.expect("written");
    until(|| files(&test).len() == 1).await;
    drop(incoming);
    until(|| files(&test).is_empty()).await;
    assert!(names(&test.portal, &ada, "").await.is_empty());
}

#[tokio::test]
async fn a_name_is_a_file_or_a_folder_and_never_both() {
    let (test, ada) = house().await;
    put(&test.portal, &ada, "a/b", b"file").await.expect("published");
    for taken in ["a", "a/b/c", "a/b/c/d"] {
        let refused = put(&test.portal, &ada, taken, b"x").await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{taken}: {refused:?}");
    }
    // What was refused is not kept either.
    until(|| files(&test).len() == 1).await;
    assert_eq!(names(&test.portal, &ada, "a").await, ["b:4"]);
}

#[tokio::test]
async fn a_replaced_file_and_a_deleted_folder_are_reclaimed() {
    let (test, ada) = house().await;
    for (name, content) in [("m/a", "one"), ("m/sub/b", "22"), ("m/sub/deep/c", "333"), ("m2/d", "4"), ("m/a", "other")] {
        put(&test.portal, &ada, name, content.as_bytes()).await.expect("published");
    }
    assert_eq!(get(&test.portal, &ada, "m/a").await.expect("read"), b"other");
    let swept = sweep::sweep(&test.portal).await.expect("swept");
    assert_eq!((swept.objects, swept.bytes, files(&test).len()), (1, 3, 4));
    let removed = artifacts::delete(&test.portal, &ada, "red", &path("m")).await.expect("deleted");
    assert_eq!(removed, Removed { files: 3, bytes: 10 });
    assert_eq!(names(&test.portal, &ada, "").await, ["m2/"]);
    assert!(matches!(get(&test.portal, &ada, "m/sub/b").await, Err(Error::NotFound(_))));
    assert!(matches!(artifacts::delete(&test.portal, &ada, "red", &path("m")).await, Err(Error::NotFound("artifact"))));
    let swept = sweep::sweep(&test.portal).await.expect("swept");
    assert_eq!((swept.objects, swept.bytes, files(&test).len()), (3, 10, 1));
    // A folder goes with its last file.
    artifacts::delete(&test.portal, &ada, "red", &path("m2/d")).await.expect("deleted");
    assert!(names(&test.portal, &ada, "").await.is_empty());
    let usage: (i64, i64) = test.portal.db.fetch_one("SELECT bytes, files FROM artifact_usage", args![]).await.expect("a row");
    assert_eq!(usage, (0, 0));
}

#[tokio::test]
async fn a_deletion_is_in_the_audit_trail() {
    let (test, ada) = house().await;
    put(&test.portal, &ada, "m/a", b"one").await.expect("published");
    artifacts::delete(&test.portal, &ada, "red", &path("m")).await.expect("deleted");
    let sql = "SELECT actor, object, before FROM audit WHERE action = 'artifact.delete'";
    let row: (String, String, String) = test.portal.db.fetch_one(sql, args![]).await.expect("a record");
    assert_eq!((row.0.as_str(), row.1.as_str(), row.2.as_str()), ("ada@example.com", "m", r#"{"bytes":3,"files":1}"#));
}

#[tokio::test]
async fn another_teams_files_do_not_exist_and_a_viewer_only_reads() {
    let (test, ada) = house().await;
    put(&test.portal, &ada, "m/a", b"one").await.expect("published");
    let (vera, eve) = (test.caller("vera").await, test.caller("eve").await);
    assert_eq!(get(&test.portal, &vera, "m/a").await.expect("read"), b"one");
    assert!(matches!(put(&test.portal, &vera, "m/a", b"x").await, Err(Error::Forbidden(_))));
    assert!(matches!(artifacts::delete(&test.portal, &vera, "red", &path("m")).await, Err(Error::Forbidden(_))));
    assert!(matches!(get(&test.portal, &eve, "m/a").await, Err(Error::NotFound("team"))));
    assert!(matches!(artifacts::find(&test.portal, &eve, "blue", &path("m/a")).await, Err(Error::NotFound("artifact"))));
    assert!(artifacts::list(&test.portal, &eve, "blue", None, "", 10).await.expect("listed").is_empty());
    assert!(matches!(get(&test.portal, &test.stranger(), "m/a").await, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn whose_rights_end_during_an_upload_publishes_nothing() {
    let (test, ada) = house().await;
    let mut incoming = artifacts::begin(&test.portal, &ada, "red", &path("m/a"), None).await.expect("begun");
    incoming.write(Bytes::from(vec![1; 700_000])).await.expect("written");
    domain::teams::set_member(&test.portal, &Caller::console(), "red", "ada@example.com", Role::Viewer).await.expect("a viewer");
    let now = test.caller("ada").await;
    assert!(matches!(artifacts::publish(&test.portal, &now, &path("m/a"), incoming).await, Err(Error::Forbidden(_))));
    until(|| files(&test).is_empty()).await;
}

async fn pin(db: &Db, team: &TeamId, holder: &str, root: &str) -> u64 {
    let mut tx = db.begin().await.expect("begun");
    let pinned = pins::pin(&mut tx, team, holder, &path(root)).await.expect("pinned");
    tx.commit().await.expect("committed");
    pinned
}

#[tokio::test]
async fn a_pinned_file_is_neither_replaced_nor_deleted_until_its_last_holder_lets_go() {
    let (test, ada) = house().await;
    let team = ada.require_in(domain::model::Permission::ReadTeam, "red").expect("a member").team;
    for name in ["r/model/MLmodel", "r/model/data/w.bin", "r/other"] {
        put(&test.portal, &ada, name, name.as_bytes()).await.expect("published");
    }
    assert_eq!(pin(&test.portal.db, &team, "net/1", "r/model").await, 2);
    assert_eq!(pin(&test.portal.db, &team, "net/1", "r/model").await, 0, "again is no error");
    assert_eq!(pin(&test.portal.db, &team, "net/2", "r/model/MLmodel").await, 1);
    put(&test.portal, &ada, "r/model/later", b"1").await.expect("what is added is not pinned");
    put(&test.portal, &ada, "r/model/later", b"2").await.expect("replaced");
    for name in ["r/model/MLmodel", "r/model/data/w.bin"] {
        assert!(matches!(put(&test.portal, &ada, name, b"poison").await, Err(Error::Conflict(_))), "{name}");
    }
    for name in ["r/model/MLmodel", "r/model/data", "r/model", "r"] {
        assert!(matches!(artifacts::delete(&test.portal, &ada, "red", &path(name)).await, Err(Error::Conflict(_))), "{name}");
    }
    assert_eq!(get(&test.portal, &ada, "r/model/data/w.bin").await.expect("read"), b"r/model/data/w.bin");
    let pinned = pins::pinned(&test.portal.db, &team, "net/1").await.expect("listed");
    let pinned: Vec<_> = pinned.iter().map(|a| (a.path.as_str(), a.sha256.as_str())).collect();
    let digests = [random::digest("r/model/MLmodel"), random::digest("r/model/data/w.bin")];
    assert_eq!(pinned, [("r/model/MLmodel", digests[0].as_str()), ("r/model/data/w.bin", digests[1].as_str())]);
    // Whoever removes the run takes the rest.
    let mut tx = test.portal.db.begin().await.expect("begun");
    let removed = artifacts::remove_unpinned(&mut tx, &team, &path("r")).await.expect("removed");
    tx.commit().await.expect("committed");
    assert_eq!((removed.files, names(&test.portal, &ada, "r").await), (2, vec!["model/".to_owned()]));
    for (holder, refused) in [("net/1", true), ("net/2", false)] {
        let mut tx = test.portal.db.begin().await.expect("begun");
        pins::unpin(&mut tx, &team, holder).await.expect("let go");
        tx.commit().await.expect("committed");
        assert_eq!(artifacts::delete(&test.portal, &ada, "red", &path("r/model/MLmodel")).await.is_err(), refused, "{holder}");
    }
}

#[tokio::test]
async fn what_a_crash_left_is_swept_once_it_is_old_and_never_what_is_being_written() {
    let (test, ada) = house().await;
    put(&test.portal, &ada, "kept", b"kept").await.expect("published");
    age(&files(&test)[0], 600);
    let root = test.folder.path().join("artifacts");
    // A crash before the row, and one in the middle of a body; each old enough, and not yet.
    let shard = files(&test)[0].ancestors().nth(2).expect("the team's folder").join("or");
    let _ = std::fs::create_dir(&shard);
    let incoming_folder = root.join("incoming");
    for (folder, name, minutes) in
        [(&shard, "orphan-old", 61), (&shard, "orphan-new", 59), (&incoming_folder, "torn-old", 46), (&incoming_folder, "torn-new", 44)]
    {
        std::fs::write(folder.join(name), b"torn").expect("written");
        age(&folder.join(name), minutes);
    }
    let mut incoming = artifacts::begin(&test.portal, &ada, "red", &path("slow"), None).await.expect("begun");
    incoming.write(Bytes::from(vec![1; 700_000])).await.expect("written");
    until(|| files(&test).len() == 6).await;
    for file in files(&test).iter().filter(|f| f.metadata().expect("a file").len() > 1000) {
        age(file, 600);
    }
    let swept = sweep::sweep(&test.portal).await.expect("swept");
    assert_eq!(swept.objects, 2);
    let left: Vec<String> = files(&test).iter().map(|f| f.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.ends_with("-old")) && left.len() == 4, "{left:?}");
    artifacts::publish(&test.portal, &ada, &path("slow"), incoming).await.expect("published");
    assert_eq!(get(&test.portal, &ada, "slow").await.expect("read").len(), 700_000);
    assert_eq!(get(&test.portal, &ada, "kept").await.expect("read"), b"kept");
}

#[tokio::test]
async fn a_team_cannot_keep_more_than_its_quota() {
    let (mut test, ada) = house().await;
    let mut settings = (*test.portal.settings).clone();
    settings.artifact_quota = Some(1000);
    test.portal.settings = std::sync::Arc::new(settings);
    put(&test.portal, &ada, "a", &[1; 600]).await.expect("published");
    let known = artifacts::begin(&test.portal, &ada, "red", &path("b"), Some(401)).await;
    assert!(matches!(known, Err(Error::QuotaExceeded(_))));
    assert!(matches!(put(&test.portal, &ada, "b", &[1; 401]).await, Err(Error::QuotaExceeded(_))));
    put(&test.portal, &ada, "b", &[1; 400]).await.expect("published");
    assert_eq!(get(&test.portal, &ada, "a").await.expect("reads go on").len(), 600);
    artifacts::delete(&test.portal, &ada, "red", &path("a")).await.expect("deleted");
    put(&test.portal, &ada, "c", &[1; 600]).await.expect("there is room again");
}

#[tokio::test]
async fn a_long_folder_is_listed_in_pages_that_miss_nothing() {
    let (test, ada) = house().await;
    for i in 0..25 {
        let name = if i % 5 == 0 { format!("f/n{i}/x") } else { format!("f/n{i}") };
        put(&test.portal, &ada, &name, b"x").await.expect("published");
    }
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = artifacts::list(&test.portal, &ada, "red", Some(&path("f")), &after, 10).await.expect("listed");
        let Some(last) = page.last() else { break };
        after.clone_from(&last.name);
        seen.extend(page.into_iter().map(|e| e.name));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

/// Ada as her token calls.
async fn with_token(test: &TestPortal, email: &str) -> (Caller, TokenId) {
    let new = domain::model::NewToken { name: "t".into(), team: "red".into(), role: Role::Member, days: 30 };
    let (token, secret) = domain::tokens::create_for(&test.portal, &Caller::console(), email, new).await.expect("a token");
    let identity = domain::tokens::authenticate(&test.portal, &secret).await.expect("asked").expect("known");
    (Caller::identified(identity, "test", "192.0.2.1"), token.id)
}

async fn send(portal: &Portal, upload: &str, number: i64, bytes: &[u8]) -> Result<parts::Part> {
    let stranger = Caller::anonymous("test", "192.0.2.9");
    let slot = parts::slot(portal, &stranger, upload, number, &parts::key(portal, upload, number)).await?;
    let mut incoming = parts::begin(portal, &slot, Some(bytes.len() as u64)).await?;
    incoming.write(Bytes::copy_from_slice(bytes)).await?;
    parts::keep(portal, &slot, incoming).await
}

#[tokio::test]
async fn an_upload_in_parts_is_taken_up_again_and_becomes_one_file() {
    let (test, _) = house().await;
    let (ada, _) = with_token(&test, "ada@example.com").await;
    let to = path("0/r/artifacts/big.bin");
    let content: Vec<u8> = (0..900_000_u32).map(|i| (i % 241) as u8).collect();
    let pieces: Vec<&[u8]> = content.chunks(400_000).collect();
    let upload = parts::create(&test.portal, &ada, "red", &to, 3).await.expect("begun");
    send(&test.portal, &upload, 3, pieces[2]).await.expect("sent");
    send(&test.portal, &upload, 1, b"wrong at first").await.expect("sent");
    send(&test.portal, &upload, 1, pieces[0]).await.expect("sent again");
    // Whoever takes it up again sees what is there.
    let there = parts::list(&test.portal, &ada, "red", &upload).await.expect("listed");
    assert_eq!(there.iter().map(|p| (p.number, p.size)).collect::<Vec<_>>(), [(1, 400_000), (3, 100_000)]);
    let named = |parts: &[parts::Part]| parts.iter().map(|p| (p.number, format!("\"{}\"", p.sha256))).collect::<Vec<_>>();
    let early = parts::complete(&test.portal, &ada, "red", &to, &upload, &named(&there)).await;
    assert!(matches!(early, Err(Error::Invalid(_))), "{early:?}");
    send(&test.portal, &upload, 2, pieces[1]).await.expect("sent");
    let all = named(&parts::list(&test.portal, &ada, "red", &upload).await.expect("listed"));
    let mut wrong = all.clone();
    wrong[1].1 = random::digest("something else");
    assert!(matches!(parts::complete(&test.portal, &ada, "red", &to, &upload, &wrong).await, Err(Error::Invalid(_))));
    let made = parts::complete(&test.portal, &ada, "red", &to, &upload, &all).await.expect("completed");
    let whole = put(&test.portal, &ada, "whole", &content).await.expect("published");
    assert_eq!((made.size, &made.sha256), (900_000, &whole.sha256));
    // A client that waited too long asks again.
    let again = parts::complete(&test.portal, &ada, "red", &to, &upload, &all).await.expect("completed");
    assert_eq!(again.sha256, made.sha256);
    assert!(matches!(parts::abort(&test.portal, &ada, "red", &to, &upload).await, Err(Error::NotFound("upload"))));
    assert!(matches!(send(&test.portal, &upload, 2, b"late").await, Err(Error::NotFound("upload"))));
    assert!(get(&test.portal, &ada, to.as_str()).await.expect("read") == content);
    assert!(part(&test.portal, &ada, to.as_str(), 399_990, 400_020).await.expect("read") == content[399_990..800_010]);
    // Its parts stay for as long as the file does, and no longer.
    test.portal.clock.advance(25 * 60 * 60 * 1000);
    assert_eq!(sweep::sweep(&test.portal).await.expect("swept").objects, 1, "the part that was sent again");
    assert!(get(&test.portal, &ada, to.as_str()).await.expect("read") == content);
    artifacts::delete(&test.portal, &ada, "red", &to).await.expect("deleted");
    assert_eq!(sweep::sweep(&test.portal).await.expect("swept").objects, 3);
    assert_eq!(files(&test).len(), 1);
}

#[tokio::test]
async fn an_upload_in_parts_ends_with_its_abort_its_token_or_its_day() {
    let (test, _) = house().await;
    let (ada, token) = with_token(&test, "ada@example.com").await;
    let to = path("big.bin");
    let aborted = parts::create(&test.portal, &ada, "red", &to, 2).await.expect("begun");
    send(&test.portal, &aborted, 1, b"one").await.expect("sent");
    assert!(matches!(parts::abort(&test.portal, &ada, "red", &path("other"), &aborted).await, Err(Error::Invalid(_))));
    parts::abort(&test.portal, &ada, "red", &to, &aborted).await.expect("aborted");
    assert!(matches!(send(&test.portal, &aborted, 1, b"one").await, Err(Error::NotFound("upload"))));
    let old = parts::create(&test.portal, &ada, "red", &to, 2).await.expect("begun");
    send(&test.portal, &old, 1, b"one").await.expect("sent");
    assert_eq!(files(&test).len(), 2);
    test.portal.clock.advance(25 * 60 * 60 * 1000);
    assert_eq!(sweep::sweep(&test.portal).await.expect("swept").objects, 2);
    assert!(files(&test).is_empty());
    assert!(matches!(parts::list(&test.portal, &ada, "red", &old).await, Err(Error::NotFound("upload"))));
    let last = parts::create(&test.portal, &ada, "red", &to, 2).await.expect("begun");
    domain::tokens::revoke(&test.portal, &test.caller("ada").await, &token).await.expect("revoked");
    assert!(matches!(send(&test.portal, &last, 1, b"one").await, Err(Error::NotFound("upload"))));
}

#[tokio::test]
async fn only_the_team_ends_an_upload_and_only_its_key_sends_a_part() {
    let (test, ada_session) = house().await;
    let (ada, _) = with_token(&test, "ada@example.com").await;
    let to = path("big.bin");
    assert!(matches!(parts::create(&test.portal, &ada_session, "red", &to, 2).await, Err(Error::Forbidden(_))));
    for number in [0, -1, 10_001] {
        assert!(matches!(parts::create(&test.portal, &ada, "red", &to, number).await, Err(Error::Invalid(_))), "{number}");
    }
    let upload = parts::create(&test.portal, &ada, "red", &to, 2).await.expect("begun");
    let (vera, eve, nobody) = (test.caller("vera").await, test.caller("eve").await, test.stranger());
    let key = parts::key(&test.portal, &upload, 1);
    assert!(matches!(parts::slot(&test.portal, &nobody, &upload, 2, &key).await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::slot(&test.portal, &nobody, &upload, 1, "").await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::slot(&test.portal, &eve, &upload, 1, &key).await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::slot(&test.portal, &vera, &upload, 1, &key).await, Err(Error::Forbidden(_))));
    assert!(matches!(parts::complete(&test.portal, &eve, "blue", &to, &upload, &[]).await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::abort(&test.portal, &eve, "blue", &to, &upload).await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::list(&test.portal, &eve, "blue", &upload).await, Err(Error::NotFound("upload"))));
    assert!(matches!(parts::abort(&test.portal, &vera, "red", &to, &upload).await, Err(Error::Forbidden(_))));
    assert!(parts::slot(&test.portal, &nobody, &upload, 1, &key).await.is_ok());
}

#[tokio::test]
async fn files_near_the_top_are_those_of_the_run_and_of_the_models_that_it_logged() {
    let (test, ada) = house().await;
    let portal = &test.portal;
    let run = domain::tracking::runs::create(portal, &ada, "red", NewRun::default()).await.expect("a run");
    let new = NewLoggedModel {
        experiment: run.experiment.clone(),
        name: Some("net".to_owned()),
        model_type: String::new(),
        source_run: Some(run.id.clone()),
        params: Vec::new(),
        tags: Vec::new(),
    };
    let model = domain::tracking::logged_models::create(portal, &ada, "red", new).await.expect("a model");
    let (own, models) = (artifacts::ours(&run.artifact_uri).expect("ours"), artifacts::ours(&model.artifact_uri).expect("ours"));
    for (root, name) in [
        (&own, "train.py"),
        (&own, "net/MLmodel"),
        (&own, "a/b/deep.txt"),
        (&models, "MLmodel"),
        (&models, "requirements.txt"),
        (&models, "code/x.py"),
    ] {
        put(portal, &ada, &format!("{root}/{name}"), name.as_bytes()).await.expect("kept");
    }
    let (found, more) = artifacts::near_top(portal, &ada, "red", &run.id).await.expect("files");
    assert!(!more);
    let said: Vec<(&str, u64)> = found.iter().map(|file| (file.name.as_str(), file.size)).collect();
    assert_eq!(said, [("net/MLmodel", 11), ("net/code/x.py", 9), ("net/requirements.txt", 16), ("train.py", 8)]);
    assert!(found[0].path.as_str().starts_with(own.as_str()), "what the run has itself counts before a model's");
    let eve = test.caller("eve").await;
    assert!(matches!(artifacts::near_top(portal, &eve, "blue", &run.id).await, Err(Error::NotFound("run"))));
}

#[tokio::test]
async fn a_ticket_shows_one_file_for_a_while() {
    let (test, ada) = house().await;
    let portal = &test.portal;
    put(portal, &ada, "0/r/page.html", b"<p>").await.expect("kept");
    let ticket = artifacts::shown::ticket(portal, &ada, "red", &path("0/r/page.html")).await.expect("a ticket");
    assert!(ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{ticket}");
    assert_eq!(artifacts::shown::redeem(portal, &ticket).await.expect("the file").artifact.size, 3);
    for bad in ["", "x", &ticket[1..], &ticket.to_uppercase(), &format!("{ticket}AAAA")] {
        assert!(matches!(artifacts::shown::redeem(portal, bad).await, Err(Error::NotFound(_))), "{bad}");
    }
    let eve = test.caller("eve").await;
    for team in ["red", "blue"] {
        assert!(artifacts::shown::ticket(portal, &eve, team, &path("0/r/page.html")).await.is_err(), "{team}");
    }
    portal.clock.advance(31_000);
    assert!(matches!(artifacts::shown::redeem(portal, &ticket).await, Err(Error::NotFound(_))));
}
