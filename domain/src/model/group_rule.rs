//! Groups of an identity provider, and the roles in teams that they give.

use super::{Checks, FieldError, Millis, Role, UserId, validate_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most groups that are kept of a person, and the longest name of one, in characters.
pub const GROUPS_MOST: usize = 1000;
pub const GROUP_LENGTH: usize = 200;
/// Most rules of a provider.
pub const RULES_MOST: i64 = 500;
/// The claim that holds somebody's groups where nobody chose.
pub const GROUPS_CLAIM: &str = "groups";

/// Who is in such a group has this role in this team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    pub id: String,
    /// A group's whole name, or how the names of several begin.
    pub pattern: String,
    pub is_prefix: bool,
    /// Team name.
    pub team: String,
    pub role: Role,
    pub created_at: Millis,
}

impl GroupRule {
    pub fn matches(&self, group: &str) -> bool {
        if self.is_prefix { group.starts_with(&self.pattern) } else { group == self.pattern }
    }
}

/// The roles that groups give by rules: the highest in each team.
pub fn roles_of<'a>(rules: impl IntoIterator<Item = &'a GroupRule>, groups: &[String]) -> BTreeMap<&'a str, Role> {
    let mut roles = BTreeMap::new();
    for rule in rules {
        if groups.iter().any(|group| rule.matches(group)) {
            let role = roles.entry(rule.team.as_str()).or_insert(rule.role);
            *role = rule.role.max(*role);
        }
    }
    roles
}

/// What an administrator says of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRuleForm {
    #[serde(default)]
    pub pattern: String,
    #[serde(default)]
    pub is_prefix: bool,
    #[serde(default)]
    pub team: String,
    pub role: Role,
}

impl GroupRuleForm {
    /// # Errors
    /// What is wrong, by field.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("pattern", validate_group(&self.pattern));
        checks.check("team", validate_name(&self.team, 40));
        checks.finish()
    }
}

/// A group's name, or the beginning of one; an empty beginning would be everybody's.
pub fn validate_group(name: &str) -> Result<(), String> {
    let fine = (1..=GROUP_LENGTH).contains(&name.chars().count()) && !name.chars().any(char::is_control) && name.trim() == name;
    if fine { Ok(()) } else { Err(format!("Use 1 to {GROUP_LENGTH} characters on one line, as the provider writes the group.")) }
}

/// The name of a claim, or the way to one inside others, parted by dots. Empty: `groups`.
pub fn validate_claim(name: &str) -> Result<(), String> {
    let fine = name.len() <= GROUP_LENGTH && name.bytes().all(|b| (b'!'..=b'~').contains(&b));
    if fine { Ok(()) } else { Err("Use the claim's name, for example groups or realm_access.roles, without spaces.".to_owned()) }
}

/// Somebody whom the provider knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPerson {
    pub user: UserId,
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
    /// When the provider was asked last.
    pub asked_at: Option<Millis>,
}

/// What becomes of somebody's role in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChange {
    pub user: UserId,
    pub email: String,
    pub name: String,
    pub team: String,
    /// None: not in the team.
    pub before: Option<Role>,
    pub after: Option<Role>,
}

/// Who would get what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPreview {
    /// People whose groups fit the rule.
    pub fits: usize,
    /// People whom the provider has told of, at their sign-ins.
    pub known: usize,
    /// In the order of emails and teams.
    pub changes: Vec<RoleChange>,
}

/// The rules of a provider, and whom it knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderGroups {
    /// The provider's name.
    pub name: String,
    pub claim: String,
    /// By pattern.
    pub rules: Vec<GroupRule>,
    /// By email.
    pub people: Vec<GroupPerson>,
    /// Names of all teams.
    pub teams: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str, is_prefix: bool, team: &str, role: Role) -> GroupRule {
        GroupRule { id: pattern.into(), pattern: pattern.into(), is_prefix, team: team.into(), role, created_at: 0 }
    }

    #[test]
    fn the_highest_role_of_a_team_counts_and_names_are_compared_exactly() {
        let rules = [
            rule("ml", false, "vision", Role::Member),
            rule("ml-", true, "vision", Role::Viewer),
            rule("ml-leads", false, "vision", Role::Admin),
            rule("ops", false, "platform", Role::Member),
        ];
        let roles = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
            roles_of(&rules, &groups).into_iter().map(|(team, role)| (team.to_owned(), role)).collect::<Vec<_>>()
        };
        assert_eq!(roles(&["ml"]), [("vision".to_owned(), Role::Member)]);
        assert_eq!(roles(&["ml-a"]), [("vision".to_owned(), Role::Viewer)]);
        assert_eq!(roles(&["ml-leads", "ml", "ops"]), [("platform".to_owned(), Role::Member), ("vision".to_owned(), Role::Admin)]);
        assert_eq!(roles(&["ML", "xml-a", "opsy", ""]), []);
        assert_eq!(roles(&[]), []);
    }

    #[test]
    fn a_beginning_is_never_empty() {
        assert!(validate_group("").is_err() && validate_group(" a").is_err() && validate_group("a\nb").is_err());
        assert!(validate_group("/company/ml").is_ok() && validate_group("Data Science").is_ok());
    }
}
