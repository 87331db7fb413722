//! Who may do what: one table, default deny.

use serde::{Deserialize, Serialize};

/// A role in one team. Ordered: a higher role may do all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees what the team has, changes nothing.
    Viewer,
    /// Launches and changes what is theirs.
    Member,
    /// Manages members and everything the team has.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or_else(|| "is not a role: use viewer, member or admin".to_owned())
    }
}

/// What a verb needs. Each verb names exactly one, as its first statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    // Everyone who is signed in, about themselves.
    ManageOwnAccount,
    CreateToken,
    CreateTeam,
    // In a team.
    ReadTeam,
    ManageMembers,
    ReadTeamAudit,
    ReadNotebooks,
    LaunchNotebook,
    /// Stop, start, resize, snooze, clone or delete one's own notebook.
    ChangeOwnNotebook,
    /// The same for a notebook of somebody else in the team.
    ChangeAnyNotebook,
    /// Use a running notebook: only ever its owner.
    OpenNotebook,
    ReadVolumes,
    WriteVolumes,
    /// Experiments, runs, traces, artifacts: see them.
    ReadTracking,
    /// Log to them, change, delete and restore them.
    WriteTracking,
    /// Remove for good what was deleted.
    PurgeTracking,
    /// Registered models, their versions and prompts.
    ReadRegistry,
    WriteRegistry,
    /// Approve or reject promotions that others ask for, and bring back an earlier holder of an alias.
    ReviewPromotion,
    /// The team's promotion flow, and waivers of its gates.
    ManagePromotion,
    /// Webhooks tell another service what happens in the team's registry. A member sees all of that, so may have it sent.
    ManageWebhooks,
    // In the whole portal.
    ManageUsers,
    ManageTeams,
    ReadAudit,
    ManageEnvironments,
    ReadSystem,
}

/// The least standing that grants a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any signed-in person, with a session (a token may not).
    Session,
    /// Any signed-in person, also by token.
    SignedIn,
    /// At least this role in the team that the thing belongs to.
    InTeam(Role),
    /// A portal administrator, with a session (a token may not).
    PortalAdmin,
}

impl Permission {
    /// The table.
    pub const fn needs(self) -> Needs {
        match self {
            Self::ManageOwnAccount | Self::CreateToken | Self::CreateTeam => Needs::Session,
            Self::ReadTeam | Self::ReadNotebooks | Self::ReadVolumes | Self::ReadTracking | Self::ReadRegistry => {
                Needs::InTeam(Role::Viewer)
            }
            Self::LaunchNotebook
            | Self::ChangeOwnNotebook
            | Self::OpenNotebook
            | Self::WriteVolumes
            | Self::WriteTracking
            | Self::WriteRegistry
            | Self::ReviewPromotion
            | Self::ManageWebhooks => Needs::InTeam(Role::Member),
            Self::ManageMembers | Self::ReadTeamAudit | Self::ChangeAnyNotebook | Self::PurgeTracking | Self::ManagePromotion => {
                Needs::InTeam(Role::Admin)
            }
            Self::ManageUsers | Self::ManageTeams | Self::ReadAudit | Self::ManageEnvironments | Self::ReadSystem => Needs::PortalAdmin,
        }
    }
}
