//! A team's promotion flow: its stages, what each asks for, and the fields of model cards. No file to write.

use super::{
    api::{FlowDetail, MoveStage, RemoveStage, SaveCardFields, UseRecommended, get_flow},
    stage_form::StageFields,
    words::page_of_reviews,
};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, Field, FormError, FormState, Glyph, Icon, LoadingPage, Note, Page, StatusBadge, SubmitButton,
        Textarea, Tone, page_or_error, role_in, use_me, use_team, use_toasts, when_done,
    },
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, Member, PromotionStage, Role};
use leptos::prelude::*;

#[component]
pub fn PromotionSettingsPage() -> impl IntoView {
    let (team, me, live) = (use_team(), use_me(), use_live());
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Promotions | Change::Team));
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            let manages = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) == Some(Role::Admin);
            Ok::<_, AppError>((get_flow(team).await?, manages))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Promotion settings" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |(first, manages)| view! { <Settings team first manages changes /> })
            })}
        </Transition>
    }
}

/// What the parts of the page share.
#[derive(Clone)]
pub struct Shared {
    pub team: String,
    pub members: Memo<Vec<Member>>,
    pub card: Memo<Vec<String>>,
    pub manages: bool,
    pub changes: RwSignal<u32>,
}

#[component]
fn Settings(team: String, first: FlowDetail, manages: bool, changes: RwSignal<u32>) -> impl IntoView {
    let again = team.clone();
    let detail = kept_current(first, 0, move || changes.get(), move |_| get_flow(again.clone()));
    let shared = Shared {
        team: team.clone(),
        members: Memo::new(move |_| detail.with(|d| d.members.clone())),
        card: Memo::new(move |_| detail.with(|d| d.flow.card.clone())),
        manages,
        changes,
    };
    let stages = Memo::new(move |_| detail.with(|d| d.flow.stages.iter().cloned().enumerate().collect::<Vec<_>>()));
    let open = Memo::new(move |_| stages.with(|s| s.iter().all(|(_, stage)| !stage.protected)));
    let (for_rows, for_new, for_card, for_note) = (shared.clone(), shared.clone(), shared.clone(), shared);
    let row = move |(place, stage): (usize, PromotionStage)| view! { <StageCard place stage shared=for_rows.clone() /> };
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Reviews", page_of_reviews(&team))];
    view! {
        <Page title="Promotion settings" crumbs lead="Which aliases versions of models are promoted to, in which order, and what that takes.">
            {move || open.get().then(|| view! { <Recommended shared=for_note.clone() /> })}
            <section class="stack section-gap" aria-labelledby="stages-head">
                <h2 id="stages-head">"Stages"</h2>
                <ol class="stages plain-list">
                    <For each=move || stages.get() key=Clone::clone children=row />
                </ol>
                {manages.then(|| view! { <AddStage shared=for_new /> })}
            </section>
            <CardFields shared=for_card />
            {(!manages).then(|| view! { <p class="muted">"A team admin changes these settings."</p> })}
        </Page>
    }
}

/// Nothing is protected yet: says so, and offers a flow in one click.
#[component]
fn Recommended(shared: Shared) -> impl IntoView {
    let action = ServerAction::<UseRecommended>::new();
    let (form, toasts, changes) = (FormState::of(action), use_toasts(), shared.changes);
    when_done(action, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Staging and champion are protected now.");
    });
    let button = shared.manages.then(|| {
        view! {
            <ActionForm action>
                <input type="hidden" name="team" value=shared.team />
                <SubmitButton form label="Use the recommended flow" />
            </ActionForm>
        }
    });
    view! {
        <Note tone=Tone::Info>
            <FormError form />
            <p>
                "Nothing is protected yet: whoever writes to the registry sets every alias. The recommended flow protects staging and champion, \
                 with MLflow's stages Staging and Production: each takes the approval of a second person, and parts of the model card."
            </p>
            {button}
        </Note>
    }
}

fn asks(stage: &PromotionStage) -> Vec<String> {
    let mut asks = Vec::new();
    if stage.after_previous {
        asks.push("After the stage before".to_owned());
    }
    asks.extend(stage.rules.iter().cloned());
    asks.extend(stage.card_fields.iter().map(|field| format!("Card: {field}")));
    asks.extend(stage.tags.iter().map(|tag| format!("Tag {tag}")));
    match stage.approvals {
        0 => {}
        1 => asks.push("1 approval".to_owned()),
        many => asks.push(format!("{many} approvals")),
    }
    if let Some(mlflow_stage) = stage.mlflow_stage {
        asks.push(format!("With MLflow's stage {}", mlflow_stage.as_str()));
    }
    asks
}

