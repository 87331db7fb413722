//! SQL that finds the experiments of a search, and reads the runs that it found.

use crate::{
    args,
    db::Db,
    error::{Error, Result},
    model::{Metric, Run, RunId, RunLinks, RunStatus, Tag, TeamId},
    tracking::{lineage, run_store::artifact_uri, store::public_id},
};
use std::collections::HashMap;

/// An experiment to search in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Place {
    pub id: i64,
    pub is_default: i64,
    pub artifact_location: String,
    pub version: i64,
}

/// All experiments of the team.
pub(super) async fn places(db: &Db, team: &TeamId) -> Result<Vec<Place>> {
    db.fetch_all("SELECT id, is_default, artifact_location, version FROM experiments WHERE team_id = $1", args![team]).await
}

/// A run that was found. What it logged is JSON already, as clients are to get it.
#[derive(Clone, Debug)]
pub struct FoundRun {
    /// Without params and tags.
    pub run: Run,
    /// `[{"key":…,"value":…}, …]`, ordered by key.
    pub params: String,
    /// The same.
    pub tags: String,
    /// What it read and made; none where it did neither.
    pub links: Option<RunLinks>,
}

impl FoundRun {
    /// The run with everything.
    pub fn complete(&self) -> Result<Run> {
        let tags = |text: &str| serde_json::from_str::<Vec<Tag>>(text).map_err(|e| Error::internal("tags as JSON", e));
        Ok(Run { params: tags(&self.params)?, tags: tags(&self.tags)?, ..self.run.clone() })
    }

    /// Memory, about.
    pub(super) fn bytes(&self) -> usize {
        let metrics: usize = self.run.metrics.iter().map(|m| m.key.len() + 64).sum();
        let long = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let datasets = self.links.iter().flat_map(|links| &links.datasets).map(|d| &d.dataset);
        let datasets: usize = datasets.map(|d| 512 + d.source.len() + long(&d.schema) + long(&d.profile)).sum();
        let models: usize = self.links.iter().map(|links| 128 * (links.inputs.len() + links.outputs.len())).sum();
        640 + datasets
            + models
            + self.params.len()
            + self.tags.len()
            + self.run.name.len()
            + self.run.user_id.len()
            + self.run.artifact_uri.len()
            + metrics
    }
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    no: i64,
    id: String,
    experiment_id: i64,
    name: String,
    user_id: String,
    status: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    created_by: String,
    notebook_id: Option<String>,
    deleted_at: Option<i64>,
    params: Option<String>,
    tags: Option<String>,
}

/// The runs of these numbers; those that are gone are left out.
pub(super) async fn runs(db: &Db, numbers: &[i64], places: &[Place]) -> Result<Vec<(i64, FoundRun)>> {
    let head = format!(
        "SELECT r.no, r.id, r.experiment_id, r.name, r.user_id, r.status, r.start_time, r.end_time, u.email AS created_by, r.notebook_id,
                r.deleted_at, (SELECT {pairs} FROM params WHERE run_no = r.no) AS params, (SELECT {pairs} FROM tags WHERE run_no = r.no) AS tags
         FROM runs r JOIN users u ON u.id = r.created_by WHERE r.no IN",
        pairs = db.json_of_pairs()
    );
    let found: Vec<FoundRow> = db.fetch_listed(&head, "", numbers, Vec::new()).await?;
    let places: HashMap<i64, &Place> = places.iter().map(|place| (place.id, place)).collect();
    let mut runs = Vec::with_capacity(found.len());
    let mut metrics = metrics(db, numbers).await?;
    let mut links = lineage::of_runs(db, numbers).await?;
    for row in found {
        if let Some(place) = places.get(&row.experiment_id) {
            let (metrics, links) = (metrics.remove(&row.no).unwrap_or_default(), links.remove(&row.no));
            runs.push((row.no, row.found(place, metrics, links)?));
        }
    }
    Ok(runs)
}

/// The latest point of each metric of these runs, ordered by key. As rows: SQLite's text of a number has not all of its bits.
async fn metrics(db: &Db, numbers: &[i64]) -> Result<HashMap<i64, Vec<Metric>>> {
    let head = "SELECT run_no, key, value, timestamp, step FROM latest_metrics WHERE run_no IN";
    let found: Vec<(i64, String, Option<f64>, i64, i64)> = db.fetch_listed(head, "", numbers, Vec::new()).await?;
    let mut metrics: HashMap<i64, Vec<Metric>> = HashMap::new();
    for (no, key, value, timestamp, step) in found {
        metrics.entry(no).or_default().push(Metric { key, value: value.unwrap_or(f64::NAN), timestamp, step });
    }
    for metrics in metrics.values_mut() {
        metrics.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    Ok(metrics)
}

impl FoundRow {
    fn found(self, place: &Place, metrics: Vec<Metric>, links: Option<RunLinks>) -> Result<FoundRun> {
        let id = RunId(self.id);
        let run = Run {
            artifact_uri: artifact_uri(&place.artifact_location, &id),
            id,
            experiment: public_id(place.id, place.is_default),
            name: self.name,
            user_id: self.user_id,
            status: self.status.parse::<RunStatus>().map_err(|e| Error::internal("stored run", e))?,
            start_time: self.start_time,
            end_time: self.end_time,
            created_by: self.created_by,
            notebook: self.notebook_id.map(Into::into),
            deleted_at: self.deleted_at,
            metrics,
            params: Vec::new(),
            tags: Vec::new(),
        };
        let text = |json: Option<String>| json.unwrap_or_else(|| "[]".to_owned());
        Ok(FoundRun { run, params: text(self.params), tags: text(self.tags), links })
    }
}
