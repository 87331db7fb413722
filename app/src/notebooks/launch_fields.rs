//! The sections of the launch form. Advanced ones are folded and say what is inside.

use super::{
    form::{LaunchForm, memory_gib},
    launch_environment::EnvironmentCard,
    launch_page::Launch,
};
use crate::components::{Field, Glyph, Icon, TextInput, count, mib};
use domain::model::{Capacity, Program, Resources};
use leptos::prelude::*;

/// A folded part of the form; open where something is in it already.
#[component]
pub fn Folded(glyph: Glyph, title: &'static str, #[prop(into)] summary: Signal<String>, open: bool, children: Children) -> impl IntoView {
    view! {
        <details class="fold card" open=open>
            <summary>
                <Icon glyph />
                <span class="fold-title">{title}</span>
                <span class="fold-summary muted">{move || summary.get()}</span>
            </summary>
            <div class="fold-body">{children()}</div>
        </details>
    }
}

#[component]
pub fn NameField(launch: Launch, name: RwSignal<String>) -> impl IntoView {
    view! {
        <section class="card panel">
            <Field label="Name" name="form[name]" error=launch.error("name") help="Small letters, digits and dashes. Unique in the team." required=true>
                <TextInput bind=name mono=true autocomplete="off" />
            </Field>
        </section>
    }
}

#[component]
pub fn EnvironmentSection(launch: Launch) -> impl IntoView {
    let mut choices = launch.choices.with_value(|c| c.choices.clone());
    // JupyterLab first, then what else can be launched, then what cannot. Stable within each.
    choices.sort_by_key(|c| (c.unavailable.is_some(), c.environment.program != Program::JupyterLab));
    let error = launch.error("environment");
    view! {
        <fieldset class="card panel">
            <legend>"Environment"</legend>
            <div class="env-cards">{choices.into_iter().map(|choice| view! { <EnvironmentCard launch choice /> }).collect_view()}</div>
            <p class="field-error" aria-live="polite">
                {move || error.get()}
            </p>
        </fieldset>
    }
}

/// Sizes offered as one press, those the machine has.
fn presets(capacity: &Capacity) -> Vec<(&'static str, Resources)> {
    let size = |cpus, gib: u32| Resources { cpus, memory_mib: gib * 1024, gpus: 0 };
    [("Small", size(1, 2)), ("Medium", size(2, 8)), ("Large", size(4, 16)), ("Very large", size(16, 64))]
        .into_iter()
        .filter(|(_, r)| r.cpus <= capacity.cpus_total && u64::from(r.memory_mib) <= capacity.memory_mib_total)
        .collect()
}

/// What the machine's GPUs are: `4 × NVIDIA H200 with 141 GiB, 2 free`.
fn gpu_words(capacity: &Capacity) -> String {
    let Some(gpu) = capacity.gpus.first() else { return String::new() };
    let free = capacity.gpus_total() - capacity.gpus_used();
    // Of a cluster's nodes each may have others.
    if capacity.nodes.is_some() {
        return format!("{free} of {} GPUs are free now.", capacity.gpus_total());
    }
    format!("{} × {} with {}, {free} free", capacity.gpus_total(), gpu.name, mib(gpu.memory_mib))
}

