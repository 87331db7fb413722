//! What the launch form starts from: a refused draft, a clone, a template, or sensible defaults.

use super::{
    api::LaunchChoices,
    form::{Draft, LaunchForm, memory_gib},
    words::person,
};
use domain::model::{DEFAULT_IDLE_MINUTES, EnvironmentChoice, NotebookSpec, Program, Resources};

/// JupyterLab where it can be launched, else the first environment that can.
pub fn first_choice(choices: &[EnvironmentChoice]) -> Option<&EnvironmentChoice> {
    let launchable = |c: &&EnvironmentChoice| c.unavailable.is_none() && c.environment.default_version().is_some();
    let jupyter = choices.iter().filter(launchable).find(|c| c.environment.program == Program::JupyterLab);
    jupyter.or_else(|| choices.iter().find(launchable)).or_else(|| choices.first())
}

/// A name nobody in the team uses: `ada-jupyterlab-2`.
pub fn free_name(email: &str, environment: &str, taken: &[String]) -> String {
    let clean = |text: &str| {
        let kept: String =
            text.to_lowercase().chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
        kept.trim_matches('-').chars().take(20).collect::<String>()
    };
    let who = clean(&person(email));
    let who = if who.starts_with(|c: char| c.is_ascii_lowercase()) { who } else { format!("n{who}") };
    let stem = format!("{}-{}", who.trim_end_matches('-'), clean(environment).trim_end_matches('-'));
    (1..=taken.len() + 1).map(|n| format!("{stem}-{n}")).find(|name| !taken.contains(name)).unwrap_or(stem)
}

fn with_resources(form: LaunchForm, resources: &Resources) -> LaunchForm {
    LaunchForm { cpus: resources.cpus.to_string(), memory: memory_gib(resources.memory_mib), gpus: resources.gpus.to_string(), ..form }
}

/// The form before anything is typed, from the query's `draft` and `template` and the notebook to clone.
pub fn starting_draft(choices: &LaunchChoices, draft: &str, template: &str) -> Draft {
    let mut start = serde_json::from_str::<Draft>(draft).unwrap_or_default();
    let fresh = start.form == LaunchForm::default();
    if fresh {
        let original = choices.original.as_ref().map(|n| (n.spec.as_template(), n.secret_names.clone()));
        let template = serde_json::from_str::<NotebookSpec>(template).ok().map(|spec| (spec.as_template(), Vec::new()));
        start.form = match original.or(template) {
            Some((spec, secrets)) => LaunchForm::from_spec(&spec, &secrets),
            None => default_form(&choices.choices),
        };
    }
    let form = &mut start.form;
    trim(&mut form.data, |row| row.volume.is_empty());
    trim(&mut form.env, |row| row.name.is_empty() && row.value.is_empty());
    trim(&mut form.secrets, |row| row.name.is_empty());
    for choice in &choices.choices {
        let environment = &choice.environment;
        let wanted = form.versions.get(&environment.name).and_then(|v| environment.versions.iter().find(|known| known.name == *v));
        if let Some(version) = wanted.or_else(|| environment.default_version()) {
            form.versions.insert(environment.name.clone(), version.name.clone());
        }
    }
    if fresh && form.name.is_empty() {
        form.name = free_name(&choices.email, &form.environment, &choices.taken);
    }
    if form.key.is_empty() {
        form.key.clone_from(&choices.key);
    }
    start
}

/// Leaves out the empty rows at the end; the form adds free ones itself.
fn trim<T>(rows: &mut Vec<T>, is_empty: impl Fn(&T) -> bool) {
    while rows.last().is_some_and(&is_empty) {
        rows.pop();
    }
}

fn default_form(choices: &[EnvironmentChoice]) -> LaunchForm {
    let form =
        LaunchForm { home_kind: "new".to_owned(), idle: true, idle_minutes: DEFAULT_IDLE_MINUTES.to_string(), ..LaunchForm::default() };
    match first_choice(choices) {
        Some(choice) => {
            let form = LaunchForm { environment: choice.environment.name.clone(), ..form };
            with_resources(form, &choice.environment.default_resources)
        }
        None => with_resources(form, &Resources::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_is_free_and_valid() {
        let taken = ["ada-jupyterlab-1".to_owned()];
        assert_eq!(free_name("ada@example.com", "jupyterlab", &taken), "ada-jupyterlab-2");
        for email in ["ada@example.com", "1.Ö@x.y", "@", "a_very.long+name-with-everything@x.y"] {
            let name = free_name(email, "jupyterlab", &[]);
            assert_eq!(domain::model::validate_name(&name, 60), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_broken_draft_or_template_is_the_plain_form() {
        let choices = LaunchChoices {
            choices: Vec::new(),
            capacity: domain::model::Capacity::default(),
            volumes: Vec::new(),
            taken: Vec::new(),
            original: None,
            email: "ada@example.com".into(),
            key: "k".into(),
        };
        for text in ["", "{", "[1]", "{\"form\":3}"] {
            let start = starting_draft(&choices, text, text);
            assert!(start.form.idle, "{text}");
            assert_eq!(start.form.key, "k");
        }
    }
}
