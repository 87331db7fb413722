//! Who calls: handed to every verb, and asked first.

use crate::{
    error::{Error, Result},
    model::{Membership, Needs, NotebookId, Permission, Role, TeamId, TokenId, User, UserId},
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
    /// The notebook that it was made for.
    pub notebook: Option<NotebookId>,
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

    /// Name of the team that the caller's token speaks for: what MLflow's clients call their workspace.
    pub fn token_team(&self) -> Result<&str> {
        let identity = self.identity()?;
        let scope = identity.token.as_ref().ok_or_else(|| Error::Forbidden("Use a personal access token of the team.".to_owned()))?;
        identity.memberships.iter().find(|m| m.team == scope.team).map(|m| m.team_name.as_str()).ok_or(Error::Unauthenticated)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every permission of the table.
    const ALL: [Permission; 26] = [
        Permission::ManageOwnAccount,
        Permission::CreateToken,
        Permission::CreateTeam,
        Permission::ReadTeam,
        Permission::ManageMembers,
        Permission::ReadTeamAudit,
        Permission::ReadNotebooks,
        Permission::LaunchNotebook,
        Permission::ChangeOwnNotebook,
        Permission::ChangeAnyNotebook,
        Permission::OpenNotebook,
        Permission::ReadVolumes,
        Permission::WriteVolumes,
        Permission::ReadTracking,
        Permission::WriteTracking,
        Permission::PurgeTracking,
        Permission::ReadRegistry,
        Permission::WriteRegistry,
        Permission::ReviewPromotion,
        Permission::ManagePromotion,
        Permission::ManageWebhooks,
        Permission::ManageUsers,
        Permission::ManageTeams,
        Permission::ReadAudit,
        Permission::ManageEnvironments,
        Permission::ReadSystem,
    ];

    fn person(admin: bool, role: Option<Role>, token: Option<Role>) -> Caller {
        let user = User {
            id: "u".into(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            admin,
            created_at: 0,
            disabled_at: None,
            last_sign_in_at: None,
        };
        let membership = |team: &str, role| Membership { team: TeamId::from(team), team_name: format!("{team}-name"), role, demo: false };
        let memberships = role.map(|role| membership("red", role)).into_iter().chain([membership("green", Role::Admin)]).collect();
        let token = token.map(|role| TokenScope { id: "t".into(), team: "red".into(), role, notebook: None });
        Caller::identified(Identity { user, memberships, session: None, token }, "r", "")
    }

    /// `yes`, or what kind of no.
    fn answer<T>(result: Result<T>) -> &'static str {
        match result {
            Ok(_) => "yes",
            Err(Error::Unauthenticated) => "unauthenticated",
            Err(Error::Forbidden(_)) => "forbidden",
            Err(Error::NotFound(_)) => "not found",
            Err(_) => "fault",
        }
    }

    fn ask(caller: &Caller, permission: Permission) -> &'static str {
        match permission.needs() {
            Needs::InTeam(_) => answer(caller.require_in(permission, "red-name")),
            _ => answer(caller.require(permission)),
        }
    }

    #[test]
    fn nobody_gets_anything() {
        for permission in ALL {
            assert_eq!(ask(&Caller::anonymous("r", ""), permission), "unauthenticated", "{permission:?}");
        }
    }

    #[test]
    fn the_matrix_of_roles_is_the_table_of_permissions() {
        for permission in ALL {
            let needs = permission.needs();
            for role in Role::ALL {
                let expected = match needs {
                    Needs::SignedIn | Needs::Session => "yes",
                    Needs::InTeam(least) if role >= least => "yes",
                    Needs::InTeam(_) | Needs::PortalAdmin => "forbidden",
                };
                assert_eq!(ask(&person(false, Some(role), None), permission), expected, "{permission:?} as {role:?}");
            }
            let outsider = match needs {
                Needs::SignedIn | Needs::Session => "yes",
                Needs::InTeam(_) => "not found",
                Needs::PortalAdmin => "forbidden",
            };
            assert_eq!(ask(&person(false, None, None), permission), outsider, "{permission:?} from another team");
            let admin = if matches!(needs, Needs::InTeam(_)) { "not found" } else { "yes" };
            assert_eq!(ask(&person(true, None, None), permission), admin, "{permission:?} as portal administrator");
        }
    }

    #[test]
    fn a_token_narrows_its_owner_and_never_widens() {
        for permission in ALL {
            for (owner, token) in Role::ALL.into_iter().flat_map(|o| Role::ALL.map(|t| (o, t))) {
                let expected = match permission.needs() {
                    Needs::SignedIn => "yes",
                    Needs::InTeam(least) if owner.min(token) >= least => "yes",
                    Needs::InTeam(_) | Needs::Session | Needs::PortalAdmin => "forbidden",
                };
                assert_eq!(ask(&person(true, Some(owner), Some(token)), permission), expected, "{permission:?} {owner:?} {token:?}");
            }
        }
    }

    #[test]
    fn a_token_sees_no_other_team_of_its_owner_nor_the_one_they_left() {
        let caller = person(true, Some(Role::Admin), Some(Role::Admin));
        assert_eq!(answer(caller.require_in(Permission::ReadTeam, "green-name")), "not found");
        let left = person(true, None, Some(Role::Admin));
        assert_eq!(answer(left.require_in(Permission::ReadTeam, "red-name")), "not found");
    }

    #[test]
    fn a_foreign_team_is_answered_like_one_that_does_not_exist() {
        let caller = person(true, None, None);
        let text = |team| caller.require_in(Permission::ReadTeam, team).expect_err("refused").to_string();
        assert_eq!(text("red-name"), text("no-such-team"));
    }

    #[test]
    fn the_console_manages_the_portal_and_is_in_no_team() {
        for permission in ALL {
            let in_team = matches!(permission.needs(), Needs::InTeam(_));
            assert_eq!(ask(&Caller::console(), permission), if in_team { "unauthenticated" } else { "yes" }, "{permission:?}");
        }
    }

    #[test]
    fn a_permission_asked_for_in_the_wrong_way_is_refused() {
        let caller = person(true, Some(Role::Admin), None);
        assert_eq!(answer(caller.require(Permission::ReadTeam)), "fault");
        assert_eq!(answer(caller.require_in(Permission::ManageUsers, "red-name")), "fault");
    }
}
