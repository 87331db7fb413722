//! Clones a repository into the home before the first start.

use super::{
    config::{LocalConfig, STANDARD_PATH},
    pip_progress::reason,
    records::Confinement,
    tool::{self, Tool},
    volumes::remove_tree_apart,
};
use crate::compute::Repository;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

/// A clone that takes longer has failed.
const CLONE_TIME: Duration = Duration::from_mins(10);
/// The reason of a failure stands at the end.
const KEPT_LINES: usize = 100;
/// Variables of the portal that git gets too, in capitals.
const PASSED: [&str; 11] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_NO_VERIFY",
];

/// The folder that a repository becomes: the last part of its address.
pub(super) fn folder_name(url: &str) -> String {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = last.strip_suffix(".git").unwrap_or(last);
    let ok = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(['.', '-'])
        && name != "data"
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if ok { name.to_owned() } else { "repository".to_owned() }
}

/// Clones unless the folder is there already. Errors are sentences.
pub(super) async fn clone(
    config: &LocalConfig,
    repository: &Repository,
    home: &Path,
    tmp: &Path,
    confinement: Confinement,
    tag: String,
    mut on_line: impl FnMut(&str) + Send + 'static,
) -> Result<(), String> {
    let target = home.join(folder_name(&repository.url));
    if target.symlink_metadata().is_ok() {
        return Ok(());
    }
    let git = config.find_program("git").ok_or("git was not found on this machine.")?;
    // Renamed when it is whole, so that a clone cut short is not taken for one.
    let partial = home.join(".slipway-clone");
    let io_failure = |e: std::io::Error| format!("The home folder cannot be written: {e}.");
    if partial.symlink_metadata().is_ok() {
        remove_tree_apart(partial.clone()).await.map_err(io_failure)?;
    }
    let mut argv = vec![git.to_string_lossy().into_owned(), "clone".into(), "--depth".into(), "1".into()];
    if !repository.branch.is_empty() {
        argv.extend(["--branch".to_owned(), repository.branch.clone()]);
    }
    argv.extend(["--".to_owned(), repository.url.clone(), partial.to_string_lossy().into_owned()]);
    let env = clone_env(config, home, tmp);
    let output: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = output.clone();
    let tool = Tool { argv, env, cwd: home.to_owned(), confinement, tag };
    let status = tool::run(&config.launcher, tool, move |line| {
        on_line(line);
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever serves the repository says how much is printed.
        if lines.len() >= KEPT_LINES {
            lines.remove(0);
        }
        lines.push(line.trim().replace("fatal: ", "error: "));
    });
    let late = |_| format!("It took longer than {} minutes.", CLONE_TIME.as_secs() / 60);
    if !timeout(CLONE_TIME, status).await.map_err(late)?.map_err(io_failure)?.success() {
        return Err(reason(&output.lock().unwrap_or_else(PoisonError::into_inner)));
    }
    fs::rename(&partial, &target).map_err(io_failure)
}

/// What git gets: proxies and certificates, and nothing else of the portal's. Nothing of the home decides what it runs: else a template's
/// hook or a credential helper would read the operator's mirrors and passwords.
fn clone_env(config: &LocalConfig, home: &Path, tmp: &Path) -> BTreeMap<String, String> {
    let passed = |name: &str| PASSED.contains(&name.to_ascii_uppercase().as_str());
    let mut env: BTreeMap<_, _> = config.install_env.iter().filter(|(n, _)| passed(n)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let own = [
        ("HOME", home.to_string_lossy().into_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
        ("PATH", STANDARD_PATH.join(":")),
        ("LANG", "C.UTF-8".to_owned()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ("GIT_ALLOW_PROTOCOL", "https:http:ssh".to_owned()),
        ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new".to_owned()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_gets_proxies_and_certificates_and_nothing_else_of_the_portals() {
        let mut config = LocalConfig::new("/data", "/bin/slipway");
        for name in ["https_proxy", "GIT_SSL_CAINFO", "PIP_INDEX_URL", "UV_INDEX_PASSWORD", "GIT_SSL_CERT"] {
            config.install_env.insert(name.to_owned(), "x".to_owned());
        }
        let env = clone_env(&config, Path::new("/home"), Path::new("/tmp"));
        let given: Vec<_> = env.iter().filter(|(_, v)| *v == "x").map(|(n, _)| n.as_str()).collect();
        assert_eq!(given, ["GIT_SSL_CAINFO", "https_proxy"]);
    }

    #[test]
    fn a_repository_becomes_a_plain_folder() {
        for (url, name) in [
            ("https://example.com/a/churn.git", "churn"),
            ("ssh://git@example.com/a/churn/", "churn"),
            ("https://example.com/a/..", "repository"),
            ("https://example.com/.git", "repository"),
            ("https://example.com/a/data", "repository"),
            ("https://example.com/a?b", "repository"),
        ] {
            assert_eq!(folder_name(url), name, "{url}");
        }
    }
}
