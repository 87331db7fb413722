//! Identity providers that people sign in with, for portal administrators.

use super::local_card::LocalAccountsCard;
use super::sso_api::{Addresses, RemoveProvider, SaveProvider, SetProviderEnabled, list_providers};
use crate::components::{
    Checkbox, Column, ConfirmDialog, CopyButton, DialogActions, EmptyState, Field, FormError, FormState, Glyph, ListTable, LoadingPage,
    Page, StatusBadge, TextInput, Time, Tone, count, page_or_error, use_toasts, when_done,
};
use domain::model::{
    PROVIDER_SCOPES, Provider, validate_claim, validate_client_id, validate_issuer, validate_provider_name, validate_scopes,
};
use leptos::{form::ActionForm, prelude::*};

const COLUMNS: &[Column] = &[
    Column::plain("Name"),
    Column::plain("Issuer"),
    Column::plain("State"),
    Column::plain("Accounts"),
    Column::plain("Added"),
    Column::ACTIONS,
];

/// Which providers there are.
#[component]
pub fn ProvidersPage() -> impl IntoView {
    let (changed, toasts) = (RwSignal::new(0_u32), use_toasts());
    let (save, enable, remove) =
        (ServerAction::<SaveProvider>::new(), ServerAction::<SetProviderEnabled>::new(), ServerAction::<RemoveProvider>::new());
    let found = Resource::new(move || changed.get(), |_| list_providers());
    when_done(save, move |provider| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("{} is on the sign-in page.", provider.name));
    });
    when_done(enable, move |()| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, "Provider changed.");
    });
    when_done(remove, move |()| {
        changed.update(|n| *n += 1);
        toasts.show(Tone::Good, "Provider removed. Its accounts stay.");
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Sign-in" /> }>
            {move || Suspend::new(async move {
                page_or_error(found.await, |(all, addresses)| view! { <Providers all addresses save enable remove /> })
            })}
        </Transition>
    }
}

#[component]
fn Providers(
    all: Vec<Provider>,
    addresses: Addresses,
    save: ServerAction<SaveProvider>,
    enable: ServerAction<SetProviderEnabled>,
    remove: ServerAction<RemoveProvider>,
) -> impl IntoView {
    let none = all.is_empty();
    let rows = all.into_iter().map(|provider| view! { <ProviderRow provider save enable remove /> }).collect_view();
    view! {
        <Page
            title="Sign-in"
            lead="Identity providers (OpenID Connect) that people sign in with, beside the accounts that you make. Whoever signs in the first time gets an account that waits until you enable it on the Users page, unless you choose otherwise or a rule has a role for a group of theirs."
            actions=move || view! { <ProviderDialog save provider=None /> }
        >
            <section class="card pad provider-redirect" aria-label="For the provider">
                <Told label="Redirect URI" text=addresses.redirect />
                <Told label="Post-logout redirect URI" text=addresses.ended />
                <Told label="Back-channel logout URI" text=addresses.back_channel />
            </section>
            <FormError form=FormState::of(enable) />
            <FormError form=FormState::of(remove) />
            {if none {
                view! {
                    <EmptyState
                        glyph=Glyph::Key
                        title="No identity provider yet"
                        text="Register this portal at your company's provider (Keycloak, Entra ID, Okta …) as a web application, then add it here."
                    >
                        <span></span>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <ListTable caption="Identity providers" columns=COLUMNS default="" nothing="" none=Signal::derive(|| false)>
                        {rows}
                    </ListTable>
                }
                    .into_any()
            }}
            <LocalAccountsCard />
        </Page>
    }
}

/// An address that is to be registered at the provider.
#[component]
fn Told(label: &'static str, text: String) -> impl IntoView {
    view! {
        <p class="row">
            <span class="muted">{format!("{label} to register at the provider:")}</span>
            <code class="mono wrap">{text.clone()}</code>
            <CopyButton text label=format!("Copy {label}") />
        </p>
    }
}

