//! Asks providers again about those whose sessions began with them: what their groups are now, and whether the provider lets them in still.

use super::{
    claims::{groups, payload},
    discovery::{discover, fetch, http, reasons},
    flow::{self, Client, Rest},
    groups::{settle, settle_person},
    groups_store, logout,
    store::{self, ProviderRow, Whom},
};
use crate::{
    args,
    db::Tx,
    error::{Error, Result},
    model::{Millis, UserId},
    portal::Portal,
};
use futures::StreamExt;
use openidconnect::{
    AccessToken, OAuth2TokenResponse, RefreshToken, RequestTokenError, SubjectIdentifier, TokenResponse, UserInfoClaims, UserInfoError,
    core::{CoreErrorResponseType, CoreGenderClaim, CoreTokenResponse},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How often it is looked whom to ask about (and every how many of these, what rules give), how often a provider is asked about somebody who is signed in, and about somebody who is not but has a role by a
/// group. With the time that closing takes, what a provider takes away is gone within a minute.
const EVERY: Duration = Duration::from_secs(5);
const SETTLES: u64 = 12;
const SIGNED_IN: Millis = 30 * 1000;
const AWAY: Millis = 60 * 60 * 1000;
/// Questions at a time.
const ABREAST: usize = 8;
/// How long a token is good for whose provider does not say.
const UNSAID: Duration = Duration::from_mins(5);
/// A token that ends this soon is not used.
const SOON: Millis = 5000;

/// By what a provider lets itself be asked about somebody. Kept sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Grants {
    access: String,
    until: Millis,
    refresh: Option<String>,
    /// Whether groups came in an ID token; the UserInfo endpoint need not say them then.
    by_token: bool,
}

impl Grants {
    pub fn of(tokens: &CoreTokenResponse, by_token: bool, now: Millis) -> Self {
        let lasts = tokens.expires_in().unwrap_or(UNSAID).as_millis();
        Self {
            access: tokens.access_token().secret().clone(),
            until: now + Millis::try_from(lasts).unwrap_or(Millis::MAX / 4),
            refresh: tokens.refresh_token().map(|token| token.secret().clone()),
            by_token,
        }
    }
}

fn seal(issuer: &str, subject: &str) -> String {
    format!("sso grants {issuer} {subject}")
}

fn sealed(portal: &Portal, issuer: &str, subject: &str, grants: &Grants) -> Result<String> {
    let text = serde_json::to_string(grants).map_err(|e| Error::internal("grants", e))?;
    portal.sealing.seal(&seal(issuer, subject), &text)
}

/// Keeps them sealed.
pub(super) async fn keep(portal: &Portal, tx: &mut Tx, issuer: &str, subject: &str, grants: &Grants) -> Result<()> {
    let sealed = sealed(portal, issuer, subject, grants)?;
    tx.execute("UPDATE identities SET grants = $3 WHERE issuer = $1 AND subject = $2", args![issuer, subject, sealed]).await.map(|_| ())
}

/// Asks for ever.
pub async fn run(portal: Portal) {
    let mut again = tokio::time::interval(EVERY);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0_u64.. {
        again.tick().await;
        // What a crash left undone can wait.
        let result = if n.is_multiple_of(SETTLES) { round(&portal).await } else { ask_due(&portal).await };
        if let Err(error) = result {
            tracing::warn!(%error, "identity providers could not be asked again");
        }
    }
}

/// Asks about everybody whose turn it is, and sees to it that roles are as rules have them.
pub async fn round(portal: &Portal) -> Result<()> {
    ask_due(portal).await?;
    settle(portal).await
}

async fn ask_due(portal: &Portal) -> Result<()> {
    let now = portal.clock.now();
    let (idle, absolute) = (now - portal.settings.session_idle, now - portal.settings.session_absolute);
    let due = store::due(&portal.db, now - SIGNED_IN, now - AWAY, idle, absolute).await?;
    let mut by_issuer: BTreeMap<String, Vec<Whom>> = BTreeMap::new();
    for asked in due {
        by_issuer.entry(asked.issuer.clone()).or_default().push(asked);
    }
    // Each provider by itself: one that is silent keeps nobody from the others, and is not asked again and again in one round.
    let each = by_issuer.into_values().map(|people| async move {
        let silent = AtomicBool::new(false);
        let silent = &silent;
        futures::stream::iter(people)
            .for_each_concurrent(ABREAST, |asked| async move {
                if silent.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = ask(portal, &asked).await {
                    silent.fetch_or(matches!(error, Error::Unavailable(_)), Ordering::Relaxed);
                    tracing::warn!(%error, issuer = asked.issuer, "a provider could not be asked about somebody");
                }
            })
            .await;
    });
    futures::future::join_all(each).await;
    Ok(())
}

/// What a provider says of somebody, asked again.
enum Said {
    Groups(Option<Vec<String>>),
    /// It lets them in no more.
    Gone,
    /// It cannot be asked without them.
    Silent,
}

