//! The only reader of the environment: one table of keys, each a flag, a variable `SLIPWAY_…` and a line of the configuration file.

mod cluster;

use crate::http::{Origin, proxies::Network};
use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use domain::{
    artifacts::BucketConfig,
    compute::{kubernetes::KubernetesConfig, local::LocalConfig},
    import::Auth,
    webhooks::Allowed,
};
use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

/// One thing that can be chosen.
pub struct Key {
    pub name: &'static str,
    pub value: &'static str,
    pub default: &'static str,
    pub help: &'static str,
}

/// Every key. `slipway --help` is made from it.
pub const KEYS: &[Key] = &[
    key("listen", "ADDRESS", "127.0.0.1:3000", "Address and port to listen on; port 0 takes a free one"),
    key("metrics-listen", "ADDRESS", "none", "Address and port where Prometheus reads /metrics; everybody who reaches it may"),
    key("data", "DIR", "./slipway-data", "Folder for everything Slipway keeps: database, key, environments, volumes"),
    key("database", "URL", "sqlite in the data folder", "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"),
    key(
        "secret-key",
        "FILE",
        "secret.key in the data folder",
        "File with the key that secrets are sealed with: 32 random bytes as base64, the same for all replicas",
    ),
    key(
        "public-url",
        "URL",
        "http://localhost:PORT",
        "Where browsers reach the portal; notebooks are reached at ID.HOST, pages that runs logged at files.HOST",
    ),
    key("log", "FILTER", "info", "What is logged: error, warn, info, debug, or a tracing filter such as info,sqlx=warn"),
    key("log-format", "FORMAT", "text", "text or json, one line for each record, on standard error"),
    key("session-idle-hours", "HOURS", "12", "A session ends after so long without use (1 to 720)"),
    key("session-absolute-days", "DAYS", "7", "A session ends after so long in any case (1 to 90)"),
    key("drain-seconds", "SECONDS", "0", "Goes on answering for so long after it was asked to stop, while /readyz says no (0 to 300)"),
    key("python", "PATH", "python3 on PATH", "The Python that notebook environments are made with"),
    key(
        "artifacts",
        "URL",
        "a folder in the data folder",
        "Where artifacts are kept: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, with the service's own variables \
         (AWS_…, GOOGLE_…, AZURE_…) for keys, region and endpoint",
    ),
    key("artifact-quota-gib", "GIB", "0", "What the artifacts of one team may take, in GiB; 0 for no limit"),
    key("token-rate", "REQUESTS", "0", "Requests a second that one token may send to MLflow's API; 0 for no limit"),
    key(
        "purge-after-days",
        "DAYS",
        "30",
        "Experiments, runs and models that were deleted so many days ago are removed for good, once a day; 0 for never by itself",
    ),
    key("readable", "DIR:DIR", "none", "Folders that notebooks may read beside the system's own, separated by colons"),
    key("engine", "local|kubernetes", "local", "What runs notebooks: this machine, or a Kubernetes cluster"),
    key(
        "kubeconfig",
        "PATH",
        "the pod's service account",
        "How the engine kubernetes reaches its cluster, where Slipway does not run in it",
    ),
    key(
        "kubernetes-namespace-prefix",
        "NAME",
        "slipway",
        "The namespace of a team is NAME-TEAM; each portal of a cluster needs its own NAME",
    ),
    key("kubernetes-storage-class", "CLASS", "the cluster's default", "The class that volumes are made in"),
    key("kubernetes-volume-gib", "GIB", "10", "Size of a new volume, in GiB"),
    key("kubernetes-gpu-resource", "NAME", "nvidia.com/gpu", "The extended resource that a GPU is"),
    key("kubernetes-nodes", "LABEL=VALUE,…", "all", "Labels of the nodes that notebooks may run on, separated by commas"),
    key("kubernetes-internet", "true|false", "true", "Whether notebooks in the cluster reach addresses outside private networks"),
    key(
        "webhook-allow",
        "HOST:PORT,…",
        "none",
        "Receivers of webhooks inside the network, or on ports other than 443 and 8443, separated by commas",
    ),
    key(
        "proxies",
        "NETWORK,…",
        "none",
        "TLS proxies on other machines, such as 10.42.0.0/16: whom they name last in X-Forwarded-For is who asks, and they may hold everybody's \
         connections",
    ),
    key(
        "insecure-http",
        "true|false",
        "false",
        "Lets other machines reach the portal without TLS; passwords then cross the network in the clear",
    ),
];

