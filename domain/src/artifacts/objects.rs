//! The artifact store: whole objects under random names. What it holds is never changed, only added and removed.

use super::{
    bucket::{Bucket, BucketConfig},
    disk::{self, Disk, Shard},
    writer::Writer,
};
use crate::{
    error::{Error, Result},
    model::{Millis, TeamId},
    random,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are written, hashed or read at a time. Each transfer holds about three blocks.
pub(super) const BLOCK: usize = 256 * 1024;

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub team: TeamId,
    pub object: String,
}

impl Key {
    pub(super) fn new(team: &TeamId, object: &str) -> Self {
        Self { team: team.clone(), object: object.to_owned() }
    }
    /// The folder that it shares with few others.
    pub(super) fn shard(&self) -> &str {
        self.object.get(..2).unwrap_or("__")
    }
}

/// An object that the store holds.
pub(super) struct Stored {
    pub key: Key,
    pub size: u64,
    /// Epoch milliseconds.
    pub written_at: i64,
}

/// Where the bytes of artifacts lie.
pub struct Objects {
    place: Place,
    /// Objects that are being written or published now; a sweep leaves them alone.
    writing: Mutex<HashSet<String>>,
    /// One lock for each upload in parts that is being completed.
    completing: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

pub(super) enum Place {
    Disk(Arc<Disk>),
    Bucket(Arc<Bucket>),
}

impl Objects {
    /// In the bucket, or in `<data>/artifacts` where there is none.
    ///
    /// # Errors
    /// `Unavailable`, naming the place, where it cannot be used.
    pub fn open(data: &Path, bucket: Option<&BucketConfig>) -> Result<Self> {
        let place = if let Some(config) = bucket {
            Place::Bucket(Arc::new(Bucket::open(config)?))
        } else {
            let root = data.join("artifacts");
            let failed = |e: io::Error| Error::Unavailable(format!("The artifact store {} cannot be used: {e}", root.display()));
            Place::Disk(Arc::new(Disk::open(root.clone()).map_err(failed)?))
        };
        Ok(Self { place, writing: Mutex::default(), completing: Mutex::default() })
    }

    /// Begins a new object.
    pub(super) fn begin(self: &Arc<Self>, team: &TeamId) -> Writer {
        let key = Key::new(team, &random::id::<String>());
        let guard = Guard::new(self, &key);
        Writer::new(&self.place, guard, key)
    }

    /// The bytes `from..from + length` of an object.
    ///
    /// # Errors
    /// `Unavailable` where the object is gone: it was replaced a moment ago.
    pub(super) async fn read(&self, key: Key, from: u64, length: u64) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        let disk = match &self.place {
            Place::Disk(disk) => disk.clone(),
            Place::Bucket(bucket) => return bucket.read(&key, from, length).await,
        };
        let file = spawn_blocking(move || disk.read(&key, from)).await.map_err(|e| Error::internal("artifact", e))?;
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Unavailable("This file was replaced a moment ago. Try again.".to_owned()),
            _ => Error::internal("artifact", error),
        })?;
        Ok(blocks(file, length))
    }

    pub(super) async fn remove(&self, key: Key) -> Result<()> {
        match &self.place {
            Place::Disk(disk) => blocking(disk, move |disk| disk.remove(&key)).await,
            Place::Bucket(bucket) => bucket.remove(&key).await,
        }
    }

    /// Everything that the store holds, some at a time.
    pub(super) async fn list(&self) -> Result<BoxStream<'static, Result<Vec<Stored>>>> {
        match &self.place {
            Place::Disk(disk) => {
                let shards = blocking(disk, Disk::shards).await?;
                let disk = disk.clone();
                let files = move |shard: Shard| {
                    let disk = disk.clone();
                    async move { blocking(&disk, move |disk| disk.list(&shard)).await }
                };
                Ok(stream::iter(shards).then(files).boxed())
            }
            Place::Bucket(bucket) => Ok(bucket.list()),
        }
    }

    /// Removes what was left unfinished, if it was last written before `until`; how many. Buckets have rules of their own for that.
    pub(super) async fn sweep_unfinished(&self, until: Millis) -> Result<u64> {
        match &self.place {
            Place::Disk(disk) => {
                let writing = self.lock().clone();
                blocking(disk, move |disk| disk.sweep_incoming(until, &writing)).await
            }
            Place::Bucket(_) => Ok(0),
        }
    }

    pub(super) fn is_being_written(&self, object: &str) -> bool {
        self.lock().contains(object)
    }

    /// Lets one at a time do something with this upload.
    pub(super) async fn alone(&self, upload: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.completing.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody waits for any more.
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            locks.entry(upload.to_owned()).or_default().clone()
        };
        lock.lock_owned().await
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a sweep away from an object.
pub(super) struct Guard {
    pub objects: Arc<Objects>,
    object: String,
}

impl Guard {
    fn new(objects: &Arc<Objects>, key: &Key) -> Self {
        objects.lock().insert(key.object.clone());
        Self { objects: objects.clone(), object: key.object.clone() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.objects.lock().remove(&self.object);
    }
}

/// Does something with the disk on a thread that may wait for it.
async fn blocking<T: Send + 'static>(disk: &Arc<Disk>, work: impl FnOnce(&Disk) -> io::Result<T> + Send + 'static) -> Result<T> {
    let disk = disk.clone();
    let done = spawn_blocking(move || work(&disk)).await.map_err(|e| Error::internal("artifact", e))?;
    done.map_err(|e| Error::internal("artifact", e))
}

/// The block that is being read, and how much of the object is left with it.
type Ahead = (JoinHandle<io::Result<(File, Vec<u8>)>>, u64);

/// Reads ahead by one block, so that the disk works while the network does.
fn blocks(file: File, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let next = |mut file: File, left: u64| {
        let most = left.min(BLOCK as u64);
        spawn_blocking(move || disk::read_block(&mut file, most).map(|block| (file, block)))
    };
    let first = (length > 0).then(|| (next(file, length), length));
    let read = move |state: Option<Ahead>| async move {
        let Some((reading, left)) = state else { return Ok(None) };
        let (file, block) = reading.await.map_err(io::Error::other)??;
        if block.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the object is shorter than its row says"));
        }
        let left = left - block.len() as u64;
        let state = (left > 0).then(|| (next(file, left), left));
        Ok(Some((Bytes::from(block), state)))
    };
    stream::try_unfold(first, read).boxed()
}
