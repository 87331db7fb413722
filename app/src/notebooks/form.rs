//! The launch form as browsers post it: text fields, with or without scripts, and how it becomes a launch request.

use domain::model::{DEFAULT_IDLE_MINUTES, EnvVar, FieldError, GitSource, LaunchRequest, NotebookSpec, Resources, VolumeMount};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One row of extra volumes. An empty row is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeField {
    pub volume: String,
    pub read_only: bool,
}

/// One row of variables or secrets. A row without a name and value is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VariableField {
    pub name: String,
    pub value: String,
}

/// All fields of the launch form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchForm {
    pub name: String,
    pub environment: String,
    /// The chosen version of each environment on the form; only the chosen environment's counts.
    pub versions: BTreeMap<String, String>,
    pub cpus: String,
    /// GiB, with a fraction if need be.
    pub memory: String,
    pub gpus: String,
    /// `new` or `existing`.
    pub home_kind: String,
    /// Empty means the notebook's name.
    pub home_new: String,
    pub home_existing: String,
    pub data: Vec<VolumeField>,
    pub env: Vec<VariableField>,
    pub secrets: Vec<VariableField>,
    pub git_url: String,
    pub git_branch: String,
    pub idle: bool,
    pub idle_minutes: String,
    pub key: String,
}

fn variables(rows: &[VariableField]) -> (Vec<EnvVar>, Vec<usize>) {
    rows.iter()
        .enumerate()
        .filter(|(_, row)| !(row.name.trim().is_empty() && row.value.is_empty()))
        .map(|(i, row)| (EnvVar { name: row.name.trim().to_owned(), value: row.value.clone() }, i))
        .unzip()
}

fn number<T: std::str::FromStr + Default>(text: &str) -> Option<T> {
    if text.trim().is_empty() { Some(T::default()) } else { text.trim().parse().ok() }
}

