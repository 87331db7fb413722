//! Downloads, and the way from the portal into a notebook.

use crate::{
    Server,
    http::{caller::Credential, download, errors::refusal, headers::see_other},
    live::{LOOK_EVERY, Reader},
};
use app::{
    charts::export::{self, Format},
    tracking::run_table::{
        TableAsk,
        api::{columns_of, table},
        parquet::RunsFile,
    },
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{
    Caller, Error, artifacts,
    model::{AccessFilter, ArtifactPath, AuditFilter, ExperimentId, NotebookId, Run, RunId, TableColumn},
    notebooks, tracking,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde::Deserialize;
use std::{fmt::Write, time::Instant};

const CSV: &str = "text/csv; charset=utf-8";

/// `GET /admin/access.csv`: everybody whom the page's address asks for.
pub async fn access(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Query(filter): Query<AccessFilter>,
) -> Response {
    match domain::access::export_csv(&server.portal, &caller, &filter).await {
        Ok(pieces) => {
            let pieces = stream::iter(pieces.into_iter().map(Ok)).boxed();
            pieced(CSV, "access.csv", pieces, Reader { portal: server.portal, credential, caller })
        }
        Err(error) => refusal(error, &caller.request_id),
    }
}

/// `GET /admin/audit.csv`.
pub async fn audit(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Query(filter): Query<AuditFilter>,
) -> Response {
    csv(Reader { portal: server.portal, credential, caller }, &filter)
}

/// `GET /t/{team}/audit.csv`.
pub async fn team_audit(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path(team): Path<String>,
    Query(filter): Query<AuditFilter>,
) -> Response {
    csv(Reader { portal: server.portal, credential, caller }, &AuditFilter { team, ..filter })
}

/// `GET /t/{team}/experiments/{experiment}/runs.csv`: every run that the table's address asks for, with its columns.
pub async fn runs_csv(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path((team, experiment)): Path<(String, ExperimentId)>,
    Query(ask): Query<TableAsk>,
) -> Response {
    let reader = Reader { portal: server.portal, credential, caller };
    let (columns, runs) = match runs(&reader, &team, experiment, &ask).await {
        Ok(found) => found,
        Err(error) => return refusal(error, &reader.caller.request_id),
    };
    let head = stream::iter([Ok(tracking::csv_head(&columns))]);
    let lines = runs.map(move |runs| Ok(tracking::csv_lines(&runs?, &columns)));
    pieced(CSV, "runs.csv", head.chain(lines).boxed(), reader)
}

/// `GET /t/{team}/experiments/{experiment}/runs.parquet`: the same as Apache Parquet.
pub async fn runs_parquet(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path((team, experiment)): Path<(String, ExperimentId)>,
    Query(ask): Query<TableAsk>,
) -> Response {
    let reader = Reader { portal: server.portal, credential, caller };
    let found = runs(&reader, &team, experiment, &ask).await;
    let (file, runs) = match found.and_then(|(columns, runs)| Ok((RunsFile::begin(columns)?, runs))) {
        Ok(found) => found,
        Err(error) => return refusal(error, &reader.caller.request_id),
    };
    let pieces = stream::try_unfold(Some((file, runs)), |state| async move {
        let Some((mut file, mut runs)) = state else { return Ok(None) };
        let some = runs.next().await.transpose()?;
        // Thousands of runs are packed at a time, while this thread serves others.
        let packed = tokio::task::spawn_blocking(move || match some {
            Some(some) => file.push(some).map(|bytes| (bytes, Some(file))),
            None => file.finish().map(|bytes| (bytes, None)),
        });
        let (bytes, file) = packed.await.map_err(|error| Error::internal("the writing of Parquet", error))??;
        Ok(Some((bytes, file.map(|file| (file, runs)))))
    });
    pieced(Format::Parquet.kind(), "runs.parquet", pieces.boxed(), reader)
}

type Runs = (Vec<TableColumn>, BoxStream<'static, domain::Result<Vec<Run>>>);

async fn runs(reader: &Reader, team: &str, experiment: ExperimentId, ask: &TableAsk) -> domain::Result<Runs> {
    let columns: Vec<TableColumn> = columns_of(&ask.columns);
    let asked = table(&reader.portal, experiment, ask);
    let (columns, pieces) = tracking::export_runs(&reader.portal, &reader.caller, team, &asked, &columns).await?;
    Ok((columns, pieces.boxed()))
}

/// However long the trail is, one piece of it is in memory at a time. A download that goes on after its reader's sign-in ends is cut off.
fn csv(reader: Reader, filter: &AuditFilter) -> Response {
    let pieces = match domain::audit::export_csv(&reader.portal, &reader.caller, filter) {
        Ok(pieces) => pieces.boxed(),
        Err(error) => return refusal(error, &reader.caller.request_id),
    };
    pieced(CSV, "audit.csv", pieces, reader)
}

/// A file as it comes.
fn pieced<T>(kind: &'static str, name: &str, pieces: BoxStream<'static, domain::Result<T>>, reader: Reader) -> Response
where
    T: Into<Bytes> + Send + 'static,
{
    let body = stream::try_unfold((pieces, reader, Instant::now()), |(mut pieces, mut reader, mut looked)| async move {
        if looked.elapsed() >= LOOK_EVERY {
            if !reader.is_still_signed_in().await {
                return Err(std::io::ErrorKind::PermissionDenied.into());
            }
            looked = Instant::now();
        }
        let piece = pieces.next().await.transpose().map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece.into(), (pieces, reader, looked))))
    });
    attachment(kind, name, Body::from_stream(body))
}

