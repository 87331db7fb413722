//! The catalogue a new portal starts with.

use crate::model::{Environment, EnvironmentVersion, Millis, Program, Resources};

/// So that `mlflow.start_run()` just works: notebooks know the portal's address and have a token.
const MLFLOW: &str = "mlflow-skinny>=3.1,<4";

pub(super) fn catalogue(now: Millis) -> Vec<Environment> {
    let entry = |name: &str, title: &str, description: &str, logo: &str, program, versions| Environment {
        name: name.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        logo: logo.to_owned(),
        program,
        versions,
        default_resources: Resources::default(),
        visible_to: Vec::new(),
        enabled: true,
        updated_at: now,
    };
    vec![
        entry(
            "jupyterlab",
            "JupyterLab",
            "Notebooks, a terminal and an editor on Python, in an environment of their own.",
            "jupyter",
            Program::JupyterLab,
            vec![
                version("4", &["jupyterlab>=4.4,<5", MLFLOW]),
                version(
                    "4-data-science",
                    &["jupyterlab>=4.4,<5", MLFLOW, "numpy>=2,<3", "pandas>=2,<4", "matplotlib>=3,<4", "scikit-learn>=1,<2"],
                ),
            ],
        ),
        entry(
            "code-server",
            "VS Code",
            "The editor VS Code in the browser, as code-server serves it. Other notebooks on the same machine can reach it.",
            "vscode",
            Program::CodeServer,
            vec![version("installed", &[])],
        ),
        entry(
            "rstudio",
            "RStudio",
            "The editor RStudio for R in the browser. Other notebooks on the same machine can reach it.",
            "rstudio",
            Program::RStudio,
            vec![version("installed", &[])],
        ),
    ]
}

fn version(name: &str, packages: &[&str]) -> EnvironmentVersion {
    EnvironmentVersion { name: name.to_owned(), packages: packages.iter().map(|&p| p.to_owned()).collect(), image: None, deprecated: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_entry_is_valid_and_has_a_default_version() {
        for environment in catalogue(0) {
            assert_eq!(environment.validate(), Ok(()), "{}", environment.name);
            assert!(environment.default_version().is_some());
        }
    }
}
