//! The command line: `serve` and the commands that set a portal up unattended.

use crate::{config, serve};
use clap::{Command, FromArgMatches, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
enum Commands {
    /// Serve the portal (what happens without a command)
    Serve,
}

fn command() -> Command {
    let command = Command::new("slipway")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A portal for machine learning teams: notebooks on your own machine, in one binary")
        .after_help("A setting is taken from its flag, else from its variable, else from the configuration file, else from its default.");
    Commands::augment_subcommands(config::flags(command)).subcommand_required(false)
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let matches = command().get_matches();
    let config = match config::load(&matches) {
        Ok(config) => config,
        Err(error) => return failed(&error.to_string()),
    };
    log(&config);
    let chosen = matches.subcommand().map_or(Ok(Commands::Serve), |_| Commands::from_arg_matches(&matches));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let result = runtime.block_on(async {
        match chosen.map_err(|e| e.to_string())? {
            Commands::Serve => serve::serve(&config).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own output")]
fn failed(message: &str) -> ExitCode {
    eprintln!("slipway: {message}");
    ExitCode::FAILURE
}

fn log(config: &config::Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log_json { builder.json().init() } else { builder.init() }
}