const fn key(name: &'static str, value: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, value, default, help }
}

/// The file that is read where none is named.
const FILE: &str = "slipway.toml";

/// What the operator chose, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// Where metrics are read; nowhere where there is none.
    pub metrics_listen: Option<SocketAddr>,
    pub data: PathBuf,
    pub database: String,
    /// File of the sealing key; in the data folder where there is none.
    pub secret_key: Option<PathBuf>,
    /// From the signal to stop to the end of accepting.
    pub drain: Duration,
    /// None where it follows from the port.
    pub public_url: Option<Origin>,
    pub log: String,
    pub log_json: bool,
    pub session_idle_hours: i64,
    pub session_absolute_days: i64,
    pub webhook_allow: Vec<Allowed>,
    /// TLS proxies on other machines.
    pub proxies: Vec<Network>,
    /// Bytes of artifacts that one team may keep; none where there is no limit.
    pub artifact_quota: Option<u64>,
    /// Requests a second of one token to MLflow's API; none where there is no limit.
    pub token_rate: Option<u32>,
    /// What was deleted so many days ago is purged by itself; none where nothing is.
    pub purge_after_days: Option<u32>,
    /// Where artifacts are kept; in the data folder where there is none.
    pub bucket: Option<BucketConfig>,
    /// How an MLflow server that is imported from knows who asks: in the variables of MLflow's own clients, never among the arguments.
    pub mlflow: Auth,
    /// What the engine `local` works with.
    pub engine: LocalConfig,
    /// What the engine `kubernetes` works with; none where notebooks run on this machine.
    pub cluster: Option<KubernetesConfig>,
}

/// A setting that cannot be used: its name, where it was set, and what was expected.
#[derive(Debug, PartialEq, Eq)]
pub struct BadSetting {
    pub key: String,
    pub set_in: String,
    pub reason: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {}): {}", self.key, self.set_in, self.reason)
    }
}

/// Adds a flag for each key.
pub fn flags(command: Command) -> Command {
    let command = KEYS.iter().fold(command, |command, key| {
        let arg = Arg::new(key.name).long(key.name).value_name(key.value).global(true).action(ArgAction::Set).help_heading("Configuration");
        let arg = if key.value == "true|false" { arg.num_args(0..=1).default_missing_value("true") } else { arg };
        command.arg(arg.help(format!("{} [default: {}] [variable: {}]", key.help, key.default, variable(key.name))))
    });
    let help = format!(
        "Configuration file: lines KEY = VALUE in TOML, keys as the flags [default: ./{FILE} if it is there] [variable: SLIPWAY_CONFIG]"
    );
    command.arg(Arg::new("config").long("config").value_name("FILE").global(true).help_heading("Configuration").help(help))
}

fn variable(key: &str) -> String {
    format!("SLIPWAY_{}", key.to_ascii_uppercase().replace('-', "_"))
}

/// Reads flags, then the environment, then the file, then the defaults.
///
/// # Errors
/// The first setting that is unknown or cannot be used.
pub fn load(matches: &ArgMatches) -> Result<Config, BadSetting> {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads it")]
    let (variables, program) = (std::env::vars_os(), std::env::current_exe());
    let variables: BTreeMap<String, String> =
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    let ours = variables.iter().filter(|(name, _)| name.starts_with("SLIPWAY_")).map(|(n, v)| (n.clone(), v.clone()));
    let mut config = Settings::gather(matches, ours.collect())?.check()?;
    config.engine.launcher = program.map_err(|e| bad("slipway", "the system", format!("its own path cannot be found: {e}")))?;
    if let Some(path) = variables.get("PATH") {
        config.engine.path = std::env::split_paths(path).filter(|p| p.is_absolute()).collect();
    }
    if let Some(bucket) = &mut config.bucket {
        let of_service = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        let options = variables.iter().filter(|(name, _)| of_service(name));
        bucket.options = options.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    }
    config.mlflow = mlflow(&variables);
    config.engine.install_env = variables.into_iter().filter(|(name, _)| LocalConfig::is_install_variable(name)).collect();
    Ok(config)
}

