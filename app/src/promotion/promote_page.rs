//! Where a promotion is asked for: the stages to choose from, each gate with its evidence, and what happens next.

use super::{
    api::{Promotion, RequestPromotion, Target, preview},
    gates::{Gates, summary},
    words::{holder_text, page_of_alias, page_of_promotion, page_of_request, page_of_settings},
};
use crate::{
    components::{
        Crumb, EmptyState, Fact, Field, FormError, FormState, Glyph, Icon, LoadingPage, Note, Page, SubmitButton, Textarea, Tone,
        page_or_error, query_value, role_in, use_me, use_team, use_toasts, when_done,
    },
    error::AppError,
    live::{kept_current, use_live},
    registry::words::{page_of_model, page_of_models, page_of_version},
};
use domain::model::{Change, GateCheck, PromotionPreview, Role};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

#[component]
pub fn PromotePage() -> impl IntoView {
    let (team, me, live, params) = (use_team(), use_me(), use_live(), use_params_map());
    let part = move |name: &'static str| Memo::new(move |_| params.with(|p| p.get_str(name).unwrap_or_default().to_owned()));
    let (model, version, to) = (part("model"), part("version"), query_value("to"));
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions));
    let action = ServerAction::<RequestPromotion>::new();
    let (toasts, navigate) = (use_toasts(), use_navigate());
    when_done(action, move |id| {
        toasts.show(Tone::Good, "Promotion asked for.");
        navigate(&page_of_request(&team.get_untracked(), &id), NavigateOptions::default());
    });
    let first = Resource::new(
        move || (team.get(), model.get(), version.get(), to.get()),
        move |(team, model, version, to)| async move {
            live.positioned().await;
            let writes = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) >= Some(Role::Member);
            Ok::<_, AppError>((preview(team, model, version, to.clone()).await?, to, writes))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Promote" /> }>
            {move || Suspend::new(async move {
                let (team, model) = (team.get_untracked(), model.get_untracked());
                page_or_error(first.await, |(first, to, writes)| view! { <Promote team model to first writes changes action /> })
            })}
        </Transition>
    }
}

