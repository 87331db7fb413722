//! One environment on the launch form: what it is, its versions, and whether it starts at once.

use super::launch_page::Launch;
use crate::environments::EnvironmentLogo;
use domain::model::EnvironmentChoice;
use leptos::prelude::*;

/// What a start of this version costs in time.
pub fn start_words(choice: &EnvironmentChoice, version: &str) -> &'static str {
    let version = choice.environment.resolve_version(version);
    let installs = version.is_some_and(|v| !v.packages.is_empty());
    if !installs {
        "Starts in seconds"
    } else if version.is_some_and(|v| choice.cached_versions.contains(&v.name)) {
        "Installed: starts in seconds"
    } else {
        "First start installs it, which takes minutes"
    }
}

#[component]
pub fn EnvironmentCard(launch: Launch, choice: EnvironmentChoice) -> impl IntoView {
    let environment = choice.environment.clone();
    let (start_env, start_version) =
        launch.start.with_value(|f| (f.environment.clone(), f.versions.get(&environment.name).cloned().unwrap_or_default()));
    let unavailable = choice.unavailable.clone();
    let name = environment.name.clone();
    let version = {
        let (name, start) = (name.clone(), start_version.clone());
        Memo::new(move |_| launch.form.with(|f| f.versions.get(&name).cloned().unwrap_or_else(|| start.clone())))
    };
    let chosen = {
        let name = name.clone();
        Memo::new(move |_| launch.form.with(|f| f.environment == name))
    };
    let (for_note, for_start) = (environment.clone(), choice.clone());
    let deprecation = move || {
        let version = version.get();
        let found = for_note.versions.iter().find(|v| v.name == version).and_then(|v| v.deprecated.clone());
        found.map(|d| match d.successor {
            Some(next) => format!("{} It becomes {next}.", d.message),
            None => d.message,
        })
    };
    let id = format!("env-{name}");
    let is_unavailable = unavailable.is_some();
    view! {
        <div class="env-card" class:chosen=chosen class:unavailable=is_unavailable>
            <label for=id.clone() class="env-label">
                <input
                    type="radio"
                    id=id.clone()
                    name="form[environment]"
                    value=name.clone()
                    checked={name == start_env}
                    disabled=is_unavailable
                    aria-describedby=format!("{id}-about")
                />
                <EnvironmentLogo logo=environment.logo.clone() />
                <span class="env-title">{environment.title}</span>
            </label>
            <p class="env-about muted" id=format!("{id}-about")>{environment.description}</p>
            {match unavailable {
                Some(why) => view! { <p class="env-why">{why}</p> }.into_any(),
                None => {
                    view! {
                        <div class="row">
                            <select class="input select" name=format!("form[versions][{name}]") aria-label="Version">
                                {environment
                                    .versions
                                    .into_iter()
                                    .map(|v| {
                                        let text = if v.deprecated.is_some() { format!("{} (deprecated)", v.name) } else { v.name.clone() };
                                        let selected = v.name == start_version;
                                        view! { <option value=v.name selected=selected>{text}</option> }
                                    })
                                    .collect_view()}
                            </select>
                            <span class="env-start muted">{move || start_words(&for_start, &version.read())}</span>
                        </div>
                        {move || deprecation().map(|text| view! { <p class="env-why">{text}</p> })}
                    }
                        .into_any()
                }
            }}
        </div>
    }
}
