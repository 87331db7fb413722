//! Files that are shown on the host of files, where nobody is signed in: a ticket from the portal stands in for the sign-in.

use super::{FileRow, Readable, find, readable, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{ArtifactPath, Millis, Permission, TeamId},
    portal::Portal,
};
use serde::{Deserialize, Serialize};

/// How long a browser may take from the portal to the host of files.
const LASTS: Millis = 30_000;
/// What tickets are sealed for.
const CONTEXT: &str = "file shown";
/// Largest file that is shown, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Ticket {
    team: TeamId,
    path: String,
    until: Millis,
}

/// A ticket for a file, in letters that an address may hold: whoever has it may read the file for half a minute.
///
/// # Errors
/// As `find`; `Invalid` where the file is larger than what a browser is asked to show.
pub async fn ticket(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath) -> Result<String> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let file = find(portal, caller, team, path).await?;
    if file.artifact.size > LARGEST {
        return Err(Error::invalid("path", "The file is too large to be shown. Download it.".to_owned()));
    }
    let ticket = Ticket { team: scope.team, path: path.to_string(), until: portal.clock.now() + LASTS };
    let text = serde_json::to_string(&ticket).map_err(|e| Error::internal("ticket", e))?;
    Ok(portal.sealing.seal(CONTEXT, &text)?.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned())
}

/// The file of a ticket.
///
/// # Errors
/// `NotFound` where the ticket is none of this portal's, or its time is over, or the file is gone.
pub async fn redeem(portal: &Portal, ticket: &str) -> Result<Readable> {
    let none = || Error::NotFound("file");
    let mut sealed = ticket.replace('-', "+").replace('_', "/");
    sealed.extend(std::iter::repeat_n('=', (4 - sealed.len() % 4) % 4));
    let text = portal.sealing.open(CONTEXT, &sealed).map_err(|_| none())?;
    let ticket: Ticket = serde_json::from_str(&text).map_err(|_| none())?;
    let path = ArtifactPath::parse(&ticket.path).map_err(|_| none())?;
    if portal.clock.now() > ticket.until {
        return Err(none());
    }
    let row: FileRow = store::file(&portal.db, &ticket.team, &path).await?.ok_or_else(none)?;
    readable(&ticket.team, &path, row)
}
