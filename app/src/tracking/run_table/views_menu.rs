//! Named views of the table: opened, saved, renamed, deleted.

use super::api::{DeleteView, RenameView, SaveView, list_views};
use crate::components::{
    ConfirmDialog, DialogActions, Field, FormError, FormState, Glyph, Icon, SubmitButton, TextInput, Tone, use_toasts, when_done,
};
use domain::model::{ExperimentId, RunView};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};
use leptos_router::hooks::use_location;

#[component]
pub fn ViewsMenu(team: String, experiment: ExperimentId, views: Vec<RunView>, may_write: bool) -> impl IntoView {
    let (views, toasts, location) = (RwSignal::new(views), use_toasts(), use_location());
    let (save, rename, delete) = (ServerAction::<SaveView>::new(), ServerAction::<RenameView>::new(), ServerAction::<DeleteView>::new());
    let form = FormState::of(save);
    let place = StoredValue::new((team, experiment));
    let again = move |said: &'static str| {
        toasts.show(Tone::Good, said);
        spawn_local(async move {
            let (team, experiment) = place.get_value();
            if let Ok(newest) = list_views(team, experiment).await {
                views.try_set(newest);
            }
        });
    };
    when_done(save, move |()| again("View saved"));
    when_done(rename, move |()| again("View renamed"));
    when_done(delete, move |()| again("View deleted"));
    let now = Memo::new(move |_| plain(&location.search.read()));
    let list = move || {
        let all = views.get();
        if all.is_empty() {
            return view! { <p class="menu-note">"None yet. Filter, sort and choose columns, then save that under a name."</p> }.into_any();
        }
        let line = |one: RunView| {
            let may_change = may_write || !one.shared;
            view! { <ViewLine one now path=location.pathname place may_change rename delete /> }
        };
        view! { <ul class="plain-list">{all.into_iter().map(line).collect_view()}</ul> }.into_any()
    };
    let hidden = move || {
        let (team, experiment) = place.get_value();
        view! {
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="experiment" value=experiment.0 />
        }
    };
    view! {
        <details class="menu views-menu">
            <summary class="btn btn-sm">
                <Icon glyph=Glyph::Eye />
                "Views"
            </summary>
            <div class="menu-list">
                {list}
                <ActionForm action=save attr:class="stack-sm view-form">
                    {hidden}
                    <input type="hidden" name="query" value=now.get_untracked() prop:value=move || now.get() />
                    <FormError form />
                    <Field label="Save this view as" name="name" id="view-name" form>
                        <TextInput />
                    </Field>
                    {may_write
                        .then(|| {
                            view! {
                                <label class="checkbox">
                                    <input type="checkbox" name="shared" value="true" />
                                    <span>"For the whole team"</span>
                                </label>
                            }
                        })}
                    <SubmitButton form label="Save view" class="btn btn-sm btn-primary" />
                </ActionForm>
            </div>
        </details>
    }
}

/// A query without what belongs to the moment.
fn plain(search: &str) -> String {
    let keep = |pair: &&str| !["page=", "open=", "__err=", "__path="].iter().any(|gone| pair.starts_with(gone)) && !pair.is_empty();
    search.trim_start_matches('?').split('&').filter(keep).collect::<Vec<_>>().join("&")
}

#[component]
fn ViewLine(
    one: RunView,
    now: Memo<String>,
    path: Memo<String>,
    place: StoredValue<(String, ExperimentId)>,
    may_change: bool,
    rename: ServerAction<RenameView>,
    delete: ServerAction<DeleteView>,
) -> impl IntoView {
    let RunView { id, name, query, shared, created_by } = one;
    let (renamed, deleted) = (FormState::of(rename), FormState::of(delete));
    let whose = if shared { format!("Team, by {created_by}") } else { "Mine".to_owned() };
    let known = query.clone();
    let href = move || if query.is_empty() { path.get() } else { format!("{}?{query}", path.get()) };
    let hidden = {
        let id = id.clone();
        move || {
            let (team, experiment) = place.get_value();
            view! {
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="experiment" value=experiment.0 />
                <input type="hidden" name="id" value=id.clone() />
            }
        }
    };
    let (for_rename, for_delete) = (hidden.clone(), hidden);
    let (rename_title, delete_title, old) = (format!("Rename view {name}"), format!("Delete view {name}"), name.clone());
    view! {
        <li class="column-line">
            <a class="menu-item" href=href data-noscroll="true" aria-current=move || (*now.read() == known).then_some("true")>
                <span class="grow">{name.clone()}</span>
                <span class="muted">{whose}</span>
            </a>
            {may_change
                .then(|| {
                    view! {
                        <ConfirmDialog trigger="Rename" title=rename_title form=renamed glyph=Glyph::Pencil class="icon-btn" icon_only=true>
                            <ActionForm action=rename>
                                {for_rename()}
                                <Field label="Name" name="name" id=format!("view-{id}") form=renamed>
                                    <TextInput value=old />
                                </Field>
                                <DialogActions form=renamed label="Rename view" class="btn btn-primary" />
                            </ActionForm>
                        </ConfirmDialog>
                        <ConfirmDialog trigger="Delete" title=delete_title form=deleted glyph=Glyph::Trash class="icon-btn" icon_only=true>
                            <p>{if shared { "Nobody in the team will find it any more. The runs stay." } else { "The runs stay." }}</p>
                            <ActionForm action=delete>
                                {for_delete()}
                                <DialogActions form=deleted label="Delete view" />
                            </ActionForm>
                        </ConfirmDialog>
                    }
                })}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_view_keeps_what_was_chosen_and_not_where_one_was() {
        assert_eq!(plain("?filter=metrics.a%20%3E%201&page=3&sort=-name&open=ab"), "filter=metrics.a%20%3E%201&sort=-name");
        assert_eq!(plain(""), "");
    }
}
