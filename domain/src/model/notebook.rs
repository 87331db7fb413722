//! Notebooks: what a person asks for, and what is so.

use super::{Checks, FieldError, Millis, NotebookId, Resources, UserId, VolumeMount, validate_line, validate_name};
use serde::{Deserialize, Serialize};

/// Where a notebook is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits for resources; the reason says for which.
    Queued,
    /// Its environment is being installed or its repository cloned.
    Preparing,
    /// Its process runs but does not answer yet.
    Starting,
    /// It can be opened.
    Ready,
    /// It can be opened, but nothing has happened in it for a while.
    Idle,
    Stopping,
    Stopped,
    /// It ended by itself or could not start; the reason says why, `next_step` what helps.
    Failed,
}

impl Phase {
    pub const ALL: [Self; 8] =
        [Self::Queued, Self::Preparing, Self::Starting, Self::Ready, Self::Idle, Self::Stopping, Self::Stopped, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Idle => "idle",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
    /// Whether it can be opened.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Ready | Self::Idle)
    }
    /// Whether nothing of it runs or will run by itself.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed)
    }
    /// Whether it holds CPUs, memory and GPUs.
    pub fn holds_resources(self) -> bool {
        matches!(self, Self::Preparing | Self::Starting | Self::Ready | Self::Idle | Self::Stopping)
    }
}

impl std::str::FromStr for Phase {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or_else(|| format!("\"{text}\" is not a phase"))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    pub name: String,
    pub value: String,
}

/// A repository cloned into the home at start, once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// `https://…`, `http://…` or `ssh://…`.
    pub url: String,
    /// Empty means the repository's default branch.
    pub branch: String,
}

/// What a person asks for. Stored as it is; secrets are kept apart and encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotebookSpec {
    /// Unique among the team's notebooks; a DNS label of at most 60 characters.
    pub name: String,
    /// Name of the catalogue entry.
    pub environment: String,
    /// Version in the entry.
    pub version: String,
    pub resources: Resources,
    /// The volume that is the home folder; made if the team has none of this name.
    pub home: String,
    #[serde(default)]
    pub data: Vec<VolumeMount>,
    #[serde(default)]
    pub env: Vec<EnvVar>,
    #[serde(default)]
    pub git: Option<GitSource>,
    /// Stops by itself after so many minutes without activity; none means never.
    pub idle_minutes: Option<u32>,
}

/// Idle stop when nothing else is asked for, in minutes.
pub const DEFAULT_IDLE_MINUTES: u32 = 60;
/// Most that a notebook's variables and secrets take together, in bytes.
pub const VARIABLES_BYTES: usize = 64 * 1024;
/// Shortest and longest idle stop, in minutes (30 days).
pub const IDLE_MINUTES: std::ops::RangeInclusive<u32> = 5..=43_200;

/// What a launch sends: the spec, and secrets that are never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRequest {
    pub spec: NotebookSpec,
    #[serde(default)]
    pub secrets: Vec<EnvVar>,
    /// A random value made by the form, so that a repeated click or retry launches once.
    #[serde(default)]
    pub idempotency_key: String,
}

/// A variable name that a shell accepts, and that does not belong to Slipway or the loader.
pub fn validate_env_name(name: &str) -> Result<(), String> {
    let shape = !name.is_empty()
        && name.len() <= 100
        && (name.as_bytes()[0].is_ascii_alphabetic() || name.starts_with('_'))
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !shape {
        return Err("Use letters, digits and underscores, not starting with a digit.".to_owned());
    }
    let reserved =
        ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "PORT"];
    if reserved.contains(&name) || ["SLIPWAY_", "LD_", "JUPYTER_", "JPY_"].iter().any(|p| name.starts_with(p)) {
        return Err(format!("{name} is set by Slipway; choose another name."));
    }
    Ok(())
}

