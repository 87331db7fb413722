//! Artifacts: files of runs and models, up, down and listed.

use super::{
    Answer, Door, Endpoint, MlflowError, endpoint,
    wire::{Asked, Empty, Int, required},
};
use crate::{
    http::{caller::Credential, download, receive},
    live::Reader,
    mlflow::wire,
    router::{Access, Route},
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{delete, get, post, put},
};
use bytes::Bytes;
use domain::{
    Error,
    artifacts::{self, RunFolder},
    model::{ArtifactEntry, ArtifactPath, LoggedModelId, Permission, RunId},
    registry,
    tracking::logged_models,
};
use futures::stream;
use http_body_util::Limited;
use serde::{Deserialize, Serialize};

/// Names that are read from the database at a time.
const PAGE: i64 = 1000;

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    vec![
        endpoint("GET", "2.0/mlflow-artifacts/artifacts", ReadTracking, get(list)),
        endpoint("GET", "2.0/mlflow-artifacts/artifacts/{*path}", ReadTracking, get(download)),
        endpoint("PUT", "2.0/mlflow-artifacts/artifacts/{*path}", WriteTracking, put(upload)),
        endpoint("DELETE", "2.0/mlflow-artifacts/artifacts/{*path}", WriteTracking, delete(remove)),
        endpoint("PUT", "2.0/mlflow-artifacts/artifacts/", WriteTracking, put(nameless)),
        endpoint("DELETE", "2.0/mlflow-artifacts/artifacts/", WriteTracking, delete(nameless)),
        endpoint("GET", "2.0/mlflow/artifacts/list", ReadTracking, get(list_of_run)),
        endpoint("POST", "2.0/mlflow/upload-artifact", WriteTracking, post(upload_to_run)),
        endpoint("GET", "2.0/mlflow/logged-models/{model_id}/artifacts/directories", ReadTracking, get(list_of_model)),
        endpoint("GET", "2.0/mlflow/logged-models/{model_id}/artifacts/files", ReadTracking, get(download_of_model)),
    ]
}

/// Names outside the API's prefixes.
pub fn bare() -> Vec<Route> {
    vec![
        ("GET", "/get-artifact".to_owned(), Access::Mlflow(Permission::ReadTracking), get(download_of_run)),
        ("GET", "/model-versions/get-artifact".to_owned(), Access::Mlflow(Permission::ReadRegistry), get(download_of_version)),
    ]
}

/// A path as it stands in a URL, decoded once.
pub(super) type UrlPath = Result<Path<String>, PathRejection>;

pub(super) fn path(text: &str) -> Answer<ArtifactPath> {
    ArtifactPath::parse(text).map_err(MlflowError::invalid)
}

pub(super) fn url_path(text: UrlPath) -> Answer<String> {
    text.map(|Path(text)| text).map_err(|_| MlflowError::invalid("Invalid path: it is not UTF-8."))
}

/// A store without room is not what clients try again.
pub(super) fn refused(error: Error) -> MlflowError {
    let full = matches!(error, Error::QuotaExceeded(_));
    let refused = MlflowError::from(error);
    if full { MlflowError { status: StatusCode::INSUFFICIENT_STORAGE, ..refused } } else { refused }
}

async fn upload(
    door: Door,
    Extension(credential): Extension<Credential>,
    text: UrlPath,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Empty>> {
    let path = path(&url_path(text)?)?;
    store(&door, credential, &path, &headers, body).await
}

/// How long the body says it is.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn store(door: &Door, credential: Credential, path: &ArtifactPath, headers: &HeaderMap, body: Body) -> Answer<Json<Empty>> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(MlflowError { status, ..MlflowError::invalid("Send the file without compression.") });
    }
    let reader = Reader { portal: door.portal().clone(), credential, caller: door.caller.clone() };
    receive::file(reader, &door.team, path, length(headers), body).await.map_err(refused)?;
    Ok(Json(Empty {}))
}

async fn download(door: Door, Extension(credential): Extension<Credential>, text: UrlPath, method: Method, headers: HeaderMap) -> Answer {
    let path = path(&url_path(text)?)?;
    send(door, credential, &path, &method, &headers).await
}

