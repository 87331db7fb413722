//! Artifacts: every file of a run or a logged model, streamed block by block.

use super::{
    Import,
    client::{Again, Fault},
    pages::{self, Owner},
    report::Progress,
};
use crate::{
    artifacts,
    model::{ARTIFACT_DEPTH, ArtifactPath},
};
use std::collections::HashMap;

/// Names that are read of a folder here at a time.
const NAMES: i64 = 1000;

/// What was found of somebody's files.
#[derive(Default)]
pub(super) struct Files {
    /// Files and bytes that are here now.
    pub count: i64,
    pub bytes: i64,
    pub whole: bool,
}

impl Import<'_> {
    /// Copies the files that are not here: a file of the same size is the same file.
    pub(super) async fn files(&self, owner: Owner<'_>, root: &ArtifactPath, of_what: &str) -> Result<Files, Fault> {
        let mut found = Files { whole: true, ..Files::default() };
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let listed = match pages::files(&self.client, owner, &folder).await {
                Ok(listed) => listed,
                Err(fault) => {
                    found.whole = false;
                    self.report.count(|c| c.files.fail(1));
                    self.failed(format!("the files of {of_what} in \"{folder}\""), fault)?;
                    continue;
                }
            };
            let here = self.sizes(root, &folder).await?;
            for file in listed {
                // Some stores list a folder in itself.
                if file.path == folder {
                    continue;
                }
                let below = folder.is_empty() || file.path.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'));
                // A server that never comes to an end is not followed for ever.
                if !below || (file.is_dir && file.path.split('/').count() > ARTIFACT_DEPTH) {
                    found.whole = false;
                    self.report.count(|c| c.files.fail(1));
                    self.report.problem(format!("{} of {of_what}", file.path), format!("it is listed in \"{folder}\", where it cannot be"));
                    continue;
                }
                if file.is_dir {
                    folders.push(file.path);
                    continue;
                }
                let name = file.path.rsplit('/').next().unwrap_or_default();
                match here.get(name) {
                    Some(size) if file.size.is_none_or(|said| said == *size) => {
                        found.count += 1;
                        found.bytes += size;
                        self.report.count(|c| {
                            c.files.there(1);
                            c.bytes.there(usize::try_from(*size).unwrap_or_default());
                        });
                    }
                    _ => match self.file(owner, root, &file.path).await {
                        Ok(size) => {
                            found.count += 1;
                            found.bytes += i64::try_from(size).unwrap_or(i64::MAX);
                            self.report.count(|c| {
                                c.files.copy(1);
                                c.bytes.copy(usize::try_from(size).unwrap_or(usize::MAX));
                            });
                        }
                        Err(fault) => {
                            found.whole = false;
                            self.report.count(|c| c.files.fail(1));
                            self.failed(format!("the file {} of {of_what}", file.path), fault)?;
                        }
                    },
                }
            }
        }
        Ok(found)
    }

    /// The files of a folder here, by name.
    async fn sizes(&self, root: &ArtifactPath, folder: &str) -> Result<HashMap<String, i64>, Fault> {
        let path = match folder {
            "" => Ok(root.clone()),
            folder => ArtifactPath::parse(folder).and_then(|folder| root.join(&folder)),
        };
        // A folder that cannot be here has nothing in it; its files say so one by one.
        let Ok(path) = path else { return Ok(HashMap::new()) };
        let (mut sizes, mut after) = (HashMap::new(), String::new());
        loop {
            let names = artifacts::list(self.portal, self.caller, self.team, Some(&path), &after, NAMES).await?;
            let Some(last) = names.last().map(|entry| entry.name.clone()) else { return Ok(sizes) };
            sizes.extend(names.into_iter().filter(|entry| !entry.is_folder).map(|entry| (entry.name, entry.size)));
            after = last;
        }
    }

    /// Fetches one file; its size.
    async fn file(&self, owner: Owner<'_>, root: &ArtifactPath, path: &str) -> Result<u64, Fault> {
        let to = ArtifactPath::parse(path).and_then(|below| root.join(&below)).map_err(Fault::Item)?;
        let (place, query) = pages::place_of_file(owner, path)?;
        self.client.persist(async || self.fetch(&place, &query, &to).await).await
    }

    /// One try; nothing of a file that breaks off stays.
    async fn fetch(&self, place: &str, query: &[(&str, &str)], to: &ArtifactPath) -> Result<u64, Again> {
        let mut answer = self.client.open(place, query).await?;
        let mut incoming = artifacts::begin(self.portal, self.caller, self.team, to, answer.content_length()).await?;
        while let Some(block) = answer.chunk().await.map_err(|e| self.client.unreachable(&e))? {
            Progress::add(&self.progress.bytes, block.len());
            incoming.write(block).await?;
        }
        Ok(artifacts::publish(self.portal, self.caller, to, incoming).await?.size)
    }
}
