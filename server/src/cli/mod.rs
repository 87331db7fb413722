//! The command line: `serve`, and the commands that set a portal up unattended, stopped or running.

mod chart;
mod commands;
mod demo;
mod import;

use crate::{config, serve};
use clap::{Args, Command, FromArgMatches, Subcommand};
use domain::model::Role;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Subcommand)]
enum Commands {
    /// Serve the portal (what happens without a command)
    Serve,
    /// People
    #[command(subcommand)]
    User(UserCommand),
    /// Teams and who is in them
    #[command(subcommand)]
    Team(TeamCommand),
    /// Personal access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write a copy of the database as of now; a portal that is being served goes on serving
    Backup {
        /// Where to; replaced as a whole once the copy is complete
        file: PathBuf,
    },
    /// Fill an empty database with what `backup` wrote
    Restore { file: PathBuf },
    /// Remove for good what teams deleted long enough ago, with its artifacts, and say what that freed
    ///
    /// A run or model that a version of a registered model comes from stays, whole, until the version is deleted.
    Purge(PurgeOptions),
    /// Copy what another tracker has
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Fill a team with demo data: experiments, runs, models and traces, logged by MLflow's own client
    ///
    /// Runs beside a portal that serves the same data, or without one. It needs a Python with mlflow and scikit-learn (--python); where
    /// there is none, it says what it would install, and asks. `--remove` takes all of it away again.
    Demo(demo::DemoOptions),
    /// Draw a metric of runs into a file, as the compare page does
    Chart(Box<chart::ChartOptions>),
    /// Look at configuration, database, engine and disk; say what is wrong and how to mend it
    Check,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a local account; its password is read from standard input
    Add {
        email: String,
        /// A portal administrator
        #[arg(long)]
        admin: bool,
        /// How pages call the person [default: the email up to its @]
        #[arg(long)]
        name: Option<String>,
        /// Says that the password comes on standard input, on one line: nowhere else would it stay secret
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// While local accounts are switched off: let one local administrator sign in with a password, for 15 minutes
    ///
    /// For the day when the identity provider does not answer. It is audited, administrators see it on their Sign-in page, and the session
    /// that it lets in lives an hour at most.
    BreakGlass {
        email: String,
        /// Why; it stands in the audit trail
        #[arg(long, value_name = "TEXT", conflicts_with = "close")]
        reason: Option<String>,
        /// Set a new password first, which comes on standard input, on one line
        #[arg(long, conflicts_with = "close")]
        password_stdin: bool,
        /// Close it now, and end the sessions that it let in
        #[arg(long)]
        close: bool,
    },
}

#[derive(Debug, Subcommand)]
enum TeamCommand {
    /// Add a team
    Add { name: String },
    /// Add somebody to a team, or change their role
    Member {
        team: String,
        email: String,
        /// viewer, member or admin
        role: Role,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it, and nothing else, on standard output
    Create(TokenOptions),
}

#[derive(Debug, Args)]
struct TokenOptions {
    /// Email of the person it speaks for
    #[arg(long, value_name = "EMAIL")]
    user: String,
    /// The one team it is for
    #[arg(long)]
    team: String,
    /// viewer, member or admin; never more than the person's own
    #[arg(long)]
    role: Role,
    /// Days until it stops working
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    expires: u32,
    /// What it is for
    #[arg(long, default_value = "command line")]
    name: String,
}

#[derive(Debug, Args)]
struct PurgeOptions {
    /// Only this team [default: all of them]
    #[arg(long)]
    team: Option<String>,
    /// What was deleted more than so many days ago [default: as --purge-after-days says, 30 where that is 0]
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Change nothing, and say what would be freed
    #[arg(long)]
    dry_run: bool,
}

fn command() -> Command {
    let command = Command::new("slipway")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A portal for machine learning teams: notebooks on your own machine, in one binary")
        .after_help("A setting is taken from its flag, else from its variable, else from the configuration file, else from its default.");
    Commands::augment_subcommands(config::flags(command)).subcommand_required(false)
}

/// Runs what the command line asks for. 0: done; 1: it could not be done, with one line why; 2: it was not understood.
pub fn run() -> ExitCode {
    let matches = command().get_matches();
    let chosen = matches.subcommand().map_or(Ok(Commands::Serve), |_| Commands::from_arg_matches(&matches));
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(error) => error.exit(),
    };
    let result = config::load(&matches).map_err(|e| e.to_string()).and_then(|config| {
        log(&config);
        let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
        runtime.block_on(execute(chosen, &config))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

async fn execute(command: Commands, config: &config::Config) -> Result<(), String> {
    match command {
        Commands::Serve => serve::serve(config).await,
        Commands::User(UserCommand::Add { email, admin, name, .. }) => commands::add_user(config, email, name, admin).await,
        Commands::User(UserCommand::BreakGlass { email, close: true, .. }) => commands::close_break_glass(config, &email).await,
        Commands::User(UserCommand::BreakGlass { email, reason, password_stdin, .. }) => {
            commands::open_break_glass(config, &email, &reason.unwrap_or_default(), password_stdin).await
        }
        Commands::Team(TeamCommand::Add { name }) => commands::add_team(config, &name).await,
        Commands::Team(TeamCommand::Member { team, email, role }) => commands::set_member(config, &team, &email, role).await,
        Commands::Token(TokenCommand::Create(options)) => commands::create_token(config, options).await,
        Commands::Backup { file } => commands::backup(config, &file).await,
        Commands::Restore { file } => commands::restore(config, &file).await,
        Commands::Purge(options) => commands::purge(config, options).await,
        Commands::Import(command) => import::run(config, command).await,
        Commands::Demo(options) => demo::run(config, options).await,
        Commands::Chart(options) => chart::run(config, *options).await,
        Commands::Check => commands::check(config).await,
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own output")]
fn failed(message: &str) -> ExitCode {
    eprintln!("slipway: {message}");
    ExitCode::FAILURE
}

fn log(config: &config::Config) {
    // PostgreSQL tells at each start that the table of migrations exists; who wants to hear it names it in `log`.
    let filter = tracing_subscriber::EnvFilter::new(format!("sqlx::postgres::notice=warn,{}", config.log));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log_json { builder.json().init() } else { builder.init() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound_and_help_names_every_setting() {
        let mut command = super::command();
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        for key in crate::config::KEYS {
            assert!(
                help.contains(&format!("--{}", key.name)) && help.contains(key.help.split(' ').next().unwrap_or_default()),
                "{}",
                key.name
            );
        }
    }
}
