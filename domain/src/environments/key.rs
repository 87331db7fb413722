//! The name under which a version's Python environment is cached: same key, same packages.

use crate::{model::EnvironmentVersion, random};

/// `<environment>-<version>-<12 hexadecimal digits of SHA-256 over the packages>`, safe as a folder's name.
pub fn environment_key(environment: &str, version: &EnvironmentVersion) -> String {
    let slug: String =
        version.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("{environment}-{slug}-{}", &random::digest(&version.packages.join("\n"))[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_folder_name_that_changes_with_the_packages() {
        let version = |packages: &[&str]| EnvironmentVersion {
            name: "4.4 LTS/../x".into(),
            packages: packages.iter().map(|p| (*p).to_owned()).collect(),
            deprecated: None,
        };
        let key = environment_key("jupyterlab", &version(&["jupyterlab==4.4.*"]));
        assert!(key.starts_with("jupyterlab-4.4-lts-..-x-"), "{key}");
        assert!(!key.contains('/'));
        assert_ne!(key, environment_key("jupyterlab", &version(&["jupyterlab==4.5.*"])));
    }
}
