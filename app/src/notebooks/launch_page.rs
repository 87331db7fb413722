//! The launch form: one page, sensible defaults, and beside it what will happen.
//!
//! The inputs keep their own values, as a browser without scripts needs; on each change the whole form is read, so that checks and review see
//! exactly what would be posted.

use super::{
    api::{LaunchChoices, LaunchNotebook, launch_notebook, launch_options},
    form::{Draft, LaunchForm},
    launch_fields::{EnvironmentSection, GitSection, IdleSection, NameField, SizeSection, StorageSection, VariablesSection},
    launch_manifests::ManifestsSection,
    launch_review::Review,
    launch_start::{free_name, starting_draft},
    standing::Standing,
};
use crate::{
    components::{Crumb, ErrorPage, LoadingPage, Note, Page, Tone, query_value, use_me, use_team, use_toasts},
    error::{AppError, ErrorKind},
    home::api::team_capacity,
    live::after_changes,
};
use domain::model::{Capacity, Change, FieldError};
use leptos::{form::FromFormData, html, prelude::*, server_fn::ServerFn, task::spawn_local};
use wasm_bindgen::JsCast;

#[component]
pub fn LaunchPage() -> impl IntoView {
    let (team, me) = (use_team(), use_me());
    let (original, template, draft) = (query_value("clone"), query_value("template"), query_value("draft"));
    let options = Resource::new(move || (team.get(), original.get()), |(team, original)| launch_options(team, original));
    view! {
        <Transition fallback=|| view! { <LoadingPage title="New notebook" /> }>
            {move || Suspend::new(async move {
                let standing = Standing::load(me, &team.get()).await;
                match options.await {
                    Ok(_) if !standing.may_launch() => {
                        let error = AppError::new(ErrorKind::Forbidden, "Viewers may not launch notebooks.");
                        view! { <ErrorPage error /> }.into_any()
                    }
                    Ok(choices) => {
                        let start = starting_draft(&choices, &draft.get(), &template.get());
                        view! { <LaunchView team=team.get_untracked() choices start /> }.into_any()
                    }
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// What every section of the form shares.
#[derive(Clone, Copy)]
pub struct Launch {
    /// What would be posted now.
    pub form: RwSignal<LaunchForm>,
    /// What the form started from: the inputs' first values.
    pub start: StoredValue<LaunchForm>,
    pub choices: StoredValue<LaunchChoices>,
    pub capacity: RwSignal<Capacity>,
    /// Whether the review is true without scripts.
    pub reviewed: bool,
    /// Fields that were left once, by the names errors use; `*` for all, once a launch was tried.
    touched: RwSignal<Vec<String>>,
    refused: RwSignal<Vec<FieldError>>,
    problems: Memo<Vec<FieldError>>,
}

impl Launch {
    fn new(choices: LaunchChoices, start: Draft) -> Self {
        let form = RwSignal::new(start.form.clone());
        let touched = if start.message.is_empty() { Vec::new() } else { vec!["*".to_owned()] };
        Self {
            form,
            reviewed: start.reviewed,
            start: StoredValue::new(start.form),
            capacity: RwSignal::new(choices.capacity.clone()),
            choices: StoredValue::new(choices),
            touched: RwSignal::new(touched),
            refused: RwSignal::new(start.problems),
            problems: Memo::new(move |_| form.with(LaunchForm::problems)),
        }
    }

    /// What is wrong with a field, once it was touched or the server refused it.
    pub fn error(self, field: impl Into<String>) -> Signal<Option<String>> {
        let field = field.into();
        Signal::derive(move || {
            let reason = |list: &Vec<FieldError>| list.iter().find(|p| p.field == field).map(|p| p.reason.clone());
            let touched = self.touched.with(|names| names.iter().any(|n| *n == field || n == "*"));
            self.refused.with(reason).or_else(|| touched.then(|| self.problems.with(reason)).flatten())
        })
    }

    /// Reads the form anew. What the server refused in a field counts until the field changes.
    fn read(self, element: &web_sys::HtmlFormElement, changed: Option<&str>) {
        let Ok(data) = web_sys::FormData::new_with_form(element) else { return };
        if let Ok(LaunchNotebook { form, .. }) = LaunchNotebook::from_form_data(&data) {
            self.form.set(form);
        }
        if let Some(field) = changed {
            self.refused.update(|list| list.retain(|p| p.field != field));
        }
    }
}

/// The name errors use for an input: `form[env][0][name]` is `env.0.name`.
fn field_of(input: &str) -> String {
    let inner = input.strip_prefix("form[").and_then(|s| s.strip_suffix(']')).unwrap_or(input).replace("][", ".");
    match inner.as_str() {
        "memory" => "memory_mib".to_owned(),
        "home_kind" | "home_new" | "home_existing" => "home".to_owned(),
        _ => inner,
    }
}

fn input_name(target: Option<web_sys::EventTarget>) -> String {
    let element = target.and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    element.and_then(|e| e.get_attribute("name")).unwrap_or_default()
}

/// Opens and focuses the first field that is wrong.
fn show_first_error(form: &web_sys::HtmlFormElement) {
    let Ok(Some(field)) = form.query_selector(".field.invalid") else { return };
    if let Ok(Some(folded)) = field.closest("details") {
        _ = folded.set_attribute("open", "");
    }
    let control = field.query_selector("input, select").ok().flatten().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(control) = control {
        _ = control.focus();
    }
}

/// Keeps what is free up to date while somebody thinks.
fn follow_capacity(team: String, capacity: RwSignal<Capacity>) {
    let ask = move || {
        let team = team.clone();
        spawn_local(async move {
            if let Ok(now) = team_capacity(team).await {
                capacity.try_set(now);
            }
        });
    };
    after_changes(|event| matches!(event.change, Change::Capacity | Change::NotebookDeleted { .. }), ask);
}

#[component]
fn LaunchView(team: String, choices: LaunchChoices, start: Draft) -> impl IntoView {
    let message = RwSignal::new(start.message.clone());
    let launch = Launch::new(choices, start);
    follow_capacity(team.clone(), launch.capacity);
    let (pending, toasts) = (RwSignal::new(false), use_toasts());
    let node = NodeRef::<html::Form>::new();
    let form_element = move || node.get_untracked().map(JsCast::unchecked_into::<web_sys::HtmlFormElement>);
    // What was typed before hydration counts.
    Effect::new(move |_| {
        node.track();
        if let Some(element) = form_element() {
            launch.read(&element, None);
        }
    });
    // Suggestions follow the environment until somebody chooses otherwise.
    let name = RwSignal::new(launch.start.with_value(|f| f.name.clone()));
    let chosen = Memo::new(move |_| launch.form.with(|f| f.environment.clone()));
    Effect::new(move |before: Option<String>| {
        let environment = chosen.get();
        let suggested = |environment: &str| launch.choices.with_value(|c| free_name(&c.email, environment, &c.taken));
        if let Some(before) = before
            && before != environment
            && launch.form.with_untracked(|f| f.name == suggested(&before))
        {
            name.set(suggested(&environment));
            launch.form.update(|f| f.name = name.get_untracked());
        }
        environment
    });
    let (post_team, for_manifests) = (team.clone(), team.clone());
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let Some(element) = form_element() else { return };
        launch.read(&element, None);
        launch.refused.set(Vec::new());
        if !launch.problems.with_untracked(Vec::is_empty) {
            launch.touched.set(vec!["*".to_owned()]);
            message.set("Some fields need attention.".to_owned());
            request_animation_frame(move || show_first_error(&element));
            return;
        }
        pending.set(true);
        message.set(String::new());
        let (team, form) = (post_team.clone(), launch.form.get_untracked());
        spawn_local(async move {
            // A success goes to the notebook's page by itself.
            let answer = launch_notebook(team, form).await;
            _ = pending.try_set(false);
            match answer {
                Ok(notebook) => toasts.show(Tone::Good, format!("Notebook {} is on its way", notebook.spec.name)),
                Err(error) => {
                    launch.touched.set(vec!["*".to_owned()]);
                    launch.refused.set(error.fields);
                    message.set(error.message);
                    request_animation_frame(move || show_first_error(&element));
                }
            }
        });
    };
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Notebooks", format!("/t/{team}/notebooks"))];
    view! {
        <Page title="New notebook" crumbs>
            <form
                class="launch"
                method="post"
                action=LaunchNotebook::url()
                novalidate
                node_ref=node
                on:submit=submit
                on:input=move |ev| {
                    if let Some(element) = form_element() {
                        launch.read(&element, Some(&field_of(&input_name(ev.target()))));
                    }
                }
                on:focusout=move |ev| {
                    let field = field_of(&input_name(ev.target()));
                    if !field.is_empty() {
                        launch.touched.update(|names| names.push(field));
                    }
                }
            >
                <div class="launch-main">
                    <input type="hidden" name="team" value=team />
                    <input type="hidden" name="form[key]" value=launch.start.with_value(|f| f.key.clone()) />
                    <NameField launch name />
                    <EnvironmentSection launch />
                    <SizeSection launch />
                    <StorageSection launch />
                    <VariablesSection launch />
                    <GitSection launch />
                    <IdleSection launch />
                    <ManifestsSection team=for_manifests launch />
                </div>
                <Review launch pending>
                    {move || {
                        let text = message.get();
                        (!text.is_empty()).then(|| view! { <Note tone=Tone::Bad><p>{text}</p></Note> })
                    }}
                </Review>
            </form>
        </Page>
    }
}
