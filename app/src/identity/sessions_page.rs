//! My signed-in browsers, each of which I can end.

use super::{
    account_page::AccountTabs,
    api::{RevokeOtherSessions, RevokeSession, list_sessions},
};
use crate::components::{
    Column, ConfirmDialog, DialogActions, FilterBar, FormError, FormState, Glyph, ListTable, LoadingPage, Page, SearchField, StatusBadge,
    Time, Tone, page_or_error, query_value, sort_order, use_toasts, when_done,
};
use domain::model::SessionInfo;
use leptos::prelude::*;

/// The browser and the system in a user agent, for example `Firefox on Linux`.
fn browser_name(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if agent.is_empty() => "Unknown browser".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

/// My signed-in browsers.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let revoke = ServerAction::<RevokeSession>::new();
    let others = ServerAction::<RevokeOtherSessions>::new();
    let toasts = use_toasts();
    let sessions = Resource::new(|| (), |()| list_sessions());
    when_done(revoke, move |()| {
        sessions.refetch();
        toasts.show(Tone::Good, "Session ended.");
    });
    when_done(others, move |ended| {
        sessions.refetch();
        toasts.show(Tone::Good, format!("{ended} other sessions ended."));
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Sessions" /> }>
            {move || Suspend::new(async move {
                page_or_error(sessions.await, |sessions| view! { <Sessions sessions revoke others /> })
            })}
        </Transition>
    }
}

fn arranged(sessions: &[SessionInfo], text: &str, sort: &str) -> Vec<SessionInfo> {
    let text = text.trim().to_lowercase();
    let has = |s: &&SessionInfo| browser_name(&s.user_agent).to_lowercase().contains(&text) || s.address.contains(&text);
    let mut found: Vec<SessionInfo> = sessions.iter().filter(has).cloned().collect();
    let sort = if sort.is_empty() { "-used" } else { sort };
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "browser" => browser_name(&a.user_agent).cmp(&browser_name(&b.user_agent)),
            "address" => a.address.cmp(&b.address),
            "made" => a.created_at.cmp(&b.created_at),
            "ends" => a.expires_at.cmp(&b.expires_at),
            _ => a.last_seen_at.cmp(&b.last_seen_at),
        };
        sort_order(sort, order)
    });
    found
}

const COLUMNS: &[Column] = &[
    Column::sorted("browser", "Browser"),
    Column::sorted("address", "Address"),
    Column::sorted("made", "Signed in"),
    Column::sorted("used", "Last used"),
    Column::sorted("ends", "Ends"),
    Column::ACTIONS,
];

#[component]
fn Sessions(sessions: Vec<SessionInfo>, revoke: ServerAction<RevokeSession>, others: ServerAction<RevokeOtherSessions>) -> impl IntoView {
    let (form, all) = (FormState::of(revoke), FormState::of(others));
    let many = sessions.len() > 1;
    let actions = move || {
        many.then(|| {
            view! {
                <ConfirmDialog trigger="End other sessions" title="End all other sessions" form=all sole=true class="btn">
                    <p>"Every other browser that is signed in as you has to sign in again. This one stays."</p>
                    <ActionForm action=others>
                        <DialogActions form=all label="End other sessions" />
                    </ActionForm>
                </ConfirmDialog>
            }
        })
    };
    let count = sessions.len();
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| arranged(&sessions, &text.read(), &sort.read()));
    view! {
        <Page title="Sessions" count lead="Browsers that are signed in as you. End one you do not know, then change your password." actions>
            <AccountTabs current="/account/sessions" />
            <FormError form />
            <FilterBar label="Filter sessions">
                <SearchField label="Find by browser or address" />
            </FilterBar>
            <ListTable caption="Signed-in browsers" columns=COLUMNS default="-used" nothing="No session matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
                <For each=move || found.get() key=|s| (s.handle.clone(), s.last_seen_at) children=move |session| view! { <SessionRow session revoke form /> } />
            </ListTable>
        </Page>
    }
}

#[component]
fn SessionRow(session: SessionInfo, revoke: ServerAction<RevokeSession>, form: FormState) -> impl IntoView {
    let name = browser_name(&session.user_agent);
    let title = format!("End the session of {name}");
    let end = (!session.current).then(|| {
        view! {
            <ConfirmDialog trigger="End session" title form class="btn btn-sm">
                <p>"That browser has to sign in again. What runs there goes on."</p>
                <ActionForm action=revoke>
                    <input type="hidden" name="handle" value=session.handle />
                    <DialogActions form label="End session" />
                </ActionForm>
            </ConfirmDialog>
        }
    });
    view! {
        <tr>
            <th scope="row" title=session.user_agent>
                <span class="row">
                    {name}
                    {session.current.then(|| view! { <StatusBadge tone=Tone::Good glyph=Glyph::Laptop text="This browser" /> })}
                </span>
            </th>
            <td data-label="Address" class="mono">{session.address}</td>
            <td data-label="Signed in">
                <Time at=session.created_at />
            </td>
            <td data-label="Last used">
                <Time at=session.last_seen_at />
            </td>
            <td data-label="Ends">
                <Time at=session.expires_at />
            </td>
            <td class="actions">{end}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn a_user_agent_becomes_a_name_people_know() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        assert_eq!(browser_name(chrome), "Chrome on Linux");
        assert_eq!(browser_name("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.1; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on macOS");
        assert_eq!(browser_name("curl/8.5.0"), "curl");
        assert_eq!(browser_name(""), "Unknown browser");
    }
}
