//! Clones a repository into the home before the first start.

use super::{
    config::{LocalConfig, STANDARD_PATH},
    pip_progress::reason,
    python::install_env,
    records::Confinement,
    tool::{self, Tool},
    volumes::remove_tree_apart,
};
use crate::compute::Repository;
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

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
    let mut env = install_env(config, home, tmp);
    let own = [
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
        ("PATH", STANDARD_PATH.join(":")),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ("GIT_ALLOW_PROTOCOL", "https:http:ssh".to_owned()),
        ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new".to_owned()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let output: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = output.clone();
    let tool = Tool { argv, env, cwd: home.to_owned(), confinement, tag };
    let status = tool::run(&config.launcher, tool, move |line| {
        on_line(line);
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.trim().replace("fatal: ", "error: "));
    });
    if !status.await.map_err(io_failure)?.success() {
        return Err(reason(&output.lock().unwrap_or_else(PoisonError::into_inner)));
    }
    fs::rename(&partial, &target).map_err(io_failure)
}

#[cfg(test)]
mod tests {
    use super::folder_name;

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
