//! The catalogue of notebook environments: data that administrators edit, not code.

use super::{Checks, FieldError, Millis, validate_line, validate_name};
use serde::{Deserialize, Serialize};

/// What a workload asks for. The engine holds it to this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    pub cpus: u32,
    pub memory_mib: u32,
    pub gpus: u32,
}

impl Default for Resources {
    fn default() -> Self {
        Self { cpus: 1, memory_mib: 2048, gpus: 0 }
    }
}

impl Resources {
    pub fn validate(&self, checks: &mut Checks) {
        checks.require((1..=1024).contains(&self.cpus), "cpus", "Use 1 to 1024 CPUs.");
        checks.require((128..=16 * 1024 * 1024).contains(&self.memory_mib), "memory_mib", "Use 128 MiB to 16 TiB.");
        checks.require(self.gpus <= 1024, "gpus", "Use 0 to 1024 GPUs.");
    }
}

/// What an environment starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Program {
    /// JupyterLab in a Python environment made with venv and pip on first use, then cached.
    JupyterLab,
    /// code-server, where the machine has it.
    CodeServer,
    /// `RStudio` Server, where the machine has it.
    RStudio,
    /// Any program that serves HTTP. `{port}` in an argument becomes the port it must listen on, `{host}` the address: loopback on the engine
    /// `local`, all of the pod's on `kubernetes`.
    Command { argv: Vec<String> },
}

impl Program {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::JupyterLab => "jupyter-lab",
            Self::CodeServer => "code-server",
            Self::RStudio => "r-studio",
            Self::Command { .. } => "command",
        }
    }
}

/// A withdrawn version, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deprecation {
    pub message: String,
    /// Name of the version in the same environment that new launches get instead.
    pub successor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentVersion {
    pub name: String,
    /// Requirement lines for pip, one package each, for example `jupyterlab==4.4.*`. Options and URLs are refused.
    pub packages: Vec<String>,
    /// The container image that it is on Kubernetes, for example `registry.example.com/jupyter/base-notebook:lab-4.4.9`. It is expected to hold the packages.
    #[serde(default)]
    pub image: Option<String>,
    pub deprecated: Option<Deprecation>,
}

/// One entry of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Unique; a DNS label of at most 40 characters.
    pub name: String,
    pub title: String,
    pub description: String,
    /// Name of a built-in logo: `jupyter`, `vscode`, `rstudio` or `terminal`.
    pub logo: String,
    pub program: Program,
    /// Newest first; the first one not deprecated is the default.
    pub versions: Vec<EnvironmentVersion>,
    pub default_resources: Resources,
    /// Names of the teams that may use it; empty means all.
    pub visible_to: Vec<String>,
    pub enabled: bool,
    pub updated_at: Millis,
}

/// An entry as a launcher sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentChoice {
    pub environment: Environment,
    /// Why it cannot be launched here, for example "code-server was not found on this machine".
    pub unavailable: Option<String>,
    /// Versions whose Python environment is already made, so that they start in seconds.
    pub cached_versions: Vec<String>,
}

/// A requirement line that is a package and nothing else: no option, no URL, no path.
pub fn validate_requirement(line: &str) -> Result<(), String> {
    let ok = !line.is_empty()
        && line.len() <= 200
        && line.as_bytes()[0].is_ascii_alphanumeric()
        && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.[],<>=!~* ".contains(&b));
    if ok {
        Ok(())
    } else {
        Err(format!(
            "\"{}\" is not a plain requirement such as pandas>=2.2; options, URLs and paths are refused.",
            line.chars().take(60).collect::<String>()
        ))
    }
}

/// A reference to a container image and nothing else: `[host[:port]/]path[:tag][@sha256:digest]`.
pub fn validate_image(reference: &str) -> Result<(), String> {
    let (rest, digest) = reference.split_once('@').map_or((reference, None), |(rest, digest)| (rest, Some(digest)));
    // A colon after the last slash begins the tag; one before it, a registry's port.
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = rest[slash..].find(':').map_or((rest, None), |at| (&rest[..slash + at], Some(&rest[slash + at + 1..])));
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let part = |text: &str| {
        let plain = text.bytes().all(|b| word(b) || b"._-".contains(&b)) && !text.contains("..") && !text.contains("___");
        plain && text.bytes().next().is_some_and(word) && text.bytes().last().is_some_and(word)
    };
    let host = |text: &str| {
        let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
        part(name) && !name.contains('_') && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|n| n > 0 && n.to_string() == p))
    };
    let mut parts = name.split('/');
    let first = parts.next().unwrap_or_default();
    let several = name.contains('/');
    let named = (part(first) || several && host(first)) && parts.all(part);
    let tagged = tag.is_none_or(|t| {
        let lead = t.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        lead && t.len() <= 128 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    });
    let hex = |d: &str| d.len() == 64 && d.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let digested = digest.is_none_or(|d| d.strip_prefix("sha256:").is_some_and(hex));
    if reference.len() <= 300 && named && tagged && digested {
        Ok(())
    } else {
        Err("Use an image such as registry.example.com/jupyter/base-notebook:lab-4.4.9, with nothing before or after it.".to_owned())
    }
}

