//! The programs the build calls: cargo and rustup.
#![expect(clippy::disallowed_methods, reason = "the build starts programs and reads cargo's environment; none of it is in the portal")]

use crate::Outcome;
use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Says on stderr what is about to happen, so that stdout stays free for `slipway`.
pub fn say(what: &str) {
    eprintln!("xtask: {what}");
}

/// The workspace's folder, as cargo says at run time: a target folder outside may hold a program that another checkout has built.
pub fn workspace_folder() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// The cargo that started this program, in the workspace's folder.
fn cargo_command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace_folder());
    // Set for this program by `cargo run`; they would make cargo compile build scripts again that read them.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        command.env_remove(name);
    }
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}

/// Runs cargo with more environment and fails when it fails.
pub fn cargo(arguments: &[&str], environment: &[(&str, &Path)]) -> Outcome<()> {
    let status = cargo_command().args(arguments).envs(environment.iter().copied()).status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed", arguments.join(" ")).into()) }
}

/// Cargo's target folder, wherever the environment or a configuration file puts it.
pub fn target_folder() -> Outcome<PathBuf> {
    let output = cargo_command().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    metadata["target_directory"].as_str().map(PathBuf::from).ok_or_else(|| "cargo metadata names no target folder".into())
}

/// Installs the compiler's wasm target with rustup where it is missing.
pub fn ensure_wasm_target() -> Outcome<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace_folder()).output()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout)?.trim());
    if sysroot.join("lib/rustlib").join(TARGET).is_dir() {
        return Ok(());
    }
    say(&format!("installing the compiler's {TARGET} target with rustup"));
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace_folder()).status();
    if added.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(format!("the compiler lacks its {TARGET} target: run `rustup target add {TARGET}`").into())
    }
}

/// Becomes `program`, so that signals reach it and its exit status is ours.
pub fn replace_with(program: &Path, arguments: &[String]) -> Outcome<()> {
    Err(Command::new(program).args(arguments).exec().into())
}

/// Waits until no other build of the site goes on in this target folder, and keeps others waiting as long as the file is held: they would read
/// what is half written.
pub fn alone() -> Outcome<fs::File> {
    let target = target_folder()?;
    fs::create_dir_all(&target)?;
    let file = fs::File::create(target.join("xtask.lock"))?;
    file.lock()?;
    Ok(file)
}
