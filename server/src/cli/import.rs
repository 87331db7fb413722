//! `slipway import`: starts it, shows how far it is, and tells what it did.

use crate::{config::Config, serve};
use clap::{Args, Subcommand};
use domain::{
    Caller, Portal,
    import::{self, Progress, Report, Source, Wanted},
    model::Role,
};
use std::{
    io::{IsTerminal, Write, stderr},
    path::PathBuf,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How often the line is drawn again on a terminal, and how often another one is written elsewhere.
const REDRAW: Duration = Duration::from_millis(200);
const REPEAT: Duration = Duration::from_secs(5);

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Copy experiments, runs with full histories, artifacts, models and aliases from a running MLflow server into a team.
    ///
    /// Broken off and started again, it goes on where it was; started later, it copies what is new. Nothing comes twice, and the
    /// server is only read. The portal may be serving meanwhile. Credentials for the server are taken from the variables
    /// `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`. Ends with 1 where something could not be copied.
    Mlflow(MlflowOptions),
}

#[derive(Debug, Args)]
pub struct MlflowOptions {
    /// Address of the server, as its clients have it in `MLFLOW_TRACKING_URI`
    #[arg(long, value_name = "URL")]
    from: String,
    /// The team that gets everything
    #[arg(long)]
    team: String,
    /// Email of the member in whose name it is done [default: the team's admin, if there is one only]
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Only this experiment, by its name, and what was registered from it; may be given several times
    #[arg(long, value_name = "NAME")]
    experiment: Vec<String>,
    /// Compare everything anew, also runs that were copied whole and have not changed since
    #[arg(long)]
    again: bool,
    /// Write what was done into this file, too, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs it to its end.
///
/// # Errors
/// Where it could not be begun, or where not everything was copied.
pub async fn run(config: &Config, ImportCommand::Mlflow(options): ImportCommand) -> Result<(), String> {
    let source = Source::new(&options.from, config.mlflow.clone()).map_err(super::commands::told)?;
    let portal = serve::look(config).await?;
    let caller = speaker(&portal, &options.team, options.user.as_deref()).await?;
    let wanted = Wanted { experiments: options.experiment, again: options.again };
    let (progress, begun) = (Progress::default(), Instant::now());
    let importing = import::mlflow(&portal, &caller, &options.team, &source, &wanted, &progress);
    let report = tokio::select! {
        report = importing => report,
        () = show(&progress, begun) => return Err("The progress cannot be shown.".to_owned()),
    };
    clear_line();
    let report = report.map_err(super::commands::told)?;
    if let Some(file) = &options.report {
        let json = serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?;
        std::fs::write(file, json + "\n").map_err(|e| format!("{} cannot be written: {e}", file.display()))?;
    }
    tell(&report, begun.elapsed());
    if report.is_complete() {
        return Ok(());
    }
    Err(match &report.stopped {
        Some(why) => format!("The import ended before its end. {why}"),
        None => {
            format!("{} things could not be copied; they are named above. Started again, the import tries them again.", report.failures)
        }
    })
}

/// Who is spoken for: this person, or the team's only admin.
pub async fn speaker(portal: &Portal, team: &str, user: Option<&str>) -> Result<Caller, String> {
    let console = Caller::console();
    let email = if let Some(email) = user {
        email.to_owned()
    } else {
        let members = domain::teams::members(portal, &console, team).await.map_err(super::commands::told)?;
        let mut admins = members.into_iter().filter(|m| m.role == Role::Admin).map(|m| m.email);
        match (admins.next(), admins.next()) {
            (Some(only), None) => only,
            _ => return Err(format!("Say with --user in whose name it is done: team {team} has not exactly one admin.")),
        }
    };
    domain::identity::speak_for(portal, &console, &email).await.map_err(super::commands::told)
}

/// Shows how far it is for as long as it takes.
async fn show(progress: &Progress, begun: Instant) {
    let terminal = stderr().is_terminal();
    let mut ticks = tokio::time::interval(if terminal { REDRAW } else { REPEAT });
    // The first comes at once, when there is nothing to say.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let (seen, phase, since) = (Seen::of(progress), progress.phase(), begun.elapsed());
        // Who closed the terminal does not want to see it.
        let _ = if terminal {
            write!(stderr(), "\r{}\x1b[K", bar(&seen, phase, since))
        } else {
            writeln!(stderr(), "{}", line(&seen, phase, since))
        };
    }
}

fn clear_line() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}

/// How far it is, at one moment.
#[derive(Clone, Copy, Default)]
struct Seen {
    runs: u64,
    runs_in_all: u64,
    points: u64,
    bytes: u64,
}

