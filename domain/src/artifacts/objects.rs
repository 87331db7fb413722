//! The artifact store: whole objects under random names. What it holds is never changed, only added and removed.

use super::disk::{self, Disk, Shard};
use crate::{
    error::{Error, Result},
    model::{Millis, TeamId},
    random,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are written, hashed or read at a time. Each transfer holds about three blocks.
const BLOCK: usize = 256 * 1024;

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

enum Place {
    Disk(Arc<Disk>),
}

impl Objects {
    /// On the local disk, in `<data>/artifacts`.
    ///
    /// # Errors
    /// `Unavailable`, naming the folder, where it cannot be made.
    pub fn on_disk(data: &Path) -> Result<Self> {
        let root = data.join("artifacts");
        let failed = |e: io::Error| Error::Unavailable(format!("The artifact store {} cannot be used: {e}", root.display()));
        let disk = Disk::open(root.clone()).map_err(failed)?;
        Ok(Self { place: Place::Disk(Arc::new(disk)), writing: Mutex::default(), completing: Mutex::default() })
    }

    /// Begins a new object.
    pub(super) fn begin(self: &Arc<Self>, team: &TeamId) -> Writer {
        let key = Key::new(team, &random::id::<String>());
        let guard = Guard::new(self, &key);
        let target = match &self.place {
            Place::Disk(disk) => Target::Disk { disk: disk.clone(), file: None },
        };
        let work = Work { hasher: Sha256::new(), target };
        Writer { guard: Some(guard), key, work: Some(Step::Idle(work)), pending: Vec::new(), waiting: 0, size: 0 }
    }

    /// The bytes `from..from + length` of an object.
    ///
    /// # Errors
    /// `Unavailable` where the object is gone: it was replaced a moment ago.
    pub(super) async fn read(&self, key: Key, from: u64, length: u64) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        let file = match &self.place {
            Place::Disk(disk) => {
                let disk = disk.clone();
                spawn_blocking(move || disk.read(&key, from)).await
            }
        };
        let file = file.map_err(|e| Error::internal("artifact", e))?.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Unavailable("This file was replaced a moment ago. Try again.".to_owned()),
            _ => Error::internal("artifact", error),
        })?;
        Ok(blocks(file, length))
    }

    pub(super) async fn remove(&self, key: Key) -> Result<()> {
        match &self.place {
            Place::Disk(disk) => blocking(disk, move |disk| disk.remove(&key)).await,
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
        }
    }

    /// Removes what was left unfinished, if it was last written before `until`; how many.
    pub(super) async fn sweep_unfinished(&self, until: Millis) -> Result<u64> {
        match &self.place {
            Place::Disk(disk) => {
                let writing = self.lock().clone();
                blocking(disk, move |disk| disk.sweep_incoming(until, &writing)).await
            }
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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does something with the disk on a thread that may wait for it.
async fn blocking<T: Send + 'static>(disk: &Arc<Disk>, work: impl FnOnce(&Disk) -> io::Result<T> + Send + 'static) -> Result<T> {
    let disk = disk.clone();
    let done = spawn_blocking(move || work(&disk)).await.map_err(|e| Error::internal("artifact", e))?;
    done.map_err(|e| Error::internal("artifact", e))
}

/// Reads ahead by one block, so that the disk works while the network does.
fn blocks(file: File, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let next = |mut file: File, left: u64| {
        let most = left.min(BLOCK as u64);
        spawn_blocking(move || disk::read_block(&mut file, most).map(|block| (file, block)))
    };
    let first = (length > 0).then(|| (next(file, length), length));
    let read = move |state: Option<(JoinHandle<io::Result<(File, Vec<u8>)>>, u64)>| async move {
        let Some((reading, left)) = state else { return Ok(None) };
        let (file, block) = reading.await.map_err(io::Error::other)??;
        let left = left - block.len() as u64;
        if block.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the object is shorter than its row says"));
        }
        let state = (left > 0).then(|| (next(file, left), left));
        Ok(Some((Bytes::from(block), state)))
    };
    stream::try_unfold(first, read).boxed()
}

