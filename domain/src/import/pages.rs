//! What is asked of an MLflow server, page by page.

use super::{
    answers::{
        Experiment, Experiments, File, Files, History, LoggedModels, OneLoggedModel, OneRun, RegisteredModels, Run, Runs, Traces, Versions,
    },
    client::{Client, Fault},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

const API: &str = "/api/2.0/mlflow";
/// How much one answer holds. Runs come with everything but their histories.
const EXPERIMENTS: i64 = 1000;
const RUNS: i64 = 100;
const POINTS: &str = "25000";
const MODELS: i64 = 50;
const REGISTERED: &str = "100";
/// Most pages of one list: a server that always names another one is not followed for ever.
const PAGES: usize = 1_000_000;
/// How MLflow tells prompts from models; without asking for them they are not listed.
const PROMPTS: &str = "tags.`mlflow.prompt.is_prompt` = 'true'";

/// Where the next page is; none where there is none, or where the server names the same one again.
pub(super) fn next(before: &str, token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty() && token != before)
}

pub(super) async fn experiments(client: &Client) -> Result<Vec<Experiment>, Fault> {
    let (mut all, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let asked = json!({ "max_results": EXPERIMENTS, "view_type": "ALL", "page_token": token, "order_by": ["creation_time ASC"] });
        let page: Experiments = client.post(&format!("{API}/experiments/search"), &asked).await?;
        all.extend(page.experiments);
        match next(&token, page.next_page_token) {
            Some(next) => token = next,
            None => break,
        }
    }
    Ok(all)
}

fn search_runs(experiment: &str, most: i64, token: &str) -> Json {
    // The oldest first: runs that are made meanwhile come last, and shift nothing.
    json!({ "experiment_ids": [experiment], "max_results": most, "run_view_type": "ALL", "page_token": token,
            "order_by": ["attributes.start_time ASC"] })
}

pub(super) async fn runs(client: &Client, experiment: &str, token: &str) -> Result<Runs, Fault> {
    client.post(&format!("{API}/runs/search"), &search_runs(experiment, RUNS, token)).await
}

/// How many runs an experiment has; none where the server's pages are not counted by their place.
pub(super) async fn count_runs(client: &Client, experiment: &str) -> Result<Option<u64>, Fault> {
    let asked =
        async |token: &str| -> Result<Runs, Fault> { client.post(&format!("{API}/runs/search"), &search_runs(experiment, 1, token)).await };
    let first = asked("").await?;
    if first.next_page_token.is_empty() {
        return Ok(Some(first.runs.len() as u64));
    }
    if place_of(&first.next_page_token) != Some(1) {
        return Ok(None);
    }
    // There is a run at `low` and none at `high`.
    let (mut low, mut high) = (0_u64, None);
    while high.is_none_or(|high| high - low > 1) {
        let middle = high.map_or((low + 1) * 2, |high| low.midpoint(high));
        if asked(&token_for(middle)).await?.runs.is_empty() { high = Some(middle) } else { low = middle }
    }
    Ok(Some(low + 1))
}

/// The place that a token of MLflow's own names.
fn place_of(token: &str) -> Option<u64> {
    let json: Json = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    json.get("offset")?.as_u64()
}

fn token_for(place: u64) -> String {
    STANDARD.encode(json!({ "offset": place }).to_string())
}

pub(super) async fn run(client: &Client, id: &str) -> Result<Run, Fault> {
    let answer: OneRun = client.get(&format!("{API}/runs/get"), &[("run_id", id), ("run_uuid", id)]).await?;
    Ok(answer.run)
}

pub(super) async fn history(client: &Client, run: &str, key: &str, token: &str) -> Result<History, Fault> {
    let query = [("run_id", run), ("run_uuid", run), ("metric_key", key), ("max_results", POINTS), ("page_token", token)];
    client.get(&format!("{API}/metrics/get-history"), &query).await
}

pub(super) async fn logged_models(client: &Client, experiment: &str, token: &str) -> Result<LoggedModels, Fault> {
    let asked = json!({ "experiment_ids": [experiment], "max_results": MODELS, "page_token": token,
                        "order_by": [{ "field_name": "creation_timestamp", "ascending": true }] });
    client.post(&format!("{API}/logged-models/search"), &asked).await
}