impl Environment {
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("name", validate_name(&self.name, 40));
        checks.require(!self.title.trim().is_empty(), "title", "Give it a title.");
        checks.check("title", validate_line(&self.title, 60));
        checks.check("description", validate_line(&self.description, 300));
        checks.require(
            ["jupyter", "vscode", "rstudio", "terminal"].contains(&self.logo.as_str()),
            "logo",
            "Choose jupyter, vscode, rstudio or terminal.",
        );
        checks.require(!self.versions.is_empty(), "versions", "Give it at least one version.");
        checks.require(self.versions.len() <= 50, "versions", "Use at most 50 versions.");
        for (i, version) in self.versions.iter().enumerate() {
            checks.check(format!("versions.{i}.name"), validate_line(&version.name, 40));
            checks.require(!version.name.trim().is_empty(), format!("versions.{i}.name"), "Give the version a name.");
            checks.require(
                !self.versions[..i].iter().any(|v| v.name == version.name),
                format!("versions.{i}.name"),
                "Another version has this name.",
            );
            for line in &version.packages {
                checks.check(format!("versions.{i}.packages"), validate_requirement(line));
            }
            if let Some(image) = &version.image {
                checks.check(format!("versions.{i}.image"), validate_image(image));
            }
            if let Some(Deprecation { message, successor }) = &version.deprecated {
                checks.check(format!("versions.{i}.deprecated"), validate_line(message, 300));
                if let Some(successor) = successor {
                    let known = self.versions.iter().any(|v| v.name == *successor && v.name != version.name && v.deprecated.is_none());
                    checks.require(
                        known,
                        format!("versions.{i}.successor"),
                        "The successor must be another version here that is not deprecated.",
                    );
                }
            }
        }
        if let Program::Command { argv } = &self.program {
            checks.require(argv.first().is_some_and(|a| !a.trim().is_empty()), "argv", "Type the program and its arguments, one a line.");
            checks.require(argv.iter().any(|a| a.contains("{port}")), "argv", "One argument must contain {port}: the port to listen on.");
            checks.require(
                argv.iter().all(|a| a.len() <= 1000 && !a.contains('\0')) && argv.len() <= 100,
                "argv",
                "Use at most 100 arguments of 1000 characters.",
            );
        }
        self.default_resources.validate(&mut checks);
        checks.finish()
    }

    /// The version that a launch of `wanted` gets: itself, or its successor where it is deprecated.
    pub fn resolve_version(&self, wanted: &str) -> Option<&EnvironmentVersion> {
        let found = self.versions.iter().find(|v| v.name == wanted)?;
        match found.deprecated.as_ref().and_then(|d| d.successor.as_ref()) {
            Some(successor) => self.versions.iter().find(|v| v.name == *successor),
            None => Some(found),
        }
    }

    /// The first version that is not deprecated.
    pub fn default_version(&self) -> Option<&EnvironmentVersion> {
        self.versions.iter().find(|v| v.deprecated.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_a_package_and_nothing_else() {
        for good in ["pandas", "jupyterlab==4.4.*", "torch>=2,<3", "mlflow-skinny[extras]", "a ~= 1.0"] {
            assert_eq!(validate_requirement(good), Ok(()), "{good}");
        }
        for bad in ["", "--index-url http://evil", "-r x", "git+https://x", "a @ file:///etc", "./x", "a;b", "$(touch x)"] {
            assert!(validate_requirement(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_image_is_a_reference_and_nothing_else() {
        let digest = format!("registry:5000/a/b_c@sha256:{}", "0a".repeat(32));
        let good = ["busybox", "localhost/busybox:1", "registry.example.com/jupyter/base-notebook:lab-4.4.9", "my.registry:5000/x/y.z:V1", &digest];
        for good in good {
            assert_eq!(validate_image(good), Ok(()), "{good}");
        }
        let long = format!("a/{}", "x".repeat(1000));
        let bad = [
            "",
            " ",
            "a b",
            "a\nb",
            "a:",
            "a:b:c",
            "http://x/y",
            "Upper/case",
            "a/../b",
            "/a",
            "a/",
            "a//b",
            "a@sha256:12",
            "a@md5:0",
            "-a",
            "a-",
            "a:-x",
            "$(touch x)",
            "a;b",
            "host:99999/a",
            "host:/a",
            "{{ .Values }}",
            "a\u{0}",
            &long,
        ];
        for bad in bad {
            assert!(validate_image(bad).is_err(), "{bad}");
        }
    }
}