async fn ask(portal: &Portal, asked: &Whom) -> Result<()> {
    // Of several replicas one asks.
    let now = portal.clock.now();
    let sql = "UPDATE identities SET asked_at = $3 WHERE issuer = $1 AND subject = $2
               AND (asked_at = $4 OR (asked_at IS NULL AND CAST($4 AS BIGINT) IS NULL))";
    if portal.db.execute(sql, args![&asked.issuer, &asked.subject, now, asked.asked_at]).await? == 0 {
        return Ok(());
    }
    let Some(row) = store::find_issuer(&portal.db, &asked.issuer).await?.filter(|row| row.enabled != 0) else { return Ok(()) };
    let text = portal.sealing.open(&seal(&asked.issuer, &asked.subject), &asked.grants)?;
    let grants: Grants = serde_json::from_str(&text).map_err(|e| Error::internal("stored grants", e))?;
    let user = UserId(asked.user_id.clone());
    match answer(portal, &row, (asked, now), grants).await? {
        Said::Groups(Some(groups)) => {
            let mut tx = portal.db.begin().await?;
            crate::audit::lock(&mut tx).await?;
            groups_store::note_answer(&mut tx, (&asked.issuer, &asked.subject), &groups, now).await?;
            tx.commit().await?;
            settle_person(portal, &user).await
        }
        Said::Gone => logout::end_sessions(portal, &row, Some(&user), None, "the provider lets them in no more").await.map(|_| ()),
        Said::Groups(None) | Said::Silent => Ok(()),
    }
}

async fn answer(portal: &Portal, row: &ProviderRow, (asked, now): (&Whom, Millis), mut grants: Grants) -> Result<Said> {
    let known = discover(portal, row).await?;
    let client = flow::client(portal, row, &known)?;
    let over = grants.until <= portal.clock.now() + SOON;
    // Of a token that was looked at and names no group.
    let mut none = false;
    if (over || grants.by_token) && grants.refresh.is_some() {
        match refreshed(portal, row, &client, (asked, now), &mut grants).await? {
            Fresh::Refused => return Ok(Said::Gone),
            Fresh::Token(Some(groups)) => return Ok(Said::Groups(Some(groups))),
            Fresh::Token(None) => none = grants.by_token,
            Fresh::NoToken => {}
        }
    } else if over {
        return Ok(Said::Silent);
    }
    let subject = SubjectIdentifier::new(asked.subject.clone());
    let Ok(request) = client.user_info(AccessToken::new(grants.access.clone()), Some(subject)) else {
        return Ok(if none { Said::Groups(Some(Vec::new())) } else { Said::Silent });
    };
    let way = http()?;
    let more: Result<UserInfoClaims<Rest, CoreGenderClaim>, _> = request.request_async(&|request| fetch(way.clone(), request)).await;
    match more {
        // Where ID tokens have them, the endpoint may leave them out; then a token tells that there are none.
        Ok(more) => {
            let said = more.additional_claims().groups(&row.groups_claim);
            Ok(Said::Groups(said.or_else(|| (none || !grants.by_token).then(Vec::new))))
        }
        // RFC 6750, section 3.1: the token was revoked, since its time is not over.
        Err(UserInfoError::Response(status, ..)) if status.as_u16() == 401 => Ok(Said::Gone),
        Err(error) => Err(Error::Unavailable(format!("{} does not answer: {}", row.name, reasons(&error)))),
    }
}

/// What comes of a refresh.
enum Fresh {
    Refused,
    NoToken,
    /// An ID token that is to be believed, with its groups if it has the claim.
    Token(Option<Vec<String>>),
}

/// New grants for the old, kept before they are used, and what the new ID token says.
async fn refreshed(
    portal: &Portal,
    row: &ProviderRow,
    client: &Client,
    (asked, now): (&Whom, Millis),
    grants: &mut Grants,
) -> Result<Fresh> {
    let way = http()?;
    let old = RefreshToken::new(grants.refresh.clone().unwrap_or_default());
    let request = client.exchange_refresh_token(&old).map_err(|e| Error::internal("a provider's token endpoint", e))?;
    let tokens: CoreTokenResponse = match request.request_async(&|request| fetch(way.clone(), request)).await {
        Ok(tokens) => tokens,
        Err(RequestTokenError::ServerResponse(said)) if *said.error() == CoreErrorResponseType::InvalidGrant => return Ok(Fresh::Refused),
        Err(error) => return Err(Error::Unavailable(format!("{} does not answer: {}", row.name, reasons(&error)))),
    };
    let token = tokens.id_token();
    let said = token.and_then(|token| payload(&token.to_string())).and_then(|said| groups(&said, &row.groups_claim));
    let fresh = Grants::of(&tokens, grants.by_token || said.is_some(), portal.clock.now());
    *grants = Grants { refresh: fresh.refresh.clone().or(grants.refresh.take()), ..fresh };
    // Unless somebody has signed in anew meanwhile, whose grants are newer.
    let sealed = sealed(portal, &asked.issuer, &asked.subject, grants)?;
    let sql = "UPDATE identities SET grants = $3 WHERE issuer = $1 AND subject = $2 AND asked_at = $4";
    portal.db.execute(sql, args![&asked.issuer, &asked.subject, sealed, now]).await?;
    let Some(token) = token else { return Ok(Fresh::NoToken) };
    let claims = flow::claims(portal, client, token, None).map_err(|e| flow::refused(reasons(&e)))?;
    if claims.subject().as_str() != asked.subject {
        return Err(flow::refused("it is about somebody else"));
    }
    Ok(Fresh::Token(said))
}
