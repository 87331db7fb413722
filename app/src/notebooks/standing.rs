//! What the reader may do with notebooks, so that no button is shown that would be refused.

use crate::components::{MeResource, role_in};
use domain::model::{Notebook, Role, UserId};
use serde::{Deserialize, Serialize};

/// Who looks, and as what in the team of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub user: Option<UserId>,
    pub email: String,
    pub role: Role,
}

impl Standing {
    /// The reader's standing in `team`; that of a viewer where it is not known.
    pub async fn load(me: MeResource, team: &str) -> Self {
        let me = me.await.ok().flatten();
        let role = me.as_ref().and_then(|me| role_in(me, team)).unwrap_or(Role::Viewer);
        let email = me.as_ref().map(|me| me.user.email.clone()).unwrap_or_default();
        Self { user: me.map(|me| me.user.id), email, role }
    }
    pub fn may_launch(&self) -> bool {
        self.role >= Role::Member
    }
    pub fn owns(&self, notebook: &Notebook) -> bool {
        self.user.as_ref() == Some(&notebook.owner)
    }
    /// Stop, start, resize, delete.
    pub fn may_change(&self, notebook: &Notebook) -> bool {
        self.role == Role::Admin || (self.may_launch() && self.owns(notebook))
    }
    /// Only ever its owner.
    pub fn may_open(&self, notebook: &Notebook) -> bool {
        self.may_launch() && self.owns(notebook)
    }
}
