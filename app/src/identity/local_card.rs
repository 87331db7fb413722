//! Whether people may sign in with a password of this portal: a part of the administrators' Sign-in page.

use super::local_api::{SetLocal, local_state};
use crate::components::{
    ConfirmDialog, DialogActions, ErrorNote, FormState, Glyph, Note, StatusBadge, Time, Tone, count, use_toasts, when_done,
};
use domain::model::{BreakGlass, LocalAccounts};
use leptos::{form::ActionForm, prelude::*};

/// The state, what it means, and the way to the other one.
#[component]
pub(super) fn LocalAccountsCard() -> impl IntoView {
    let (changed, toasts) = (RwSignal::new(0_u32), use_toasts());
    let set = ServerAction::<SetLocal>::new();
    let state = Resource::new(move || changed.get(), |_| local_state());
    when_done(set, move |()| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, "Local accounts changed.");
    });
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match state.await {
                    Ok(state) => view! { <Card state set /> }.into_any(),
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Card(state: LocalAccounts, set: ServerAction<SetLocal>) -> impl IntoView {
    let form = FormState::of(set);
    let on = state.on;
    let accounts = count(usize::try_from(state.accounts).unwrap_or_default(), "account", "accounts");
    let administrators = count(usize::try_from(state.administrators).unwrap_or_default(), "administrator", "administrators");
    let meaning = if on {
        format!("{accounts} with a password of this portal may sign in. {administrators} could sign in with a provider.")
    } else {
        format!("People sign in with a provider only. {accounts} with a password stay, and cannot sign in; their access tokens go on.")
    };
    let (verb, class) = if on { ("Switch off", "btn btn-danger") } else { ("Switch on", "btn btn-primary") };
    view! {
        <section class="card" aria-labelledby="local-accounts">
            <div class="card-head">
                <h2 id="local-accounts">"Local accounts"</h2>
                {if on {
                    view! { <StatusBadge tone=Tone::Good text="On" /> }
                } else {
                    view! { <StatusBadge tone=Tone::Warning glyph=Glyph::Lock text="Off" /> }
                }}
            </div>
            <div class="card-body stack">
                {state.break_glass.map(|window| view! { <OpenWindow window /> })}
                <p>{meaning}</p>
                <div class="row">
                    <ConfirmDialog trigger=verb title=format!("{verb} local accounts") form sole=true class="btn">
                        {if on {
                            view! {
                                <p>
                                    "Passwords open nothing any more: who signed in with one is signed out within a minute, nobody can add a local account or change a password. Access tokens and notebooks go on."
                                </p>
                                <p>
                                    "If the provider is ever down, whoever has the portal’s machine lets one local administrator in with " <code class="mono">"slipway user break-glass EMAIL"</code>
                                    "."
                                </p>
                            }
                                .into_any()
                        } else {
                            view! { <p>"Accounts with a password may sign in with it again, beside those of the providers."</p> }.into_any()
                        }}
                        <ActionForm action=set>
                            <input type="hidden" name="on" value=(!on).to_string() />
                            <DialogActions form label=format!("{verb} local accounts") class />
                        </ActionForm>
                    </ConfirmDialog>
                </div>
            </div>
        </section>
    }
}

/// That somebody may come in by break-glass now.
#[component]
fn OpenWindow(window: BreakGlass) -> impl IntoView {
    let close = format!("slipway user break-glass {} --close", window.email);
    let reason = if window.reason.is_empty() { "No reason was given.".to_owned() } else { format!("Reason: {}", window.reason) };
    view! {
        <Note tone=Tone::Warning>
            <p>
                <strong>"Break-glass is open. "</strong>
                {window.email}
                " may sign in with a password: opened on the portal’s machine "
                <Time at=window.opened_at />
                ", closes "
                <Time at=window.until />
                "."
            </p>
            <p>{reason}</p>
            <p>"To close it now: " <code class="mono wrap">{close}</code></p>
        </Note>
    }
}
