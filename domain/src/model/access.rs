//! Who has access to what: one row for each person in each team, and for each person in none.

use super::{Millis, Role, UserId};
use serde::{Deserialize, Serialize};

/// Rows of one page.
pub const ACCESS_PAGE: usize = 100;
/// Stands for "no team" where a filter names a team; no team is called so.
pub const NO_TEAM: &str = "-";
/// Stands for portal administrators where a filter names a role.
pub const PORTAL_ADMINISTRATOR: &str = "portal";

/// What the Access page asks for, as its address says it. Empty fields do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessFilter {
    /// Part of an email or a name.
    pub q: String,
    /// Name of a team, or `NO_TEAM`.
    pub team: String,
    /// `viewer`, `member`, `admin`, or `PORTAL_ADMINISTRATOR`.
    pub role: String,
    /// `on`, `waits` or `disabled`.
    pub state: String,
    /// `person`, `team`, `role`, `since` or `last`; with `-` before it, the other way round.
    pub sort: String,
    /// From 1; what is no number is the first.
    pub page: String,
}

/// What an account may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessState {
    On,
    /// Made by a first sign-in with a provider, and not enabled yet.
    Waits,
    Disabled,
}

impl AccessState {
    pub const ALL: [Self; 3] = [Self::On, Self::Waits, Self::Disabled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Waits => "waits",
            Self::Disabled => "disabled",
        }
    }
}

/// How somebody got a role in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessSource {
    /// Somebody gave it.
    Hand,
    /// A group of an identity provider gives it.
    Group,
    Both,
}

impl AccessSource {
    pub const ALL: [Self; 3] = [Self::Hand, Self::Group, Self::Both];

    /// As the database has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Group => "group",
            Self::Both => "both",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hand => "by hand",
            Self::Group => "by a group",
            Self::Both => "by hand and by a group",
        }
    }
}

/// A person in a team, or in none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRow {
    pub user: UserId,
    pub email: String,
    pub name: String,
    /// `password`, `password (switched off)`, or the provider's name; its issuer where it is removed.
    pub signs_in: String,
    /// A portal administrator.
    pub admin: bool,
    pub state: AccessState,
    pub team: Option<String>,
    pub role: Option<Role>,
    pub source: Option<AccessSource>,
    /// In the team; of somebody in none, when the account was made.
    pub since: Millis,
    pub last_sign_in_at: Option<Millis>,
    /// Access tokens for the team that work now.
    pub tokens: i64,
    /// When the last of them expires.
    pub tokens_until: Option<Millis>,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessList {
    pub rows: Vec<AccessRow>,
    /// From 1.
    pub page: usize,
    /// On all pages.
    pub found: usize,
    /// Every team's name, for the filter.
    pub teams: Vec<String>,
}

impl AccessList {
    pub fn pages(&self) -> usize {
        self.found.div_ceil(ACCESS_PAGE).max(1)
    }
}