pub(super) async fn logged_model(client: &Client, id: &str) -> Result<OneLoggedModel, Fault> {
    client.get(&format!("{API}/logged-models/{}", in_path(id)?), &[]).await
}

/// Whose files are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner<'a> {
    Run(&'a str),
    LoggedModel(&'a str),
}

/// Everything in one folder.
pub(super) async fn files(client: &Client, owner: Owner<'_>, folder: &str) -> Result<Vec<File>, Fault> {
    let (mut all, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let page: Files = match owner {
            Owner::Run(id) => {
                let query = [("run_id", id), ("run_uuid", id), ("path", folder), ("page_token", &token)];
                client.get(&format!("{API}/artifacts/list"), &query).await?
            }
            Owner::LoggedModel(id) => {
                let query = [("artifact_directory_path", folder), ("page_token", &token)];
                client.get(&format!("{API}/logged-models/{}/artifacts/directories", in_path(id)?), &query).await?
            }
        };
        all.extend(page.files);
        match next(&token, page.next_page_token) {
            Some(next) => token = next,
            None => break,
        }
    }
    Ok(all)
}

/// A path and what comes after the question mark.
pub(super) type Place<'a> = (String, Vec<(&'static str, &'a str)>);

/// Where a file is fetched: the server itself goes to wherever it lies, so that one way serves every kind of store.
pub(super) fn place_of_file<'a>(owner: Owner<'a>, path: &'a str) -> Result<Place<'a>, Fault> {
    Ok(match owner {
        Owner::Run(id) => ("/get-artifact".to_owned(), vec![("path", path), ("run_uuid", id)]),
        Owner::LoggedModel(id) => {
            (format!("/ajax-api/2.0/mlflow/logged-models/{}/artifacts/files", in_path(id)?), vec![("artifact_file_path", path)])
        }
    })
}

/// An id that may stand in a path.
fn in_path(id: &str) -> Result<&str, Fault> {
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain { Ok(id) } else { Err(Fault::Item("its id has signs that no id of MLflow has".to_owned())) }
}

pub(super) async fn registered_models(client: &Client, prompts: bool, token: &str) -> Result<RegisteredModels, Fault> {
    let query = [("max_results", REGISTERED), ("filter", if prompts { PROMPTS } else { "" }), ("page_token", token)];
    client.get(&format!("{API}/registered-models/search"), &query).await
}

/// Versions of all models, the oldest first: one may be made of another.
pub(super) async fn versions(client: &Client, prompts: bool, token: &str) -> Result<Versions, Fault> {
    let query = [
        ("max_results", REGISTERED),
        ("filter", if prompts { PROMPTS } else { "" }),
        ("order_by", "creation_timestamp ASC"),
        ("order_by", "name ASC"),
        ("order_by", "version_number ASC"),
        ("page_token", token),
    ];
    client.get(&format!("{API}/model-versions/search"), &query).await
}

/// How many traces an experiment has, up to a page of them, and whether there are more.
pub(super) async fn traces(client: &Client, experiment: &str) -> Result<(usize, bool), Fault> {
    let place = json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": experiment } });
    let asked = json!({ "locations": [place], "max_results": 500 });
    let page: Traces = client.post("/api/3.0/mlflow/traces/search", &asked).await?;
    Ok((page.traces.len(), !page.next_page_token.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_names_itself_is_the_last() {
        assert_eq!(next("", String::new()), None);
        assert_eq!(next("a", "a".to_owned()), None);
        assert_eq!(next("a", "b".to_owned()).as_deref(), Some("b"));
    }

    #[test]
    fn the_place_in_a_token_is_read_where_there_is_one() {
        assert_eq!(place_of("eyJvZmZzZXQiOiAxfQ=="), Some(1));
        assert_eq!(place_of(&token_for(70)), Some(70));
        for other in ["", "abc", "bm90IGpzb24=", "e30="] {
            assert_eq!(place_of(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_does_not_change_the_path_that_is_asked_for() {
        assert!(in_path("m-0f3a").is_ok());
        for bad in ["", "../x", "a/b", "a?b", "a b", "a%2fb", "é"] {
            assert!(in_path(bad).is_err(), "{bad}");
        }
    }
}