/// `GET /t/{team}/notebooks/{id}/logs/download`: what is kept of the log, as text.
pub async fn log(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path((team, id)): Path<(String, NotebookId)>,
) -> Response {
    let name = match notebooks::get(&server.portal, &caller, &team, &id).await {
        Ok(notebook) => format!("{}.log", notebook.spec.name),
        Err(error) => return refusal(error, &caller.request_id),
    };
    // What comes later is not part of it: a log that grows faster than it is read would never end.
    let end = match notebooks::logs(&server.portal, &caller, &team, &id, None, 1).await {
        Ok(page) => page.next,
        Err(error) => return refusal(error, &caller.request_id),
    };
    let reader = Reader { portal: server.portal, credential, caller };
    // One page in memory at a time, however long the log is.
    let pages = stream::try_unfold((reader, Instant::now(), 0), move |(mut reader, mut looked, from)| {
        let (team, id) = (team.clone(), id.clone());
        async move {
            if from >= end {
                return Ok::<_, std::io::Error>(None);
            }
            if looked.elapsed() >= LOOK_EVERY {
                if !reader.is_still_signed_in().await {
                    return Err(std::io::ErrorKind::PermissionDenied.into());
                }
                looked = Instant::now();
            }
            let page =
                notebooks::logs(&reader.portal, &reader.caller, &team, &id, Some(from), 1000).await.map_err(std::io::Error::other)?;
            let mut text = String::new();
            if page.dropped_bytes > 0 {
                let _ = writeln!(text, "[{} bytes are no longer kept]", page.dropped_bytes);
            }
            let lines = page.lines.iter().filter(|line| line.next <= end);
            lines.for_each(|line| text.extend([line.text.as_str(), "\n"]));
            let next = if page.lines.is_empty() { end } else { page.next };
            Ok(Some((Bytes::from(text), (reader, looked, next))))
        }
    });
    attachment("text/plain; charset=utf-8", &name, Body::from_stream(pages))
}

