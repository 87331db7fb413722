//! The left bar: team switcher, search, groups of pages, who is signed in.

use super::{
    Logo,
    command::{Place, groups, own_places},
    me::{MeResource, preferred_team, team_in},
    preferences::{remember, set_theme, toggle_navigation},
    switcher::TeamSwitcher,
};
use crate::{
    components::icon::{Glyph, Icon},
    identity::api::SignOut,
    live::{kept_current, use_live},
    promotion::api::count_waiting,
};
use domain::model::{Change, Me};
use leptos::{html, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_location;

/// The left bar; empty for visitors.
#[component]
pub(super) fn Sidebar(me: MeResource, palette: NodeRef<html::Dialog>) -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |_| {
        if let Some(team) = team_in(&path.read()) {
            remember("team", team);
        }
    });
    view! {
        <aside class="sidebar" aria-label="Sidebar">
            <div class="sidebar-head">
                <a class="wordmark" href="/" title="Home">
                    <Logo />
                    <span class="nav-text">"Slipway"</span>
                </a>
                <button type="button" class="icon-btn fold needs-js" title="Fold the navigation" aria-label="Fold the navigation" on:click=|_| toggle_navigation()>
                    <Icon glyph=Glyph::PanelLeft />
                </button>
            </div>
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    me.await.ok().flatten().map(|me| view! { <SidebarOf me palette /> })
                })}
            </Suspense>
        </aside>
    }
}

#[component]
fn SidebarOf(me: Me, palette: NodeRef<html::Dialog>) -> impl IntoView {
    let path = use_location().pathname;
    let fallback = preferred_team(&me);
    let team = Memo::new(move |last: Option<&Option<String>>| {
        let here = path.with(|p| team_in(p).map(str::to_owned));
        here.or_else(|| last.cloned().flatten()).or_else(|| fallback.clone())
    });
    let person = StoredValue::new(me.clone());
    view! {
        <TeamSwitcher teams=me.teams.clone() team />
        <button
            type="button"
            class="search-btn needs-js"
            aria-label="Search and commands"
            title="Search and commands (Ctrl K)"
            on:click=move |_| {
                if let Some(dialog) = palette.get_untracked() {
                    _ = dialog.show_modal();
                }
            }
        >
            <Icon glyph=Glyph::Search />
            <span class="nav-text">"Search"</span>
            <kbd class="nav-text">"Ctrl K"</kbd>
        </button>
        <nav class="nav" aria-label="Main">
            {move || {
                groups(&person.read_value(), team.get().as_deref())
                    .into_iter()
                    .map(|group| {
                        view! {
                            <div class="nav-group">
                                {(!group.title.is_empty()).then(|| view! { <p class="nav-title nav-text">{group.title}</p> })}
                                <ul>{group.places.into_iter().map(|place| view! { <NavLink place team /> }).collect_view()}</ul>
                            </div>
                        }
                    })
                    .collect_view()
            }}
        </nav>
        <div class="sidebar-foot">
            <UserMenu me />
        </div>
    }
}

#[component]
fn NavLink(place: Place, team: Memo<Option<String>>) -> impl IntoView {
    let path = use_location().pathname;
    let (href, exact) = (place.href.clone(), place.exact);
    let current = move || {
        path.with(|p| p == &href || (!exact && p.strip_prefix(href.as_str()).is_some_and(|rest| rest.starts_with('/')))).then_some("page")
    };
    view! {
        <li>
            <a class="nav-link" href=place.href title=place.text aria-current=current>
                <Icon glyph=place.glyph />
                <span class="nav-text">{place.text}</span>
                {place.counted.then(|| view! { <Waiting team /> })}
            </a>
        </li>
    }
}

/// How many reviews wait for the visitor in this team; nothing where none does.
#[component]
fn Waiting(team: Memo<Option<String>>) -> impl IntoView {
    let of = Signal::derive(move || team.get().unwrap_or_default());
    let changes = use_live().changes_in(of, |event| matches!(event.change, Change::Models | Change::Promotions | Change::Team));
    // Asked for by the browser alone, so that no page waits for it.
    let waiting = kept_current(0, None, move || Some(changes.get()), move |_| count_waiting(of.get_untracked()));
    move || {
        let number = waiting.get();
        (number > 0).then(|| {
            view! {
                <span class="nav-count" title=format!("{number} wait for you")>
                    {number}
                    <span class="sr-only">" waiting for you"</span>
                </span>
            }
        })
    }
}

#[component]
fn UserMenu(me: Me) -> impl IntoView {
    let name = if me.user.name.is_empty() { me.user.email.clone() } else { me.user.name.clone() };
    let initial = name.chars().next().unwrap_or('?').to_uppercase().to_string();
    let theme = |value: &'static str, glyph: Glyph, text: &'static str| {
        view! {
            <button type="button" title=text aria-label=text on:click=move |_| set_theme(value)>
                <Icon glyph />
            </button>
        }
    };
    view! {
        <details class="menu menu-up user-menu">
            <summary class="nav-link" title=me.user.email.clone()>
                <span class="avatar" aria-hidden="true">{initial}</span>
                <span class="nav-text user-name">{name}</span>
                <span class="sr-only">": account menu"</span>
            </summary>
            <div class="menu-list">
                <p class="menu-note">{me.user.email}</p>
                {own_places()
                    .into_iter()
                    .map(|place| {
                        view! {
                            <a class="menu-item" href=place.href>
                                <Icon glyph=place.glyph />
                                {place.text}
                            </a>
                        }
                    })
                    .collect_view()}
                <div class="menu-row needs-js">
                    <span id="theme-label">"Theme"</span>
                    <div class="segmented" role="group" aria-labelledby="theme-label">
                        {theme("light", Glyph::Sun, "Light")}
                        {theme("dark", Glyph::Moon, "Dark")}
                        {theme("system", Glyph::Monitor, "As the system")}
                    </div>
                </div>
                <form method="post" action=SignOut::url()>
                    <button type="submit" class="menu-item">
                        <Icon glyph=Glyph::LogOut />
                        "Sign out"
                    </button>
                </form>
            </div>
        </details>
    }
}
