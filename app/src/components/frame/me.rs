//! Who is signed in, and which team the page is about.

use crate::{error::AppError, identity::api::who_am_i};
use domain::model::{Change, Me, Role};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;

/// Who is signed in, loaded once for all pages; `refetch` after teams or the profile change.
pub type MeResource = Resource<Result<Option<Me>, AppError>>;

/// Loads who is signed in, again whenever the visitor passes through the sign-in page.
pub(super) fn provide_me(bare: Memo<bool>) -> MeResource {
    let me = Resource::new(move || bare.get(), |_| who_am_i());
    provide_context(me);
    me
}

/// Who is signed in as far as this browser has learnt, for event handlers, which may not read a resource.
pub(super) fn known(me: MeResource) -> RwSignal<Option<Me>> {
    let known = RwSignal::new(None);
    Effect::new(move |_| known.set(me.get().and_then(Result::ok).flatten()));
    known
}

/// Teams and roles change while pages are open. Asked quietly: pages are drawn anew only where something did change for this person.
pub(super) fn follow_me(me: MeResource, known: RwSignal<Option<Me>>) {
    let ask = move || {
        spawn_local(async move {
            if let Ok(Some(now)) = who_am_i().await
                && known.get_untracked().is_some_and(|before| before != now)
            {
                me.set(Some(Ok(Some(now))));
            }
        });
    };
    crate::live::after_changes(|event| event.change == Change::Team, ask);
}

/// Who is signed in. Await it inside a `Suspend`.
pub fn use_me() -> MeResource {
    use_context().unwrap_or_else(|| Resource::new(|| (), |()| async { Ok(None) }))
}

/// The caller's role in a team; none where they are not in it.
pub fn role_in(me: &Me, team: &str) -> Option<Role> {
    me.teams.iter().find(|m| m.team_name == team).map(|m| m.role)
}

/// The team of this page, from its URL. For routes under `/t/:team`.
pub fn use_team() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|p| p.get_str("team").unwrap_or_default().to_owned()))
}

/// The team in a path of the portal.
pub(super) fn team_in(path: &str) -> Option<&str> {
    path.strip_prefix("/t/").and_then(|rest| rest.split('/').next()).filter(|team| !team.is_empty())
}

/// Remembers the team whose page was asked for last. The server sets it; it tells nothing that the page does not.
pub const TEAM_COOKIE: &str = "slipway-team";

/// The team that pages outside any team link to: the last one visited, else the first.
pub fn preferred_team(me: &Me) -> Option<String> {
    let last = super::cookie(TEAM_COOKIE).filter(|team| role_in(me, team).is_some());
    last.or_else(|| me.teams.first().map(|m| m.team_name.clone()))
}

/// The same page in another team: keeps the section, drops what belongs to the old team.
pub(super) fn same_page_in(path: &str, team: &str) -> String {
    match path.strip_prefix("/t/").and_then(|rest| rest.split('/').nth(1)) {
        Some(section) if !section.is_empty() => format!("/t/{team}/{section}"),
        _ => format!("/t/{team}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_teams_keeps_the_section() {
        assert_eq!(same_page_in("/t/vision/notebooks/abc", "speech"), "/t/speech/notebooks");
        assert_eq!(same_page_in("/t/vision", "speech"), "/t/speech");
        assert_eq!(same_page_in("/account", "speech"), "/t/speech");
        assert_eq!(team_in("/t/vision/notebooks"), Some("vision"));
        assert_eq!(team_in("/account"), None);
    }
}