/// A repository URL that git can only fetch from: no option, no local path, no transport helper. And without a password, since the
/// address is shown to the team and kept in the audit trail.
pub fn validate_git_url(url: &str) -> Result<(), String> {
    let user = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).and_then(|authority| authority.rsplit_once('@'));
    if user.is_some_and(|(user, _)| user.contains(':') || !url.starts_with("ssh://")) {
        return Err(
            "Leave the name and password or token out of the address: the team can see it. Use ssh, or clone from inside the notebook."
                .to_owned(),
        );
    }
    let rest = ["https://", "http://", "ssh://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let ok = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '-', '@', ':']))
        && url.len() <= 500
        && url.bytes().all(|b| b.is_ascii_graphic() && !b"\"'`\\<>{}|^$;".contains(&b));
    if ok { Ok(()) } else { Err("Type an address that starts with https://, http:// or ssh://.".to_owned()) }
}

/// A branch or tag name (the safe part of git-check-ref-format).
pub fn validate_branch(branch: &str) -> Result<(), String> {
    let ok = branch.is_empty()
        || (branch.len() <= 200
            && !branch.starts_with(['-', '/', '.'])
            && !branch.ends_with(['/', '.'])
            && !branch.contains("..")
            && branch.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)));
    if ok { Ok(()) } else { Err("Type a branch or tag name, for example main.".to_owned()) }
}

impl LaunchRequest {
    /// All that can be said without the database. Fields: `name`, `environment`, `version`, `cpus`, `memory_mib`, `gpus`, `home`,
    /// `data.N.volume`, `env.N.name`, `env.N.value`, `secrets.N.name`, `secrets.N.value`, `git_url`, `git_branch`, `idle_minutes`.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        let spec = &self.spec;
        checks.check("name", validate_name(&spec.name, 60));
        checks.require(!spec.environment.is_empty(), "environment", "Choose an environment.");
        checks.check("environment", validate_line(&spec.environment, 40));
        checks.check("version", validate_line(&spec.version, 40));
        spec.resources.validate(&mut checks);
        checks.check("home", validate_name(&spec.home, 40));
        checks.require(spec.data.len() <= 20, "data", "Attach at most 20 volumes.");
        for (i, mount) in spec.data.iter().enumerate() {
            let field = format!("data.{i}.volume");
            checks.check(&field, validate_name(&mount.volume, 40));
            let twice = mount.volume == spec.home || spec.data[..i].iter().any(|m| m.volume == mount.volume);
            checks.require(!twice, &field, "This volume is attached already.");
        }
        checks.require(spec.env.len() + self.secrets.len() <= 100, "env", "Use at most 100 variables.");
        for (kind, list) in [("env", &spec.env), ("secrets", &self.secrets)] {
            for (i, variable) in list.iter().enumerate() {
                let field = format!("{kind}.{i}.name");
                checks.check(&field, validate_env_name(&variable.name));
                let earlier = list[..i].iter().chain(if kind == "secrets" { spec.env.as_slice() } else { &[] });
                checks.require(!earlier.into_iter().any(|v| v.name == variable.name), &field, "Another variable has this name.");
                checks.require(
                    variable.value.len() <= 32_768 && !variable.value.contains('\0'),
                    format!("{kind}.{i}.value"),
                    "Use at most 32 KiB of text.",
                );
            }
        }
        let bytes: usize = spec.env.iter().chain(&self.secrets).map(|v| v.name.len() + v.value.len()).sum();
        checks.require(bytes <= VARIABLES_BYTES, "env", "Use at most 64 KiB for all variables and secrets together; put more into a file.");
        if let Some(git) = &spec.git {
            checks.check("git_url", validate_git_url(&git.url));
            checks.check("git_branch", validate_branch(&git.branch));
        }
        if let Some(minutes) = spec.idle_minutes {
            checks.require(
                IDLE_MINUTES.contains(&minutes),
                "idle_minutes",
                format!("Use {} to {} minutes.", IDLE_MINUTES.start(), IDLE_MINUTES.end()),
            );
        }
        checks.finish()
    }
}

/// One step of a start, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseChange {
    pub phase: Phase,
    pub at: Millis,
    pub reason: Option<String>,
}

