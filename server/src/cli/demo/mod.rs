//! `slipway demo`: fills a team with demo data through MLflow's own client, and takes it away again.

mod python;

use super::commands::{say, told};
use crate::{
    Server,
    config::Config,
    http::{Origin, accept},
    router, serve, site,
};
use clap::Args;
use domain::{
    Caller, Portal,
    demo::{self, Begun, Contents},
};
use std::{
    io::{BufRead, IsTerminal, Write, stderr, stdin},
    time::Instant,
};
use tokio::{net::TcpListener, sync::oneshot};

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Name of the team that is made for it
    #[arg(long, default_value = "demo")]
    team: String,
    /// Remove the demo: its team with everything in it, also what others added, and its people
    #[arg(long)]
    remove: bool,
    /// Ask nothing: download what is missing, or remove
    #[arg(long)]
    yes: bool,
}

/// Fills or removes.
///
/// # Errors
/// One line that says what keeps it from being done, and what would help.
pub async fn run(config: &Config, options: DemoOptions) -> Result<(), String> {
    let portal = serve::look(config).await?;
    if options.remove { remove(&portal, options.yes).await } else { fill(config, &portal, &options).await }
}

async fn fill(config: &Config, portal: &Portal, options: &DemoOptions) -> Result<(), String> {
    let console = Caller::console();
    if let Some(there) = demo::contents(portal, &console).await.map_err(told)? {
        return Err(format!("There is demo data already: {}. Remove it first: slipway demo --remove", summary(&there)));
    }
    // Before anything is made: it may take a download, which nobody has to agree to.
    let python = python::ready(config, options.yes).await?;
    let since = Instant::now();
    let begun = match demo::begin(portal, &console, &options.team).await {
        Ok(begun) => begun,
        Err(error) => return Err(undone(portal, told(error)).await),
    };
    if let Err(error) = log(portal, &python, &begun).await {
        return Err(undone(portal, error).await);
    }
    if let Err(error) = demo::ask_for_promotion(portal, &console).await {
        return Err(undone(portal, told(error)).await);
    }
    let there = demo::contents(portal, &console).await.map_err(told)?.unwrap_or_default();
    report(config, &begun, &there, since);
    Ok(())
}

/// Serves the portal's data to this machine alone while the script logs into it. A portal that serves the same data goes on meanwhile.
async fn log(portal: &Portal, python: &std::path::Path, begun: &Begun) -> Result<(), String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|e| format!("No port of this machine can be listened on: {e}"))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let origin = Origin::parse(&format!("http://localhost:{port}"))?;
    let address = origin.text();
    let server = Server::new(portal.clone(), origin, site::files());
    let (stop, stopped) = oneshot::channel::<()>();
    let stopping = async move { drop(stopped.await) };
    let serving = tokio::spawn(accept::run(listener, router::router(server)?, accept::Limits::default(), stopping));
    let done = python::run_script(python, &address, &begun.tokens).await;
    drop(stop);
    // Ends by itself once the script's connections have.
    serving.abort();
    done
}

/// Takes away what a demo that could not be finished left, and says so with the error.
async fn undone(portal: &Portal, error: String) -> String {
    match demo::remove(portal, &Caller::console()).await {
        Ok(_) => format!("{error} Nothing of the demo was kept."),
        // A demo that was not even begun has nothing to remove.
        Err(domain::Error::NotFound(_)) => error,
        Err(left) => format!("{error} What was made so far is removed by slipway demo --remove ({})", told(left)),
    }
}

/// `3 experiments, 24 runs, 3 models, 6 traces and 70 files in the team demo`
fn summary(there: &Contents) -> String {
    format!(
        "{} experiments, {} runs, {} models, {} traces and {} files in the team {}",
        there.experiments, there.runs, there.models, there.traces, there.files, there.team
    )
}

fn report(config: &Config, begun: &Begun, there: &Contents, since: Instant) {
    let address = config.public_url.as_ref().map_or_else(|| format!("http://localhost:{}", config.listen.port()), Origin::text);
    say(format_args!("Made {} in {} s. All of it is demo data.", summary(there), since.elapsed().as_secs()));
    let (email, password) = &begun.admin;
    say(format_args!("Look: {address}/t/{} (start the portal with slipway serve, if it is not running)", there.team));
    say(format_args!("Sign in as {email} with the password {password}"));
    if !begun.joined.is_empty() {
        say(format_args!("or as yourself: {} administers the team, too.", begun.joined.join(", ")));
    }
    say("Remove it all: slipway demo --remove");
}

async fn remove(portal: &Portal, yes: bool) -> Result<(), String> {
    let console = Caller::console();
    let Some(there) = demo::contents(portal, &console).await.map_err(told)? else {
        return Err("There is no demo data in this portal.".to_owned());
    };
    let people = there.people.join(", ");
    let question =
        format!("Remove {}, and the accounts {people}? Also what others added to the team goes. This cannot be undone.", summary(&there));
    if !agreed(&question, yes)? {
        return Err("Nothing was removed.".to_owned());
    }
    let (gone, kept) = demo::remove(portal, &console).await.map_err(told)?;
    say(format_args!("Removed {}, and {} accounts.", summary(&gone), gone.people.len() - kept.len()));
    for email in kept {
        say(format_args!("The account {email} made something in another team: it stays, disabled."));
    }
    Ok(())
}

/// Whether whoever sits at the terminal agrees; without one, `yes` has to be said beforehand.
pub(super) fn agreed(question: &str, yes: bool) -> Result<bool, String> {
    if yes {
        return Ok(true);
    }
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return Err(format!("{question} Say so with --yes."));
    }
    // Who closed the terminal cannot agree.
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(|e| e.to_string())?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