#[component]
fn ProviderRow(
    provider: Provider,
    save: ServerAction<SaveProvider>,
    enable: ServerAction<SetProviderEnabled>,
    remove: ServerAction<RemoveProvider>,
) -> impl IntoView {
    let (enable_form, remove_form) = (FormState::of(enable), FormState::of(remove));
    let (name, on) = (provider.name.clone(), provider.enabled);
    let groups = format!("/admin/sign-in/{}", provider.id);
    let (for_enable, for_remove) = (provider.id.clone(), provider.id.clone());
    let (verb, text) = if on {
        ("Switch off", "Nobody can sign in with it any more. Who is signed in stays so.")
    } else {
        ("Switch on", "The sign-in page offers it again.")
    };
    let stays = format!(
        "{} keep their accounts, and sign in again once a provider with the same issuer is added. Its rules go, with the roles that they gave.",
        count_people(provider.accounts)
    );
    view! {
        <tr>
            <th scope="row">{provider.name.clone()}</th>
            <td data-label="Issuer" class="mono wrap">
                {provider.issuer.clone()}
            </td>
            <td data-label="State">
                {if on {
                    view! { <StatusBadge tone=Tone::Good text="On" /> }
                } else {
                    view! { <StatusBadge tone=Tone::Warning glyph=Glyph::Lock text="Off" /> }
                }}
            </td>
            <td data-label="Accounts" class="num">
                {provider.accounts}
            </td>
            <td data-label="Added">
                <Time at=provider.created_at />
            </td>
            <td class="actions">
                <div class="row">
                    <a class="btn btn-sm btn-ghost" href=groups aria-label=format!("Groups of {name}")>
                        "Groups"
                    </a>
                    <ProviderDialog save provider=Some(provider) />
                    <ConfirmDialog trigger=verb title=format!("{verb} {name}") form=enable_form class="btn btn-sm btn-ghost">
                        <p>{text}</p>
                        <ActionForm action=enable>
                            <input type="hidden" name="id" value=for_enable />
                            <input type="hidden" name="enabled" value=(!on).to_string() />
                            <DialogActions form=enable_form label=verb class="btn btn-primary" />
                        </ActionForm>
                    </ConfirmDialog>
                    <ConfirmDialog trigger="Remove" title=format!("Remove {name}") form=remove_form class="btn btn-sm btn-ghost">
                        <p>{stays}</p>
                        <ActionForm action=remove>
                            <input type="hidden" name="id" value=for_remove />
                            <DialogActions form=remove_form label="Remove" class="btn btn-danger" />
                        </ActionForm>
                    </ConfirmDialog>
                </div>
            </td>
        </tr>
    }
}

fn count_people(accounts: i64) -> String {
    count(usize::try_from(accounts).unwrap_or_default(), "person", "people")
}

/// Adds a provider, or changes one.
#[component]
fn ProviderDialog(save: ServerAction<SaveProvider>, provider: Option<Provider>) -> impl IntoView {
    let form = FormState::of(save);
    let new = provider.is_none();
    let of = |part: fn(&Provider) -> &String| provider.as_ref().map(|p| part(p).clone()).unwrap_or_default();
    let (id, name, issuer, client, scopes) = (of(|p| &p.id), of(|p| &p.name), of(|p| &p.issuer), of(|p| &p.client_id), of(|p| &p.scopes));
    let admits = provider.as_ref().is_some_and(|p| p.admits);
    let claim = of(|p| &p.groups_claim);
    let field = |part: &str| format!("provider-{part}-{id}");
    let ids = ["name", "issuer", "client", "secret", "scopes", "claim"].map(field);
    let secret_help = if provider.as_ref().is_some_and(|p| p.has_secret) {
        "Leave it empty to keep the present one."
    } else {
        "Leave it empty for a public client."
    };
    let (trigger, title, label, class) = if new {
        ("Add provider", "Add identity provider".to_owned(), "Add provider", "btn btn-primary")
    } else {
        ("Change", format!("Change {name}"), "Save", "btn btn-sm btn-ghost")
    };
    let [name_id, issuer_id, client_id, secret_id, scopes_id, claim_id] = ids;
    view! {
        <ConfirmDialog trigger title form sole=new class>
            <ActionForm action=save>
                <input type="hidden" name="id" value=id />
                <Field label="Name" name="form[name]" error_name="name" id=name_id form check=validate_provider_name help="What the button on the sign-in page says." required=true>
                    <TextInput value=name autocomplete="off" />
                </Field>
                <Field label="Issuer" name="form[issuer]" error_name="issuer" id=issuer_id form check=validate_issuer help="Where /.well-known/openid-configuration is found." required=true>
                    <TextInput value=issuer kind="url" autocomplete="off" />
                </Field>
                <Field label="Client id" name="form[client_id]" error_name="client_id" id=client_id form check=validate_client_id required=true>
                    <TextInput value=client autocomplete="off" />
                </Field>
                <Field label="Client secret" name="form[client_secret]" error_name="client_secret" id=secret_id form help=secret_help>
                    <TextInput kind="password" autocomplete="off" />
                </Field>
                <Field label="Scopes" name="form[scopes]" error_name="scopes" id=scopes_id form check=validate_scopes help=format!("Empty: {PROVIDER_SCOPES}. With offline_access it can be asked again for as long as somebody is signed in.")>
                    <TextInput value=scopes autocomplete="off" />
                </Field>
                <Field label="Groups claim" name="form[groups_claim]" error_name="groups_claim" id=claim_id form check=validate_claim help="Where it says somebody's groups; parts inside others parted by dots, such as realm_access.roles. Empty: groups.">
                    <TextInput value=claim autocomplete="off" />
                </Field>
                <Checkbox
                    label="Let new people in by themselves"
                    name="form[admits]"
                    checked=admits
                    help="Only for a provider that knows nobody but your people: whoever signs in may make a team and run notebooks. Else a new account waits until you enable it on the Users page."
                />
                <DialogActions form label class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