/// `GET /t/{team}/runs/{run}/artifacts/{*path}`: a file of a run.
pub async fn artifact(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path((team, run, path)): Path<(String, RunId, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let id = caller.request_id.clone();
    let found = async {
        let path = ArtifactPath::parse(&path).map_err(|reason| Error::invalid("path", reason))?;
        let root = artifacts::of_run(&server.portal, &caller, &team, &run).await?;
        let path = root.path.join(&path).map_err(|reason| Error::invalid("path", reason))?;
        let file = artifacts::find(&server.portal, &caller, &team, &path).await?;
        let reader = Reader { portal: server.portal.clone(), credential, caller };
        download::file(reader, team, file, &method, &headers).await
    };
    found.await.unwrap_or_else(|error| refusal(error, &id))
}

/// `GET /t/{team}/models/{model}/versions/{version}/files/{*path}`: a file that a version holds.
pub async fn version_file(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Path((team, model, version, path)): Path<(String, String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let id = caller.request_id.clone();
    let found = async {
        let number = version.parse::<i64>().map_err(|_| Error::NotFound("model version"))?;
        let file = domain::registry::file(&server.portal, &caller, &team, (&model, number), &path).await?;
        let reader = Reader { portal: server.portal.clone(), credential, caller };
        download::file(reader, team, file, &method, &headers).await
    };
    found.await.unwrap_or_else(|error| refusal(error, &id))
}

/// `GET /t/{team}/runs/{run}/reproduce.json`: what it takes to do a run again.
pub async fn reproduce(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((team, run)): Path<(String, RunId)>,
) -> Response {
    match tracking::reproduce(&server.portal, &caller, &team, &run).await {
        Ok(record) => attachment("application/json", &format!("reproduce-{run}.json"), Body::from(record.to_json())),
        Err(error) => refusal(error, &caller.request_id),
    }
}

/// `GET /t/{team}/compare.svg`: the chart of the compare page with the same query.
pub async fn chart_svg(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(team): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    chart(&server, &caller, &team, &query, Format::Svg).await
}

/// `GET /t/{team}/compare.csv`: all points of that chart.
pub async fn chart_csv(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(team): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    chart(&server, &caller, &team, &query, Format::Csv).await
}

/// `GET /t/{team}/compare.parquet`: the same as Apache Parquet.
pub async fn chart_parquet(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(team): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    chart(&server, &caller, &team, &query, Format::Parquet).await
}

async fn chart(server: &Server, caller: &Caller, team: &str, query: &[(String, String)], format: Format) -> Response {
    use app::charts::{self, api::Chosen};
    let text = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let owned = |name: &str| text(name).unwrap_or_default().to_owned();
    // A form of check boxes sends each by itself.
    let runs = query.iter().filter(|(key, _)| key == "runs").map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",");
    let chosen = Chosen { runs, experiment: owned("experiment"), filter: owned("filter") };
    let asked = charts::Query::of(text, export::WIDTH);
    let found = match charts::read::compare(&server.portal, caller, team, &chosen, asked, format.is_whole()).await {
        Ok(found) => found,
        Err(error) => return refusal(error, &caller.request_id),
    };
    let hidden: Vec<usize> = text("hide").unwrap_or_default().split(',').filter_map(|n| n.parse().ok()).collect();
    let look = charts::values::Look::of(text);
    // It may be of millions of points.
    let written = tokio::task::spawn_blocking(move || format.write(&found, &look, |line: usize| !hidden.contains(&line)));
    match written.await.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(file) => attachment(format.kind(), &format!("chart.{}", format.extension()), Body::from(file)),
        Err(reason) => refusal(Error::Internal(reason), &caller.request_id),
    }
}

fn attachment(kind: &'static str, name: &str, body: Body) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

/// What the notebook's host knows the browser by: a digest in hexadecimal, or nothing.
#[derive(Deserialize)]
pub struct Begun {
    #[serde(default)]
    state: String,
}

impl Begun {
    fn state(&self) -> Option<&str> {
        let plain = self.state.len() == 64 && self.state.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then_some(self.state.as_str())
    }
}

/// `GET /t/{team}/notebooks/{id}/open`: into the notebook's own host, with a one-time code once that host has marked the browser.
pub async fn open(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path((team, id)): Path<(String, NotebookId)>,
    Query(begun): Query<Begun>,
    headers: HeaderMap,
) -> Response {
    // A code that a browser fetches ahead of a click would be spent before it.
    if headers.contains_key("sec-purpose") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let way = match begun.state() {
        Some(state) => notebooks::open(&server.portal, &caller, &team, &id, state).await.map(|code| format!("enter?code={code}")),
        None => notebooks::may_open(&server.portal, &caller, &team, &id).await.map(|()| "begin".to_owned()),
    };
    match way {
        Ok(way) => see_other(&format!("{}/_slipway/{way}", server.origin.of_notebook(&id))),
        // Its page says why, and offers what helps.
        Err(Error::Conflict(_) | Error::Forbidden(_)) => see_other(&format!("/t/{team}/notebooks/{id}")),
        Err(error) => refusal(error, &caller.request_id),
    }
}

/// `GET /notebooks/{id}/open`: for a notebook's own host, which does not know whose team it is.
pub async fn find(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<NotebookId>,
    Query(begun): Query<Begun>,
) -> Response {
    let teams = caller.identity.iter().flat_map(|i| &i.memberships).map(|m| m.team_name.clone());
    for team in teams {
        if notebooks::get(&server.portal, &caller, &team, &id).await.is_ok() {
            let state = begun.state().map(|state| format!("?state={state}")).unwrap_or_default();
            return see_other(&format!("/t/{team}/notebooks/{id}/open{state}"));
        }
    }
    refusal(Error::NotFound("notebook"), &caller.request_id)
}
