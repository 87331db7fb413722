//! The same artifacts in a bucket. Runs where `scripts/with-s3.sh` has started an S3 server, or where `SLIPWAY_TEST_BUCKET` and the service's own
//! variables say where another is: `gs://…`, `az://…`.

use bytes::Bytes;
use domain::{
    Caller, Error, Portal,
    artifacts::{self, BucketConfig, Objects, parts, sweep},
    model::{ArtifactPath, NewToken, Role},
    random,
    testing::TestPortal,
};
use futures::TryStreamExt;
use std::sync::Arc;

/// The bucket to test with, if any, in a folder of its own.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration; the environment says where a bucket is")]
fn bucket() -> Option<BucketConfig> {
    let url = std::env::var("SLIPWAY_TEST_BUCKET").ok().filter(|url| !url.is_empty())?;
    let options = std::env::vars()
        .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|service| name.starts_with(service)))
        .map(|(name, value)| (name.to_ascii_lowercase(), value));
    Some(BucketConfig { url: format!("{url}/{}", random::id::<String>()), options: options.collect() })
}

async fn portal(config: &BucketConfig) -> (TestPortal, Caller) {
    let mut test = TestPortal::new().await;
    test.portal.artifacts = Arc::new(Objects::open(test.folder.path(), Some(config)).expect("a store"));
    test.team("red", &[("ada", Role::Member)]).await;
    let new = NewToken { name: "t".into(), team: "red".into(), role: Role::Member, days: 30 };
    let (_, secret) = domain::tokens::create_for(&test.portal, &Caller::console(), "ada@example.com", new).await.expect("a token");
    let identity = domain::tokens::authenticate(&test.portal, &secret).await.expect("asked").expect("known");
    let ada = Caller::identified(identity, "test", "192.0.2.1");
    (test, ada)
}

async fn put(portal: &Portal, caller: &Caller, path: &ArtifactPath, content: &[u8]) -> domain::Result<domain::model::Artifact> {
    let mut incoming = artifacts::begin(portal, caller, "red", path, None).await?;
    for block in content.chunks(300_000) {
        incoming.write(Bytes::copy_from_slice(block)).await?;
    }
    artifacts::publish(portal, caller, path, incoming).await
}

async fn get(portal: &Portal, caller: &Caller, path: &ArtifactPath, from: u64, length: u64) -> Vec<u8> {
    let file = artifacts::find(portal, caller, "red", path).await.expect("found");
    let blocks: Vec<Bytes> = file.read(portal, from, length).await.expect("opened").try_collect().await.expect("read");
    blocks.concat()
}

#[tokio::test]
async fn a_bucket_keeps_small_and_large_files_and_ranges_of_them() {
    let Some(config) = bucket() else { return };
    let (test, ada) = portal(&config).await;
    let large: Vec<u8> = (0..20_000_000_u32).map(|i| (i % 251) as u8).collect();
    for (name, content) in [("empty", &large[..0]), ("small", &large[..1000]), ("m/large.bin", &large[..])] {
        let path = ArtifactPath::parse(name).expect("a path");
        let made = put(&test.portal, &ada, &path, content).await.expect("published");
        assert_eq!(made.size, content.len() as u64);
        assert!(get(&test.portal, &ada, &path, 0, made.size).await == content, "{name}");
    }
    let path = ArtifactPath::parse("m/large.bin").expect("a path");
    assert!(get(&test.portal, &ada, &path, 8_388_600, 20).await == large[8_388_600..8_388_620]);
    put(&test.portal, &ada, &path, b"replaced").await.expect("published");
    assert_eq!(get(&test.portal, &ada, &path, 0, 8).await, b"replaced");
    let swept = sweep::sweep(&test.portal).await.expect("swept");
    assert_eq!((swept.objects, swept.bytes), (1, 20_000_000));
    artifacts::delete(&test.portal, &ada, "red", &ArtifactPath::parse("m").expect("a path")).await.expect("deleted");
    assert_eq!(sweep::sweep(&test.portal).await.expect("swept").objects, 1);
    assert_eq!(sweep::sweep(&test.portal).await.expect("swept").objects, 0);
}

#[tokio::test]
async fn a_bucket_takes_an_upload_in_parts() {
    let Some(config) = bucket() else { return };
    let (test, ada) = portal(&config).await;
    let path = ArtifactPath::parse("big").expect("a path");
    let upload = parts::create(&test.portal, &ada, "red", &path, 2).await.expect("begun");
    for (number, content) in [(2, "second"), (1, "first ")] {
        let key = parts::key(&test.portal, &upload, number);
        let slot = parts::slot(&test.portal, &ada, &upload, number, &key).await.expect("open");
        let mut incoming = parts::begin(&test.portal, &slot, None).await.expect("begun");
        incoming.write(Bytes::from(content)).await.expect("written");
        parts::keep(&test.portal, &slot, incoming).await.expect("kept");
    }
    let named: Vec<_> = parts::list(&test.portal, &ada, "red", &upload).await.expect("listed");
    let named: Vec<_> = named.into_iter().map(|p| (p.number, p.sha256)).collect();
    let made = parts::complete(&test.portal, &ada, "red", &path, &upload, &named).await.expect("completed");
    assert_eq!(made.sha256, random::digest("first second"));
    assert_eq!(get(&test.portal, &ada, &path, 3, 6).await, b"st sec");
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_unavailable_and_its_secrets_are_not_told() {
    let Some(mut config) = bucket() else { return };
    config.url = config.url.replace("://slipway/", "://nosuchbucket/");
    let (test, ada) = portal(&config).await;
    let refused = put(&test.portal, &ada, &ArtifactPath::parse("x").expect("a path"), b"x").await;
    assert!(matches!(&refused, Err(Error::Unavailable(why)) if !why.contains("nosuchbucket")), "{refused:?}");
    assert!(artifacts::list(&test.portal, &ada, "red", None, "", 10).await.expect("listed").is_empty());
    assert!(!format!("{config:?}").contains("test"), "{config:?}");
}
