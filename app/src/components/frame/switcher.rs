//! The team switcher: every page belongs to one team, and switching keeps the page.

use super::me::same_page_in;
use crate::components::icon::{Glyph, Icon};
use domain::model::Membership;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

#[component]
pub(super) fn TeamSwitcher(teams: Vec<Membership>, team: Memo<Option<String>>) -> impl IntoView {
    let path = use_location().pathname;
    let shown = move || team.get().unwrap_or_else(|| "No team yet".to_owned());
    let mark = move || shown().chars().next().unwrap_or('?').to_uppercase().to_string();
    let demos: Vec<String> = teams.iter().filter(|m| m.demo).map(|m| m.team_name.clone()).collect();
    let demo = move || team.get().is_some_and(|team| demos.contains(&team));
    let items = teams
        .into_iter()
        .map(|membership| {
            let (name, key) = (membership.team_name.clone(), membership.team_name.clone());
            let current = Memo::new(move |_| team.get().as_deref() == Some(key.as_str()));
            view! {
                <a
                    class="menu-item"
                    href=move || same_page_in(&path.read(), &name)
                    aria-current=move || current.get().then_some("true")
                >
                    <span class="team-mark" aria-hidden="true">
                        {membership.team_name.chars().next().unwrap_or('?').to_uppercase().to_string()}
                    </span>
                    <span class="grow">{membership.team_name}</span>
                    {membership.demo.then(|| view! { <span class="chip">"Demo data"</span> })}
                    <span class="muted">{membership.role.as_str()}</span>
                    {move || current.get().then(|| view! { <Icon glyph=Glyph::Check /> })}
                </a>
            }
        })
        .collect_view();
    view! {
        <details class="menu team-switcher">
            <summary title="Switch team">
                <span class="team-mark" aria-hidden="true">
                    {mark}
                </span>
                <span class="sr-only">"Team: "</span>
                <span class="nav-text grow">{shown}</span>
                {move || demo().then(|| view! { <span class="chip nav-text" title="Made by slipway demo; slipway demo --remove takes it away">"Demo data"</span> })}
                <span class="nav-text">
                    <Icon glyph=Glyph::ChevronsUpDown />
                </span>
            </summary>
            <div class="menu-list">
                {items}
                <a class="menu-item" href="/teams/new">
                    <Icon glyph=Glyph::Plus />
                    "Create team"
                </a>
            </div>
        </details>
    }
}
