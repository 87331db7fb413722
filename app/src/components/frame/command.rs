//! Where one can go from anywhere: the same list feeds the navigation and the palette.

use crate::components::icon::Glyph;
use domain::model::{Me, Role};

/// A page in the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub glyph: Glyph,
    pub text: &'static str,
    pub href: String,
    /// Only this very path is the place, not what lies under it.
    pub exact: bool,
    /// The key after `g`.
    pub key: Option<char>,
    /// Whether the number of what waits there for the visitor stands beside it.
    pub counted: bool,
}

/// A group of the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Empty for the first.
    pub title: &'static str,
    pub places: Vec<Place>,
}

fn place(glyph: Glyph, text: &'static str, href: String, key: Option<char>) -> Place {
    Place { glyph, text, href, exact: false, key, counted: false }
}

/// The navigation of this person in this team.
pub(super) fn groups(me: &Me, team: Option<&str>) -> Vec<Group> {
    let mut groups = Vec::new();
    if let Some(team) = team {
        let role = super::role_in(me, team);
        let to = |page: &str| format!("/t/{team}/{page}");
        let home = Place { exact: true, ..place(Glyph::House, "Home", format!("/t/{team}"), Some('h')) };
        groups.push(Group { title: "", places: vec![home] });
        groups.push(Group {
            title: "Work",
            places: vec![
                place(Glyph::Notebook, "Notebooks", to("notebooks"), Some('n')),
                place(Glyph::Flask, "Experiments", to("experiments"), Some('x')),
                place(Glyph::Package, "Models", to("models"), Some('o')),
                Place { counted: role >= Some(Role::Member), ..place(Glyph::Rocket, "Reviews", to("reviews"), Some('r')) },
            ],
        });
        let mut of_team =
            vec![place(Glyph::Users, "Members", to("members"), Some('m')), place(Glyph::HardDrive, "Volumes", to("volumes"), Some('v'))];
        if role >= Some(Role::Member) {
            of_team.push(place(Glyph::Link, "Webhooks", to("webhooks"), None));
        }
        if role == Some(Role::Admin) {
            of_team.push(place(Glyph::ScrollText, "Audit", to("audit"), Some('a')));
        }
        groups.push(Group { title: "Team", places: of_team });
    }
    if me.user.admin {
        let to = |page: &str| format!("/admin/{page}");
        groups.push(Group {
            title: "Admin",
            places: vec![
                place(Glyph::Building, "Teams", to("teams"), None),
                place(Glyph::UserCog, "Users", to("users"), Some('u')),
                place(Glyph::Key, "Sign-in", to("sign-in"), None),
                place(Glyph::Eye, "Access", to("access"), None),
                place(Glyph::Boxes, "Environments", to("environments"), Some('e')),
                place(Glyph::Cpu, "Compute", to("compute"), Some('c')),
                place(Glyph::Shield, "Portal audit", to("audit"), None),
                place(Glyph::ServerCog, "System", to("system"), Some('s')),
            ],
        });
    }
    groups
}

/// Pages about oneself, which the user menu and the palette list.
pub(super) fn own_places() -> Vec<Place> {
    vec![
        place(Glyph::User, "Account", "/account".to_owned(), None),
        place(Glyph::Laptop, "Sessions", "/account/sessions".to_owned(), None),
        place(Glyph::Key, "Access tokens", "/account/tokens".to_owned(), Some('t')),
    ]
}
