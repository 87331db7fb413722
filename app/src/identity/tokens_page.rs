//! Personal access tokens: made once, shown once, revoked any time.

use super::{
    account_page::AccountTabs,
    api::{CreateToken, RevokeToken, list_tokens, take_new_token},
};
use crate::components::{
    Column, ConfirmDialog, CopyButton, DialogActions, EmptyState, Field, FilterBar, FormError, FormState, Glyph, ListTable, LoadingPage,
    Note, Page, SearchField, Select, SubmitButton, TextInput, Time, Tone, page_or_error, query_value, sort_order, use_me, use_toasts,
    when_done,
};
use domain::model::{Me, Role, TOKEN_MAX_DAYS, Token};
use leptos::prelude::*;

/// My tokens, and the form that makes one.
#[component]
pub fn TokensPage() -> impl IntoView {
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let (me, toasts) = (use_me(), use_toasts());
    let tokens = Resource::new(|| (), |()| list_tokens());
    let handed_over = Resource::new(|| (), |()| take_new_token());
    when_done(create, move |_| tokens.refetch());
    when_done(revoke, move |()| {
        tokens.refetch();
        toasts.show(Tone::Good, "Token revoked.");
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Access tokens" /> }>
            {move || Suspend::new(async move {
                let me = me.await.ok().flatten();
                let secret = handed_over.await.ok().flatten();
                page_or_error(tokens.await, |tokens| view! { <Tokens tokens me secret create revoke /> })
            })}
        </Transition>
    }
}

#[component]
fn Tokens(
    tokens: Vec<Token>,
    me: Option<Me>,
    secret: Option<String>,
    create: ServerAction<CreateToken>,
    revoke: ServerAction<RevokeToken>,
) -> impl IntoView {
    let form = FormState::of(revoke);
    let (count, none) = (tokens.len(), tokens.is_empty());
    let teams = me.map(|me| me.teams.into_iter().map(|m| m.team_name).collect::<Vec<_>>()).unwrap_or_default();
    view! {
        <Page title="Access tokens" count lead="For programs that call Slipway as you, in one team, with a role of your choice.">
            <AccountTabs current="/account/tokens" />
            <div class="stack-lg">
                <NewSecret create handed_over=secret />
                {if teams.is_empty() {
                    view! { <Note tone=Tone::Info>"A token belongs to a team. " <a href="/welcome">"Create your first team"</a> " to make one."</Note> }.into_any()
                } else {
                    view! { <TokenForm teams create /> }.into_any()
                }}
                <FormError form />
                {if none {
                    view! {
                        <EmptyState
                            glyph=Glyph::Key
                            title="No tokens yet"
                            text="Make one to list, launch or stop notebooks from a script. It can do at most what you may do yourself."
                        />
                    }
                        .into_any()
                } else {
                    view! { <TokenTable tokens revoke form /> }.into_any()
                }}
            </div>
        </Page>
    }
}

/// The secret of the token just made, in place or by a form without scripts.
#[component]
fn NewSecret(create: ServerAction<CreateToken>, handed_over: Option<String>) -> impl IntoView {
    move || match create.value().get() {
        Some(Ok((_, secret))) => Some(view! { <Secret secret /> }),
        _ => handed_over.clone().map(|secret| view! { <Secret secret /> }),
    }
}

#[component]
fn Secret(secret: String) -> impl IntoView {
    const SNIPPET: &str = "export SLIPWAY_TOKEN=…   # the token\nexport SLIPWAY_URL=…     # this portal's address\n\n\
        curl -X POST \"$SLIPWAY_URL/api/notebooks/list\" -d team=… \\\n  -H \"Authorization: Bearer $SLIPWAY_TOKEN\" -H \"Accept: application/json\"";
    view! {
        <div class="note note-good secret" role="status">
            <div class="stack-sm grow">
                <p class="strong">"Copy the new token now: it is not shown again."</p>
                <div class="secret-line">
                    <code class="break grow">{secret.clone()}</code>
                    <CopyButton text=secret label="Copy token" wordy=true />
                </div>
                <p>"A first call with it:"</p>
                <pre tabindex="0">
                    <code>{SNIPPET}</code>
                </pre>
            </div>
        </div>
    }
}

#[component]
fn TokenForm(teams: Vec<String>, create: ServerAction<CreateToken>) -> impl IntoView {
    let form = FormState::of(create);
    let name = RwSignal::new(String::new());
    when_done(create, move |_| name.set(String::new()));
    let team_options = teams.into_iter().map(|t| (t.clone(), t)).collect::<Vec<_>>();
    let role_options = Role::ALL.iter().map(|r| (r.as_str().to_owned(), r.as_str().to_owned())).collect::<Vec<_>>();
    let first = team_options.first().map(|(t, _)| t.clone()).unwrap_or_default();
    view! {
        <section class="card" aria-labelledby="new-token">
            <div class="card-head">
                <h2 id="new-token">"New token"</h2>
            </div>
            <div class="card-body">
                <ActionForm action=create>
                    <FormError form />
                    <div class="form-row">
                        <Field label="What for" name="new[name]" error_name="name" form required=true>
                            <TextInput bind=name placeholder="Nightly clean-up" />
                        </Field>
                        <Field label="Team" name="new[team]" error_name="team" form>
                            <Select options=team_options value=first />
                        </Field>
                        <Field label="Role" name="new[role]" error_name="role" form>
                            <Select options=role_options value="member" />
                        </Field>
                        <Field label="Days until it ends" name="new[days]" error_name="days" form>
                            <TextInput kind="number" value="90" min=1 max=TOKEN_MAX_DAYS />
                        </Field>
                    </div>
                    <div class="form-actions">
                        <SubmitButton form label="Create token" />
                    </div>
                </ActionForm>
            </div>
        </section>
    }
}

fn arranged(tokens: &[Token], text: &str, sort: &str) -> Vec<Token> {
    let text = text.trim().to_lowercase();
    let has = |t: &&Token| t.name.to_lowercase().contains(&text) || t.team_name.contains(&text) || t.prefix.to_lowercase().contains(&text);
    let mut found: Vec<Token> = tokens.iter().filter(has).cloned().collect();
    let sort = if sort.is_empty() { "-made" } else { sort };
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            "team" => (&a.team_name, a.role).cmp(&(&b.team_name, b.role)),
            "used" => a.last_used_at.cmp(&b.last_used_at),
            "ends" => a.expires_at.cmp(&b.expires_at),
            _ => a.created_at.cmp(&b.created_at),
        };
        sort_order(sort, order)
    });
    found
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Token"),
    Column::sorted("team", "Team and role"),
    Column::sorted("made", "Made"),
    Column::sorted("used", "Last used"),
    Column::sorted("ends", "Ends"),
    Column::ACTIONS,
];

