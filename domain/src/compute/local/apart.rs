//! A part of Slipway's own work in a process apart, for input that nobody can vouch for: it may hang, crash and ask for memory without end.

use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::{io, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
    time::{Instant, timeout},
};

/// Such processes at a time: each may take a processor and a gigabyte.
static PLACES: Semaphore = Semaphore::const_new(2);

/// Runs a hidden command of `program` with `input` as its standard input, and nothing else of the portal's; gives the first `most` bytes of its
/// standard output. None where it failed or took longer than `patience`, the wait for its turn included; it is gone then.
///
/// # Errors
/// Where it cannot be started, or the input cannot be read.
pub async fn run(
    program: &Path,
    command: &str,
    input: BoxStream<'static, io::Result<Bytes>>,
    patience: Duration,
    most: u64,
) -> Result<Option<Vec<u8>>> {
    let failed = |e: io::Error| Error::internal(command, e);
    let begun = Instant::now();
    let Ok(Ok(_place)) = timeout(patience, PLACES.acquire()).await else { return Ok(None) };
    let patience = patience.saturating_sub(begun.elapsed());
    #[expect(clippy::disallowed_methods, reason = "starts Slipway's own program, with nothing of anybody's in its arguments")]
    let started = Command::new(program)
        .arg(command)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = started.map_err(failed)?;
    let (Some(mut into), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::Internal(format!("{command} has no pipes")));
    };
    let feed = async move {
        let mut input = input;
        while let Some(block) = input.next().await {
            // A process that has ended reads no more; how it ended says why.
            if into.write_all(&block?).await.is_err() {
                break;
            }
        }
        io::Result::Ok(())
    };
    let hear = async move {
        let mut text = Vec::new();
        out.take(most).read_to_end(&mut text).await.map(|_| text)
    };
    let ended = timeout(patience, async {
        let (fed, heard) = tokio::join!(feed, hear);
        fed?;
        io::Result::Ok((heard?, child.wait().await?))
    });
    match ended.await {
        Ok(Ok((heard, status))) => Ok(status.success().then_some(heard)),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Ok(None),
    }
}
