//! Who calls: handed to every verb, and asked first.

use crate::{
    error::{Error, Result},
    model::{Membership, Needs, Permission, Role, TeamId, TokenId, User, UserId},
};

/// How a caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Anonymous,
    Session,
    Token,
    /// The command line on the portal's own machine.
    Console,
    /// Slipway itself, for example idle stop.
    System,
}

impl Via {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Session => "session",
            Self::Token => "token",
            Self::Console => "console",
            Self::System => "system",
        }
    }
}

/// What a token narrows its owner's rights to.
#[derive(Clone, Debug)]
pub struct TokenScope {
    pub id: TokenId,
    pub team: TeamId,
    pub role: Role,
}

/// A person as of this request: account, teams and roles are read from the database for each one.
#[derive(Clone, Debug)]
pub struct Identity {
    pub user: User,
    pub memberships: Vec<Membership>,
    /// Handle of the session, where one was used.
    pub session: Option<String>,
    pub token: Option<TokenScope>,
}

/// Who calls, how, and in which request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub via: Via,
    pub identity: Option<Identity>,
    pub request_id: String,
    /// The peer's address, never one from a header.
    pub address: String,
}

/// A caller's standing in one team, proof that it was checked.
#[derive(Clone, Debug)]
pub struct TeamScope {
    pub team: TeamId,
    pub team_name: String,
    pub role: Role,
    pub user: UserId,
    pub email: String,
}

impl Caller {
    pub fn anonymous(request_id: impl Into<String>, address: impl Into<String>) -> Self {
        Self { via: Via::Anonymous, identity: None, request_id: request_id.into(), address: address.into() }
    }
    /// The command line: whoever can run it owns the data folder, so it may do everything outside teams; audited as `console`.
    pub fn console() -> Self {
        Self { via: Via::Console, ..Self::anonymous("console", "") }
    }
    /// Slipway itself; audited as `system`.
    pub fn system() -> Self {
        Self { via: Via::System, ..Self::anonymous("system", "") }
    }
    pub fn identified(identity: Identity, request_id: impl Into<String>, address: impl Into<String>) -> Self {
        let via = if identity.token.is_some() { Via::Token } else { Via::Session };
        Self { via, identity: Some(identity), request_id: request_id.into(), address: address.into() }
    }

    /// The name the audit trail uses.
    pub fn label(&self) -> &str {
        self.identity.as_ref().map_or(self.via.as_str(), |i| i.user.email.as_str())
    }

    /// Who is signed in.
    pub fn identity(&self) -> Result<&Identity> {
        self.identity.as_ref().ok_or(Error::Unauthenticated)
    }

    /// Asks for a permission that is not about a team.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if matches!(self.via, Via::Console | Via::System) {
            return Ok(());
        }
        let identity = self.identity()?;
        let session = identity.token.is_none();
        match permission.needs() {
            Needs::SignedIn => Ok(()),
            Needs::Session if session => Ok(()),
            Needs::PortalAdmin if session && identity.user.admin => Ok(()),
            Needs::Session => Err(Error::Forbidden("A token may not do this; sign in to the portal.".to_owned())),
            Needs::PortalAdmin => Err(Error::Forbidden("Only a portal administrator may do this.".to_owned())),
            Needs::InTeam(_) => Err(Error::Internal(format!("{permission:?} is asked for in a team"))),
        }
    }

    /// Asks for a permission in the team of this name. A team one is not in does not exist.
    pub fn require_in(&self, permission: Permission, team: &str) -> Result<TeamScope> {
        let identity = self.identity()?;
        let membership = identity.memberships.iter().find(|m| m.team_name == team).ok_or(Error::NotFound("team"))?;
        let role = match &identity.token {
            Some(scope) if scope.team != membership.team => return Err(Error::NotFound("team")),
            Some(scope) => scope.role.min(membership.role),
            None => membership.role,
        };
        match permission.needs() {
            Needs::InTeam(least) if role >= least => Ok(TeamScope {
                team: membership.team.clone(),
                team_name: membership.team_name.clone(),
                role,
                user: identity.user.id.clone(),
                email: identity.user.email.clone(),
            }),
            Needs::InTeam(least) => Err(Error::Forbidden(format!(
                "This needs the role {} in team {team}; yours is {}. Ask a team admin.",
                least.as_str(),
                role.as_str()
            ))),
            _ => Err(Error::Internal(format!("{permission:?} is not asked for in a team"))),
        }
    }
}