#[component]
pub fn SizeSection(launch: Launch) -> impl IntoView {
    let start = launch.start.get_value();
    let (cpus, memory, gpus) = (RwSignal::new(start.cpus), RwSignal::new(start.memory), RwSignal::new(start.gpus.clone()));
    let set = move |size: &Resources| {
        cpus.set(size.cpus.to_string());
        memory.set(memory_gib(size.memory_mib));
        launch.form.update(|f| {
            f.cpus = cpus.get_untracked();
            f.memory = memory.get_untracked();
        });
    };
    let default_of = move |environment: &str| {
        launch.choices.with_value(|c| {
            c.choices
                .iter()
                .find(|choice| choice.environment.name == environment)
                .map(|choice| choice.environment.default_resources.clone())
        })
    };
    // The size follows the environment until somebody chooses otherwise.
    let environment = Memo::new(move |_| launch.form.with(|f| f.environment.clone()));
    Effect::new(move |before: Option<String>| {
        let now = environment.get();
        if let Some(before) = before
            && before != now
            && default_of(&before).is_some_and(|size| launch.form.with_untracked(LaunchForm::resources) == size)
            && let Some(size) = default_of(&now)
        {
            gpus.set(size.gpus.to_string());
            launch.form.update(|f| f.gpus = gpus.get_untracked());
            set(&size);
        }
        now
    });
    let capacity = launch.capacity.get_untracked();
    let asks_for_gpus = !matches!(start.gpus.as_str(), "" | "0");
    let note = capacity.gpu_note.clone().unwrap_or_else(|| "No GPU was found on this machine.".to_owned());
    let has_gpus = !capacity.gpus.is_empty();
    let free = move || {
        launch.capacity.with(|c| {
            let memory = c.memory_mib_total.saturating_sub(c.memory_mib_used);
            format!(
                "{} of {} CPUs and {} of {} are free now.",
                c.cpus_total.saturating_sub(c.cpus_used),
                c.cpus_total,
                mib(memory),
                mib(c.memory_mib_total)
            )
        })
    };
    view! {
        <fieldset class="card panel">
            <legend>"Size"</legend>
            <div class="row presets needs-js">
                {presets(&capacity)
                    .into_iter()
                    .map(|(text, size)| {
                        let said = super::words::size(&size);
                        let pressed = {
                            let size = size.clone();
                            move || launch.form.with(|f| f.resources().cpus == size.cpus && f.resources().memory_mib == size.memory_mib).to_string()
                        };
                        view! {
                            <button type="button" class="chip" aria-pressed=pressed on:click=move |_| set(&size)>
                                {text}
                                <span class="muted">{said}</span>
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <div class="form-row">
                <Field label="CPUs" name="form[cpus]" error=launch.error("cpus")>
                    <TextInput kind="number" min=1 bind=cpus />
                </Field>
                <Field label="Memory in GiB" name="form[memory]" error=launch.error("memory_mib")>
                    <TextInput inputmode="decimal" bind=memory autocomplete="off" />
                </Field>
                {(has_gpus || asks_for_gpus)
                    .then(|| {
                        view! {
                            <Field label="GPUs" name="form[gpus]" error=launch.error("gpus")>
                                <TextInput kind="number" min=0 bind=gpus />
                            </Field>
                        }
                    })}
            </div>
            <p class="field-help" aria-live="polite">
                {free}
                " "
                {move || if has_gpus { launch.capacity.with(gpu_words) } else { note.clone() }}
            </p>
        </fieldset>
    }
}

#[component]
pub fn GitSection(launch: Launch) -> impl IntoView {
    let start = launch.start.get_value();
    let summary = Signal::derive(move || {
        launch.form.with(|f| if f.git_url.trim().is_empty() { "None".to_owned() } else { f.git_url.trim().to_owned() })
    });
    let open = !start.git_url.is_empty() || !start.git_branch.is_empty();
    view! {
        <Folded glyph=Glyph::GitBranch title="Git repository" summary open>
            <Field label="Repository address" name="form[git_url]" error=launch.error("git_url") help="Cloned into the home at the first start. Starts with https://, http:// or ssh://.">
                <TextInput inputmode="url" mono=true value=start.git_url placeholder="https://example.com/team/project.git" autocomplete="off" />
            </Field>
            <Field label="Branch or tag" name="form[git_branch]" error=launch.error("git_branch") help="Empty for the repository's default branch.">
                <TextInput mono=true value=start.git_branch autocomplete="off" />
            </Field>
        </Folded>
    }
}

#[component]
pub fn IdleSection(launch: Launch) -> impl IntoView {
    let start = launch.start.get_value();
    let summary = Signal::derive(move || {
        launch.form.with(|f| if f.idle { format!("After {} minutes without activity", f.idle_minutes.trim()) } else { "Never".to_owned() })
    });
    let minutes = RwSignal::new(start.idle_minutes);
    view! {
        <Folded glyph=Glyph::Timer title="Idle stop" summary open=false>
            <label class="checkbox">
                <input type="checkbox" name="form[idle]" value="true" checked=start.idle />
                <span>"Stop when idle"</span>
            </label>
            <p class="field-help">"Frees CPUs, memory and GPUs for others. Files are kept."</p>
            <Field label="Minutes without activity" name="form[idle_minutes]" error=launch.error("idle_minutes")>
                <TextInput kind="number" min=5 bind=minutes />
            </Field>
        </Folded>
    }
}

/// Says how many of something there are, or `None`.
fn how_many(n: usize, one: &str, many: &str) -> String {
    if n == 0 { "None".to_owned() } else { count(n, one, many) }
}

/// Rows of a list: as many as were given and two free ones, more on demand.
#[component]
fn Rows<V: IntoView + 'static>(given: usize, add: &'static str, row: impl Fn(usize) -> V + Copy + Send + Sync + 'static) -> impl IntoView {
    let rows = RwSignal::new(given + 2);
    view! {
        <For each=move || 0..rows.get() key=|i| *i let:i>
            {row(i)}
        </For>
        <p class="needs-js">
            <button type="button" class="btn btn-sm" on:click=move |_| rows.update(|n| *n += 1)>
                <Icon glyph=Glyph::Plus />
                {add}
            </button>
        </p>
    }
}

#[component]
pub fn StorageSection(launch: Launch) -> impl IntoView {
    let start = launch.start.get_value();
    let volumes: StoredValue<Vec<String>> =
        StoredValue::new(launch.choices.with_value(|c| c.volumes.iter().map(|v| v.name.clone()).collect()));
    let given = start.data.len();
    let existing = start.home_kind == "existing";
    let summary = Signal::derive(move || {
        launch.form.with(|f| {
            let home = f.home();
            let kind = if f.home_kind == "existing" || volumes.with_value(|v| v.contains(&home)) { "existing" } else { "new" };
            let more = f.data.iter().filter(|d| !d.volume.trim().is_empty()).count();
            let more = if more == 0 { String::new() } else { format!(", and {}", count(more, "more volume", "more volumes")) };
            format!("Home on {kind} volume {home}{more}")
        })
    });
    let options = move |chosen: &str, none: Option<&'static str>| {
        let chosen = chosen.to_owned();
        let mut names = volumes.get_value();
        if !chosen.is_empty() && !names.contains(&chosen) {
            names.push(chosen.clone());
        }
        view! {
            {none.map(|text| view! { <option value="">{text}</option> })}
            {names
                .into_iter()
                .map(|name| {
                    let selected = name == chosen;
                    view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
                })
                .collect_view()}
        }
    };
    let no_volumes = volumes.with_value(Vec::is_empty);
    let (home_new, home_existing) = (start.home_new, start.home_existing);
    let data = StoredValue::new(start.data);
    let row = move |i: usize| {
        let given = data.with_value(|rows| rows.get(i).cloned().unwrap_or_default());
        let error = launch.error(format!("data.{i}.volume"));
        view! {
            <div class="field nb-entry" class:invalid=move || error.get().is_some()>
                <select class="input select" name=format!("form[data][{i}][volume]") aria-label=format!("Volume {}", i + 1)>
                    {options(&given.volume, Some("None"))}
                </select>
                <label class="checkbox">
                    <input type="checkbox" name=format!("form[data][{i}][read_only]") value="true" checked=given.read_only />
                    <span>"Read-only"</span>
                </label>
                <p class="field-error" aria-live="polite">{move || error.get()}</p>
            </div>
        }
    };
    view! {
        <Folded glyph=Glyph::HardDrive title="Storage" summary open={existing || given > 0 || !home_new.is_empty()}>
            <fieldset class="plain">
                <legend>"Home folder"</legend>
                <label class="checkbox">
                    <input type="radio" name="form[home_kind]" value="new" checked=!existing />
                    <span>"New volume" <span class="field-help">"Keeps the files when the notebook stops, and when it is deleted unless you say otherwise."</span></span>
                </label>
                <Field label="Name of the new volume" name="form[home_new]" error=launch.error("home") help="Empty: the notebook's name.">
                    <TextInput mono=true value=home_new autocomplete="off" />
                </Field>
                {(!no_volumes)
                    .then(|| {
                        view! {
                            <label class="checkbox">
                                <input type="radio" name="form[home_kind]" value="existing" checked=existing />
                                <span>"Existing volume" <span class="field-help">"Files of an earlier notebook."</span></span>
                            </label>
                            <Field label="Existing volume to use" name="form[home_existing]">
                                <select class="input select" id="field-form-home_existing-" name="form[home_existing]">
                                    {options(&home_existing, None)}
                                </select>
                            </Field>
                        }
                    })}
            </fieldset>
            <fieldset class="plain">
                <legend>"Other volumes"</legend>
                <p class="field-help">
                    {if no_volumes { "The team has no volumes yet." } else { "Each appears as data/NAME in the home." }}
                </p>
                {(!no_volumes).then(|| view! { <Rows given add="Add volume" row /> })}
            </fieldset>
        </Folded>
    }
}

#[component]
pub fn VariablesSection(launch: Launch) -> impl IntoView {
    let start = launch.start.get_value();
    let (env_given, secrets_given) = (start.env.len(), start.secrets.len());
    let start = StoredValue::new(start);
    let summary = Signal::derive(move || {
        launch.form.with(|f| {
            let request = f.request();
            let (env, secrets) = (request.spec.env.len(), request.secrets.len());
            if env + secrets == 0 {
                "None".to_owned()
            } else {
                format!("{}, {}", how_many(env, "variable", "variables"), how_many(secrets, "secret", "secrets"))
            }
        })
    });
    let row = move |kind: &'static str, said: &'static str, i: usize| {
        let given = start.with_value(|f| if kind == "env" { f.env.get(i).cloned() } else { f.secrets.get(i).cloned() }).unwrap_or_default();
        let (name_error, value_error) = (launch.error(format!("{kind}.{i}.name")), launch.error(format!("{kind}.{i}.value")));
        let error = Signal::derive(move || name_error.get().or_else(|| value_error.get()));
        let number = i + 1;
        view! {
            <div class="field nb-entry" class:invalid=move || error.get().is_some()>
                <input
                    class="input mono"
                    name=format!("form[{kind}][{i}][name]")
                    value=given.name
                    placeholder="NAME"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-label=format!("{said} {number}: name")
                />
                <input
                    class="input mono"
                    type=if kind == "env" { "text" } else { "password" }
                    name=format!("form[{kind}][{i}][value]")
                    value=given.value
                    placeholder="value"
                    autocomplete=if kind == "env" { "off" } else { "new-password" }
                    spellcheck="false"
                    aria-label=format!("{said} {number}: value")
                />
                <p class="field-error" aria-live="polite">{move || error.get()}</p>
            </div>
        }
    };
    view! {
        <Folded glyph=Glyph::Key title="Variables and secrets" summary open={env_given + secrets_given > 0}>
            <fieldset class="plain">
                <legend>"Environment variables"</legend>
                <Rows given=env_given add="Add variable" row=move |i| row("env", "Variable", i) />
            </fieldset>
            <fieldset class="plain">
                <legend>"Secrets"</legend>
                <p class="field-help">"Variables whose values are kept encrypted and never shown again."</p>
                <Rows given=secrets_given add="Add secret" row=move |i| row("secrets", "Secret", i) />
            </fieldset>
        </Folded>
    }
}