#[component]
fn StageCard(place: usize, stage: PromotionStage, shared: Shared) -> impl IntoView {
    let alias = stage.alias.clone();
    let badge = if stage.protected {
        view! { <StatusBadge tone=Tone::Info glyph=Glyph::Lock text="Protected" /> }
    } else {
        view! { <StatusBadge tone=Tone::Neutral text="Not protected" /> }
    };
    let asks = asks(&stage);
    let chips = if asks.is_empty() {
        view! { <p class="muted">"Asks for nothing."</p> }.into_any()
    } else {
        view! { <ul class="chips plain-list">{asks.into_iter().map(|text| view! { <li class="chip tag">{text}</li> }).collect_view()}</ul> }
            .into_any()
    };
    let edit = shared.manages.then(|| {
        view! {
            <div class="row">
                {(place > 0).then(|| view! { <MoveUp alias=stage.alias.clone() shared=shared.clone() /> })}
                <RemoveStageDialog alias=stage.alias.clone() shared=shared.clone() />
            </div>
            <details class="more">
                <summary>
                    <Icon glyph=Glyph::ChevronRight />
                    {format!("Change {}", stage.alias)}
                </summary>
                <div class="more-body">
                    <StageFields stage shared />
                </div>
            </details>
        }
    });
    view! {
        <li class="card panel">
            <div class="section-head">
                <h3 class="mono">{format!("{}. {alias}", place + 1)}</h3>
                {badge}
            </div>
            {chips}
            {edit}
        </li>
    }
}

#[component]
fn MoveUp(alias: String, shared: Shared) -> impl IntoView {
    let action = ServerAction::<MoveStage>::new();
    let (form, changes) = (FormState::of(action), shared.changes);
    when_done(action, move |()| changes.update(|n| *n += 1));
    let label = format!("Move {alias} up");
    view! {
        <ActionForm action>
            <FormError form />
            <input type="hidden" name="team" value=shared.team />
            <input type="hidden" name="alias" value=alias />
            <SubmitButton form label glyph=Glyph::ArrowUp class="btn btn-sm" />
        </ActionForm>
    }
}

#[component]
fn RemoveStageDialog(alias: String, shared: Shared) -> impl IntoView {
    let action = ServerAction::<RemoveStage>::new();
    let (form, toasts, changes) = (FormState::of(action), use_toasts(), shared.changes);
    when_done(action, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Stage removed from the flow.");
    });
    let lost = format!(
        "The alias {alias} stays where it is and is no longer protected: whoever writes to the registry may move it. Open requests for it have to be withdrawn."
    );
    view! {
        <ConfirmDialog trigger=format!("Remove {alias}") title=format!("Remove stage {alias}") form class="btn btn-sm btn-ghost">
            <p>{lost}</p>
            <ActionForm action>
                <input type="hidden" name="team" value=shared.team />
                <input type="hidden" name="alias" value=alias />
                <DialogActions form label="Remove stage" />
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn AddStage(shared: Shared) -> impl IntoView {
    view! {
        <details class="more">
            <summary>
                <Icon glyph=Glyph::ChevronRight />
                "Add a stage"
            </summary>
            <div class="more-body">
                <StageFields stage=PromotionStage::default() shared />
            </div>
        </details>
    }
}

#[component]
fn CardFields(shared: Shared) -> impl IntoView {
    let action = ServerAction::<SaveCardFields>::new();
    let (form, toasts, changes, card) = (FormState::of(action), use_toasts(), shared.changes, shared.card);
    when_done(action, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Fields saved.");
    });
    let text = card.with_untracked(|fields| fields.join("\n"));
    let body = if shared.manages {
        view! {
            <ActionForm action>
                <FormError form />
                <input type="hidden" name="team" value=shared.team />
                <Field label="Fields" name="fields" error_name="card" form help="One a line, in the order in which cards show them. What was written under a name that is gone stays with its version.">
                    <Textarea value=text rows=6 />
                </Field>
                <SubmitButton form label="Save fields" />
            </ActionForm>
        }
        .into_any()
    } else {
        view! { <ul class="chips plain-list">{move || card.get().into_iter().map(|field| view! { <li class="chip">{field}</li> }).collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="card panel" aria-labelledby="card-head">
            <h2 id="card-head">"Model cards"</h2>
            {body}
        </section>
    }
}
