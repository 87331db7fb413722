//! The commands beside `serve`: the same verbs as the pages, called by whoever owns the data folder.

use super::{PurgeOptions, TokenOptions};
use crate::{config::Config, serve};
use domain::{
    Caller, Error,
    db::Db,
    model::{BREAK_GLASS_SESSION, BREAK_GLASS_WINDOW, Finding, Level, NewToken, NewUser, Purged, Role},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

type Outcome = Result<(), String>;

/// Longest line that is read as a password, in bytes.
const PASSWORD_LINE: u64 = 4096;

#[expect(clippy::print_stdout, reason = "the command line's own output")]
pub fn say(text: impl std::fmt::Display) {
    println!("{text}");
}

fn password_of_stdin() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().take(PASSWORD_LINE).read_to_string(&mut line).map_err(|e| format!("The password cannot be read: {e}"))?;
    Ok(line.lines().next().unwrap_or_default().to_owned())
}

pub async fn add_user(config: &Config, email: String, name: Option<String>, admin: bool) -> Outcome {
    let password = password_of_stdin()?;
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let portal = serve::look(config).await?;
    let user = domain::identity::add_user(&portal, &Caller::console(), NewUser { email, name, password, admin }).await.map_err(told)?;
    say(format_args!("Added {}{}.", user.email, if user.admin { ", a portal administrator" } else { "" }));
    if !domain::identity::passwords_work(&portal).await.map_err(told)? {
        say(format_args!("Local accounts are switched off; to let an administrator in: slipway user break-glass {}", user.email));
    }
    Ok(())
}

pub async fn open_break_glass(config: &Config, email: &str, reason: &str, new_password: bool) -> Outcome {
    let password = if new_password { Some(password_of_stdin()?) } else { None };
    let portal = serve::look(config).await?;
    let opened = domain::identity::open_break_glass(&portal, &Caller::console(), email, reason, password.as_deref()).await;
    let window = opened.map_err(told)?;
    let (minutes, hours) = (BREAK_GLASS_WINDOW / 60_000, BREAK_GLASS_SESSION / 3_600_000);
    say(format_args!("For {minutes} minutes, {} may sign in with a password at", window.email));
    say(format_args!("  {}/sign-in?with=password", address(config).trim_end_matches('/')));
    say(format_args!("The session lives {hours} hour at most. To close it before: slipway user break-glass {} --close", window.email));
    Ok(())
}

pub async fn close_break_glass(config: &Config, email: &str) -> Outcome {
    let portal = serve::look(config).await?;
    let ended = domain::identity::close_break_glass(&portal, &Caller::console(), email).await.map_err(told)?;
    say(format_args!("Closed; {ended} sessions ended."));
    Ok(())
}

pub async fn add_team(config: &Config, name: &str) -> Outcome {
    let portal = serve::look(config).await?;
    let team = domain::teams::create(&portal, &Caller::console(), name).await.map_err(told)?;
    say(format_args!("Added the team {}.", team.name));
    Ok(())
}

pub async fn set_member(config: &Config, team: &str, email: &str, role: Role) -> Outcome {
    let portal = serve::look(config).await?;
    let member = domain::teams::set_member(&portal, &Caller::console(), team, email, role).await.map_err(told)?;
    say(format_args!("{} is {} in the team {team}.", member.email, member.role.as_str()));
    Ok(())
}

pub async fn create_token(config: &Config, options: TokenOptions) -> Outcome {
    let portal = serve::look(config).await?;
    let new = NewToken { name: options.name, team: options.team, role: options.role, days: options.expires };
    let (_, secret) = domain::tokens::create_for(&portal, &Caller::console(), &options.user, new).await.map_err(told)?;
    say(secret);
    Ok(())
}

