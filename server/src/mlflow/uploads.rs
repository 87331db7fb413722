//! Uploads in parts. The client sends each part to an address that it was given, without any credentials, and then names the parts.

use super::{
    Answer, Door, Endpoint, MlflowError,
    artifacts::{UrlPath, length, path, refused, url_path},
    endpoint,
    wire::{Asked, Empty, Int, required},
};
use crate::{
    Server,
    http::receive,
    router::{Access, Route},
};
use axum::{
    Extension, Json, RequestPartsExt,
    body::Body,
    extract::{FromRequest, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use domain::{
    Caller, Error,
    artifacts::parts,
    model::{ArtifactPath, Permission},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::WriteTracking;
    vec![
        endpoint("POST", "2.0/mlflow-artifacts/mpu/create/{*path}", WriteTracking, post(create)),
        endpoint("POST", "2.0/mlflow-artifacts/mpu/complete/{*path}", WriteTracking, post(complete)),
        endpoint("POST", "2.0/mlflow-artifacts/mpu/abort/{*path}", WriteTracking, post(abort)),
        endpoint("GET", "2.0/mlflow-artifacts/mpu/parts/{upload}", WriteTracking, get(list)),
    ]
}

/// Where parts are sent: the address itself is the key.
pub fn bare() -> Vec<Route> {
    vec![("PUT", "/api/2.0/mlflow-artifacts/mpu/part/{upload}/{number}".to_owned(), Access::Open, put(part))]
}

/// A request about the file `path` in the folder of its URL.
async fn read<T: DeserializeOwned>(request: Request, server: &Server) -> Answer<(String, Asked<T>)> {
    let (mut parts, body) = request.into_parts();
    let folder: UrlPath = parts.extract::<Path<String>>().await;
    let asked = Asked::from_request(Request::from_parts(parts, body), server).await?;
    Ok((url_path(folder)?, asked))
}

/// Older clients send the whole path of their own file; only its name counts.
fn file_path(folder: &str, file: Option<String>) -> Answer<ArtifactPath> {
    let file = required(file, "path")?;
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    path(&format!("{}/{name}", folder.trim_end_matches('/')))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CreateFields {
    path: Option<String>,
    #[serde(alias = "numParts")]
    num_parts: Option<Int>,
}

#[derive(Serialize)]
struct Created {
    upload_id: String,
    credentials: Vec<PartAddress>,
}

/// Where a part is sent; MLflow calls it a credential.
#[derive(Serialize)]
struct PartAddress {
    url: String,
    part_number: i64,
    headers: BTreeMap<String, String>,
}

impl PartAddress {
    fn new(server: &Server, upload: &str, number: i64) -> Self {
        let key = parts::key(&server.portal, upload, number);
        let url = format!("{}/api/2.0/mlflow-artifacts/mpu/part/{upload}/{number}?key={key}", server.origin.text());
        Self { url, part_number: number, headers: BTreeMap::new() }
    }
}

async fn create(State(server): State<Server>, request: Request) -> Answer<Json<Created>> {
    let (folder, Asked { door, fields }) = read::<CreateFields>(request, &server).await?;
    let path = file_path(&folder, fields.path)?;
    let number = fields.num_parts.map_or(1, |n| n.0);
    let upload_id = parts::create(door.portal(), &door.caller, &door.team, &path, number).await.map_err(refused)?;
    let credentials = (1..=number).map(|n| PartAddress::new(&server, &upload_id, n)).collect();
    Ok(Json(Created { upload_id, credentials }))
}

#[derive(Deserialize)]
struct PartKey {
    #[serde(default)]
    key: String,
}

async fn part(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((upload, number)): Path<(String, String)>,
    Query(key): Query<PartKey>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let number = number.parse().map_err(|_| Error::NotFound("upload"))?;
    let slot = parts::slot(&server.portal, &caller, &upload, number, &key.key).await?;
    let part = receive::part(&server.portal, slot, length(&headers), body).await.map_err(refused)?;
    let mut response = Response::default();
    let tag = HeaderValue::from_str(&format!("\"{}\"", part.sha256)).map_err(|e| MlflowError::from(Error::internal("tag", e)))?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

#[derive(Serialize)]
struct PartInfo {
    part_number: i64,
    etag: String,
    size: i64,
}

#[derive(Serialize)]
struct Listed {
    parts: Vec<PartInfo>,
}

/// What is there already; who takes an upload up again sends the rest.
async fn list(door: Door, Path(upload): Path<String>) -> Answer {
    let parts = parts::list(door.portal(), &door.caller, &door.team, &upload).await?;
    let info = |part: parts::Part| PartInfo { part_number: part.number, etag: part.sha256, size: part.size };
    Ok(Json(Listed { parts: parts.into_iter().map(info).collect() }).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EndFields {
    path: Option<String>,
    #[serde(alias = "uploadId")]
    upload_id: Option<String>,
    parts: Vec<NamedPart>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedPart {
    #[serde(alias = "partNumber")]
    part_number: Option<Int>,
    etag: Option<String>,
}

async fn complete(State(server): State<Server>, request: Request) -> Answer<Json<Empty>> {
    let (folder, Asked { door, fields }) = read::<EndFields>(request, &server).await?;
    let path = file_path(&folder, fields.path)?;
    let upload = required(fields.upload_id, "upload_id")?;
    let mut named = Vec::with_capacity(fields.parts.len());
    for part in fields.parts {
        named.push((required(part.part_number, "part_number")?.0, required(part.etag, "etag")?));
    }
    named.sort_unstable();
    parts::complete(door.portal(), &door.caller, &door.team, &path, &upload, &named).await.map_err(refused)?;
    Ok(Json(Empty {}))
}

async fn abort(State(server): State<Server>, request: Request) -> Answer<Json<Empty>> {
    let (folder, Asked { door, fields }) = read::<EndFields>(request, &server).await?;
    let path = file_path(&folder, fields.path)?;
    let upload = required(fields.upload_id, "upload_id")?;
    parts::abort(door.portal(), &door.caller, &door.team, &path, &upload).await?;
    Ok(Json(Empty {}))
}
