//! Objects in a bucket of S3, Google Cloud Storage or Azure. The service makes an object visible only once it is whole and durable.

use super::objects::{Key, Stored};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, path::Path,
};
use std::{fmt, io, sync::Arc};

/// What the service gets at a time, in bytes; S3 takes at most 10,000 of them for one object.
const CHUNK: usize = 8 * 1024 * 1024;
/// Chunks of one object that are on their way at once.
const UNDER_WAY: usize = 2;

/// A bucket, as the operator configured it.
#[derive(Clone)]
pub struct BucketConfig {
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    pub url: String,
    /// The service's own variables, in lower case; some are secrets.
    pub options: Vec<(String, String)>,
}

impl fmt::Debug for BucketConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BucketConfig({})", self.url)
    }
}

pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

/// A builder with the options that it knows.
macro_rules! build {
    ($builder:ty, $config:expr) => {{
        let known = $config.options.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
        let builder = known.fold(<$builder>::new().with_url(&$config.url), |builder, (key, value)| builder.with_config(key, value));
        builder.build().map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
    }};
}

impl Bucket {
    /// # Errors
    /// `Unavailable` where the URL or an option cannot be used. Nothing is asked of the service yet.
    pub(super) fn open(config: &BucketConfig) -> Result<Self> {
        let unusable = |e: &dyn fmt::Display| Error::Unavailable(format!("The artifact store {} cannot be used: {e}", config.url));
        // The database's driver brings this one; nobody else in the process asks for a default.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (scheme, rest) = config.url.split_once("://").ok_or_else(|| unusable(&"it is no URL"))?;
        let store = match scheme {
            "s3" => build!(AmazonS3Builder, config),
            "gs" => build!(GoogleCloudStorageBuilder, config),
            "az" => build!(MicrosoftAzureBuilder, config),
            _ => return Err(unusable(&"use s3://, gs:// or az://")),
        };
        let prefix = rest.split_once('/').map_or("", |(_, prefix)| prefix.trim_matches('/'));
        Ok(Self { store: store.map_err(|e| unusable(&e))?, prefix: prefix.to_owned() })
    }

    fn path(&self, key: &Key) -> Path {
        let parts = [self.prefix.as_str(), key.team.as_str(), key.shard(), &key.object];
        Path::from(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
    }

    pub(super) async fn read(&self, key: &Key, from: u64, length: u64) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        if length == 0 {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(from..from.saturating_add(length))), ..GetOptions::default() };
        let answer = self.store.get_opts(&self.path(key), options).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => {
                Error::Unavailable("This file was replaced a moment ago, or the artifact store has lost it. Try again.".to_owned())
            }
            other => silent(&other),
        })?;
        Ok(answer.into_stream().map_err(io::Error::other).boxed())
    }

    pub(super) async fn remove(&self, key: &Key) -> Result<()> {
        match self.store.delete(&self.path(key)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(silent(&error)),
        }
    }

    /// Every object below the prefix, some at a time.
    pub(super) fn list(&self) -> BoxStream<'static, Result<Vec<Stored>>> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let page = |page: Vec<std::result::Result<ObjectMeta, object_store::Error>>| {
            let page: std::result::Result<Vec<ObjectMeta>, _> = page.into_iter().collect();
            Ok(page.map_err(|e| silent(&e))?.iter().filter_map(stored).collect())
        };
        self.store.list(prefix.as_ref()).chunks(1000).map(page).boxed()
    }
}

/// Team and object are the last but one folder and the name.
fn stored(meta: &ObjectMeta) -> Option<Stored> {
    let mut names = meta.location.as_ref().rsplit('/');
    let (object, _, team) = (names.next()?, names.next()?, names.next()?);
    let key = Key { team: team.into(), object: object.to_owned() };
    Some(Stored { key, size: meta.size, written_at: meta.last_modified.timestamp_millis() })
}

/// The service's own words are for the log.
fn silent(error: &object_store::Error) -> Error {
    tracing::error!(%error, "the artifact store does not do what it should");
    Error::Unavailable("The artifact store does not answer as it should. Try again in a moment.".to_owned())
}

/// An object that is being sent. One that fits a single chunk is sent at the end.
pub(super) struct Sending {
    bucket: Arc<Bucket>,
    key: Key,
    held: Vec<Bytes>,
    size: usize,
    upload: Option<WriteMultipart>,
}

impl Sending {
    pub(super) fn new(bucket: &Arc<Bucket>, key: &Key) -> Self {
        Self { bucket: bucket.clone(), key: key.clone(), held: Vec::new(), size: 0, upload: None }
    }

    pub(super) async fn take(&mut self, block: Vec<Bytes>) -> Result<()> {
        self.size += block.iter().map(Bytes::len).sum::<usize>();
        self.held.extend(block);
        if self.upload.is_none() {
            if self.size < CHUNK {
                return Ok(());
            }
            let upload = self.bucket.store.put_multipart(&self.bucket.path(&self.key)).await.map_err(|e| silent(&e))?;
            self.upload = Some(WriteMultipart::new_with_chunk_size(upload, CHUNK));
        }
        if let Some(upload) = &mut self.upload {
            upload.wait_for_capacity(UNDER_WAY).await.map_err(|e| silent(&e))?;
            self.held.drain(..).for_each(|bytes| upload.put(bytes));
        }
        Ok(())
    }

    pub(super) async fn finish(self) -> Result<()> {
        let done = if let Some(upload) = self.upload {
            upload.finish().await
        } else {
            let payload: PutPayload = self.held.into_iter().collect();
            self.bucket.store.put(&self.bucket.path(&self.key), payload).await
        };
        done.map(|_| ()).map_err(|e| silent(&e))
    }

    /// Tells the service to forget what it has.
    pub(super) async fn discard(self) {
        if let Some(upload) = self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "an unfinished upload stays with the artifact store's service");
        }
    }
}