#[component]
fn TokenTable(tokens: Vec<Token>, revoke: ServerAction<RevokeToken>, form: FormState) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| arranged(&tokens, &text.read(), &sort.read()));
    view! {
        <div>
            <FilterBar label="Filter access tokens">
                <SearchField label="Find by name or team" />
            </FilterBar>
            <ListTable caption="My access tokens" columns=COLUMNS default="-made" nothing="No token matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
                <For each=move || found.get() key=|t| (t.id.clone(), t.last_used_at) children=move |token| view! { <TokenRow token revoke form /> } />
            </ListTable>
        </div>
    }
}

#[component]
fn TokenRow(token: Token, revoke: ServerAction<RevokeToken>, form: FormState) -> impl IntoView {
    let title = format!("Revoke token {}", token.name);
    view! {
        <tr>
            <th scope="row">
                {token.name} <span class="sub mono">{token.prefix} "…"</span>
            </th>
            <td data-label="Team and role">
                {token.team_name} <span class="sub">{token.role.as_str()}</span>
            </td>
            <td data-label="Made">
                <Time at=token.created_at />
            </td>
            <td data-label="Last used">
                {match token.last_used_at {
                    Some(at) => view! { <Time at /> }.into_any(),
                    None => view! { <span class="muted">"Never"</span> }.into_any(),
                }}
            </td>
            <td data-label="Ends">
                <Time at=token.expires_at />
            </td>
            <td class="actions">
                <ConfirmDialog trigger="Revoke" title form class="btn btn-sm">
                    <p>"Programs that use it are refused from now on. This cannot be undone."</p>
                    <ActionForm action=revoke>
                        <input type="hidden" name="id" value=token.id.0 />
                        <DialogActions form label="Revoke token" />
                    </ActionForm>
                </ConfirmDialog>
            </td>
        </tr>
    }
}