#[component]
fn Promote(
    team: String,
    model: String,
    /// What the address asks for.
    to: String,
    first: Promotion,
    writes: bool,
    changes: RwSignal<u32>,
    action: ServerAction<RequestPromotion>,
) -> impl IntoView {
    let (version, targets) = (first.version, first.targets.clone());
    let again = (team.clone(), model.clone(), version.to_string(), to);
    let current = kept_current(
        first,
        0,
        move || changes.get(),
        move |_| {
            let (team, model, version, to) = again.clone();
            preview(team, model, version, to)
        },
    );
    let crumbs = vec![
        Crumb::new(team.clone(), format!("/t/{team}")),
        Crumb::new("Models", page_of_models(&team)),
        Crumb::new(model.clone(), page_of_model(&team, &model)),
        Crumb::new(format!("Version {version}"), page_of_version(&team, &model, version)),
    ];
    let plan = Memo::new(move |_| current.with(|c| c.preview.clone()));
    let chosen = Memo::new(move |_| plan.with(|p| p.as_ref().map(|p| p.stage.alias.clone()).unwrap_or_default()));
    let settings = page_of_settings(&team);
    let none = targets.is_empty();
    let of = StoredValue::new((team.clone(), model.clone()));
    view! {
        <Page title=format!("Promote {model} version {version}") crumbs>
            {if none {
                view! {
                    <EmptyState glyph=Glyph::Rocket title="The flow has no stages" text="A team admin says which aliases versions are promoted to, and what that takes.">
                        <a class="btn" href=settings>"Open promotion settings"</a>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! { <Targets team=team.clone() model=model.clone() version targets chosen /> }.into_any()
            }}
            {move || plan.with(Option::is_some).then(|| {
                let (team, model) = of.get_value();
                let plan = Memo::new(move |last: Option<&PromotionPreview>| plan.get().or_else(|| last.cloned()).unwrap_or_else(nothing));
                view! { <Plan team model version plan writes action /> }
            })}
        </Page>
    }
}

fn nothing() -> PromotionPreview {
    PromotionPreview { stage: domain::model::PromotionStage::default(), reviewers: Vec::new(), gates: Vec::new(), holder: None, open: None }
}

/// The stages as links, in their order.
#[component]
fn Targets(team: String, model: String, version: i64, targets: Vec<Target>, chosen: Memo<String>) -> impl IntoView {
    let here = page_of_promotion(&team, &model, version);
    let link = |target: Target| {
        let (alias, href) = (target.alias.clone(), format!("{here}?to={}", target.alias));
        let lock = target.protected.then(|| view! { <Icon glyph=Glyph::Lock /> <span class="sr-only">"protected"</span> });
        view! { <a href=href data-noscroll="true" aria-current=move || (chosen.get() == alias).then_some("page")>{lock} {target.alias.clone()}</a> }
    };
    view! {
        <nav class="tabs" aria-label="Promote to">
            {targets.into_iter().map(link).collect_view()}
        </nav>
    }
}

#[component]
fn Plan(
    team: String,
    model: String,
    version: i64,
    plan: Memo<PromotionPreview>,
    writes: bool,
    action: ServerAction<RequestPromotion>,
) -> impl IntoView {
    let gates = Signal::derive(move || plan.with(|p| p.gates.clone()));
    let extra = Callback::new(|_: GateCheck| ().into_any());
    let alias = Memo::new(move |_| plan.with(|p| p.stage.alias.clone()));
    let held = Memo::new(move |_| plan.with(|p| p.holder == Some(version)));
    let open = Memo::new(move |_| plan.with(|p| p.open.clone()));
    let (for_history, for_open, of) = ((team.clone(), model.clone()), team.clone(), (team, model));
    let ask = move || {
        let (team, model) = of.clone();
        if held.get() {
            view! { <Note tone=Tone::Good><p>{format!("Version {version} is {} already.", alias.get())}</p></Note> }.into_any()
        } else if let Some(id) = open.get() {
            let href = page_of_request(&for_open, &id);
            view! { <Note tone=Tone::Info><p>"This promotion is asked for already. " <a href=href>"Open the request"</a></p></Note> }
                .into_any()
        } else if writes {
            let all = Memo::new(move |_| gates.with(|g| g.iter().all(GateCheck::is_settled)));
            view! { <Ask team model version alias=alias.get() all action /> }.into_any()
        } else {
            view! { <p class="muted">"Members and admins of the team ask for promotions."</p> }.into_any()
        }
    };
    view! {
        <div class="run-overview section-gap">
            <section class="stack" aria-labelledby="gates-head">
                <div class="section-head">
                    <h2 id="gates-head">{move || format!("What {} asks for", alias.get())}</h2>
                    <span class="muted">{move || gates.with(|g| summary(g))}</span>
                </div>
                <Gates gates extra />
            </section>
            <div class="stack">
                <section class="card pad" aria-label="Stage">
                    <dl class="profile">
                        <Fact name="Holds it now">
                            {move || {
                                let href = page_of_alias(&for_history.0, &for_history.1, &alias.get());
                                view! { <a href=href>{holder_text(plan.with(|p| p.holder))}</a> }
                            }}
                        </Fact>
                        <Fact name="Protected">
                            {move || if plan.with(|p| p.stage.protected) { "Yes: it moves by promotion only" } else { "No: whoever writes to the registry may set it" }}
                        </Fact>
                        <Fact name="Reviewers">
                            <span class="wrap">
                                {move || {
                                    plan.with(|p| match (p.stage.approvals, p.reviewers.as_slice()) {
                                        (0, _) => "None are needed".to_owned(),
                                        (_, []) => "Any other member or admin".to_owned(),
                                        (_, named) => named.join(", "),
                                    })
                                }}
                            </span>
                        </Fact>
                    </dl>
                </section>
                {ask}
            </div>
        </div>
    }
}

#[component]
fn Ask(team: String, model: String, version: i64, alias: String, all: Memo<bool>, action: ServerAction<RequestPromotion>) -> impl IntoView {
    let form = FormState::of(action);
    let next = move || {
        if all.get() {
            "Every gate is passed: the alias moves at once."
        } else {
            "The alias moves by itself once every gate is passed or waived. Reviewers find the request under Reviews."
        }
    };
    view! {
        <section class="card panel" aria-labelledby="ask-head">
            <h2 id="ask-head">"Ask for the promotion"</h2>
            <ActionForm action>
                <FormError form />
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="version" value=version.to_string() />
                <input type="hidden" name="alias" value=alias.clone() />
                <Field label="For the reviewers" name="note" form help="What is better, what was tried, what to look at. May stay empty.">
                    <Textarea rows=3 />
                </Field>
                <p class="muted">{next}</p>
                <SubmitButton form label=format!("Ask for {alias}") glyph=Glyph::Rocket />
            </ActionForm>
        </section>
    }
}