/// Answers with a file of the team.
pub(super) async fn send(door: Door, credential: Credential, path: &ArtifactPath, method: &Method, headers: &HeaderMap) -> Answer {
    let file = artifacts::find(door.portal(), &door.caller, &door.team, path).await?;
    let team = door.team.clone();
    let reader = Reader { portal: door.portal().clone(), credential, caller: door.caller };
    Ok(download::file(reader, team, file, method, headers).await?)
}

async fn remove(door: Door, text: UrlPath) -> Answer<Json<Empty>> {
    let text = url_path(text)?;
    // Clients end the folder of a run with a slash.
    let path = path(text.strip_suffix('/').unwrap_or(&text))?;
    artifacts::delete(door.portal(), &door.caller, &door.team, &path).await?;
    Ok(Json(Empty {}))
}

async fn nameless() -> MlflowError {
    MlflowError::invalid("Invalid path: it is empty.")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListFields {
    path: Option<String>,
}

/// A name in a folder, as MLflow's `FileInfo`.
#[derive(Serialize)]
pub(super) struct FileInfo {
    path: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<i64>,
}

impl FileInfo {
    pub(super) fn new(entry: ArtifactEntry, below: &str) -> Self {
        let path = if below.is_empty() { entry.name } else { format!("{below}/{}", entry.name) };
        Self { path, is_dir: entry.is_folder, file_size: (!entry.is_folder).then_some(entry.size) }
    }
}

/// Everything in a folder, however much: clients know no pages here.
async fn list(door: Door, uri: Uri) -> Answer {
    let fields: ListFields = wire::from_query(uri.query().unwrap_or_default())?;
    let folder = match fields.path.as_deref() {
        None | Some("") => None,
        Some(text) => Some(path(text)?),
    };
    let first = artifacts::list(door.portal(), &door.caller, &door.team, folder.as_ref(), "", PAGE).await?;
    let pages = stream::try_unfold(Some((door, folder, first, true)), |state| async move {
        let Some((door, folder, entries, is_first)) = state else { return Ok::<_, std::io::Error>(None) };
        let after = entries.last().filter(|_| entries.len() == usize::try_from(PAGE).unwrap_or(usize::MAX)).map(|e| e.name.clone());
        let mut text = String::from(if is_first { "{\"files\":[" } else { "" });
        for (i, entry) in entries.into_iter().enumerate() {
            if i > 0 || !is_first {
                text.push(',');
            }
            text += &serde_json::to_string(&FileInfo::new(entry, "")).map_err(std::io::Error::other)?;
        }
        let next = if let Some(after) = after {
            let next = artifacts::list(door.portal(), &door.caller, &door.team, folder.as_ref(), &after, PAGE).await;
            Some((door, folder, next.map_err(std::io::Error::other)?, false))
        } else {
            text += "]}";
            None
        };
        Ok(Some((Bytes::from(text), next)))
    });
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(pages)).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RunFields {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    #[serde(alias = "runUuid")]
    run_uuid: Option<String>,
    path: Option<String>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

impl RunFields {
    fn run(&self) -> Answer<RunId> {
        let id = self.run_id.clone().filter(|id| !id.is_empty()).or_else(|| self.run_uuid.clone());
        Ok(RunId(required(id, "run_id")?))
    }
    fn path(&self) -> Answer<Option<ArtifactPath>> {
        self.path.as_deref().filter(|p| !p.is_empty()).map(path).transpose()
    }
}

#[derive(Serialize)]
pub(super) struct Listed {
    root_uri: String,
    files: Vec<FileInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// One page of what lies below `root`, with paths from there.
pub(super) async fn page(door: &Door, root: &RunFolder, below: Option<&ArtifactPath>, token: Option<&str>) -> Answer<Json<Listed>> {
    let folder = match below {
        Some(below) => root.path.join(below).map_err(MlflowError::invalid)?,
        None => root.path.clone(),
    };
    let after = token.unwrap_or_default();
    let entries = artifacts::list(door.portal(), &door.caller, &door.team, Some(&folder), after, PAGE).await?;
    let full = entries.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next_page_token = entries.last().filter(|_| full).map(|e| e.name.clone());
    let files = entries.into_iter().map(|entry| FileInfo::new(entry, below.map_or("", ArtifactPath::as_str))).collect();
    Ok(Json(Listed { root_uri: root.uri.clone(), files, next_page_token }))
}

async fn list_of_run(Asked { door, fields }: Asked<RunFields>) -> Answer<Json<Listed>> {
    let (run, below) = (fields.run()?, fields.path()?);
    let root = artifacts::of_run(door.portal(), &door.caller, &door.team, &run).await?;
    page(&door, &root, below.as_ref(), fields.page_token.as_deref()).await
}

async fn download_of_run(door: Door, Extension(credential): Extension<Credential>, uri: Uri, method: Method, headers: HeaderMap) -> Answer {
    let fields: RunFields = wire::from_query(uri.query().unwrap_or_default())?;
    let (run, below) = (fields.run()?, required(fields.path()?, "path")?);
    let root = artifacts::of_run(door.portal(), &door.caller, &door.team, &run).await?;
    serve_below(door, credential, &root.path, &below, &method, &headers).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModelFields {
    #[serde(alias = "artifactDirectoryPath")]
    artifact_directory_path: Option<String>,
    #[serde(alias = "artifactFilePath")]
    artifact_file_path: Option<String>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

async fn list_of_model(door: Door, Path(model): Path<String>, uri: Uri) -> Answer<Json<Listed>> {
    let fields: ModelFields = wire::from_query(uri.query().unwrap_or_default())?;
    let below = fields.artifact_directory_path.as_deref().filter(|p| !p.is_empty()).map(path).transpose()?;
    let place = logged_models::artifact_uri(door.portal(), &door.caller, &door.team, &LoggedModelId(model)).await?;
    page(&door, &artifacts::of_uri(place)?, below.as_ref(), fields.page_token.as_deref()).await
}

async fn download_of_model(
    door: Door,
    Extension(credential): Extension<Credential>,
    Path(model): Path<String>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let fields: ModelFields = wire::from_query(uri.query().unwrap_or_default())?;
    let below = path(&required(fields.artifact_file_path, "artifact_file_path")?)?;
    let place = logged_models::artifact_uri(door.portal(), &door.caller, &door.team, &LoggedModelId(model)).await?;
    let root = artifacts::of_uri(place)?;
    serve_below(door, credential, &root.path, &below, &method, &headers).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VersionFields {
    name: Option<String>,
    version: Option<Int>,
    path: Option<String>,
}

async fn download_of_version(
    door: Door,
    Extension(credential): Extension<Credential>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let fields: VersionFields = wire::from_query(uri.query().unwrap_or_default())?;
    let (name, version) = (required(fields.name, "name")?, required(fields.version, "version")?.0);
    let below = path(&required(fields.path, "path")?)?;
    let found = registry::get_version(door.portal(), &door.caller, &door.team, &name, version).await?;
    let root = found
        .artifact_root
        .as_deref()
        .ok_or_else(|| MlflowError::invalid("The files of this version are at a place that Slipway does not open."))?;
    serve_below(door, credential, &path(root)?, &below, &method, &headers).await
}

/// Answers with the file `below` the folder `root`: of a run, a logged model or a model version.
pub(super) async fn serve_below(
    door: Door,
    credential: Credential,
    root: &ArtifactPath,
    below: &ArtifactPath,
    method: &Method,
    headers: &HeaderMap,
) -> Answer {
    let path = root.join(below).map_err(MlflowError::invalid)?;
    send(door, credential, &path, method, headers).await
}

/// Longest file that `upload-artifact` takes, in bytes.
const SMALL: usize = 10 * 1024 * 1024;

/// A small file, as MLflow's own pages upload it.
async fn upload_to_run(
    door: Door,
    Extension(credential): Extension<Credential>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Empty>> {
    let fields: RunFields = wire::from_query(uri.query().unwrap_or_default())?;
    let (run, below) = (fields.run()?, required(fields.path()?, "path")?);
    let root = artifacts::of_run(door.portal(), &door.caller, &door.team, &run).await?;
    let path = root.path.join(&below).map_err(MlflowError::invalid)?;
    let too_large = || MlflowError::invalid("Artifact size is too large. Max size is 10MB.");
    if length(&headers).is_some_and(|length| length > SMALL as u64) {
        return Err(too_large());
    }
    let body = Body::new(Limited::new(body, SMALL));
    match store(&door, credential, &path, &headers, body).await {
        Err(refused) if refused.message.contains("length limit") => Err(too_large()),
        other => other,
    }
}
