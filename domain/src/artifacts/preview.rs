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
