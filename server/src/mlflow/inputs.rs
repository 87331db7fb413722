//! What runs read and made: datasets, input models, output models.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    experiments::tags,
    runs::run_id,
    wire::{Asked, Empty, Int, List, Pair, required},
};
use axum::{Json, routing::post};
use domain::{
    model::{Dataset, DatasetInput, ExperimentId, LoggedModelId, ModelOutput, Permission, RunLinks, Tag},
    tracking::inputs,
};
use serde::{Deserialize, Serialize};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    vec![
        endpoint("POST", "2.0/mlflow/runs/log-inputs", WriteTracking, post(log_inputs)),
        endpoint("POST", "2.0/mlflow/runs/outputs", WriteTracking, post(log_outputs)),
        endpoint("POST", "2.0/mlflow/runs/log-model", WriteTracking, post(log_model)),
        endpoint("POST", "2.0/mlflow/experiments/search-datasets", ReadTracking, post(search)),
        // As MLflow's own page asks for it.
        endpoint("POST", "2.0mlflow/experiments/search-datasets", ReadTracking, post(search)),
    ]
}

/// What a run read, as clients read it.
#[derive(Default, Serialize)]
pub(super) struct Inputs {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<Input>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<Used>,
}

#[derive(Serialize)]
struct Input {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    dataset: Data,
}

#[derive(Serialize)]
struct Data {
    name: String,
    digest: String,
    source_type: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

#[derive(Serialize)]
struct Used {
    model_id: LoggedModelId,
}

/// What a run made, as clients read it.
#[derive(Serialize)]
pub(super) struct Outputs {
    model_outputs: Vec<Made>,
}

#[derive(Serialize)]
struct Made {
    model_id: LoggedModelId,
    step: i64,
}

/// Both; a run that made nothing has no outputs.
pub(super) fn wire(links: RunLinks) -> (Inputs, Option<Outputs>) {
    let input = |input: DatasetInput| {
        let d = input.dataset;
        let dataset =
            Data { name: d.name, digest: d.digest, source_type: d.source_type, source: d.source, schema: d.schema, profile: d.profile };
        Input { tags: input.tags, dataset }
    };
    let inputs = Inputs {
        dataset_inputs: links.datasets.into_iter().map(input).collect(),
        model_inputs: links.inputs.into_iter().map(|model_id| Used { model_id }).collect(),
    };
    let made: Vec<Made> = links.outputs.into_iter().map(|o| Made { model_id: o.model, step: o.step }).collect();
    (inputs, Some(Outputs { model_outputs: made }).filter(|o| !o.model_outputs.is_empty()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogInputs {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    datasets: List<SaidInput>,
    models: List<SaidModel>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidInput {
    tags: List<Pair>,
    dataset: Option<SaidDataset>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidDataset {
    name: Option<String>,
    digest: Option<String>,
    #[serde(alias = "sourceType")]
    source_type: Option<String>,
    source: Option<String>,
    schema: Option<String>,
    profile: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidModel {
    #[serde(alias = "modelId")]
    model_id: Option<String>,
    step: Option<Int>,
}

impl SaidModel {
    fn id(&self, index: usize) -> Answer<LoggedModelId> {
        required(self.model_id.clone(), &format!("models[{index}].model_id")).map(LoggedModelId)
    }
}

async fn log_inputs(Asked { door, fields }: Asked<LogInputs>) -> Answer<Json<Empty>> {
    let run = run_id(fields.run_id, None)?;
    let input = |(i, said): (usize, SaidInput)| {
        let data = said.dataset.ok_or_else(|| MlflowError::missing(&format!("datasets[{i}].dataset")))?;
        let dataset = Dataset {
            name: required(data.name, &format!("datasets[{i}].dataset.name"))?,
            digest: required(data.digest, &format!("datasets[{i}].dataset.digest"))?,
            source_type: data.source_type.unwrap_or_default(),
            source: data.source.unwrap_or_default(),
            schema: data.schema,
            profile: data.profile,
        };
        Ok(DatasetInput { dataset, tags: tags(said.tags) })
    };
    let datasets = fields.datasets.0.into_iter().enumerate().map(input).collect::<Answer<Vec<_>>>()?;
    let models = fields.models.0.iter().enumerate().map(|(i, m)| m.id(i)).collect::<Answer<Vec<_>>>()?;
    inputs::log_inputs(door.portal(), &door.caller, &door.team, &run, &datasets, &models).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogOutputs {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    models: List<SaidModel>,
}

async fn log_outputs(Asked { door, fields }: Asked<LogOutputs>) -> Answer<Json<Empty>> {
    let run = run_id(fields.run_id, None)?;
    if fields.models.0.is_empty() {
        return Err(MlflowError::missing("models"));
    }
    let output = |(i, said): (usize, &SaidModel)| Ok(ModelOutput { model: said.id(i)?, step: said.step.unwrap_or_default().0 });
    let models = fields.models.0.iter().enumerate().map(output).collect::<Answer<Vec<_>>>()?;
    inputs::log_outputs(door.portal(), &door.caller, &door.team, &run, &models).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogModel {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    #[serde(alias = "modelJson")]
    model_json: Option<String>,
}

async fn log_model(Asked { door, fields }: Asked<LogModel>) -> Answer<Json<Empty>> {
    let (run, model) = (run_id(fields.run_id, None)?, required(fields.model_json, "model_json")?);
    inputs::log_model(door.portal(), &door.caller, &door.team, &run, &model).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
}

#[derive(Serialize)]
struct Summaries {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_summaries: Vec<Summary>,
}

#[derive(Serialize)]
struct Summary {
    experiment_id: ExperimentId,
    name: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

async fn search(Asked { door, fields }: Asked<Search>) -> Answer<Json<Summaries>> {
    let ids: Vec<ExperimentId> = fields.experiment_ids.0.into_iter().map(ExperimentId).collect();
    let found = inputs::search_datasets(door.portal(), &door.caller, &door.team, &ids).await?;
    let summary =
        |d: domain::model::DatasetSummary| Summary { experiment_id: d.experiment, name: d.name, digest: d.digest, context: d.context };
    Ok(Json(Summaries { dataset_summaries: found.into_iter().map(summary).collect() }))
}
