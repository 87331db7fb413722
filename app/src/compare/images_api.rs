//! The server function behind the pictures that runs logged.

use crate::error::AppError;
use domain::model::RunId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

/// Runs whose pictures are looked at.
pub const RUNS: usize = 12;
/// Folders of each that are looked into.
#[cfg(feature = "ssr")]
const FOLDERS: usize = 10;

/// A picture of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The run's place among those that were asked for.
    pub run: usize,
    /// Where it is among the run's files.
    pub path: String,
    /// None of a file that is no series'.
    pub step: Option<i64>,
}

/// Pictures of one name, by run and step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    pub key: String,
    pub pictures: Vec<Picture>,
}

/// Which key and step a file is of, as MLflow's `log_image(key=…, step=…)` names its files:
/// `images/<key>+step+<n>+timestamp+<ms>+<uuid>.png`, with `~` for `/`; older clients wrote `%` for `+`. Its small copies are left out.
#[cfg(any(feature = "ssr", test))]
fn of_series(path: &str) -> Option<(String, i64)> {
    let name = path.strip_prefix("images/")?.rsplit_once('.')?.0;
    if name.ends_with("compressed") {
        return None;
    }
    let of = |sign: char, slash: char| {
        let mut parts = name.rsplitn(6, sign);
        let (_, _, timestamp, step, word, key) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (timestamp == "timestamp" && word == "step").then(|| Some((key.replace(slash, "/"), step.parse().ok()?)))?
    };
    of('+', '~').or_else(|| of('%', '#'))
}

#[cfg(feature = "ssr")]
fn is_picture(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| ["png", "jpg", "jpeg", "gif", "webp"].contains(&kind.to_ascii_lowercase().as_str()))
}

/// The pictures of the first runs, in the folders at their top, by name.
#[server(prefix = "/api", endpoint = "compare/images")]
pub async fn images(team: String, #[server(default)] runs: Vec<RunId>) -> Result<Vec<Series>, AppError> {
    use domain::artifacts::list_of_run;
    let (portal, caller) = request()?;
    let mut found: std::collections::BTreeMap<String, Vec<Picture>> = std::collections::BTreeMap::new();
    for (run, id) in runs.iter().take(RUNS).enumerate() {
        let top = list_of_run(&portal, &caller, &team, id, "").await?;
        let mut paths: Vec<String> = top.iter().filter(|entry| !entry.is_folder).map(|entry| entry.name.clone()).collect();
        for folder in top.iter().filter(|entry| entry.is_folder).take(FOLDERS) {
            let entries = list_of_run(&portal, &caller, &team, id, &folder.name).await?;
            paths.extend(entries.into_iter().filter(|entry| !entry.is_folder).map(|entry| format!("{}/{}", folder.name, entry.name)));
        }
        for path in paths.into_iter().filter(|path| is_picture(path) && !path.contains("compressed.")) {
            let (key, step) = of_series(&path).map_or_else(|| (path.clone(), None), |(key, step)| (key, Some(step)));
            found.entry(key).or_default().push(Picture { run, path, step });
        }
    }
    let series = |(key, mut pictures): (String, Vec<Picture>)| {
        pictures.sort_by_key(|picture| (picture.run, picture.step));
        Series { key, pictures }
    };
    Ok(found.into_iter().map(series).collect())
}

#[cfg(test)]
mod tests {
    use super::of_series;

    #[test]
    fn files_of_mlflows_images_have_a_key_and_a_step() {
        let of = |name: &str| of_series(&format!("images/{name}"));
        assert_eq!(of("val~grid+step+12+timestamp+1760000000000+0b1c.png"), Some(("val/grid".into(), 12)));
        assert_eq!(of("a+b+step+-1+timestamp+5+u.png"), Some(("a+b".into(), -1)));
        assert_eq!(of("old#one%step%3%timestamp%1760000000000%0b1c.png"), Some(("old/one".into(), 3)));
        assert_eq!(of("dog+step+1+timestamp+5+u+compressed.webp"), None);
        assert_eq!([of("roc.png"), of_series("plots/x+step+1+timestamp+5+u.png"), of("x+step+one+timestamp+5+u.png")], [None, None, None]);
    }
}
