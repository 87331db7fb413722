//! Providers, as administrators manage them.

use super::{
    discovery, groups_store, settle,
    store::{self, ProviderRow},
};
use crate::{
    audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    identity::local,
    model::{GROUPS_CLAIM, PROVIDER_SCOPES, PROVIDERS_MOST, Permission, Provider, ProviderChoice, ProviderForm},
    portal::Portal,
    random,
};

/// The context that secrets of providers are sealed in.
const SEAL: &str = "sso client secret";

/// The providers that the sign-in page offers, for everybody.
pub async fn choices(portal: &Portal) -> Result<Vec<ProviderChoice>> {
    store::choices(&portal.db).await
}

/// Every provider, ordered by name.
pub async fn list(portal: &Portal, caller: &Caller) -> Result<Vec<Provider>> {
    caller.require(Permission::ManageUsers)?;
    store::all(&portal.db).await
}

/// Adds a provider, or changes the one of this id. It is asked what it offers first, so that a wrong issuer is found here and not at sign-in.
///
/// # Errors
/// `Invalid` by field; `Unavailable` where the provider cannot be read.
pub async fn save(portal: &Portal, caller: &Caller, id: Option<&str>, form: ProviderForm) -> Result<Provider> {
    caller.require(Permission::ManageUsers)?;
    form.validate()?;
    discovery::read(&form.issuer).await?;
    let secret = (!form.client_secret.is_empty()).then(|| portal.sealing.seal(SEAL, &form.client_secret)).transpose()?;
    let mut scopes: Vec<&str> = form.scopes.split_whitespace().collect();
    if scopes.is_empty() {
        scopes = PROVIDER_SCOPES.split(' ').collect();
    }
    if !scopes.contains(&"openid") {
        scopes.insert(0, "openid");
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = match id {
        Some(id) => Some(store::find_tx(&mut tx, id).await?),
        None if store::count(&mut tx).await? >= PROVIDERS_MOST => {
            return Err(Error::Conflict(format!("There are {PROVIDERS_MOST} providers already; remove one first.")));
        }
        None => None,
    };
    if let Some(before) = &before
        && before.issuer != form.issuer
        && before.client_secret.is_some()
        && secret.is_none()
    {
        return Err(Error::invalid("client_secret", "Another issuer needs its own secret: the present one is not sent there."));
    }
    let row = ProviderRow {
        id: before.as_ref().map_or_else(random::id, |row| row.id.clone()),
        name: form.name.trim().to_owned(),
        issuer: form.issuer,
        client_id: form.client_id,
        client_secret: secret.or_else(|| before.as_ref().and_then(|row| row.client_secret.clone())),
        scopes: scopes.join(" "),
        admits: i64::from(form.admits),
        enabled: before.as_ref().map_or(1, |row| row.enabled),
        created_at: before.as_ref().map_or(now, |row| row.created_at),
        groups_claim: if form.groups_claim.is_empty() { GROUPS_CLAIM.to_owned() } else { form.groups_claim },
    };
    match &before {
        Some(_) => {
            store::update(&mut tx, &row).await?;
            local::keep_a_way_in(&mut tx).await?;
        }
        None => store::insert(&mut tx, &row).await?,
    }
    let (before, after) = (before.map(|row| row.seen(0)), row.seen(0));
    record(&mut tx, portal, caller, if before.is_some() { "sso.change" } else { "sso.add" }, before.as_ref(), Some(&after)).await?;
    tx.commit().await?;
    // With another issuer its rules are about other people.
    settle(portal).await?;
    Ok(after)
}

/// Lets people sign in with it, or not any more. Who is signed in stays so.
pub async fn set_enabled(portal: &Portal, caller: &Caller, id: &str, enabled: bool) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = store::find_tx(&mut tx, id).await?;
    let after = ProviderRow { enabled: i64::from(enabled), ..before.clone() };
    store::update(&mut tx, &after).await?;
    if !enabled {
        local::keep_a_way_in(&mut tx).await?;
    }
    let (before, after) = (before.seen(0), after.seen(0));
    record(&mut tx, portal, caller, if enabled { "sso.enable" } else { "sso.disable" }, Some(&before), Some(&after)).await?;
    tx.commit().await
}

/// Removes a provider, with its rules for groups and what they gave. Its accounts stay, and sign in again once a provider of the same issuer is added.
pub async fn remove(portal: &Portal, caller: &Caller, id: &str) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = store::find_tx(&mut tx, id).await?.seen(0);
    groups_store::remove_all(&mut tx, id).await?;
    store::delete(&mut tx, id).await?;
    local::keep_a_way_in(&mut tx).await?;
    record(&mut tx, portal, caller, "sso.remove", Some(&before), None).await?;
    tx.commit().await?;
    settle(portal).await
}

/// The secret that the provider gave this portal.
pub(super) fn secret(portal: &Portal, row: &ProviderRow) -> Result<Option<String>> {
    row.client_secret.as_deref().map(|sealed| portal.sealing.open(SEAL, sealed)).transpose()
}

async fn record(
    tx: &mut Tx,
    portal: &Portal,
    caller: &Caller,
    action: &'static str,
    before: Option<&Provider>,
    after: Option<&Provider>,
) -> Result<()> {
    let provider = after.or(before);
    let entry = audit::Entry {
        team: None,
        action,
        object: provider.map_or("", |p| p.id.as_str()),
        object_name: provider.map_or("", |p| p.name.as_str()),
        before,
        after,
    };
    audit::record(tx, caller, portal.clock.now(), entry).await
}
