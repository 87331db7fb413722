//! What a new version comes from: something that the team itself has, and nothing else. No source is ever opened.

use super::{source_store, store, version_store};
use crate::{
    db::Tx,
    error::{Error, Result},
    model::{NewModelVersion, PROMPT_SOURCES, Stage, TAG_IS_PROMPT, TeamId, decoded},
};

/// Where a version comes from, found and allowed.
pub(super) struct Origin {
    pub source: String,
    pub download_uri: String,
    pub run: Option<String>,
    pub logged_model: Option<String>,
    /// The folder among the team's artifacts.
    pub artifact_root: Option<String>,
}

/// Stores that clients may keep artifacts in by themselves, below their run's own artifact URI.
const REMOTE: [&str; 10] = ["s3", "gs", "r2", "wasb", "wasbs", "abfs", "abfss", "hdfs", "viewfs", "oss"];
const ARTIFACTS: &str = "mlflow-artifacts:";

fn refused(source: &str) -> Error {
    let reason = format!(
        "\"{source}\" cannot be the source of a version. Use runs:/<run>/<path>, models:/<logged model>, models:/<name>/<version>, or a path \
         below the artifact URI of a run or logged model of the team."
    );
    Error::invalid("source", reason)
}

fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|t| !t.is_empty())
}

/// Finds what the source names, and checks that the run and the logged model that are said beside it are the same ones.
pub(super) async fn resolve(tx: &mut Tx, team: &TeamId, new: &NewModelVersion, prompt: bool) -> Result<Origin> {
    let (source, run, model) = (new.source.as_str(), said(new.run.as_ref()), said(new.logged_model.as_ref()));
    if prompt {
        return of_prompt(tx, team, source, run).await;
    }
    let Some((scheme, rest)) = source.split_once(':') else { return Err(refused(source)) };
    if !is_plain(source) {
        return Err(refused(source));
    }
    match scheme {
        "runs" => of_run(tx, team, source, rest, (run, model)).await,
        "models" => match rest.strip_prefix('/').filter(|r| !r.starts_with('/')).ok_or_else(|| refused(source))? {
            id if is_logged_model(id) => of_logged_model(tx, team, source, id, (run, model)).await,
            reference => of_version(tx, team, source, reference, (run, model)).await,
        },
        "mlflow-artifacts" => {
            let path = rest.strip_prefix('/').filter(|r| !r.starts_with('/')).ok_or_else(|| refused(source))?;
            of_artifacts(tx, team, source, path, (run, model)).await
        }
        scheme if REMOTE.contains(&scheme) => of_remote(tx, team, source, (run, model)).await,
        _ => Err(refused(source)),
    }
}

/// Nothing in it means another place than it says: no parent folders, queries, fragments, encodings or backslashes.
fn is_plain(source: &str) -> bool {
    !source.contains(['?', '#', '\\']) && decoded(source) == source && !source.split('/').any(|part| part == ".." || part == ".")
}

fn is_logged_model(text: &str) -> bool {
    text.strip_prefix("m-").is_some_and(is_hex)
}

fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `uri` is `root` or lies below it.
fn is_below(uri: &str, root: &str) -> bool {
    uri.trim_end_matches('/').strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folder among the team's artifacts that a URI of theirs means.
fn folder(uri: &str) -> Option<String> {
    let path = uri.strip_prefix(ARTIFACTS)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(parts.join("/"))
}

async fn of_prompt(tx: &mut Tx, team: &TeamId, source: &str, run: Option<&str>) -> Result<Origin> {
    if !PROMPT_SOURCES.contains(&source) {
        return Err(Error::invalid("source", format!("A prompt's source is one of {}.", PROMPT_SOURCES.join(", "))));
    }
    if let Some(run) = run {
        source_store::run_uri(tx, team, run).await?;
    }
    Ok(Origin {
        source: source.to_owned(),
        download_uri: source.to_owned(),
        run: run.map(str::to_owned),
        logged_model: None,
        artifact_root: None,
    })
}

/// `runs:/<run>/<path>`
async fn of_run(tx: &mut Tx, team: &TeamId, source: &str, rest: &str, (run, model): (Option<&str>, Option<&str>)) -> Result<Origin> {
    let path = rest.strip_prefix('/').ok_or_else(|| refused(source))?;
    let (id, path) = path.split_once('/').ok_or_else(|| refused(source))?;
    if !is_hex(id) || path.trim_matches('/').is_empty() {
        return Err(refused(source));
    }
    let root = source_store::run_uri(tx, team, id).await?;
    if run.is_some_and(|run| run != id) || model.is_some() {
        return Err(Error::invalid("run_id", "The source is of another run than the one that is named beside it."));
    }
    let uri = format!("{root}/{}", path.trim_matches('/'));
    Ok(Origin {
        source: source.to_owned(),
        download_uri: source.to_owned(),
        run: Some(id.to_owned()),
        logged_model: None,
        artifact_root: folder(&uri),
    })
}

/// `models:/m-<32 hexadecimal digits>`
async fn of_logged_model(tx: &mut Tx, team: &TeamId, source: &str, id: &str, (run, model): (Option<&str>, Option<&str>)) -> Result<Origin> {
    let place = source_store::logged_model(tx, team, id).await?;
    if model.is_some_and(|model| model != id) {
        return Err(Error::invalid("model_id", "The source is another logged model than the one that is named beside it."));
    }
    if let Some(run) = run {
        source_store::run_uri(tx, team, run).await?;
    }
    Ok(Origin {
        source: source.to_owned(),
        artifact_root: folder(&place.uri),
        download_uri: place.uri,
        run: run.map(str::to_owned).or(place.run),
        logged_model: Some(id.to_owned()),
    })
}

/// `models:/<name>/<version, stage or latest>` or `models:/<name>@<alias>`
async fn of_version(
    tx: &mut Tx,
    team: &TeamId,
    source: &str,
    reference: &str,
    (run, model): (Option<&str>, Option<&str>),
) -> Result<Origin> {
    let (name, which) = match reference.split_once('/') {
        Some((name, which)) if !which.contains('/') => (name, which),
        None => reference.rsplit_once('@').ok_or_else(|| refused(source))?,
        Some(_) => return Err(refused(source)),
    };
    let found = store::find_tx(tx, team, name).await?;
    if store::tag(tx, &found.id, TAG_IS_PROMPT).await?.is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return Err(Error::invalid("source", "A prompt cannot be the source of a version."));
    }
    let version = match (reference.contains('/'), which.parse::<i64>(), which.parse::<Stage>()) {
        (true, Ok(number), _) => number,
        (true, _, _) if which.eq_ignore_ascii_case("latest") => {
            version_store::numbers(tx, &found.id).await?.pop().ok_or(version_store::MISSING)?
        }
        (true, _, Ok(stage)) => version_store::latest_in(tx, &found.id, stage).await?.ok_or(version_store::MISSING)?,
        (true, ..) => return Err(refused(source)),
        (false, ..) => store::alias(tx, &found.id, which).await?.ok_or(version_store::MISSING)?,
    };
    let row = version_store::find_tx(tx, &found.id, version).await?;
    if run.is_some_and(|run| row.run_id.as_deref() != Some(run)) || model.is_some_and(|m| row.logged_model_id.as_deref() != Some(m)) {
        return Err(Error::invalid("source", "The run and the logged model beside it must be those of the version that the source names."));
    }
    Ok(Origin {
        source: format!("models:/{name}/{version}"),
        download_uri: row.download_uri,
        run: row.run_id,
        logged_model: row.logged_model_id,
        artifact_root: row.artifact_root,
    })
}

/// `mlflow-artifacts:/<experiment>/<run>/artifacts/…` or `…/models/<logged model>/artifacts/…`
async fn of_artifacts(tx: &mut Tx, team: &TeamId, source: &str, path: &str, (run, model): (Option<&str>, Option<&str>)) -> Result<Origin> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(refused(source));
    }
    let owner = parts.iter().position(|part| *part == "artifacts").and_then(|at| at.checked_sub(1)).map(|at| parts[at]);
    let owner = owner.ok_or_else(|| refused(source))?;
    let (root, run, model) = if is_logged_model(owner) {
        let place = source_store::logged_model(tx, team, owner).await?;
        if let Some(run) = run {
            source_store::run_uri(tx, team, run).await?;
        }
        if model.is_some_and(|model| model != owner) {
            return Err(Error::invalid("model_id", "The source belongs to another logged model than the one that is named beside it."));
        }
        (place.uri, run.map(str::to_owned).or(place.run), Some(owner.to_owned()))
    } else if is_hex(owner) {
        let root = source_store::run_uri(tx, team, owner).await?;
        if run.is_some_and(|run| run != owner) || model.is_some() {
            return Err(Error::invalid("run_id", "The source belongs to another run than the one that is named beside it."));
        }
        (root, Some(owner.to_owned()), None)
    } else {
        return Err(refused(source));
    };
    if !is_below(source, &root) {
        return Err(refused(source));
    }
    Ok(Origin { source: source.to_owned(), download_uri: source.to_owned(), run, logged_model: model, artifact_root: folder(source) })
}

/// A place outside Slipway, below the artifact URI of the run or logged model that is named.
async fn of_remote(tx: &mut Tx, team: &TeamId, source: &str, (run, model): (Option<&str>, Option<&str>)) -> Result<Origin> {
    let (root, run) = match (model, run) {
        (Some(model), run) => {
            let place = source_store::logged_model(tx, team, model).await?;
            (place.uri, run.map(str::to_owned).or(place.run))
        }
        (None, Some(run)) => (source_store::run_uri(tx, team, run).await?, Some(run.to_owned())),
        (None, None) => return Err(refused(source)),
    };
    if let Some(run) = &run {
        source_store::run_uri(tx, team, run).await?;
    }
    if !is_below(source, &root) {
        return Err(refused(source));
    }
    Ok(Origin {
        source: source.to_owned(),
        download_uri: source.to_owned(),
        run,
        logged_model: model.map(str::to_owned),
        artifact_root: None,
    })
}
