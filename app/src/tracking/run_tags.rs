//! The tags of a run, which people may set and delete as clients do.

use super::api::{DeleteTag, SetTag};
use crate::components::{
    Column, ConfirmDialog, DialogActions, Field, FilterBar, FormError, FormState, Glyph, ListTable, SearchField, SubmitButton, TextInput,
    query_value, sort_order,
};
use domain::model::{RESERVED_PREFIX, RunId, Tag, validate_key, validate_unreserved};
use leptos::prelude::*;

const COLUMNS: &[Column] = &[Column::sorted("name", "Name"), Column::sorted("value", "Value"), Column::ACTIONS];
const READ_ONLY: &[Column] = &[Column::sorted("name", "Name"), Column::sorted("value", "Value")];

/// What may be done to tags.
#[derive(Clone, Copy)]
pub struct TagActions {
    pub set: ServerAction<SetTag>,
    pub delete: ServerAction<DeleteTag>,
}

fn check(key: &str) -> Result<(), String> {
    validate_key(key.trim()).and_then(|()| validate_unreserved(key.trim()))
}

fn arranged(tags: &[Tag], text: &str, sort: &str) -> Vec<Tag> {
    let text = text.trim().to_lowercase();
    let has = |t: &&Tag| t.key.to_lowercase().contains(&text) || t.value.to_lowercase().contains(&text);
    let mut found: Vec<Tag> = tags.iter().filter(has).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "value" => (&a.value, &a.key).cmp(&(&b.value, &b.key)),
            _ => a.key.cmp(&b.key),
        };
        sort_order(sort, order)
    });
    found
}

/// Every tag, and the form that sets one.
#[component]
pub fn RunTags(team: String, run: RunId, tags: Memo<Vec<Tag>>, writes: bool, actions: TagActions) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| tags.with(|tags| arranged(tags, &text.read(), &sort.read())));
    let (key, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (for_form, place) = ((team.clone(), run.clone()), StoredValue::new((team, run)));
    let edit = move |tag: &Tag| {
        key.set(tag.key.clone());
        value.set(tag.value.clone());
        if let Some(field) = document().get_element_by_id("field-value") {
            use wasm_bindgen::JsCast;
            _ = field.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    };
    view! {
        <FilterBar>
            <input type="hidden" name="tab" value="tags" />
            <SearchField label="Find by name or value" />
        </FilterBar>
        <ListTable
            caption="The run's tags"
            columns=if writes { COLUMNS } else { READ_ONLY }
            default="name"
            nothing="No tag matches. Try fewer letters."
            none=Signal::derive(move || found.with(Vec::is_empty))
        >
            <For each=move || found.get() key=|tag| (tag.key.clone(), tag.value.clone()) let:tag>
                <Row tag place writes edit actions />
            </For>
        </ListTable>
        {writes.then(|| view! { <SetTagForm place=for_form key_typed=key value_typed=value actions /> })}
    }
}

#[component]
fn Row<F>(tag: Tag, place: StoredValue<(String, RunId)>, writes: bool, edit: F, actions: TagActions) -> impl IntoView
where
    F: Fn(&Tag) + 'static,
{
    let ours = tag.key.starts_with(RESERVED_PREFIX);
    let (key, value) = (tag.key.clone(), tag.value.clone());
    let does = writes.then(|| {
        let buttons = (!ours).then(|| {
            let form = FormState::of(actions.delete);
            let (team, run) = place.get_value();
            let (hidden, said) = (tag.key.clone(), tag.key.clone());
            view! {
                <button type="button" class="btn btn-sm btn-ghost needs-js" aria-label=format!("Edit {}", tag.key) on:click=move |_| edit(&tag)>
                    "Edit"
                </button>
                <ConfirmDialog trigger="Delete tag" title=format!("Delete tag {said}") form glyph=Glyph::Trash class="icon-btn" icon_only=true>
                    <p>"Its value is lost. Charts and searches that go by it no longer find this run."</p>
                    <ActionForm action=actions.delete>
                        <input type="hidden" name="team" value=team />
                        <input type="hidden" name="run" value=run.0 />
                        <input type="hidden" name="key" value=hidden />
                        <DialogActions form label="Delete tag" />
                    </ActionForm>
                </ConfirmDialog>
            }
        });
        view! { <td class="row-actions">{buttons}</td> }
    });
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {key}
            </th>
            <td data-label="Value" class="mono wrap">
                {value}
            </td>
            {does}
        </tr>
    }
}

#[component]
fn SetTagForm(place: (String, RunId), key_typed: RwSignal<String>, value_typed: RwSignal<String>, actions: TagActions) -> impl IntoView {
    let form = FormState::of(actions.set);
    view! {
        <section class="card pad tag-form" aria-labelledby="set-tag-head">
            <h2 id="set-tag-head">"Set a tag"</h2>
            <ActionForm action=actions.set>
                <FormError form />
                <input type="hidden" name="team" value=place.0 />
                <input type="hidden" name="run" value=place.1.0 />
                <Field label="Name" name="key" form check help="One that the run has already gets the new value.">
                    <TextInput bind=key_typed mono=true />
                </Field>
                <Field label="Value" name="value" form>
                    <TextInput bind=value_typed mono=true />
                </Field>
                <SubmitButton form label="Set tag" />
            </ActionForm>
        </section>
    }
}
