//! Searches over registered models and versions, page by page.

use super::{
    filter::{self, Key, Kind, Rules, What},
    models::whole,
    search_store::{self, Candidate},
    store, version_store,
};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{ModelVersion, Permission, RegisteredModel},
    paging,
    portal::Portal,
};
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

/// Most registered models on one page.
pub const MODELS_MOST: i64 = 1000;
/// Most versions on one page.
pub const VERSIONS_MOST: i64 = 200_000;

/// What a search asks for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub filter: String,
    pub order: Vec<String>,
    pub most: i64,
    /// From the page before.
    pub page: Option<String>,
}

/// The team's registered models that fit, and how to ask for the next page. By name, unless said otherwise; prompts only where asked for.
pub async fn search(portal: &Portal, caller: &Caller, team: &str, query: &Query) -> Result<(Vec<RegisteredModel>, Option<String>)> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let (rules, mut order, offset) = read(query, Kind::Models, MODELS_MOST)?;
    order.push((Key::Name, true));
    let candidates = search_store::models(&portal.db, &scope.team, rules.exactly(&What::Name)).await?;
    let prompts = search_store::prompts(&portal.db, &scope.team, Kind::Models).await?;
    let found = fitting(portal, &scope, Kind::Models, &rules, candidates, &prompts).await?;
    let (page, next) = paging::cut(sorted(found, &order), offset, query.most);
    let ids: Vec<&str> = page.iter().map(|c| c.model_id.as_str()).collect();
    let mut rows: HashMap<String, store::ModelRow> =
        store::models(&portal.db, &ids).await?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let rows = ids.iter().filter_map(|id| rows.remove(*id)).collect();
    Ok((whole(portal, rows).await?, next))
}

/// The team's versions that fit, without aliases, and how to ask for the next page. What changed last comes first, unless said otherwise.
pub async fn search_versions(portal: &Portal, caller: &Caller, team: &str, query: &Query) -> Result<(Vec<ModelVersion>, Option<String>)> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let (rules, mut order, offset) = read(query, Kind::Versions, VERSIONS_MOST)?;
    if order.is_empty() {
        order.push((Key::Updated, false));
    }
    order.extend([(Key::Name, true), (Key::Number, false)]);
    let candidates = search_store::versions(&portal.db, &scope.team, rules.exactly(&What::Name), rules.exactly(&What::Run)).await?;
    let prompts = search_store::prompts(&portal.db, &scope.team, Kind::Versions).await?;
    let found = fitting(portal, &scope, Kind::Versions, &rules, candidates, &prompts).await?;
    let (page, next) = paging::cut(sorted(found, &order), offset, query.most);
    let keys: Vec<(String, i64)> = page.into_iter().map(|c| (c.model_id, c.version)).collect();
    Ok((version_store::versions(&portal.db, &keys).await?, next))
}

/// What a search asks for: conditions, orders with whether they ascend, and how many to pass over.
type Asked = (Rules, Vec<(Key, bool)>, usize);

fn read(query: &Query, kind: Kind, most: i64) -> Result<Asked> {
    if !(1..=most).contains(&query.most) {
        return Err(Error::invalid("max_results", format!("Use a number from 1 to {most}; it is {}.", query.most)));
    }
    let rules = filter::read(&query.filter, kind).map_err(|e| Error::invalid("filter", e.to_string()))?;
    let order = filter::order(&query.order, kind).map_err(|reason| Error::invalid("order_by", reason))?;
    Ok((rules, order, paging::offset(query.page.as_deref())?))
}

async fn fitting(
    portal: &Portal,
    scope: &TeamScope,
    kind: Kind,
    rules: &Rules,
    candidates: Vec<Candidate>,
    prompts: &HashSet<String>,
) -> Result<Vec<Candidate>> {
    let mut tags: HashMap<&str, HashMap<(String, i64), String>> = HashMap::new();
    for rule in &rules.all {
        if let What::Tag(key) = &rule.what
            && !tags.contains_key(key.as_str())
        {
            tags.insert(key, search_store::tagged(&portal.db, &scope.team, kind, key).await?);
        }
    }
    let fits = |candidate: &Candidate| {
        (rules.prompts || !prompts.contains(&candidate.model_id))
            && rules.all.iter().all(|rule| match &rule.what {
                What::Name => rule.fits(Some(&candidate.name)),
                What::Run => rule.fits(candidate.run_id.as_deref()),
                What::Source => rule.fits(Some(&candidate.source)),
                What::Number => rule.fits_number(candidate.version),
                What::Tag(key) => {
                    let of = tags.get(key.as_str()).and_then(|t| t.get(&(candidate.model_id.clone(), candidate.version)));
                    rule.fits(of.map(String::as_str))
                }
            })
    };
    Ok(candidates.into_iter().filter(fits).collect())
}

fn sorted(mut found: Vec<Candidate>, order: &[(Key, bool)]) -> Vec<Candidate> {
    let by = |a: &Candidate, b: &Candidate, key: Key| match key {
        Key::Name => a.name.cmp(&b.name),
        Key::Created => a.created_at.cmp(&b.created_at),
        Key::Updated => a.updated_at.cmp(&b.updated_at),
        Key::Number => a.version.cmp(&b.version),
    };
    found.sort_by(|a, b| {
        order
            .iter()
            .fold(Ordering::Equal, |so_far, (key, ascending)| so_far.then_with(|| if *ascending { by(a, b, *key) } else { by(b, a, *key) }))
    });
    found
}