/// Keeps a sweep away from an object.
struct Guard {
    objects: Arc<Objects>,
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

/// An object that is being written. Dropped without `finish`, nothing of it stays.
pub(super) struct Writer {
    guard: Option<Guard>,
    key: Key,
    work: Option<Step>,
    pending: Vec<Bytes>,
    /// Bytes in `pending`.
    waiting: usize,
    size: u64,
}

/// Hasher and file, here or with the thread that works on the last block.
enum Step {
    Idle(Work),
    Busy(JoinHandle<io::Result<Work>>),
}

struct Work {
    hasher: Sha256,
    target: Target,
}

enum Target {
    Disk { disk: Arc<Disk>, file: Option<File> },
}

/// An object that is whole and durable, and has no row yet.
pub(super) struct Written {
    /// None once it is to stay.
    guard: Option<Guard>,
    pub key: Key,
    pub size: u64,
    pub sha256: String,
}

impl Writer {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes more bytes; waits while two blocks are under way.
    ///
    /// # Errors
    /// `QuotaExceeded` where the disk is full.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.waiting += bytes.len();
        self.pending.push(bytes);
        if self.waiting >= BLOCK { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let mut work = self.settle().await?;
        let (block, key) = (std::mem::take(&mut self.pending), self.key.clone());
        self.waiting = 0;
        self.work = Some(Step::Busy(spawn_blocking(move || {
            work.take(&key, &block)?;
            Ok(work)
        })));
        Ok(())
    }

    /// Waits for the block that is under way.
    async fn settle(&mut self) -> Result<Work> {
        match self.work.take() {
            Some(Step::Idle(work)) => Ok(work),
            Some(Step::Busy(handle)) => handle.await.map_err(|e| Error::internal("artifact", e))?.map_err(failed),
            None => Err(Error::Internal("an artifact is written to after it failed".to_owned())),
        }
    }

    /// Makes everything durable.
    pub(super) async fn finish(mut self) -> Result<Written> {
        let mut work = self.settle().await?;
        let (block, key) = (std::mem::take(&mut self.pending), self.key.clone());
        let finished = spawn_blocking(move || {
            work.take(&key, &block)?;
            let Target::Disk { disk, file } = &work.target;
            disk.publish(&key, file.as_ref().ok_or_else(|| io::Error::other("no file"))?)?;
            Ok(work.hasher)
        });
        let hasher = finished.await.map_err(|e| Error::internal("artifact", e))?.map_err(failed)?;
        let sha256 = random::hex(&hasher.finalize());
        Ok(Written { guard: self.guard.take(), key: self.key.clone(), size: self.size, sha256 })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (Some(guard), Some(step)) = (self.guard.take(), self.work.take()) else { return };
        let key = self.key.clone();
        let discard = async move {
            let work = match step {
                Step::Idle(work) => Some(work),
                Step::Busy(handle) => handle.await.ok().and_then(Result::ok),
            };
            if let Some(Work { target: Target::Disk { disk, file: Some(_) }, .. }) = work {
                let _ = spawn_blocking(move || disk.discard(&key)).await;
            }
            drop(guard);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(discard);
        }
    }
}

impl Work {
    fn take(&mut self, key: &Key, block: &[Bytes]) -> io::Result<()> {
        let Target::Disk { disk, file } = &mut self.target;
        let file = match file {
            Some(file) => file,
            None => file.insert(disk.create(key)?),
        };
        let bytes = block.iter().map(|b| b.len() as u64).sum();
        if disk.is_full(bytes) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        for bytes in block {
            file.write_all(bytes)?;
            self.hasher.update(bytes);
        }
        Ok(())
    }
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::QuotaExceeded("The disk of the artifact store is full. Ask whoever runs Slipway to make room.".to_owned())
        }
        _ => Error::internal("artifact", error),
    }
}

impl Written {
    /// It stays in the store: its row is committed, or may be.
    pub(super) fn keep(mut self) {
        self.guard = None;
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let key = self.key.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = guard.objects.remove(key).await {
                    tracing::warn!(%error, "an object without a row stays until it is swept");
                }
            });
        }
    }
}
