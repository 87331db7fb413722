//! How what has an id of its own at the source is called here, and how a change of it is noticed.

use super::{
    Import,
    client::Fault,
    imported_store::{self, Kind},
};
use crate::random;
use serde_json::Value as Json;

impl Import<'_> {
    /// What a run or a logged model of the source is called here, whether or not it is here yet: its own id wherever that is free.
    pub(super) async fn local_id(&self, kind: Kind, source: &str) -> Result<String, Fault> {
        let known = imported_store::entries(&self.portal.db, &self.scope.team, kind, &[source]).await?;
        if let Some(entry) = known.get(source) {
            return Ok(entry.local_id.clone());
        }
        if !has_shape(kind, source) {
            return Ok(self.other_id(kind, source));
        }
        match imported_store::owner(&self.portal.db, kind, source).await? {
            Some(team) if team != self.scope.team.as_str() => Ok(self.other_id(kind, source)),
            _ => Ok(source.to_owned()),
        }
    }

    /// Always the same one for the same thing in the same team, so that nothing comes twice.
    fn other_id(&self, kind: Kind, source: &str) -> String {
        let digest = random::digest(&format!("{}\n{source}", self.scope.team));
        match kind {
            Kind::Run => digest[..32].to_owned(),
            Kind::LoggedModel => format!("m-{}", &digest[..32]),
        }
    }

    /// What it is called here, where it is here.
    pub(super) async fn here(&self, kind: Kind, source: &str) -> Result<Option<String>, Fault> {
        let id = self.local_id(kind, source).await?;
        let owner = imported_store::owner(&self.portal.db, kind, &id).await?;
        Ok(owner.filter(|team| team == self.scope.team.as_str()).map(|_| id))
    }
}

/// Whether it is an id as MLflow and Slipway make them.
fn has_shape(kind: Kind, id: &str) -> bool {
    let digits = match kind {
        Kind::Run => Some(id),
        Kind::LoggedModel => id.strip_prefix("m-"),
    };
    digits.is_some_and(|d| d.len() == 32 && d.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// Changes when anything changes that the source says of something; the order of lists is nothing that it says.
pub(super) fn fingerprint(said: &Json) -> String {
    random::digest(&sorted(said).to_string())
}

fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(sorted).collect();
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        Json::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<serde_json::Map<_, _>>().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fingerprint_knows_changes_from_another_order() {
        let one = json!({ "tags": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }], "status": "RUNNING" });
        let same = json!({ "status": "RUNNING", "tags": [{ "value": "2", "key": "b" }, { "key": "a", "value": "1" }] });
        let other = json!({ "status": "FINISHED", "tags": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }] });
        assert_eq!(fingerprint(&one), fingerprint(&same));
        assert_ne!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn only_ids_of_the_usual_shape_are_kept() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert!(has_shape(Kind::Run, hex) && has_shape(Kind::LoggedModel, &format!("m-{hex}")));
        for bad in ["", "x", &hex.to_uppercase(), &hex[..31], &format!("m-{hex}")] {
            assert!(!has_shape(Kind::Run, bad), "{bad}");
        }
    }
}
