//! Aliases of a version: shown, set and removed.

use super::api::{RemoveAlias, SetAlias};
use crate::components::{ConfirmDialog, DialogActions, Field, FormState, Glyph, Icon, TextInput};
use crate::promotion::page_of_alias;
use domain::model::validate_alias;
use leptos::prelude::*;

/// What may be done with aliases.
#[derive(Clone, Copy)]
pub struct AliasActions {
    pub set: ServerAction<SetAlias>,
    pub remove: ServerAction<RemoveAlias>,
}

/// The aliases of a version, each with a button that removes it where `writes`; what is among `protected` moves by promotion only and is marked
/// so.
#[component]
pub fn Aliases(
    team: String,
    model: String,
    aliases: Vec<String>,
    protected: Memo<Vec<String>>,
    writes: bool,
    actions: AliasActions,
) -> impl IntoView {
    aliases
        .into_iter()
        .map(|alias| {
            let (href, held) = (page_of_alias(&team, &model, &alias), format!("Who held {alias}"));
            let (of, name) = ((team.clone(), model.clone()), alias.clone());
            let guarded = Memo::new(move |_| protected.with(|all| all.contains(&name)));
            let name = alias.clone();
            let remove = move || {
                if guarded.get() {
                    let protected = view! {
                        <span class="alias-guard" title="Protected: it moves by promotion">
                            <Icon glyph=Glyph::Lock />
                            <span class="sr-only">"protected"</span>
                        </span>
                    };
                    return Some(protected.into_any());
                }
                let (team, model) = of.clone();
                writes.then(|| view! { <RemoveDialog team model alias=name.clone() actions /> }.into_any())
            };
            view! {
                <div class="chip mono alias">
                    <span><a href=href title=held>{alias}</a></span>
                    {remove}
                </div>
            }
        })
        .collect_view()
}

#[component]
fn RemoveDialog(team: String, model: String, alias: String, actions: AliasActions) -> impl IntoView {
    let form = FormState::of(actions.remove);
    let title = format!("Remove alias {alias}");
    let lost = format!("Clients that load models:/{model}@{alias} are refused until the alias points to a version again.");
    view! {
        <ConfirmDialog trigger="Remove" title form glyph=Glyph::X icon_only=true class="icon-btn">
            <p>{lost}</p>
            <ActionForm action=actions.remove>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="alias" value=alias />
                <DialogActions form label="Remove alias" />
            </ActionForm>
        </ConfirmDialog>
    }
}

/// Points an alias to this version.
#[component]
pub fn SetAliasDialog(
    team: String,
    model: String,
    version: i64,
    actions: AliasActions,
    #[prop(default = "btn btn-sm btn-ghost")] class: &'static str,
) -> impl IntoView {
    let form = FormState::of(actions.set);
    view! {
        <ConfirmDialog trigger="Set alias" title=format!("Set an alias of version {version}") form class>
            <ActionForm action=actions.set>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="version" value=version.to_string() />
                <Field
                    label="Alias"
                    name="alias"
                    id=format!("alias-{version}")
                    form
                    check=validate_alias
                    help="A word such as champion. Where another version has it, it moves here."
                    required=true
                >
                    <TextInput mono=true autocomplete="off" placeholder="champion" />
                </Field>
                <DialogActions form label="Set alias" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
