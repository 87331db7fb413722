//! A server on this machine that answers as MLflow's does, from what a test puts into it, two things a page.

use serde_json::{Value as Json, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const PAGE: usize = 2;

/// What it has.
#[derive(Default)]
pub struct World {
    pub experiments: Vec<Json>,
    /// By experiment.
    pub runs: HashMap<String, Vec<Json>>,
    pub logged_models: HashMap<String, Vec<Json>>,
    /// By run and metric.
    pub histories: HashMap<(String, String), Vec<Json>>,
    /// Files of runs and logged models by owner and folder, and their bytes by owner and path; those without bytes are lost.
    pub files: HashMap<(String, String), Vec<Json>>,
    pub bytes: HashMap<(String, String), Vec<u8>>,
    pub models: Vec<Json>,
    pub versions: Vec<Json>,
    /// Answers these statuses first.
    pub stumbles: Vec<u16>,
    /// So many files break off in the middle.
    pub breaks: usize,
    /// A page of the web instead of an answer.
    pub is_a_page: bool,
    /// What was asked for.
    pub asked: Vec<String>,
    /// The credentials of the last request.
    pub authorization: Option<String>,
}

pub struct Source {
    pub uri: String,
    world: Arc<Mutex<World>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Source {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}", listener.local_addr().expect("an address"));
        let world = Arc::<Mutex<World>>::default();
        let served = world.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = served.clone();
                tokio::spawn(async move { drop(serve(stream, &world).await) });
            }
        });
        Self { uri, world, serving }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the world")
    }

    /// A run with one param, and a metric `loss` of these points.
    pub fn add_run(&self, experiment: &str, id: &str, stage: &str, points: &[(i64, Json)]) {
        let points: Vec<Json> =
            points.iter().map(|(step, value)| json!({ "key": "loss", "value": value, "timestamp": "1000", "step": step })).collect();
        let status = if stage == "going" { "RUNNING" } else { "FINISHED" };
        let run = json!({
            "info": { "run_id": id, "run_name": format!("run {}", &id[..2]), "user_id": "ada", "status": status, "start_time": 500,
                      "end_time": if stage == "going" { Json::Null } else { json!(900) }, "lifecycle_stage": if stage == "deleted" { "deleted" } else { "active" } },
            "data": { "metrics": points.last().into_iter().collect::<Vec<_>>(), "params": [{ "key": "lr", "value": "0.1" }], "tags": [] }
        });
        let mut world = self.world();
        world.runs.entry(experiment.to_owned()).or_default().push(run);
        world.histories.insert((id.to_owned(), "loss".to_owned()), points);
    }

    pub fn add_file(&self, owner: &str, folder: &str, name: &str, bytes: Option<&[u8]>) {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let mut world = self.world();
        let file = json!({ "path": path, "is_dir": false, "file_size": bytes.map_or(7, <[u8]>::len) });
        world.files.entry((owner.to_owned(), folder.to_owned())).or_default().push(file);
        if let Some(bytes) = bytes {
            world.bytes.insert((owner.to_owned(), path), bytes.to_vec());
        }
    }

    pub fn add_folder(&self, owner: &str, folder: &str, path: &str) {
        self.world().files.entry((owner.to_owned(), folder.to_owned())).or_default().push(json!({ "path": path, "is_dir": true }));
    }
}

async fn serve(mut stream: TcpStream, world: &Mutex<World>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let (head, body) = loop {
        let mut block = [0; 4096];
        let count = stream.read(&mut block).await?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&block[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let (status, answer, sent) = {
        let mut world = world.lock().expect("the world");
        let (status, answer) = respond(&mut world, &head, &body);
        let breaks = world.breaks > 0 && head.starts_with("GET /get-artifact");
        world.breaks -= usize::from(breaks);
        let sent = if breaks { answer.len() / 2 } else { answer.len() };
        (status, answer, sent)
    };
    let start = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    stream.write_all(start.as_bytes()).await?;
    stream.write_all(&answer[..sent]).await
}

fn header(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn respond(world: &mut World, head: &str, body: &str) -> (u16, Vec<u8>) {
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    world.asked.push(target.clone());
    world.authorization = header(head, "authorization");
    if !world.stumbles.is_empty() {
        return (world.stumbles.remove(0), br#"{"message":"not now"}"#.to_vec());
    }
    if world.is_a_page {
        return (200, b"<html>Hello</html>".to_vec());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = parsed(query);
    let asked: Json = serde_json::from_str(body).unwrap_or_default();
    let of = |name: &str| query.get(name).cloned().unwrap_or_default();
    let token = asked["page_token"].as_str().map_or_else(|| of("page_token"), str::to_owned);
    let experiment = asked["experiment_ids"][0].as_str().unwrap_or_default().to_owned();
    let prompts = of("filter").contains("is_prompt");
    let some = |list: Option<&Vec<Json>>, field: &str| page(list.map_or(&[], Vec::as_slice), field, &token);
    let answer = match path.rsplit("/mlflow/").next().unwrap_or_default() {
        "experiments/search" => some(Some(&world.experiments), "experiments"),
        "runs/search" => some(world.runs.get(&experiment), "runs"),
        "metrics/get-history" => some(world.histories.get(&(of("run_id"), of("metric_key"))), "metrics"),
        "artifacts/list" => some(world.files.get(&(of("run_id"), of("path"))), "files"),
        "logged-models/search" => some(world.logged_models.get(&experiment), "models"),
        "registered-models/search" if !prompts => some(Some(&world.models), "registered_models"),
        "model-versions/search" if !prompts => some(Some(&world.versions), "model_versions"),
        "registered-models/search" | "model-versions/search" | "traces/search" => json!({}),
        rest => {
            let model = rest.strip_prefix("logged-models/").map(|rest| rest.split('/').next().unwrap_or_default().to_owned());
            if rest.ends_with("/artifacts/directories") {
                some(world.files.get(&(model.unwrap_or_default(), of("artifact_directory_path"))), "files")
            } else {
                let place = model.map_or_else(|| (of("run_uuid"), of("path")), |model| (model, of("artifact_file_path")));
                return match world.bytes.get(&place) {
                    Some(bytes) => (200, bytes.clone()),
                    None => (404, br#"{"message":"No such artifact"}"#.to_vec()),
                };
            }
        }
    };
    (200, answer.to_string().into_bytes())
}

fn page(list: &[Json], field: &str, token: &str) -> Json {
    let from = token.strip_prefix("from ").and_then(|t| t.parse().ok()).unwrap_or(0);
    let some: Vec<&Json> = list.iter().skip(from).take(PAGE).collect();
    let next = if from + PAGE < list.len() { format!("from {}", from + PAGE) } else { String::new() };
    json!({ field: some, "next_page_token": next })
}

fn parsed(query: &str) -> HashMap<String, String> {
    let plain = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'+' => bytes.push(b' '),
                b'%' => {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).expect("digits"), 16).expect("hexadecimal"));
                    rest = &after[2..];
                }
                other => bytes.push(*other),
            }
        }
        String::from_utf8(bytes).expect("text")
    };
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}
