//! Local accounts: whether people sign in with a password of this portal, and the way in for the day when nothing else works.

use super::{Millis, UserId};
use serde::{Deserialize, Serialize};

/// How long a break-glass window is open, in milliseconds.
pub const BREAK_GLASS_WINDOW: Millis = 15 * 60 * 1000;
/// How long a session lives that it let in, in milliseconds.
pub const BREAK_GLASS_SESSION: Millis = 60 * 60 * 1000;
/// Longest reason for opening one, in characters.
pub const BREAK_GLASS_REASON: usize = 200;

/// Whether local accounts work, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalAccounts {
    pub on: bool,
    /// Accounts with a password of this portal that are not disabled.
    pub accounts: i64,
    /// Enabled administrators who sign in with a provider that is switched on.
    pub administrators: i64,
    /// The window that is open now.
    pub break_glass: Option<BreakGlass>,
}

/// A window in which one local administrator signs in with a password although local accounts are switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    pub user: UserId,
    pub email: String,
    /// Why it was opened; may be empty.
    pub reason: String,
    pub opened_at: Millis,
    pub until: Millis,
}
