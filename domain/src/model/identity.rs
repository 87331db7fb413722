//! People, teams, sessions and tokens.

use super::{
    Checks, FieldError, Millis, Role, Share, TeamId, TokenId, UserId, validate_email, validate_line, validate_name, validate_password,
};
use serde::{Deserialize, Serialize};

/// The issuer of accounts that Slipway itself keeps. Identity is (issuer, subject); the email is a label.
pub const LOCAL_ISSUER: &str = "local";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    /// A portal administrator.
    pub admin: bool,
    pub created_at: Millis,
    pub disabled_at: Option<Millis>,
    pub last_sign_in_at: Option<Millis>,
}

/// What a new local account needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: String,
    pub admin: bool,
}

impl NewUser {
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("email", validate_email(&self.email));
        checks.check("name", validate_line(&self.name, 100));
        checks.check("password", validate_password(&self.password, &self.email));
        checks.finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub id: TeamId,
    /// Unique in the portal; stands in URLs.
    pub name: String,
    pub created_at: Millis,
}

/// A team's name: a DNS label of at most 40 characters.
pub fn validate_team_name(name: &str) -> Result<(), Vec<FieldError>> {
    let mut checks = Checks::new();
    checks.check("name", validate_name(name, 40));
    checks.finish()
}

/// A person in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub user: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// The part of the role that a group of an identity provider gives.
    #[serde(default)]
    pub by_rule: Option<Role>,
    pub since: Millis,
}

/// A team as its list row shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamSummary {
    pub team: Team,
    pub members: i64,
    pub running_notebooks: i64,
    /// Its quota and what it holds of it.
    pub share: Share,
    /// Its namespace in the cluster, where notebooks run in one.
    pub namespace: Option<String>,
}

/// One membership of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub team: TeamId,
    pub team_name: String,
    pub role: Role,
    /// What the team has was made by `slipway demo`.
    #[serde(default)]
    pub demo: bool,
}

/// Who is signed in, for the page frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub user: User,
    /// Ordered by team name.
    pub teams: Vec<Membership>,
}

/// One of my signed-in browsers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// A handle that ends the session but cannot be used as one.
    pub handle: String,
    pub created_at: Millis,
    pub last_seen_at: Millis,
    pub expires_at: Millis,
    pub user_agent: String,
    pub address: String,
    pub current: bool,
}

/// A personal access token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    /// The first characters of the secret, to recognise it by.
    pub prefix: String,
    pub team: TeamId,
    pub team_name: String,
    pub role: Role,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub last_used_at: Option<Millis>,
}

/// Longest life of a token, in days.
pub const TOKEN_MAX_DAYS: u32 = 365;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    pub name: String,
    /// Team name.
    pub team: String,
    pub role: Role,
    pub days: u32,
}

impl NewToken {
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("name", validate_line(&self.name, 100));
        checks.require(!self.name.trim().is_empty(), "name", "Say what the token is for.");
        checks.require((1..=TOKEN_MAX_DAYS).contains(&self.days), "days", format!("Use 1 to {TOKEN_MAX_DAYS} days."));
        checks.finish()
    }
}
