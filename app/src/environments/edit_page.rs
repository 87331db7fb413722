//! Editing one entry of the catalogue, with instant answers from the same checks as the server.

use super::{
    api::{SaveEnvironmentForm, list_environments},
    form::EnvironmentForm,
    versions::{VersionFields, Versions},
};
use crate::{
    components::{
        Checkbox, Crumb, Field, FormError, FormState, LoadingPage, Page, Select, SubmitButton, TextInput, Textarea, Tone, page_or_error,
        use_toasts, when_done,
    },
    error::{AppError, ErrorKind},
};
use domain::model::FieldError;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The form's values while it is edited.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    name: RwSignal<String>,
    title: RwSignal<String>,
    description: RwSignal<String>,
    logo: RwSignal<String>,
    program: RwSignal<String>,
    argv: RwSignal<String>,
    cpus: RwSignal<String>,
    memory: RwSignal<String>,
    gpus: RwSignal<String>,
    visible_to: RwSignal<String>,
    enabled: RwSignal<bool>,
    pub versions: RwSignal<Vec<VersionFields>>,
}

impl Draft {
    fn new(form: EnvironmentForm) -> Self {
        let versions = form.versions.into_iter().enumerate().map(|(i, v)| VersionFields::new(i, v)).collect();
        Self {
            name: RwSignal::new(form.name),
            title: RwSignal::new(form.title),
            description: RwSignal::new(form.description),
            logo: RwSignal::new(form.logo),
            program: RwSignal::new(form.program),
            argv: RwSignal::new(form.argv),
            cpus: RwSignal::new(form.cpus),
            memory: RwSignal::new(form.memory),
            gpus: RwSignal::new(form.gpus),
            visible_to: RwSignal::new(form.visible_to),
            enabled: RwSignal::new(form.enabled),
            versions: RwSignal::new(versions),
        }
    }
    /// The form as it would be posted.
    fn form(self) -> EnvironmentForm {
        EnvironmentForm {
            name: self.name.get(),
            title: self.title.get(),
            description: self.description.get(),
            logo: self.logo.get(),
            program: self.program.get(),
            argv: self.argv.get(),
            cpus: self.cpus.get(),
            memory: self.memory.get(),
            gpus: self.gpus.get(),
            visible_to: self.visible_to.get(),
            enabled: self.enabled.get(),
            versions: self.versions.read().iter().map(|v| v.form()).collect(),
        }
    }
}

/// Adds an entry.
#[component]
pub fn NewEnvironmentPage() -> impl IntoView {
    view! { <EditEnvironment form=EnvironmentForm::blank() create=true /> }
}

/// Changes the entry named in the URL.
#[component]
pub fn EnvironmentPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|p| p.get_str("name").unwrap_or_default().to_owned()));
    let all = Resource::new(|| (), |()| list_environments());
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Environment" /> }>
            {move || Suspend::new(async move {
                let name = name.get();
                let found = all.await.and_then(|all| {
                    let found = all.into_iter().map(|choice| choice.environment).find(|e| e.name == name);
                    found.ok_or_else(|| not_found(&name))
                });
                page_or_error(found, |environment| view! { <EditEnvironment form=EnvironmentForm::from(&environment) /> })
            })}
        </Transition>
    }
}

fn not_found(name: &str) -> AppError {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    AppError::new(ErrorKind::NotFound, format!("The catalogue has no environment named {name}."))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect()
}

#[component]
fn EditEnvironment(form: EnvironmentForm, #[prop(optional)] create: bool) -> impl IntoView {
    let action = ServerAction::<SaveEnvironmentForm>::new();
    let toasts = use_toasts();
    let title = if create { "Add environment".to_owned() } else { form.title.clone() };
    let draft = Draft::new(form);
    let state = FormState::of(action);
    // Errors show once the entry has a name and a title, so that an empty form does not shout.
    let wrong: Memo<Vec<FieldError>> = Memo::new(move |_| {
        let form = draft.form();
        if form.name.is_empty() || form.title.is_empty() { Vec::new() } else { form.check() }
    });
    when_done(action, move |()| toasts.show(Tone::Good, "Environment saved."));
    view! {
        <Page title crumbs=vec![Crumb::new("Environments", "/admin/environments")] narrow=true>
            <div class="form wide">
                <ActionForm action>
                    <FormError form=state />
                    <input type="hidden" name="create" value=create.to_string() />
                    <Basics draft wrong state create />
                    <Versions versions=draft.versions wrong state />
                    <Defaults draft wrong state />
                    <div class="form-actions">
                        <SubmitButton form=state label=if create { "Add environment" } else { "Save environment" } />
                        <a class="btn" href="/admin/environments">
                            "Cancel"
                        </a>
                    </div>
                </ActionForm>
            </div>
        </Page>
    }
}

