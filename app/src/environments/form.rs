//! The environment form as browsers post it, with or without scripts, and how it becomes a catalogue entry.

use domain::model::{Deprecation, Environment, EnvironmentVersion, FieldError, Program, Resources};
use serde::{Deserialize, Serialize};

/// One version's fields. A row without a name, packages and an image is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionForm {
    pub name: String,
    /// One requirement a line.
    pub packages: String,
    /// A container image; empty means none.
    pub image: String,
    pub deprecated: bool,
    pub message: String,
    /// Empty means none.
    pub successor: String,
}

/// All fields of the environment form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentForm {
    pub name: String,
    pub title: String,
    pub description: String,
    pub logo: String,
    /// `jupyter-lab`, `code-server`, `r-studio` or `command`.
    pub program: String,
    /// The program and its arguments, one a line.
    pub argv: String,
    pub cpus: String,
    /// GiB.
    pub memory: String,
    pub gpus: String,
    /// Team names, separated by commas, spaces or lines; empty means all.
    pub visible_to: String,
    pub enabled: bool,
    pub versions: Vec<VersionForm>,
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

impl From<&Environment> for EnvironmentForm {
    fn from(environment: &Environment) -> Self {
        let version = |v: &EnvironmentVersion| VersionForm {
            name: v.name.clone(),
            packages: v.packages.join("\n"),
            image: v.image.clone().unwrap_or_default(),
            deprecated: v.deprecated.is_some(),
            message: v.deprecated.as_ref().map(|d| d.message.clone()).unwrap_or_default(),
            successor: v.deprecated.as_ref().and_then(|d| d.successor.clone()).unwrap_or_default(),
        };
        let argv = if let Program::Command { argv } = &environment.program { argv.join("\n") } else { String::new() };
        Self {
            name: environment.name.clone(),
            title: environment.title.clone(),
            description: environment.description.clone(),
            logo: environment.logo.clone(),
            program: environment.program.as_str().to_owned(),
            argv,
            cpus: environment.default_resources.cpus.to_string(),
            memory: crate::notebooks::memory_gib(environment.default_resources.memory_mib),
            gpus: environment.default_resources.gpus.to_string(),
            visible_to: environment.visible_to.join(", "),
            enabled: environment.enabled,
            versions: environment.versions.iter().map(version).collect(),
        }
    }
}

impl EnvironmentForm {
    /// What a new entry starts from.
    pub fn blank() -> Self {
        let resources = Resources::default();
        Self {
            logo: "jupyter".to_owned(),
            program: "jupyter-lab".to_owned(),
            cpus: resources.cpus.to_string(),
            memory: crate::notebooks::memory_gib(resources.memory_mib),
            gpus: "0".to_owned(),
            enabled: true,
            versions: vec![VersionForm { name: "1".to_owned(), packages: "jupyterlab>=4.4,<5".to_owned(), ..VersionForm::default() }],
            ..Self::default()
        }
    }

    /// The rows that count, with their place in the form.
    fn rows(&self) -> Vec<(usize, &VersionForm)> {
        self.versions
            .iter()
            .enumerate()
            .filter(|(_, v)| !(v.name.trim().is_empty() && v.packages.trim().is_empty() && v.image.trim().is_empty()))
            .collect()
    }

    /// The entry that the form describes; a number that cannot be read counts as one that the checks refuse.
    pub fn environment(&self) -> Environment {
        let versions = self.rows().into_iter().map(|(_, row)| {
            let successor = Some(row.successor.trim().to_owned()).filter(|s| !s.is_empty());
            EnvironmentVersion {
                name: row.name.trim().to_owned(),
                packages: lines(&row.packages),
                image: Some(row.image.trim().to_owned()).filter(|i| !i.is_empty()),
                deprecated: row.deprecated.then(|| Deprecation { message: row.message.trim().to_owned(), successor }),
            }
        });
        let names = self.visible_to.split([',', ' ', '\n', '\r', '\t']).filter(|n| !n.is_empty());
        Environment {
            name: self.name.trim().to_owned(),
            title: self.title.trim().to_owned(),
            description: self.description.trim().to_owned(),
            logo: self.logo.clone(),
            program: match self.program.as_str() {
                "code-server" => Program::CodeServer,
                "r-studio" => Program::RStudio,
                "command" => Program::Command { argv: lines(&self.argv) },
                _ => Program::JupyterLab,
            },
            versions: versions.collect(),
            default_resources: Resources {
                cpus: self.cpus.trim().parse().unwrap_or(0),
                memory_mib: crate::notebooks::memory_mib(&self.memory).unwrap_or(0),
                gpus: self.gpus.trim().parse().unwrap_or(u32::MAX),
            },
            visible_to: names.map(str::to_owned).collect(),
            enabled: self.enabled,
            updated_at: 0,
        }
    }

    /// Errors of the entry, named by the rows of the form.
    pub fn field_errors(&self, errors: Vec<FieldError>) -> Vec<FieldError> {
        let rows: Vec<usize> = self.rows().into_iter().map(|(i, _)| i).collect();
        let renamed = |error: FieldError| {
            let mut parts = error.field.splitn(3, '.');
            let (first, row, rest) = (parts.next(), parts.next().and_then(|i| i.parse::<usize>().ok()), parts.next());
            match (first, row.and_then(|i| rows.get(i)), rest) {
                (Some("versions"), Some(row), Some(rest)) => FieldError { field: format!("versions.{row}.{rest}"), reason: error.reason },
                _ => error,
            }
        };
        errors.into_iter().map(renamed).collect()
    }

    /// What is wrong with the form, for instant answers.
    pub fn check(&self) -> Vec<FieldError> {
        self.environment().validate().err().map(|errors| self.field_errors(errors)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_its_entry_say_the_same() {
        let mut form =
            EnvironmentForm { name: "lab".into(), title: "Lab".into(), visible_to: "vision, speech".into(), ..EnvironmentForm::blank() };
        form.versions[0].image = "registry.example.com/jupyter/base-notebook:lab-4.4.9".into();
        form.versions.push(VersionForm { name: "0".into(), deprecated: true, successor: "1".into(), ..VersionForm::default() });
        assert_eq!(form.check(), []);
        assert_eq!(EnvironmentForm::from(&form.environment()), form);
    }

    #[test]
    fn errors_name_the_row_of_the_form_also_past_an_empty_one() {
        let mut form = EnvironmentForm { name: "lab".into(), title: "Lab".into(), ..EnvironmentForm::blank() };
        form.versions.insert(0, VersionForm::default());
        form.versions[1].packages = "--index-url http://evil".into();
        assert_eq!(form.check().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["versions.1.packages"]);
        form.cpus = "many".into();
        assert!(form.check().iter().any(|e| e.field == "cpus"));
    }
}