/// How far a preparation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, for example "Installing jupyterlab (23 of 94 packages)".
    pub step: String,
    pub done: u32,
    /// 0 where it cannot be known.
    pub total: u32,
}

/// A notebook as every page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notebook {
    pub id: NotebookId,
    /// Team name.
    pub team: String,
    pub owner: UserId,
    pub owner_email: String,
    pub spec: NotebookSpec,
    pub secret_names: Vec<String>,
    pub phase: Phase,
    pub phase_at: Millis,
    /// Why it is in this phase, in a sentence, where there is something to say.
    pub reason: Option<String>,
    /// What the reader can do about it.
    pub next_step: Option<String>,
    pub progress: Option<Progress>,
    /// Counts the launches; the timeline is of this one.
    pub launch: i64,
    /// The current launch, oldest first. Empty in lists.
    pub timeline: Vec<PhaseChange>,
    pub created_at: Millis,
    pub last_activity_at: Option<Millis>,
    /// When idle stop will act, if nothing happens until then.
    pub idle_stop_at: Option<Millis>,
}

/// What a template link carries: a spec without its name and without secrets.
impl NotebookSpec {
    /// The part of a spec that can be shared: no name, no home.
    #[must_use]
    pub fn as_template(&self) -> Self {
        Self { name: String::new(), home: String::new(), data: Vec::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> LaunchRequest {
        LaunchRequest {
            spec: NotebookSpec {
                name: "churn".into(),
                environment: "jupyterlab".into(),
                version: "4".into(),
                resources: Resources::default(),
                home: "churn".into(),
                data: vec![],
                env: vec![],
                git: None,
                idle_minutes: Some(60),
            },
            secrets: vec![],
            idempotency_key: String::new(),
        }
    }
    fn fields(request: &LaunchRequest) -> Vec<String> {
        request.validate().err().unwrap_or_default().into_iter().map(|e| e.field).collect()
    }

    #[test]
    fn the_shortest_request_is_fine() {
        assert_eq!(request().validate(), Ok(()));
    }

    #[test]
    fn each_bad_field_is_named() {
        let mut bad = request();
        bad.spec.name = "../x".into();
        bad.spec.home = "../x".into();
        bad.spec.resources.cpus = 0;
        bad.spec.data = vec![VolumeMount { volume: "a".into(), read_only: true }, VolumeMount { volume: "a".into(), read_only: false }];
        bad.spec.env = vec![EnvVar { name: "LD_PRELOAD".into(), value: String::new() }, EnvVar { name: "A".into(), value: "x\0".into() }];
        bad.secrets = vec![EnvVar { name: "A".into(), value: String::new() }];
        bad.spec.git = Some(GitSource { url: "--upload-pack=touch x".into(), branch: "-x".into() });
        bad.spec.idle_minutes = Some(1);
        let expected = [
            "name",
            "cpus",
            "home",
            "data.1.volume",
            "env.0.name",
            "env.1.value",
            "secrets.0.name",
            "git_url",
            "git_branch",
            "idle_minutes",
        ];
        assert_eq!(fields(&bad), expected);
    }

    #[test]
    fn git_takes_no_options_paths_helpers_or_passwords() {
        for bad in ["https://ada:token@example.com/a", "https://token@example.com/a", "ssh://git:secret@example.com/a"] {
            assert!(validate_git_url(bad).is_err_and(|why| why.contains("password")), "{bad}");
        }
        for good in ["https://example.com/a/b.git", "ssh://git@example.com/a"] {
            assert_eq!(validate_git_url(good), Ok(()), "{good}");
        }
        for bad in [
            "--upload-pack=touch x",
            "ext::sh -c touch",
            "file:///etc",
            "/etc",
            "https://-x",
            "https://",
            "https://a b",
            "git@host:x",
            "https://a/$(x)",
        ] {
            assert!(validate_git_url(bad).is_err(), "{bad}");
        }
        for bad in ["-x", "--upload-pack=x", "a..b", "/a", "a b", "a~1"] {
            assert!(validate_branch(bad).is_err(), "{bad}");
        }
    }
}
