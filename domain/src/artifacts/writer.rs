//! One object on its way into the store: hashed and written block by block while the next block arrives.

use super::{
    bucket::Sending,
    disk::Disk,
    objects::{BLOCK, Guard, Key, Place},
};
use crate::{
    error::{Error, Result},
    random,
};
use bytes::Bytes;
use ring::digest::{Context, SHA256};
use std::{
    fs::File,
    io::{self, Write},
    sync::Arc,
};
use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

/// Bytes after which the disk is asked to begin with what it has got.
const SYNC_EVERY: u64 = 16 * 1024 * 1024;

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

/// Hasher and target, here or with the task that works on the last block.
enum Step {
    Idle(Box<Work>),
    Busy(JoinHandle<Result<Box<Work>>>),
}

struct Work {
    hasher: Context,
    target: Target,
}

enum Target {
    Disk { disk: Arc<Disk>, key: Key, file: Option<Growing> },
    Bucket(Box<Sending>),
}

/// An object that is whole and durable, and has no row yet. Dropped without `keep`, it is removed.
pub(super) struct Written {
    /// None once it is to stay.
    guard: Option<Guard>,
    pub key: Key,
    pub size: u64,
    pub sha256: String,
}

impl Writer {
    pub(super) fn new(place: &Place, guard: Guard, key: Key) -> Self {
        let target = match place {
            Place::Disk(disk) => Target::Disk { disk: disk.clone(), key: key.clone(), file: None },
            Place::Bucket(bucket) => Target::Bucket(Box::new(Sending::new(bucket, &key))),
        };
        let work = Step::Idle(Box::new(Work { hasher: Context::new(&SHA256), target }));
        Self { guard: Some(guard), key, work: Some(work), pending: Vec::new(), waiting: 0, size: 0 }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes more bytes; waits while a block is under way and the next one is full.
    ///
    /// # Errors
    /// `QuotaExceeded` where the disk is full.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.waiting += bytes.len();
        self.pending.push(bytes);
        if self.waiting < BLOCK {
            return Ok(());
        }
        let work = self.settle().await?;
        let block = std::mem::take(&mut self.pending);
        self.waiting = 0;
        self.work = Some(Step::Busy(tokio::spawn(work.take(block))));
        Ok(())
    }

    /// Waits for the block that is under way.
    async fn settle(&mut self) -> Result<Box<Work>> {
        if let Some(Step::Busy(handle)) = &mut self.work {
            // Whoever gives up while this waits still finds the block, and what it belongs to.
            let work = handle.await.map_err(|e| Error::internal("artifact", e));
            self.work = None;
            return work?;
        }
        match self.work.take() {
            Some(Step::Idle(work)) => Ok(work),
            _ => Err(Error::Internal("an artifact is written to after it failed".to_owned())),
        }
    }

    /// Makes everything durable.
    pub(super) async fn finish(mut self) -> Result<Written> {
        let work = self.settle().await?;
        let hasher = work.finish(std::mem::take(&mut self.pending)).await?;
        let sha256 = random::hex(hasher.finish().as_ref());
        Ok(Written { guard: self.guard.take(), key: self.key.clone(), size: self.size, sha256 })
    }
}

impl Work {
    /// Hashes and writes at the same time.
    async fn take(self: Box<Self>, block: Vec<Bytes>) -> Result<Box<Self>> {
        let hashing = hash(self.hasher, block.clone());
        match self.target {
            Target::Disk { disk, key, file } => {
                let writing = {
                    let (disk, key) = (disk.clone(), key.clone());
                    blocking(move || append(&disk, &key, file, &block))
                };
                let (hasher, file) = tokio::try_join!(hashing, writing)?;
                Ok(Box::new(Self { hasher, target: Target::Disk { disk, key, file: Some(file) } }))
            }
            Target::Bucket(mut sending) => {
                let (hasher, ()) = tokio::try_join!(hashing, sending.take(block))?;
                Ok(Box::new(Self { hasher, target: Target::Bucket(sending) }))
            }
        }
    }

    async fn finish(self: Box<Self>, block: Vec<Bytes>) -> Result<Context> {
        let Self { hasher, target } = *self.take(block).await?;
        match target {
            Target::Disk { disk, key, file: Some(file) } => blocking(move || file.publish(&disk, &key)).await?,
            Target::Disk { .. } => return Err(Error::Internal("an artifact without a file".to_owned())),
            Target::Bucket(sending) => sending.finish().await?,
        }
        Ok(hasher)
    }

    async fn discard(self) {
        match self.target {
            Target::Disk { disk, key, file: Some(_) } => {
                let _ = spawn_blocking(move || disk.discard(&key)).await;
            }
            Target::Disk { .. } => {}
            Target::Bucket(sending) => sending.discard().await,
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = spawn_blocking(work).await.map_err(|e| Error::internal("artifact", e))?;
    done.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::QuotaExceeded("The disk of the artifact store is full. Ask whoever runs Slipway to make room.".to_owned())
        }
        _ => Error::internal("artifact", error),
    })
}

async fn hash(mut hasher: Context, block: Vec<Bytes>) -> Result<Context> {
    blocking(move || {
        for bytes in &block {
            hasher.update(bytes);
        }
        Ok(hasher)
    })
    .await
}

/// A file that grows, and is brought to the disk while it does: at its end little is left to wait for.
struct Growing {
    file: File,
    /// Bytes since the disk was last asked to begin.
    unsynced: u64,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl Growing {
    fn write(&mut self, block: &[Bytes]) -> io::Result<()> {
        for bytes in block {
            self.file.write_all(bytes)?;
            self.unsynced += bytes.len() as u64;
        }
        if self.unsynced >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Begins to bring what is there to the disk, unless that is still going on.
    fn sync(&mut self) -> io::Result<()> {
        let runtime = Handle::current();
        if let Some(syncing) = self.syncing.take_if(|syncing| syncing.is_finished()) {
            // The system tells a failure once.
            runtime.block_on(syncing).map_err(io::Error::other)??;
        }
        if self.syncing.is_none() {
            let file = self.file.try_clone()?;
            self.syncing = Some(runtime.spawn_blocking(move || file.sync_data()));
            self.unsynced = 0;
        }
        Ok(())
    }

    fn publish(self, disk: &Disk, key: &Key) -> io::Result<()> {
        if let Some(syncing) = self.syncing {
            Handle::current().block_on(syncing).map_err(io::Error::other)??;
        }
        disk.publish(key, &self.file)
    }
}

/// Writes a block to the file, which the first one makes.
fn append(disk: &Disk, key: &Key, file: Option<Growing>, block: &[Bytes]) -> io::Result<Growing> {
    let mut file = match file {
        Some(file) => file,
        None => Growing { file: disk.create(key)?, unsynced: 0, syncing: None },
    };
    let full = disk.is_full(block.iter().map(|b| b.len() as u64).sum());
    crate::crash::point("artifact.in_body");
    let written = if full { Err(io::ErrorKind::StorageFull.into()) } else { file.write(block) };
    written.inspect_err(|_| disk.discard(key)).map(|()| file)
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (Some(guard), Some(step)) = (self.guard.take(), self.work.take()) else { return };
        let discard = async move {
            let work = match step {
                Step::Idle(work) => Some(work),
                Step::Busy(handle) => handle.await.ok().and_then(Result::ok),
            };
            if let Some(work) = work {
                work.discard().await;
            }
            drop(guard);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(discard);
        }
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
