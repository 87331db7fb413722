//! Server functions about the catalogue of environments.

use crate::error::AppError;
use domain::model::{Environment, EnvironmentChoice};
use leptos::{prelude::*, server_fn::codec::Json};

#[cfg(feature = "ssr")]
use crate::context::request;

/// What a member of the team may launch.
#[server(prefix = "/api", endpoint = "environments/choices")]
pub async fn environment_choices(team: String) -> Result<Vec<EnvironmentChoice>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::choices(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "environments/list_all")]
pub async fn list_environments() -> Result<Vec<EnvironmentChoice>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::list_all(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "environments/save", input = Json)]
pub async fn save_environment(environment: Environment, create: bool) -> Result<Environment, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::save(&portal, &caller, environment, create).await?)
}

#[server(prefix = "/api", endpoint = "environments/remove")]
pub async fn remove_environment(name: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::remove(&portal, &caller, &name).await?)
}

/// The same from the form, also without scripts; goes to the list.
#[server(prefix = "/api", endpoint = "environments/save_form")]
pub async fn save_environment_form(form: super::EnvironmentForm, #[server(default)] create: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::environments::save(&portal, &caller, form.environment(), create).await.map_err(|error| {
        let error = AppError::from(error);
        AppError { fields: form.field_errors(error.fields), ..error }
    })?;
    leptos_axum::redirect("/admin/environments");
    Ok(())
}

/// Offers an environment to its teams, or withdraws it; what runs goes on.
#[server(prefix = "/api", endpoint = "environments/set_enabled")]
pub async fn set_environment_enabled(name: String, #[server(default)] enabled: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let all = domain::environments::list_all(&portal, &caller).await?;
    let found = all.into_iter().map(|choice| choice.environment).find(|e| e.name == name);
    let environment = found.ok_or(domain::Error::NotFound("environment"))?;
    domain::environments::save(&portal, &caller, domain::model::Environment { enabled, ..environment }, false).await?;
    Ok(())
}
