//! The build in one place: `cargo xtask site | build | run [--release] [-- arguments]`.

mod files;
mod site;
mod style;
mod tools;

use std::{error::Error, path::PathBuf, process::ExitCode};

/// What every step here returns; the text is printed once, in `main`.
type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: cargo xtask <step> [--release] [-- arguments for slipway]
  site    builds the wasm, JavaScript, CSS, icon and fonts into <target folder>/site
  build   builds the site and the one binary that carries it
  run     builds, then starts `slipway` with the arguments after --";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match step(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn step(arguments: &[String]) -> Outcome<()> {
    let (own, passed) = match arguments.iter().position(|a| a == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &[][..]),
    };
    let release = own.iter().any(|a| a == "--release");
    if let Some(unknown) = own.iter().skip(1).find(|a| *a != "--release") {
        return Err(format!("unknown argument {unknown}\n{USAGE}").into());
    }
    match own.first().map(String::as_str) {
        Some("site") => {
            let _alone = tools::alone()?;
            site::build(release).map(drop)
        }
        Some("build") => build(release).map(drop),
        Some("run") => tools::replace_with(&build(release)?, passed),
        _ => Err(USAGE.into()),
    }
}

/// Builds the site and the binary that carries it; returns the binary's path.
fn build(release: bool) -> Outcome<PathBuf> {
    let _alone = tools::alone()?;
    let site = site::build(release)?;
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    tools::say("compiling slipway");
    tools::cargo(&[&["build", "--package", "server", "--bin", "slipway"], profile].concat(), &[("SLIPWAY_SITE_DIR", &site)])?;
    Ok(tools::target_folder()?.join(if release { "release" } else { "debug" }).join("slipway"))
}