pub async fn backup(config: &Config, file: &Path) -> Outcome {
    let sqlite = config.database.strip_prefix("sqlite:").map(|path| path.split('?').next().unwrap_or_default());
    if let Some(path) = sqlite.filter(|path| !Path::new(path).exists()) {
        return Err(format!("There is no portal to copy: {path} does not exist."));
    }
    let db = Db::open(&config.database).await.map_err(told)?;
    // Beside its place, so that it appears there only once it is whole; for its owner only, since it holds password hashes.
    let mut name = file.file_name().ok_or_else(|| format!("{} is not the name of a file.", file.display()))?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let cannot = |e: std::io::Error| format!("{} cannot be written: {e}", file.display());
    let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(cannot)?;
    let copied = async {
        let rows = domain::backup::backup(&db, BufWriter::new(&out)).await.map_err(told)?;
        (&out).flush().and_then(|()| out.sync_all()).and_then(|()| fs::rename(&part, file)).map_err(cannot)?;
        Ok(rows)
    };
    let copied: Result<u64, String> = copied.await;
    let rows = copied.inspect_err(|_| drop(fs::remove_file(&part)))?;
    say(format_args!("Copied {rows} rows to {}.", file.display()));
    say(format_args!(
        "Keep with it, in a safe place: {}",
        config.secret_key.clone().unwrap_or_else(|| config.data.join("secret.key")).display()
    ));
    say("(without that key, the secrets of notebooks cannot be read) and the files of the volumes.");
    Ok(())
}

pub async fn restore(config: &Config, file: &Path) -> Outcome {
    let input = File::open(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
    let portal = serve::look(config).await?;
    let rows = domain::backup::restore(&portal.db, BufReader::new(input)).await.map_err(told)?;
    say(format_args!("Restored {rows} rows."));
    Ok(())
}

/// Days for `purge` where nothing goes by itself.
const DAYS: u32 = 30;

pub async fn purge(config: &Config, options: PurgeOptions) -> Outcome {
    let days = options.older_than.or(config.purge_after_days).unwrap_or(DAYS);
    let (portal, console) = (serve::look(config).await?, Caller::console());
    let teams = match options.team {
        Some(team) => vec![team],
        None => domain::teams::list_all(&portal, &console).await.map_err(told)?.into_iter().map(|t| t.team.name).collect(),
    };
    for team in teams {
        let purged = domain::tracking::purge(&portal, &console, &team, days, options.dry_run).await.map_err(told)?;
        say(freed(&team, &purged, options.dry_run));
    }
    Ok(())
}

/// One line about a team.
fn freed(team: &str, purged: &Purged, dry_run: bool) -> String {
    let words = if dry_run { "would be freed" } else { "freed" };
    let rows = format!(
        "{} runs, {} experiments, {} logged models, {} traces, {} datasets ({} points, {} bytes of rows)",
        purged.runs.len(),
        purged.experiments.len(),
        purged.models.len(),
        purged.traces,
        purged.datasets,
        purged.points,
        purged.row_bytes
    );
    let kept = match purged.kept_runs + purged.kept_models {
        0 => String::new(),
        _ => format!(" Kept for versions of registered models: {} runs, {} logged models.", purged.kept_runs, purged.kept_models),
    };
    format!("{team}: {words}: {rows}, {} files ({} bytes).{kept}", purged.files, purged.file_bytes)
}

pub async fn check(config: &Config) -> Outcome {
    let mut findings = vec![configuration(config)];
    match serve::look(config).await {
        Ok(portal) => findings.extend(domain::system::check(&portal, &Caller::console()).await.map_err(told)?),
        Err(message) => findings.push(Finding {
            name: "portal".to_owned(),
            level: Level::Error,
            message,
            remedy: "Set --data and --database to what this user may use.".to_owned(),
        }),
    }
    for finding in &findings {
        let mark = match finding.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "error  ",
        };
        say(format_args!("{mark}  {}: {}", finding.name, finding.message));
        if !finding.remedy.is_empty() {
            say(format_args!("         → {}", finding.remedy));
        }
    }
    let errors = findings.iter().filter(|f| f.level == Level::Error).count();
    if errors == 0 { Ok(()) } else { Err(format!("{errors} of {} checks failed.", findings.len())) }
}

/// Where browsers reach the portal.
fn address(config: &Config) -> String {
    config.public_url.as_ref().map_or_else(|| format!("http://localhost:{}", config.listen.port()), crate::http::Origin::text)
}

fn configuration(config: &Config) -> Finding {
    let address = address(config);
    let exposed = !config.listen.ip().is_loopback() && !address.starts_with("https://");
    let message = format!("listens on {}, browsers use {address}, data in {}", config.listen, config.data.display());
    let (level, remedy) = if exposed {
        (Level::Warning, "Passwords cross the network in the clear: put a proxy that ends TLS in front.")
    } else {
        (Level::Ok, "")
    };
    Finding { name: "configuration".to_owned(), level, message, remedy: remedy.to_owned() }
}

/// The domain's error as one line.
pub fn told(error: Error) -> String {
    match error {
        Error::Invalid(fields) => fields.iter().map(|f| format!("{}: {}", f.field, f.reason)).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
