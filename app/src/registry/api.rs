//! Server functions about registered models and their versions.

use crate::{components::SafeHtml, error::AppError, promotion::CardPart};
use domain::model::{Metric, Millis, ModelVersion, RegisteredModel, RunId, RunStatus, Stage, Tag, VersionFiles};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::{is_plain_post, request};

/// A model as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelLine {
    pub name: String,
    /// First line of the description.
    pub about: String,
    /// Alias and version.
    pub aliases: Vec<(String, i64)>,
    /// Number of the newest version.
    pub latest: Option<i64>,
    pub created_by: String,
    pub updated_at: Millis,
}

/// The team's registered models by name, without prompts.
#[server(prefix = "/api", endpoint = "registry/models")]
pub async fn list_models(team: String) -> Result<Vec<ModelLine>, AppError> {
    use domain::registry::{MODELS_MOST, Query, search};
    let (portal, caller) = request()?;
    let (mut lines, mut query) = (Vec::new(), Query { most: MODELS_MOST, ..Query::default() });
    loop {
        let (models, next) = search(&portal, &caller, &team, &query).await?;
        lines.extend(models.into_iter().map(line));
        if next.is_none() {
            return Ok(lines);
        }
        query.page = next;
    }
}

#[cfg(feature = "ssr")]
fn line(model: RegisteredModel) -> ModelLine {
    ModelLine {
        about: super::words::first_line(model.description.as_deref().unwrap_or_default()),
        aliases: model.aliases.into_iter().map(|a| (a.alias, a.version)).collect(),
        latest: model.latest_versions.iter().map(|v| v.version).max(),
        name: model.name,
        created_by: model.created_by,
        updated_at: model.updated_at,
    }
}

/// A version as the page of its model shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VersionLine {
    pub version: i64,
    /// First line of the description.
    pub about: String,
    pub aliases: Vec<String>,
    pub stage: Stage,
    pub run: Option<RunId>,
    pub created_by: String,
    pub created_at: Millis,
    /// Bytes of its files; none where Slipway has none of them.
    pub size: Option<i64>,
}

/// A model and its versions, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDetail {
    pub model: RegisteredModel,
    /// Its description, as Markdown means it.
    pub description: SafeHtml,
    pub versions: Vec<VersionLine>,
    /// Aliases that move by promotion only.
    pub protected: Vec<String>,
}

#[server(prefix = "/api", endpoint = "registry/model")]
pub async fn get_model(team: String, model: String) -> Result<ModelDetail, AppError> {
    let (portal, caller) = request()?;
    let mut found = domain::registry::get(&portal, &caller, &team, &model).await?;
    // The page has them in its own list.
    found.latest_versions.clear();
    let versions = domain::registry::versions_of(&portal, &caller, &team, &model).await?;
    let line = |(v, size): (ModelVersion, Option<i64>)| VersionLine {
        version: v.version,
        about: super::words::first_line(v.description.as_deref().unwrap_or_default()),
        aliases: v.aliases,
        stage: v.stage,
        run: v.run,
        created_by: v.created_by,
        created_at: v.created_at,
        size,
    };
    Ok(ModelDetail {
        description: markdown(found.description.as_deref()),
        model: found,
        versions: versions.into_iter().map(line).collect(),
        protected: protected(&portal, &caller, &team).await?,
    })
}

#[cfg(feature = "ssr")]
fn markdown(text: Option<&str>) -> SafeHtml {
    text.map(SafeHtml::of_markdown).unwrap_or_default()
}

/// The aliases of the team's models that move by promotion only.
#[cfg(feature = "ssr")]
async fn protected(portal: &domain::Portal, caller: &domain::Caller, team: &str) -> Result<Vec<String>, AppError> {
    let flow = domain::promotion::flow(portal, caller, team).await?;
    Ok(flow.stages.into_iter().filter(|stage| stage.protected).map(|stage| stage.alias).collect())
}

/// The run that a version comes from, and what it logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRun {
    pub id: RunId,
    pub name: String,
    pub status: RunStatus,
    pub metrics: Vec<Metric>,
    pub params: Vec<Tag>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionDetail {
    pub version: ModelVersion,
    /// Its description, as Markdown means it.
    pub description: SafeHtml,
    /// Aliases that move by promotion only.
    pub protected: Vec<String>,
    pub files: VersionFiles,
    /// None where it comes from no run, or where that is gone.
    pub run: Option<SourceRun>,
    pub card: Vec<CardPart>,
}

/// `version` is a number as an address has it.
#[server(prefix = "/api", endpoint = "registry/version")]
pub async fn get_version(team: String, model: String, version: String) -> Result<VersionDetail, AppError> {
    let (portal, caller) = request()?;
    let number = version.parse::<i64>().map_err(|_| domain::Error::NotFound("model version"))?;
    let version = domain::registry::get_version(&portal, &caller, &team, &model, number).await?;
    let files = domain::registry::files(&portal, &caller, &team, (&model, number)).await?;
    let run = match &version.run {
        Some(run) => match domain::tracking::runs::get(&portal, &caller, &team, run).await {
            Ok(run) => Some(SourceRun { id: run.id, name: run.name, status: run.status, metrics: run.metrics, params: run.params }),
            Err(domain::Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let card = domain::promotion::card(&portal, &caller, &team, (&model, number)).await?;
    let card = card.into_iter().map(|field| CardPart { html: SafeHtml::of_markdown(&field.text), field }).collect();
    let (description, protected) = (markdown(version.description.as_deref()), protected(&portal, &caller, &team).await?);
    Ok(VersionDetail { version, description, protected, files, run, card })
}

/// A form's text as it was typed: browsers send its line ends as two characters.
#[cfg(feature = "ssr")]
fn typed(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

#[server(prefix = "/api", endpoint = "registry/describe_model")]
pub async fn describe_model(team: String, model: String, #[server(default)] description: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::registry::update(&portal, &caller, &team, &model, &typed(&description)).await?;
    Ok(())
}

#[server(prefix = "/api", endpoint = "registry/describe_version")]
pub async fn describe_version(team: String, model: String, version: i64, #[server(default)] description: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::registry::update_version(&portal, &caller, &team, (&model, version), Some(&typed(&description))).await?;
    Ok(())
}

/// Points the alias to the version, wherever it pointed before. Says which alias it was.
#[server(prefix = "/api", endpoint = "registry/set_alias")]
pub async fn set_alias(team: String, model: String, alias: String, version: i64) -> Result<String, AppError> {
    let (portal, caller) = request()?;
    domain::registry::set_alias(&portal, &caller, &team, &model, alias.trim(), version).await?;
    Ok(alias.trim().to_owned())
}

#[server(prefix = "/api", endpoint = "registry/remove_alias")]
pub async fn remove_alias(team: String, model: String, alias: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::registry::delete_alias(&portal, &caller, &team, &model, &alias).await?)
}

/// Deletes; a browser without scripts goes to the model.
#[server(prefix = "/api", endpoint = "registry/delete_version")]
pub async fn delete_version(team: String, model: String, version: i64) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::registry::delete_version(&portal, &caller, &team, (&model, version)).await?;
    if is_plain_post() {
        leptos_axum::redirect(&super::words::page_of_model(&team, &model));
    }
    Ok(())
}

/// Deletes with all versions; a browser without scripts goes to the list.
#[server(prefix = "/api", endpoint = "registry/delete_model")]
pub async fn delete_model(team: String, model: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::registry::delete(&portal, &caller, &team, &model).await?;
    if is_plain_post() {
        leptos_axum::redirect(&super::words::page_of_models(&team));
    }
    Ok(())
}
