//! The versions of an environment, newest first, each with its packages.

use super::{edit_page::error_of, form::VersionForm};
use crate::components::{Checkbox, Field, FormState, Glyph, Icon, TextInput, Textarea};
use domain::model::FieldError;
use leptos::prelude::*;

/// One version's values while it is edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct VersionFields {
    /// Tells rows apart while their order changes.
    key: usize,
    name: RwSignal<String>,
    packages: RwSignal<String>,
    image: RwSignal<String>,
    deprecated: RwSignal<bool>,
    message: RwSignal<String>,
    successor: RwSignal<String>,
}

impl VersionFields {
    pub fn new(key: usize, form: VersionForm) -> Self {
        Self {
            key,
            name: RwSignal::new(form.name),
            packages: RwSignal::new(form.packages),
            image: RwSignal::new(form.image),
            deprecated: RwSignal::new(form.deprecated),
            message: RwSignal::new(form.message),
            successor: RwSignal::new(form.successor),
        }
    }
    pub fn form(self) -> VersionForm {
        VersionForm {
            name: self.name.get(),
            packages: self.packages.get(),
            image: self.image.get(),
            deprecated: self.deprecated.get(),
            message: self.message.get(),
            successor: self.successor.get(),
        }
    }
}

/// All versions; a new one goes to the top. Without scripts an empty row at the end takes one more.
#[component]
pub(super) fn Versions(versions: RwSignal<Vec<VersionFields>>, wrong: Memo<Vec<FieldError>>, state: FormState) -> impl IntoView {
    let next_key = StoredValue::new(versions.read_untracked().len());
    let add = move |_| {
        let key = next_key.get_value();
        next_key.set_value(key + 1);
        // A new version usually starts from the newest one.
        let packages = versions.read_untracked().first().map(|v| v.packages.get_untracked()).unwrap_or_default();
        versions.update(|list| list.insert(0, VersionFields::new(key, VersionForm { packages, ..VersionForm::default() })));
    };
    let spare = versions.read_untracked().len();
    view! {
        <fieldset class="card fieldset">
            <legend>"Versions"</legend>
            <div class="row between">
                <p class="field-help">"Newest first. New launches get the first one that is not deprecated."</p>
                <button type="button" class="btn btn-sm needs-js" on:click=add>
                    <Icon glyph=Glyph::Plus />
                    "Add version"
                </button>
            </div>
            {move || error_of(wrong, "versions").get().map(|text| view! { <p class="field-error">{text}</p> })}
            <For each=move || versions.get() key=|v| v.key let:version>
                <VersionRow version versions wrong state />
            </For>
            <noscript>
                <div class="version">
                    <label class="field-label" for="spare-name">
                        "One more version"
                    </label>
                    <input class="input mono" id="spare-name" name=format!("form[versions][{spare}][name]") />
                    <label class="field-label" for="spare-packages">
                        "Its packages, one a line"
                    </label>
                    <textarea class="input mono" id="spare-packages" rows="3" name=format!("form[versions][{spare}][packages]")></textarea>
                </div>
            </noscript>
        </fieldset>
    }
}

#[component]
fn VersionRow(
    version: VersionFields,
    versions: RwSignal<Vec<VersionFields>>,
    wrong: Memo<Vec<FieldError>>,
    state: FormState,
) -> impl IntoView {
    // Rows are posted in the order of the page, so a row's number changes with its place.
    let place = Memo::new(move |_| versions.read().iter().position(|v| v.key == version.key).unwrap_or_default());
    move || {
        let i = place.get();
        let field = |name: &str| format!("form[versions][{i}][{name}]");
        let error = |name: &str| format!("versions.{i}.{name}");
        let remove = move |_| versions.update(|list| list.retain(|v| v.key != version.key));
        let label = format!("Remove version {}", version.name.get_untracked());
        let (message, successor, help) = (field("message"), field("successor"), "New launches get this version instead. Empty: none.");
        view! {
            <div class="version">
                <div class="version-head">
                    <Field label="Version" name=field("name") error_name=error("name") form=state error=error_of(wrong, error("name"))>
                        <TextInput bind=version.name mono=true autocomplete="off" />
                    </Field>
                    <button type="button" class="icon-btn needs-js" title=label.clone() aria-label=label on:click=remove>
                        <Icon glyph=Glyph::Trash />
                    </button>
                </div>
                <Field
                    label="Packages, one a line"
                    name=field("packages")
                    error_name=error("packages")
                    form=state
                    error=error_of(wrong, error("packages"))
                >
                    <Textarea bind=version.packages rows=3 mono=true placeholder="jupyterlab>=4.4,<5" />
                </Field>
                <Field
                    label="Image (Kubernetes)"
                    name=field("image")
                    error_name=error("image")
                    form=state
                    error=error_of(wrong, error("image"))
                    help="What runs where Slipway runs notebooks on Kubernetes; it must hold the packages itself. Elsewhere the packages are installed."
                >
                    <TextInput bind=version.image mono=true autocomplete="off" placeholder="registry.example.com/jupyter/base-notebook:lab-4.4.9" />
                </Field>
                <Checkbox label="Deprecated" name=field("deprecated") bind=version.deprecated />
                <div class="form-row" class:folded=move || !version.deprecated.get()>
                    <Field label="Why" name=message error_name=error("deprecated") form=state error=error_of(wrong, error("deprecated"))>
                        <TextInput bind=version.message />
                    </Field>
                    <Field label="Successor" name=successor error_name=error("successor") form=state error=error_of(wrong, error("successor")) help>
                        <TextInput bind=version.successor mono=true autocomplete="off" />
                    </Field>
                </div>
            </div>
        }
    }
}