/// What the checks say of one field.
pub(super) fn error_of(wrong: Memo<Vec<FieldError>>, field: impl Into<String>) -> Signal<Option<String>> {
    let field = field.into();
    Signal::derive(move || wrong.read().iter().find(|e| e.field == field).map(|e| e.reason.clone()))
}

#[component]
fn Basics(draft: Draft, wrong: Memo<Vec<FieldError>>, state: FormState, create: bool) -> impl IntoView {
    let programs = pairs(&[
        ("jupyter-lab", "JupyterLab on Python, made with pip"),
        ("code-server", "VS Code (code-server), where it is installed"),
        ("r-studio", "RStudio Server, where it is installed"),
        ("command", "A command of your own"),
    ]);
    let logos = pairs(&[("jupyter", "Jupyter"), ("vscode", "VS Code"), ("rstudio", "RStudio"), ("terminal", "Terminal")]);
    let name = if create {
        view! {
            <Field label="Name" name="form[name]" error_name="name" form=state error=error_of(wrong, "name") help="Stands in addresses; cannot be changed later." required=true>
                <TextInput bind=draft.name mono=true autocomplete="off" placeholder="pytorch" />
            </Field>
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="form[name]" value=draft.name.get_untracked() /> }.into_any()
    };
    view! {
        <fieldset class="card fieldset">
            <legend class="sr-only">"What it is"</legend>
            {name}
            <div class="form-row">
                <Field label="Title" name="form[title]" error_name="title" form=state error=error_of(wrong, "title") required=true>
                    <TextInput bind=draft.title placeholder="PyTorch" />
                </Field>
                <Field label="Logo" name="form[logo]" error_name="logo" form=state error=error_of(wrong, "logo")>
                    <Select options=logos bind=draft.logo />
                </Field>
            </div>
            <Field label="Description" name="form[description]" error_name="description" form=state error=error_of(wrong, "description")>
                <TextInput bind=draft.description placeholder="What it is good for, in a sentence" />
            </Field>
            <Field label="Program" name="form[program]" error_name="program" form=state>
                <Select options=programs bind=draft.program />
            </Field>
            <Show when=move || draft.program.get() == "command" fallback=move || view! { <input type="hidden" name="form[argv]" value=draft.argv.get() /> }>
                <Field
                    label="Command"
                    name="form[argv]"
                    error_name="argv"
                    form=state
                    error=error_of(wrong, "argv")
                    help="The program and its arguments, one a line. It must listen at {host}:{port}, which become address and port."
                >
                    <Textarea bind=draft.argv rows=4 mono=true placeholder="/usr/bin/python3\n-m\nhttp.server\n--bind={host}\n{port}" />
                </Field>
            </Show>
        </fieldset>
    }
}

#[component]
fn Defaults(draft: Draft, wrong: Memo<Vec<FieldError>>, state: FormState) -> impl IntoView {
    view! {
        <fieldset class="card fieldset">
            <legend>"Size and audience"</legend>
            <div class="form-row">
                <Field label="CPUs" name="form[cpus]" error_name="cpus" form=state error=error_of(wrong, "cpus")>
                    <TextInput bind=draft.cpus inputmode="numeric" />
                </Field>
                <Field label="Memory (GiB)" name="form[memory]" error_name="memory_mib" form=state error=error_of(wrong, "memory_mib")>
                    <TextInput bind=draft.memory inputmode="decimal" />
                </Field>
                <Field label="GPUs" name="form[gpus]" error_name="gpus" form=state error=error_of(wrong, "gpus")>
                    <TextInput bind=draft.gpus inputmode="numeric" />
                </Field>
            </div>
            <Field
                label="Teams that may use it"
                name="form[visible_to]"
                error_name="visible_to"
                form=state
                error=error_of(wrong, "visible_to")
                help="Team names, separated by commas. Empty means all teams."
            >
                <TextInput bind=draft.visible_to autocomplete="off" />
            </Field>
            <Checkbox label="Offer it in the launch form" name="form[enabled]" bind=draft.enabled />
        </fieldset>
    }
}
