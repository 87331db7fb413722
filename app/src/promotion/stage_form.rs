//! The form of a stage: whether it is protected, and its gates.

use super::{api::SaveStage, settings_page::Shared};
use crate::components::{Checkbox, Field, FormError, FormState, Select, SubmitButton, TextInput, Textarea, Tone, use_toasts, when_done};
use domain::model::{MetricRule, PromotionStage, Role, rule_lines, validate_alias, validate_rules};
use leptos::prelude::*;

#[component]
pub fn StageFields(stage: PromotionStage, shared: Shared) -> impl IntoView {
    let action = ServerAction::<SaveStage>::new();
    let (form, toasts, changes) = (FormState::of(action), use_toasts(), shared.changes);
    when_done(action, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Stage saved.");
    });
    let rules = RwSignal::new(stage.rules.join("\n"));
    let (old, id) = (stage.alias.clone(), if stage.alias.is_empty() { "new".to_owned() } else { stage.alias.clone() });
    let (alias, tags, approvals) = (stage.alias.clone(), stage.tags.join(", "), stage.approvals.to_string());
    let label = if old.is_empty() { "Add stage" } else { "Save stage" };
    let stages = [("", "None"), ("Staging", "Staging"), ("Production", "Production")];
    let stages = stages.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    let of_mlflow = stage.mlflow_stage.map(domain::model::Stage::as_str).unwrap_or_default();
    view! {
        <ActionForm action attr:class="form">
            <FormError form />
            <input type="hidden" name="team" value=shared.team.clone() />
            <input type="hidden" name="form[old]" value=old />
            <Field label="Alias" name="form[alias]" error_name="alias" id=format!("alias-{id}") form check=validate_alias required=true>
                <TextInput mono=true autocomplete="off" value=alias placeholder="champion" />
            </Field>
            <Checkbox
                label="Protected"
                name="form[protected]"
                checked=stage.protected
                help="Nothing but a promotion moves the alias, whether on these pages or by MLflow's clients."
            />
            <Field
                label="With MLflow's stage"
                name="form[mlflow_stage]"
                error_name="mlflow_stage"
                id=format!("mlflow-{id}")
                form
                help="A promotion also sets this stage, and where the alias is protected nothing else does."
            >
                <Select options=stages value=of_mlflow />
            </Field>
            <Field
                label="Metric rules"
                name="form[rules]"
                error_name="rules"
                id=format!("rules-{id}")
                form
                check=validate_rules
                help="One a line: val_auc >= champion + 0.5%, or loss < 0.2. A word instead of a number is an alias, whose version is compared with."
            >
                <Textarea bind=rules rows=3 mono=true />
            </Field>
            <WrongWords rules />
            <Checkbox label="Only versions that hold or held the stage before" name="form[after_previous]" checked=stage.after_previous />
            <CardChoice stage=stage.clone() shared=shared.clone() />
            <Field
                label="Tags that the version must have"
                name="form[tags]"
                error_name="tags"
                id=format!("tags-{id}")
                form
                help="Keys, separated by commas."
            >
                <TextInput mono=true autocomplete="off" value=tags />
            </Field>
            <Field
                label="Approvals"
                name="form[approvals]"
                error_name="approvals"
                id=format!("approvals-{id}")
                form
                help="By so many people. Whoever asks for the promotion never counts."
            >
                <TextInput kind="number" value=approvals min=0 max=10 />
            </Field>
            <Reviewers stage shared form />
            <SubmitButton form label />
        </ActionForm>
    }
}

/// Each rule that cannot be read, with the wrong word marked, while it is typed.
#[component]
fn WrongWords(rules: RwSignal<String>) -> impl IntoView {
    let wrong = move || {
        let marked = |line: String| {
            let error = line.parse::<MetricRule>().err()?;
            let (start, end) = (error.start.min(line.len()), error.end.min(line.len()));
            let (before, word, after) = (line.get(..start)?.to_owned(), line.get(start..end)?.to_owned(), line.get(end..)?.to_owned());
            let word = if word.is_empty() { " ".to_owned() } else { word };
            Some(view! {
                <p class="rule-error">
                    <code>{before} <mark>{word}</mark> {after}</code>
                    <span class="field-error">{error.reason}</span>
                </p>
            })
        };
        rule_lines(&rules.get()).into_iter().filter_map(marked).collect_view()
    };
    view! { <div aria-live="polite">{wrong}</div> }
}

/// The fields of the card as boxes.
#[component]
fn CardChoice(stage: PromotionStage, shared: Shared) -> impl IntoView {
    let boxes = move || {
        let one = |(i, field): (usize, String)| {
            let checked = stage.card_fields.contains(&field);
            view! { <Choice name=format!("form[card_fields][{i}]") value=field.clone() text=field checked /> }
        };
        shared.card.get().into_iter().enumerate().map(one).collect_view()
    };
    view! {
        <fieldset>
            <legend>"Fields of the model card that must be filled"</legend>
            <div class="choices">{boxes}</div>
        </fieldset>
    }
}

/// The members who may be named as boxes.
#[component]
fn Reviewers(stage: PromotionStage, shared: Shared, form: FormState) -> impl IntoView {
    let boxes = move || {
        let able = shared.members.get().into_iter().filter(|m| m.role >= Role::Member);
        let one = |(i, member): (usize, domain::model::Member)| {
            let checked = stage.reviewers.contains(&member.user);
            view! { <Choice name=format!("form[reviewers][{i}]") value=member.user.0 text=member.email checked /> }
        };
        able.enumerate().map(one).collect_view()
    };
    view! {
        <fieldset>
            <legend>"Named reviewers"</legend>
            <p class="field-help">"Where none is named, every other member and admin may approve."</p>
            <div class="choices">{boxes}</div>
            <p class="field-error">{move || form.error.get().and_then(|e| e.field("reviewers"))}</p>
        </fieldset>
    }
}

/// A box of a list, which sends its value where it is ticked.
#[component]
fn Choice(name: String, value: String, text: String, checked: bool) -> impl IntoView {
    view! {
        <label class="checkbox">
            <input type="checkbox" name=name value=value checked=checked />
            <span class="wrap">{text}</span>
        </label>
    }
}
