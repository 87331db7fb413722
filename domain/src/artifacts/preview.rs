//! The beginning of a file, for those who look at it without downloading it.

use super::Readable;
use crate::{
    error::{Error, Result},
    portal::Portal,
};
use futures::TryStreamExt;

impl Readable {
    /// The first `most` bytes, or all of it where it is shorter.
    pub async fn beginning(&self, portal: &Portal, most: u64) -> Result<Vec<u8>> {
        let length = self.artifact.size.min(most);
        let blocks = self.read(portal, 0, length).await?;
        let append = |mut all: Vec<u8>, block: bytes::Bytes| async move {
            all.extend_from_slice(&block);
            Ok(all)
        };
        blocks.try_fold(Vec::new(), append).await.map_err(|error| Error::internal("artifact", error))
    }
}

/// What `work` makes of the beginnings of these files, on a thread where it may take its time.
///
/// # Errors
/// Where they cannot be read.
pub async fn work_on<T: Send + 'static>(
    portal: &Portal,
    files: &[&Readable],
    most: u64,
    work: impl FnOnce(Vec<Vec<u8>>) -> T + Send + 'static,
) -> Result<T> {
    let mut beginnings = Vec::with_capacity(files.len());
    for file in files {
        beginnings.push(file.beginning(portal, most).await?);
    }
    tokio::task::spawn_blocking(move || work(beginnings)).await.map_err(|e| Error::internal("files", e))
}
