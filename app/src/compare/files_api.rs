//! The server function behind a file of two runs, line by line.

use crate::{components::DiffLine, error::AppError};
use domain::model::RunId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {
    crate::{components::differences, context::request},
    domain::{Caller, Portal, artifacts::RunFile},
    std::collections::{BTreeMap, BTreeSet},
};

/// Longest file that is compared, in bytes.
#[cfg(feature = "ssr")]
const LONGEST: u64 = 1024 * 1024;

/// The files that two runs have, and one of them compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesCompared {
    pub first: RunId,
    pub second: RunId,
    /// Of both runs and of the models that they logged, by name.
    pub names: Vec<String>,
    /// The one that is compared; empty where there is none.
    pub name: String,
    pub compared: Compared,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compared {
    Same,
    /// Parts that differ, with what is around them; whether there are more.
    Differ(Vec<Vec<DiffLine>>, bool),
    /// Only the first run has it, or only the second.
    OneHasIt {
        first: bool,
    },
    /// Why its lines are not compared, where they differ.
    NotShown(String),
}

/// The file `name` of two runs; another where neither has it.
#[server(prefix = "/api", endpoint = "compare/files")]
pub async fn compare_files(team: String, first: RunId, second: RunId, #[server(default)] name: String) -> Result<FilesCompared, AppError> {
    let (portal, caller) = request()?;
    let one = Files::of(&portal, &caller, &team, &first).await?;
    let other = Files::of(&portal, &caller, &team, &second).await?;
    let names: BTreeSet<&String> = one.named.keys().chain(other.named.keys()).filter(|name| is_text(name)).collect();
    // What both have and what differs is what one wants to see.
    let interest = |name: &&String| match (one.named.get(*name), other.named.get(*name)) {
        (Some(one), Some(other)) => u8::from(one.size == other.size),
        _ => 2,
    };
    let name = if names.contains(&name) { name } else { names.iter().copied().min_by_key(interest).cloned().unwrap_or_default() };
    let found = (one.get(&portal, &caller, &team, &name).await?, other.get(&portal, &caller, &team, &name).await?);
    let compared = match found {
        (Some(one), Some(other)) => lines(&portal, &caller, &team, (&one, &other)).await?,
        (one, _) => Compared::OneHasIt { first: one.is_some() },
    };
    let names = names.into_iter().cloned().collect();
    Ok(FilesCompared { first, second, names, name, compared })
}

/// The files of a run by name.
#[cfg(feature = "ssr")]
struct Files<'a> {
    run: &'a RunId,
    named: BTreeMap<String, RunFile>,
    /// Whether it has more than these.
    more: bool,
}

#[cfg(feature = "ssr")]
impl<'a> Files<'a> {
    async fn of(portal: &Portal, caller: &Caller, team: &str, run: &'a RunId) -> Result<Self, AppError> {
        let (files, more) = domain::artifacts::near_top(portal, caller, team, run).await?;
        Ok(Self { run, named: files.into_iter().map(|file| (file.name.clone(), file)).collect(), more })
    }

    /// Also one that is not among the first, where it is the run's own.
    async fn get(&self, portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<Option<RunFile>, AppError> {
        if let Some(file) = self.named.get(name) {
            return Ok(Some(file.clone()));
        }
        if !self.more || name.is_empty() {
            return Ok(None);
        }
        match domain::artifacts::file_of_run(portal, caller, team, self.run, name).await {
            Ok(file) => Ok(Some(RunFile { name: name.to_owned(), path: file.artifact.path, size: file.artifact.size })),
            Err(domain::Error::NotFound("artifact") | domain::Error::Invalid(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a file is likely a text, by its name.
#[cfg(feature = "ssr")]
fn is_text(name: &str) -> bool {
    const TEXTS: [&str; 25] = [
        "txt", "md", "rst", "log", "py", "ipynb", "r", "jl", "sql", "sh", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf",
        "env", "csv", "tsv", "xml", "html", "patch", "diff",
    ];
    let file = name.rsplit('/').next().unwrap_or_default();
    match file.rsplit_once('.') {
        Some((_, extension)) => TEXTS.contains(&extension.to_ascii_lowercase().as_str()),
        None => ["MLmodel", "MLproject", "Dockerfile", "Makefile"].contains(&file),
    }
}

#[cfg(feature = "ssr")]
async fn lines(portal: &Portal, caller: &Caller, team: &str, (one, other): (&RunFile, &RunFile)) -> Result<Compared, AppError> {
    let first = domain::artifacts::find(portal, caller, team, &one.path).await?;
    let second = domain::artifacts::find(portal, caller, team, &other.path).await?;
    if first.artifact.sha256 == second.artifact.sha256 {
        return Ok(Compared::Same);
    }
    if one.size.max(other.size) > LONGEST {
        return Ok(Compared::NotShown("They differ, and are too long to be compared here. Download both.".to_owned()));
    }
    let files = [&first, &second];
    let compared = domain::artifacts::work_on(portal, &files, LONGEST, |texts| match &texts[..] {
        [first, second] => match (std::str::from_utf8(first), std::str::from_utf8(second)) {
            (Ok(first), Ok(second)) => {
                let (parts, more) = differences(first, second);
                Compared::Differ(parts, more)
            }
            _ => Compared::NotShown("They differ, and are no texts.".to_owned()),
        },
        _ => Compared::Same,
    });
    Ok(compared.await?)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_likely_a_text_is_offered() {
        for name in ["requirements.txt", "model/MLmodel", "a/train.PY", "x.json"] {
            assert!(is_text(name), "{name}");
        }
        for name in ["model.pkl", "a.png", "weights", "x.parquet", ""] {
            assert!(!is_text(name), "{name}");
        }
    }
}
