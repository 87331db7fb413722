//! What lets one browser into one notebook's own host: a one-time code that becomes a ticket.

use super::{
    not_open,
    store::{self, Record},
    ticket_store,
};
use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    events, identity,
    model::{Change, Millis, NotebookId, Permission, Role, UserId},
    portal::Portal,
    random, sessions,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long a one-time code can be redeemed, in milliseconds.
const CODE_LASTS: Millis = 30_000;
/// A portal session counts as used while its notebook is, and is marked so at most so often, in milliseconds.
const SEEN_EVERY: Millis = 60_000;

/// How long a positive answer may be repeated without asking the database, in milliseconds.
const TRUSTED: Millis = 5_000;
/// Answers kept at most; past it, stale ones are dropped.
const KEPT: usize = 4096;

/// Whom notebooks let in a moment ago, so that a page with hundreds of files costs one look. Refusals are never remembered.
#[derive(Default)]
pub struct Admitted(Mutex<HashMap<(NotebookId, String), (UserId, Millis)>>);

impl Admitted {
    pub(super) fn get(&self, id: &NotebookId, digest: &str, now: Millis) -> Option<UserId> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, at) = entries.get(&(id.clone(), digest.to_owned()))?;
        (*at <= now && now - at < TRUSTED).then(|| user.clone())
    }
    pub(super) fn note(&self, id: &NotebookId, digest: &str, user: &UserId, now: Millis) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KEPT {
            entries.retain(|_, (_, at)| *at <= now && now - *at < TRUSTED);
        }
        entries.insert((id.clone(), digest.to_owned()), (user.clone(), now));
    }
    /// Asks anew from now on.
    pub(super) fn forget(&self, id: &NotebookId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(notebook, _), _| notebook != id);
    }
}

/// What the code's row is found by: the code alone is worth nothing in another browser than the one that asked for it.
fn digest_of_code(code: &str, state: &str) -> String {
    random::digest(&format!("{}.{state}", random::digest(code)))
}

/// Who may open it, with which portal session; the same refusals as `open`, and nothing is written.
async fn opener(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<(Record, UserId, String)> {
    let scope = caller.require_in(Permission::OpenNotebook, team)?;
    let record = store::find(&portal.db, &scope.team, id).await?;
    if record.owner != scope.user {
        return Err(Error::Forbidden(format!("Only its owner, {}, can open a notebook.", record.owner_email)));
    }
    let session = caller.identity()?.session.clone();
    let session = session.ok_or_else(|| Error::Forbidden("A token may not open a notebook; sign in to the portal.".to_owned()))?;
    if !record.phase.is_open() {
        return Err(not_open(&record));
    }
    Ok((record, scope.user, session))
}

/// Whether `open` would give a code now.
///
/// # Errors
/// Those of `open`.
pub async fn may_open(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<()> {
    opener(portal, caller, team, id).await.map(drop)
}

/// A one-time code that opens the notebook's own host for its owner's browser. Valid for 30 s, once, for this notebook only, and together
/// with `state` only: what the browser was given at the notebook's host, digested.
pub async fn open(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId, state: &str) -> Result<String> {
    let (record, user, session) = opener(portal, caller, team, id).await?;
    let (code, now) = (random::secret(), portal.clock.now());
    let ticket = ticket_store::Ticket { user, session, expires_at: now + CODE_LASTS };
    let mut tx = portal.db.begin().await?;
    ticket_store::insert_ticket(&mut tx, &digest_of_code(&code, state), id, &ticket, false).await?;
    let entry = audit::Entry::<(), ()> {
        team: Some(&record.team),
        action: "notebook.open",
        object: id.as_str(),
        object_name: &record.spec.name,
        before: None,
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&record.team), &Change::Activity).await?;
    tx.commit().await?;
    Ok(code)
}

/// Exchanges the code for the secret of the notebook host's own cookie.
///
/// # Errors
/// `Unauthenticated`, whatever is wrong with the code or the state it was asked for with.
pub async fn redeem(portal: &Portal, id: &NotebookId, code: &str, state: &str) -> Result<String> {
    let (secret, now) = (random::secret(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let ticket = ticket_store::take_code(&mut tx, &digest_of_code(code, state), id, now).await?.ok_or(Error::Unauthenticated)?;
    let ticket = ticket_store::Ticket { expires_at: now + portal.settings.session_absolute, ..ticket };
    ticket_store::insert_ticket(&mut tx, &random::digest(&secret), id, &ticket, true).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Whom the cookie's secret lets into this notebook now: its ticket is of this notebook, its portal session is alive, its person is still the
/// owner, enabled and a member. Asked for each request and every few seconds on open sockets; a positive answer may be up to 5 s old.
///
/// # Errors
/// `Unauthenticated`, whatever is wrong with the ticket or its person; `Conflict` where the notebook is not open.
pub async fn admit(portal: &Portal, id: &NotebookId, secret: &str) -> Result<UserId> {
    let (digest, now) = (random::digest(secret), portal.clock.now());
    if let Some(user) = portal.admitted.get(id, &digest, now) {
        return Ok(user);
    }
    let ticket = ticket_store::ticket(&portal.db, &digest, id, now).await?.ok_or(Error::Unauthenticated)?;
    let record = store::by_id(&portal.db, id).await?.ok_or(Error::Unauthenticated)?;
    let seen_at = check(portal, &record, &ticket).await?;
    if !record.phase.is_open() {
        return Err(not_open(&record));
    }
    if now - seen_at >= SEEN_EVERY && portal.touches.last(id).is_some_and(|at| now - at < SEEN_EVERY) {
        // Somebody who works in a notebook does not look at the portal; a page that only polls keeps nobody signed in.
        ticket_store::mark_seen(&portal.db, &ticket.session, now).await?;
    }
    portal.admitted.note(id, &digest, &ticket.user, now);
    Ok(ticket.user)
}

/// Whether its person may still come in; when their portal session was last seen.
async fn check(portal: &Portal, record: &Record, ticket: &ticket_store::Ticket) -> Result<Millis> {
    let session = sessions::load(portal, &ticket.session).await?.filter(|s| s.user.as_ref() == Some(&ticket.user));
    let session = session.ok_or(Error::Unauthenticated)?;
    let identity = identity::identify(portal, &ticket.user).await?.ok_or(Error::Unauthenticated)?;
    let member = identity.memberships.iter().any(|m| m.team == record.team_id && m.role >= Role::Member);
    let wanted = record.desired != store::Desired::Deleted && record.owner == ticket.user;
    if member && wanted { Ok(session.last_seen_at) } else { Err(Error::Unauthenticated) }
}

/// Removes what has expired, once in 10 minutes.
pub(super) async fn sweep(portal: &Portal) {
    loop {
        if let Err(error) = ticket_store::sweep_tickets(&portal.db, portal.clock.now()).await {
            tracing::warn!(%error, "expired tickets could not be removed; trying again");
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}
