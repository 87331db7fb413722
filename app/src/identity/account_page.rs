//! My account: who I am here, and my password.

use super::{api::has_password, password_form::PasswordForm};
use crate::components::{Glyph, LoadingPage, Page, StatusBadge, Tab, Tabs, Time, Tone, page_or_error, use_me};
use crate::error::{AppError, ErrorKind};
use domain::model::Me;
use leptos::prelude::*;

/// Tabs of the pages about oneself.
#[component]
pub(super) fn AccountTabs(current: &'static str) -> impl IntoView {
    let tabs = [("Profile", "/account"), ("Sessions", "/account/sessions"), ("Access tokens", "/account/tokens")];
    let tabs = tabs.map(|(text, href)| Tab { text, href: href.to_owned(), current: href == current }).to_vec();
    view! { <Tabs label="Account" tabs /> }
}

/// Who I am here, my teams, and my password.
#[component]
pub fn AccountPage() -> impl IntoView {
    let (me, local) = (use_me(), Resource::new(|| (), |()| has_password()));
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Account" /> }>
            {move || Suspend::new(async move {
                let signed_out = || AppError::new(ErrorKind::Unauthenticated, "Nobody is signed in.");
                let local = local.await.unwrap_or(true);
                page_or_error(me.await.and_then(|me| me.ok_or_else(signed_out)), |me| view! { <Account me local /> })
            })}
        </Transition>
    }
}

#[component]
fn Account(me: Me, local: bool) -> impl IntoView {
    let user = me.user;
    let teams = me.teams;
    let no_teams = teams.is_empty();
    view! {
        <Page title="Account">
            <AccountTabs current="/account" />
            <div class="columns">
                <section class="card" aria-labelledby="profile">
                    <div class="card-head">
                        <h2 id="profile">"Profile"</h2>
                        {user.admin.then(|| view! { <StatusBadge tone=Tone::Info glyph=Glyph::Shield text="Administrator" /> })}
                    </div>
                    <dl class="profile card-body">
                        <div>
                            <dt>"Name"</dt>
                            <dd>{if user.name.is_empty() { "Not given".to_owned() } else { user.name }}</dd>
                        </div>
                        <div>
                            <dt>"Email"</dt>
                            <dd class="break">{user.email.clone()}</dd>
                        </div>
                        <div>
                            <dt>"Account made"</dt>
                            <dd>
                                <Time at=user.created_at />
                            </dd>
                        </div>
                        {user
                            .last_sign_in_at
                            .map(|at| {
                                view! {
                                    <div>
                                        <dt>"Last sign-in"</dt>
                                        <dd>
                                            <Time at />
                                        </dd>
                                    </div>
                                }
                            })}
                        <div>
                            <dt>"Teams"</dt>
                            <dd class="row">
                                {teams
                                    .into_iter()
                                    .map(|m| {
                                        let href = format!("/t/{}", m.team_name);
                                        view! {
                                            <a class="chip" href=href>
                                                {m.team_name}
                                                <span class="muted">{m.role.as_str()}</span>
                                            </a>
                                        }
                                    })
                                    .collect_view()}
                                {no_teams.then(|| view! { <a href="/welcome">"Create your first team"</a> })}
                            </dd>
                        </div>
                    </dl>
                </section>
                <section class="card" aria-labelledby="password">
                    <div class="card-head">
                        <h2 id="password">"Password"</h2>
                    </div>
                    <div class="card-body">
                        {if local {
                            view! { <PasswordForm email=user.email /> }.into_any()
                        } else {
                            view! { <p class="muted">"You sign in with your company's identity provider, where your password is changed."</p> }.into_any()
                        }}
                    </div>
                </section>
            </div>
        </Page>
    }
}