impl Seen {
    fn of(progress: &Progress) -> Self {
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            runs: read(&progress.runs),
            runs_in_all: read(&progress.runs_in_all),
            points: read(&progress.points),
            bytes: read(&progress.bytes),
        }
    }
}

impl Seen {
    /// `312/1,204`; runs that were made meanwhile are copied, too.
    fn runs(&self) -> String {
        match self.runs_in_all {
            0 => number(self.runs),
            all => format!("{}/{}", number(self.runs), number(all.max(self.runs))),
        }
    }

    /// ` · 3 min left`, once it can be told.
    fn left(&self, since: Duration) -> String {
        if self.runs == 0 || self.runs >= self.runs_in_all {
            return String::new();
        }
        format!(" · {} left", time(since.as_secs().max(1) * (self.runs_in_all - self.runs) / self.runs))
    }
}

/// Cells of the bar.
const CELLS: u64 = 20;

/// For a terminal, within eighty columns: `runs [#####---------------] 312/1,204 · 1,203,000 points · 4.2 GiB · 3 min left`.
fn bar(seen: &Seen, phase: &str, since: Duration) -> String {
    let full = (CELLS * seen.runs).checked_div(seen.runs_in_all).unwrap_or(0).min(CELLS);
    let cells: String = (0..CELLS).map(|cell| if cell < full { '#' } else { '-' }).collect();
    format!("{phase} [{cells}] {} · {} points · {}{}", seen.runs(), number(seen.points), size(seen.bytes), seen.left(since))
}

/// For a file: `runs: 312/1,204 runs · 1,203,000 points · 4.2 GiB · 35,120 points/s · 61.0 MiB/s · 3 min left`.
fn line(seen: &Seen, phase: &str, since: Duration) -> String {
    let (runs, left, seconds) = (seen.runs(), seen.left(since), since.as_secs().max(1));
    let (points, bytes) = (number(seen.points), size(seen.bytes));
    let (points_a_second, bytes_a_second) = (number(seen.points / seconds), size(seen.bytes / seconds));
    format!("{phase}: {runs} runs · {points} points · {bytes} · {points_a_second} points/s · {bytes_a_second}/s{left}")
}

#[expect(clippy::print_stdout, reason = "the command line's own output")]
fn tell(report: &Report, took: Duration) {
    println!("Imported from {} into the team {} in {}.", report.from, report.team, time(took.as_secs()));
    println!("{:<28}{:>16}{:>16}{:>10}", "", "copied", "already there", "failed");
    for (name, tally) in report.counts.named() {
        let (copied, there) = (number(tally.copied), number(tally.already_there));
        println!("{name:<28}{copied:>16}{there:>16}{:>10}", number(tally.failed));
    }
    for note in &report.notes {
        println!("Note: {note}");
    }
    for problem in &report.problems {
        println!("Not copied: {}: {}", problem.what, problem.why);
    }
    if report.failures > report.problems.len() as u64 {
        println!("… and {} more.", report.failures - report.problems.len() as u64);
    }
}

/// With a comma at each thousand.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is_how_fast_and_how_long_it_takes() {
        let seen = Seen { runs: 300, runs_in_all: 1200, points: 1_203_000, bytes: 5 << 29 };
        let told = line(&seen, "runs", Duration::from_mins(1));
        assert_eq!(told, "runs: 300/1,200 runs · 1,203,000 points · 2.5 GiB · 20,050 points/s · 42.6 MiB/s · 3 min left");
        let unknown = line(&Seen { runs: 2, ..Seen::default() }, "models", Duration::ZERO);
        assert_eq!(unknown, "models: 2 runs · 0 points · 0 B · 0 points/s · 0 B/s");
    }

    #[test]
    fn the_bar_fills_and_stays_within_eighty_columns() {
        let seen = Seen { runs: 300, runs_in_all: 1200, points: 1_203_000, bytes: 5 << 29 };
        let told = bar(&seen, "runs", Duration::from_mins(1));
        assert_eq!(told, "runs [#####---------------] 300/1,200 · 1,203,000 points · 2.5 GiB · 3 min left");
        assert!(told.chars().count() <= 80, "{told}");
        assert!(bar(&Seen::default(), "looking", Duration::ZERO).starts_with("looking [--------------------] 0 · "));
        let more = Seen { runs: 7, runs_in_all: 5, ..Seen::default() };
        assert!(bar(&more, "models", Duration::ZERO).starts_with("models [####################] 7/7 · "));
    }

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1023, 1536, 5 << 20].map(size), ["0 B", "1023 B", "1.5 KiB", "5.0 MiB"]);
        assert_eq!([59, 61, 7260].map(time), ["59 s", "2 min", "2 h 1 min"]);
    }
}