/// `2`, `0.5` or `0,5` GiB in MiB.
pub fn memory_mib(text: &str) -> Option<u32> {
    let gib: f64 = text.trim().replace(',', ".").parse().ok()?;
    let mib = (gib * 1024.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within the type")]
    (mib >= 0.0 && mib <= f64::from(u32::MAX)).then_some(mib as u32)
}

/// MiB as the form shows it: GiB without needless digits.
pub fn memory_gib(mib: u32) -> String {
    let text = format!("{:.3}", f64::from(mib) / 1024.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl LaunchForm {
    /// The size that is asked for; a number that cannot be read counts as none, which the checks refuse.
    pub fn resources(&self) -> Resources {
        Resources {
            cpus: self.cpus.trim().parse().unwrap_or(0),
            memory_mib: memory_mib(&self.memory).unwrap_or(0),
            gpus: number(&self.gpus).unwrap_or(u32::MAX),
        }
    }

    /// The volume that becomes the home folder.
    pub fn home(&self) -> String {
        let new = if self.home_new.trim().is_empty() { &self.name } else { &self.home_new };
        let home = if self.home_kind == "existing" { &self.home_existing } else { new };
        home.trim().to_owned()
    }

    /// The version of the chosen environment.
    pub fn version(&self) -> String {
        self.versions.get(&self.environment).cloned().unwrap_or_default()
    }

    /// What the form asks for. Empty rows are left out.
    pub fn request(&self) -> LaunchRequest {
        self.numbered().0
    }

    /// The request, and which row of the form each of its rows was.
    fn numbered(&self) -> (LaunchRequest, [Vec<usize>; 3]) {
        let (data, data_rows) = self
            .data
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.volume.trim().is_empty())
            .map(|(i, row)| (VolumeMount { volume: row.volume.trim().to_owned(), read_only: row.read_only }, i))
            .unzip();
        let (env, env_rows) = variables(&self.env);
        let (secrets, secret_rows) = variables(&self.secrets);
        let url = self.git_url.trim();
        let git = GitSource { url: url.to_owned(), branch: self.git_branch.trim().to_owned() };
        let spec = NotebookSpec {
            name: self.name.trim().to_owned(),
            environment: self.environment.clone(),
            version: self.version(),
            resources: self.resources(),
            home: self.home(),
            data,
            env,
            git: (!url.is_empty() || !git.branch.is_empty()).then_some(git),
            idle_minutes: self.idle.then(|| number(&self.idle_minutes).unwrap_or(0)),
        };
        (LaunchRequest { spec, secrets, idempotency_key: self.key.clone() }, [data_rows, env_rows, secret_rows])
    }

    /// The same checks as the server's, with the fields named as on the form.
    pub fn problems(&self) -> Vec<FieldError> {
        self.on_form(self.request().validate().err().unwrap_or_default())
    }

    /// Errors of the request with the rows numbered as on the form, where empty rows count too.
    pub fn on_form(&self, errors: Vec<FieldError>) -> Vec<FieldError> {
        let (_, [data, env, secrets]) = self.numbered();
        errors
            .into_iter()
            .map(|error| {
                let mut parts = error.field.splitn(3, '.');
                let (list, row, rest) = (parts.next(), parts.next().and_then(|n| n.parse::<usize>().ok()), parts.next());
                let rows = match list {
                    Some("data") => &data,
                    Some("env") => &env,
                    Some("secrets") => &secrets,
                    _ => return error,
                };
                match (list, row.and_then(|n| rows.get(n)), rest) {
                    (Some(list), Some(row), Some(rest)) => FieldError { field: format!("{list}.{row}.{rest}"), reason: error.reason },
                    _ => error,
                }
            })
            .collect()
    }

    /// The form that asks for `spec`, as for a clone or a template.
    pub fn from_spec(spec: &NotebookSpec, secret_names: &[String]) -> Self {
        let git = spec.git.clone().unwrap_or_default();
        Self {
            name: spec.name.clone(),
            environment: spec.environment.clone(),
            versions: BTreeMap::from([(spec.environment.clone(), spec.version.clone())]),
            cpus: spec.resources.cpus.to_string(),
            memory: memory_gib(spec.resources.memory_mib),
            gpus: spec.resources.gpus.to_string(),
            home_kind: "new".to_owned(),
            home_new: String::new(),
            home_existing: String::new(),
            data: spec.data.iter().map(|m| VolumeField { volume: m.volume.clone(), read_only: m.read_only }).collect(),
            env: spec.env.iter().map(|v| VariableField { name: v.name.clone(), value: v.value.clone() }).collect(),
            secrets: secret_names.iter().map(|name| VariableField { name: name.clone(), value: String::new() }).collect(),
            git_url: git.url,
            git_branch: git.branch,
            idle: spec.idle_minutes.is_some(),
            idle_minutes: spec.idle_minutes.unwrap_or(DEFAULT_IDLE_MINUTES).to_string(),
            key: String::new(),
        }
    }

    /// The same without the values of secrets, fit for an address.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut form = self.clone();
        form.secrets.iter_mut().for_each(|row| row.value.clear());
        form
    }
}

/// Longest address that a refused form is carried in, in bytes: servers and browsers take 8 KiB, other proxies a little less.
#[cfg(feature = "ssr")]
const ADDRESS: usize = 7_000;

#[cfg(feature = "ssr")]
impl LaunchForm {
    /// The form's address with what was typed and what was wrong.
    pub fn refused(&self, team: &str, error: &crate::error::AppError) -> String {
        if domain::model::validate_name(team, 40).is_err() {
            return "/".to_owned();
        }
        let problems = self.on_form(error.fields.clone());
        Self::carried(team, Draft { form: self.without_secrets(), message: error.message.clone(), problems, reviewed: false })
    }

    /// The form's address with what was typed, for a last look at it before the launch.
    pub fn reviewed(&self, team: &str) -> String {
        if domain::model::validate_name(team, 40).is_err() {
            return "/".to_owned();
        }
        Self::carried(team, Draft { form: self.without_secrets(), reviewed: true, ..Draft::default() })
    }

    /// What would not fit into an address is left out: values first, then rows.
    fn carried(team: &str, mut draft: Draft) -> String {
        let reductions: [fn(&mut Draft); 4] = [
            |draft| draft.form.env.iter_mut().filter(|row| row.value.len() > 100).for_each(|row| row.value.clear()),
            |draft| draft.form.env.iter_mut().for_each(|row| row.value.clear()),
            |draft| {
                draft.form = LaunchForm { data: Vec::new(), env: Vec::new(), secrets: Vec::new(), ..std::mem::take(&mut draft.form) };
                draft.problems.retain(|problem| !problem.field.contains('.'));
            },
            |draft| *draft = Draft { message: draft.message.chars().take(300).collect(), ..Draft::default() },
        ];
        let mut address = draft.address(team);
        for reduce in reductions {
            if address.len() <= ADDRESS {
                break;
            }
            reduce(&mut draft);
            address = draft.address(team);
        }
        address
    }
}

#[cfg(feature = "ssr")]
impl Draft {
    fn address(&self, team: &str) -> String {
        let mut query = leptos_router::params::ParamsMap::new();
        query.insert("draft", serde_json::to_string(self).unwrap_or_default());
        format!("/t/{team}/notebooks/new{}", query.to_query_string())
    }
}

/// A launch that was refused or is looked at once more, carried in the address to a browser without scripts: what was typed (no secrets) and
/// what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub form: LaunchForm,
    pub message: String,
    pub problems: Vec<FieldError>,
    /// Whether the review shows what was typed: without scripts it cannot follow what is typed since.
    #[serde(default)]
    pub reviewed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> LaunchForm {
        LaunchForm {
            name: "churn".into(),
            environment: "jupyterlab".into(),
            versions: BTreeMap::from([("jupyterlab".into(), "4".into()), ("terminal".into(), "1".into())]),
            cpus: "2".into(),
            memory: "0.5".into(),
            idle: true,
            idle_minutes: "60".into(),
            ..LaunchForm::default()
        }
    }

    #[test]
    fn the_shortest_form_launches() {
        let request = form().request();
        assert_eq!(request.validate(), Ok(()));
        assert_eq!(request.spec.home, "churn");
        assert_eq!(request.spec.version, "4");
        assert_eq!(request.spec.resources, Resources { cpus: 2, memory_mib: 512, gpus: 0 });
        assert_eq!(request.spec.git, None);
    }

    #[test]
    fn empty_rows_are_left_out_and_errors_land_on_the_row_they_were_typed_in() {
        let mut form = form();
        form.env = vec![
            VariableField::default(),
            VariableField { name: "A".into(), value: "1".into() },
            VariableField { name: "1".into(), value: String::new() },
        ];
        form.data = vec![VolumeField::default(), VolumeField { volume: "../x".into(), read_only: true }];
        assert_eq!(form.request().spec.env.len(), 2);
        let fields: Vec<_> = form.problems().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["data.1.volume", "env.2.name"]);
    }

    #[test]
    fn a_number_that_cannot_be_read_is_refused() {
        for (cpus, memory, gpus) in [("two", "1", "0"), ("1", "lots", "0"), ("1", "1", "-1"), ("", "1", "0"), ("1", "1e9", "0")] {
            let form = LaunchForm { cpus: cpus.into(), memory: memory.into(), gpus: gpus.into(), ..form() };
            assert_eq!(form.problems().len(), 1, "{cpus} {memory} {gpus}");
        }
        let form = LaunchForm { idle_minutes: "soon".into(), ..form() };
        assert_eq!(form.problems()[0].field, "idle_minutes");
    }

    #[test]
    fn a_template_gives_back_what_it_was_made_from() {
        let spec = form().request().spec;
        let again = LaunchForm::from_spec(&spec, &["TOKEN".into()]);
        assert_eq!(again.request().spec, spec);
        assert_eq!(again.secrets[0].name, "TOKEN");
    }

    #[test]
    fn memory_is_shown_without_needless_digits() {
        for (mib, text) in [(2048, "2"), (512, "0.5"), (128, "0.125"), (10_240, "10")] {
            assert_eq!(memory_gib(mib), text);
            assert_eq!(memory_mib(text), Some(mib));
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_refused_form_fits_into_an_address_whatever_was_typed() {
        let error = crate::error::AppError::new(crate::error::ErrorKind::Invalid, "Some fields are wrong.");
        let row = |n: usize, value: &str| VariableField { name: format!("N{n}"), value: value.repeat(n) };
        let plain = LaunchForm { env: vec![row(20, "x")], ..form() };
        assert!(plain.refused("red", &error).contains("xxxxxxxxxxxxxxxxxxxx"), "what fits is kept");
        let values = LaunchForm { env: (0..80).map(|n| row(n, "\u{1F980}\"")).collect(), ..form() };
        let rows = LaunchForm { data: vec![VolumeField { volume: "v".repeat(40), read_only: true }; 500], ..form() };
        let name = LaunchForm { name: "\u{1F980}".repeat(9_000), ..form() };
        let message = crate::error::AppError { message: "\u{1F980}".repeat(9_000), ..error.clone() };
        for (form, error) in [(values.clone(), &error), (rows, &error), (name, &error), (form(), &message)] {
            let address = form.refused("red", error);
            assert!(address.len() <= ADDRESS && address.starts_with("/t/red/notebooks/new?draft="), "{}", address.len());
        }
        assert!(values.refused("red", &error).contains("N79"), "names outlast values");
        assert_eq!(form().refused("red\r\nx", &error), "/");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_review_carries_what_was_typed_and_no_secret() {
        let secret = VariableField { name: "API_KEY".into(), value: "hunter2".into() };
        let address = LaunchForm { secrets: vec![secret], ..form() }.reviewed("red");
        assert!(
            address.starts_with("/t/red/notebooks/new?draft=") && address.contains("API%5FKEY") && !address.contains("hunter2"),
            "{address}"
        );
        assert_eq!(form().reviewed("../x"), "/");
    }
}