/// As MLflow's clients read them: name and password before the token.
fn mlflow(variables: &BTreeMap<String, String>) -> Auth {
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
    match (set("MLFLOW_TRACKING_USERNAME"), set("MLFLOW_TRACKING_PASSWORD"), set("MLFLOW_TRACKING_TOKEN")) {
        (Some(user), Some(password), _) => Auth::Basic { user, password },
        (.., Some(token)) => Auth::Bearer(token),
        _ => Auth::None,
    }
}

/// Values as they were written, each with where.
struct Settings(BTreeMap<&'static str, (String, String)>);

impl Settings {
    fn gather(matches: &ArgMatches, environment: BTreeMap<String, String>) -> Result<Self, BadSetting> {
        let mut values = BTreeMap::new();
        let named = matches.get_one::<String>("config").cloned().map(|f| (f, "--config".to_owned()));
        let named = named.or_else(|| environment.get("SLIPWAY_CONFIG").cloned().map(|f| (f, "SLIPWAY_CONFIG".to_owned())));
        for (key, value, source) in file(named)? {
            values.insert(key, (value, source));
        }
        // Set by the build and the tests, not by an operator.
        for (name, value) in environment.into_iter().filter(|(n, _)| !is_not_ours(n)) {
            let Some(key) = KEYS.iter().find(|k| variable(k.name) == name) else {
                return Err(bad(&name, "the environment", "is not a setting of Slipway; see slipway --help".to_owned()));
            };
            values.insert(key.name, (value, name));
        }
        for key in KEYS {
            let given = matches.value_source(key.name) == Some(ValueSource::CommandLine);
            if let Some(value) = matches.get_one::<String>(key.name).filter(|_| given) {
                values.insert(key.name, (value.clone(), format!("--{}", key.name)));
            }
        }
        Ok(Self(values))
    }

    fn text(&self, key: &'static str) -> Option<&str> {
        self.0.get(key).map(|(value, _)| value.as_str())
    }

    /// The value as a `T`, or `default` where it is not set.
    fn parse<T>(&self, key: &'static str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, BadSetting> {
        let (value, source) = self.0.get(key).map_or((default, "default"), |(v, s)| (v.as_str(), s.as_str()));
        read(value).map_err(|expected| bad(key, source, format!("\"{value}\" cannot be used: {expected}")))
    }

    fn check(&self) -> Result<Config, BadSetting> {
        let data = PathBuf::from(self.text("data").unwrap_or("./slipway-data"));
        let sqlite = format!("sqlite:{}", data.join("slipway.sqlite").display());
        let mut engine = LocalConfig::new(&data, "");
        engine.python = self.parse("python", "", |v| if v.is_empty() { Ok(None) } else { absolute(v).map(Some) })?;
        engine.readable = self.parse("readable", "", |v| v.split(':').filter(|d| !d.is_empty()).map(absolute).collect())?;
        let config = Config {
            engine,
            cluster: self.cluster()?,
            listen: self
                .parse("listen", "127.0.0.1:3000", |v| v.parse().map_err(|_| "expected an address such as 127.0.0.1:3000".to_owned()))?,
            metrics_listen: self.parse("metrics-listen", "", |v| {
                let expected = || "expected an address such as 127.0.0.1:9090".to_owned();
                if v.is_empty() { Ok(None) } else { v.parse().map(Some).map_err(|_| expected()) }
            })?,
            database: self.parse("database", &sqlite, database)?,
            data,
            secret_key: self.parse("secret-key", "", |v| if v.is_empty() { Ok(None) } else { absolute(v).map(Some) })?,
            drain: self.parse("drain-seconds", "0", |v| number(v, 0, 300).map(i64::unsigned_abs).map(Duration::from_secs))?,
            public_url: self.parse("public-url", "", |v| if v.is_empty() { Ok(None) } else { Origin::parse(v).map(Some) })?,
            log: self.parse("log", "info", |v| {
                v.parse::<tracing_subscriber::EnvFilter>().map(|_| v.to_owned()).map_err(|e| format!("expected a level or a filter ({e})"))
            })?,
            log_json: self.parse("log-format", "text", |v| choice(v, &[("text", false), ("json", true)]))?,
            session_idle_hours: self.parse("session-idle-hours", "12", |v| number(v, 1, 720))?,
            session_absolute_days: self.parse("session-absolute-days", "7", |v| number(v, 1, 90))?,
            bucket: self.parse("artifacts", "", bucket)?,
            mlflow: Auth::None,
            webhook_allow: self
                .parse("webhook-allow", "", |v| v.split(',').map(str::trim).filter(|a| !a.is_empty()).map(str::parse).collect())?,
            proxies: self.parse("proxies", "", |v| v.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::parse).collect())?,
            artifact_quota: self.parse("artifact-quota-gib", "0", |v| number(v, 0, 1 << 30).map(gib))?,
            token_rate: self.parse("token-rate", "0", |v| number(v, 0, 1_000_000).map(none_for_0))?,
            purge_after_days: self.parse("purge-after-days", "30", |v| number(v, 0, 36_500).map(none_for_0))?,
        };
        let insecure = self.parse("insecure-http", "false", |v| choice(v, &[("true", true), ("false", false)]))?;
        let tls = config.public_url.as_ref().is_some_and(Origin::secure);
        if !config.listen.ip().is_loopback() && !tls && !insecure {
            let reason = format!(
                "{} can be reached by other machines: set --public-url to the https:// address of the proxy that ends TLS, or allow \
                 plain HTTP with --insecure-http",
                config.listen
            );
            return Err(bad("listen", self.0.get("listen").map_or("default", |(_, s)| s), reason));
        }
        Ok(config)
    }
}

