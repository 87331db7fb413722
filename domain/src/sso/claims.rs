//! The groups in what a provider says of somebody.

use crate::model::{GROUP_LENGTH, GROUPS_MOST, cut};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::collections::BTreeSet;

/// The claims of a token whose signature has been looked at.
pub(super) fn payload(token: &str) -> Option<Value> {
    let text = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()
}

/// Groups by the claim of this name, or of the claim that lies at this way of names, parted by dots; none where there is no such claim. A list of texts, or one
/// text. (Of more than 200 groups Microsoft's tokens have none, only where to ask for them: those are no groups.)
pub(super) fn groups(claims: &Value, name: &str) -> Option<Vec<String>> {
    let found = claims.get(name).or_else(|| name.split('.').try_fold(claims, |inside, part| inside.get(part)))?;
    let names: Vec<&str> = match found {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let sound = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control) && cut(name, GROUP_LENGTH) == *name;
    let names: BTreeSet<String> = names.into_iter().filter(sound).map(str::to_owned).collect();
    Some(names.into_iter().take(GROUPS_MOST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_are_a_list_a_text_or_lie_inside_another_claim() {
        let claims = json!({ "groups": ["b", "a", "b", 7, "", "x\ny"], "role": "one", "realm_access": { "roles": ["r"] }, "a.b": ["dotted"], "odd": { "x": 1 } });
        let names = |name: &str| groups(&claims, name);
        assert_eq!(names("groups"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(names("role"), Some(vec!["one".to_owned()]));
        assert_eq!(names("realm_access.roles"), Some(vec!["r".to_owned()]));
        assert_eq!(names("a.b"), Some(vec!["dotted".to_owned()]));
        assert_eq!(names("odd"), Some(vec![]));
        assert_eq!(names("missing"), None);
        let long = "g".repeat(GROUP_LENGTH + 1);
        assert_eq!(groups(&json!({ "groups": [long] }), "groups"), Some(vec![]), "a name that is cut would be another's");
    }
}
