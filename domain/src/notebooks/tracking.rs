//! What lets the programs of a notebook log to the portal: a token that is good while this launch lasts.

use super::store::Record;
use crate::{
    args,
    compute::Secret,
    db::Tx,
    error::Result,
    model::{Millis, NotebookId, Role},
    portal::Portal,
    random, tokens,
};

/// A launch that lasts longer gets no new token; notebooks are started anew more often than that.
const GOOD_FOR: Millis = 30 * 24 * 60 * 60 * 1000;

/// The token of the record's present launch. None where the owner has no role in the team any more.
///
/// The token's secret is derived from the launch, so that whoever asks again gets the same and nothing of it is stored.
pub(super) async fn token(portal: &Portal, record: &Record) -> Result<Option<Secret>> {
    let membership: Option<(String,)> = portal
        .db
        .fetch_optional("SELECT role FROM memberships WHERE team_id = $1 AND user_id = $2", args![&record.team_id, &record.owner])
        .await?;
    let Some((role,)) = membership else { return Ok(None) };
    let role = crate::identity::store::role(&role)?.min(Role::Member);
    let secret = tokens::secret_of(&portal.sealing.derive(&format!("notebook {} launch {} tracking", record.id, record.launch)));
    let now = portal.clock.now();
    portal
        .db
        .execute(
            "INSERT INTO tokens (id, user_id, team_id, role, name, prefix, digest, created_at, expires_at, notebook_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (digest) DO NOTHING",
            args![
                random::id::<String>(),
                &record.owner,
                &record.team_id,
                role.as_str(),
                format!("Notebook {}", record.spec.name),
                tokens::prefix_of(&secret),
                random::digest(&secret),
                now,
                now + GOOD_FOR,
                &record.id
            ],
        )
        .await?;
    Ok(Some(Secret(secret)))
}

/// Ends the notebook's tokens with its launch. Say `portal.known_tokens.forget()` once it is committed.
pub(super) async fn end(tx: &mut Tx, id: &NotebookId, at: Millis) -> Result<()> {
    tx.execute("UPDATE tokens SET revoked_at = $1 WHERE notebook_id = $2 AND revoked_at IS NULL", args![at, id]).await?;
    Ok(())
}