/// Keys, values and their place in the configuration file; empty where none is named and none is there.
fn file(named: Option<(String, String)>) -> Result<Vec<(&'static str, String, String)>, BadSetting> {
    let (path, source) = named.clone().unwrap_or_else(|| (FILE.to_owned(), "default".to_owned()));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(bad("config", &source, format!("{path} cannot be read: {error}"))),
    };
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| bad("config", &path, e.message().to_owned()))?;
    let mut values = Vec::new();
    for (name, value) in table {
        let Some(key) = KEYS.iter().find(|k| k.name == name) else {
            return Err(bad(&name, &path, "is not a setting of Slipway; see slipway --help".to_owned()));
        };
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            other => return Err(bad(&name, &path, format!("expected a text or a number, not a {}", other.type_str()))),
        };
        values.push((key.name, text, path.clone()));
    }
    Ok(values)
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(path) } else { Err("expected a path from the root on".to_owned()) }
}

fn database(url: &str) -> Result<String, String> {
    let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if known { Ok(url.to_owned()) } else { Err("expected sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned()) }
}

fn bucket(url: &str) -> Result<Option<BucketConfig>, String> {
    if url.is_empty() {
        return Ok(None);
    }
    let named = ["s3://", "gs://", "az://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.starts_with('/') && !rest.is_empty()));
    // Credentials in a URL would be in every list of processes.
    if named && !url.contains(['@', '?', '#']) {
        Ok(Some(BucketConfig { url: url.to_owned(), options: Vec::new() }))
    } else {
        Err("expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX and nothing else in it".to_owned())
    }
}

fn number(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// Bytes; none for 0.
fn gib(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|n| *n > 0).map(|n| n << 30)
}

fn none_for_0(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|n| *n > 0)
}

fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| format!("expected {}", choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ")))
}

fn bad(key: impl fmt::Display, source: &str, reason: String) -> BadSetting {
    BadSetting { key: key.to_string(), set_in: source.to_owned(), reason }
}

fn is_not_ours(variable: &str) -> bool {
    ["SLIPWAY_CONFIG", "SLIPWAY_SITE_DIR"].contains(&variable) || variable.starts_with("SLIPWAY_TEST_")
}
