//! One request for a promotion: its gates, who looked at it, waivers, and how it went.

use super::{
    api::{AskWaiver, DeclineWaiver, GrantWaiver, get_request},
    gates::{Gates, summary},
    request_parts::{Buttons, Facts, Reviews, Timeline},
    words::{StateBadge, page_of_reviews},
};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, Field, FormError, FormState, LoadingPage, Page, Textarea, Tone, page_or_error, use_team,
        use_toasts, when_done,
    },
    live::{kept_current, use_live},
};
use domain::model::{Change, GateCheck, PromotionDetail, PromotionWaiver, RequestState};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// What may be done with a request.
#[derive(Clone, Copy)]
pub struct Actions {
    pub approve: ServerAction<super::api::Approve>,
    pub reject: ServerAction<super::api::Reject>,
    pub check: ServerAction<super::api::CheckAgain>,
    pub withdraw: ServerAction<super::api::Withdraw>,
    pub ask: ServerAction<AskWaiver>,
    pub grant: ServerAction<GrantWaiver>,
    pub decline: ServerAction<DeclineWaiver>,
}

#[component]
pub fn RequestPage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("request").unwrap_or_default().to_owned()));
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions));
    let actions = Actions {
        approve: ServerAction::new(),
        reject: ServerAction::new(),
        check: ServerAction::new(),
        withdraw: ServerAction::new(),
        ask: ServerAction::new(),
        grant: ServerAction::new(),
        decline: ServerAction::new(),
    };
    follow(actions, changes);
    let first = Resource::new(
        move || (team.get(), id.get()),
        move |(team, id)| async move {
            live.positioned().await;
            get_request(team, id).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Promotion" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| view! { <RequestView team first changes actions /> })
            })}
        </Transition>
    }
}

/// What is seen once an action is done.
fn follow(actions: Actions, changes: RwSignal<u32>) {
    let toasts = use_toasts();
    let done = move |words: &'static str| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, words);
    };
    let stands = move |state: RequestState, else_: &'static str| {
        done(if state == RequestState::Promoted { "Every gate is passed or waived: promoted." } else { else_ });
    };
    when_done(actions.approve, move |state| stands(state, "Approved. Other gates are still open."));
    when_done(actions.reject, move |_| done("Rejected."));
    when_done(actions.check, move |state| stands(state, "Looked again. Not every gate is passed yet."));
    when_done(actions.withdraw, move |()| done("Withdrawn."));
    when_done(actions.ask, move |()| done("Waiver asked for. An admin finds it under Reviews."));
    when_done(actions.decline, move |()| done("Waiver declined. Another can be asked for."));
    when_done(actions.grant, move |state| stands(state, "Waiver granted. Other gates are still open."));
}

#[component]
fn RequestView(team: String, first: PromotionDetail, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let request = first.request.clone();
    let again = (team.clone(), request.id.clone());
    let detail = kept_current(first, 0, move || changes.get(), move |_| get_request(again.0.clone(), again.1.clone()));
    let state = Memo::new(move |_| detail.with(|d| d.request.state));
    let gates = Signal::derive(move || detail.with(|d| d.gates.clone()));
    let waivers = Memo::new(move |_| detail.with(|d| d.waivers.clone()));
    let writes = Memo::new(move |_| detail.with(|d| d.rights.write));
    let of = StoredValue::new((team.clone(), request.id.clone()));
    let extra = Callback::new(move |check: GateCheck| {
        let (team, id) = of.get_value();
        view! { <WaiverOf team id check waivers writes actions /> }.into_any()
    });
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Reviews", page_of_reviews(&team))];
    let title = format!("Promote {} version {} to {}", request.model, request.version, request.alias);
    let status = move || view! { <span role="status">{move || view! { <StateBadge state=state.get() /> }}</span> };
    let (for_buttons, for_facts) = ((team.clone(), request.id.clone()), team);
    let buttons = move || view! { <Buttons team=for_buttons.0 id=for_buttons.1 detail actions /> };
    view! {
        <Page title crumbs status actions=buttons>
            <FormError form=FormState::of(actions.approve) />
            <FormError form=FormState::of(actions.reject) />
            <FormError form=FormState::of(actions.check) />
            <FormError form=FormState::of(actions.withdraw) />
            <FormError form=FormState::of(actions.ask) />
            <FormError form=FormState::of(actions.grant) />
            <FormError form=FormState::of(actions.decline) />
            <div class="run-overview section-gap">
                <section class="stack" aria-labelledby="gates-head">
                    <div class="section-head">
                        <h2 id="gates-head">{move || if state.get() == RequestState::Open { "Gates" } else { "Gates as they were decided on" }}</h2>
                        <span class="muted">{move || gates.with(|g| summary(g))}</span>
                    </div>
                    <Gates gates extra />
                </section>
                <div class="stack">
                    <Facts team=for_facts detail />
                    <Reviews detail />
                    <Timeline detail />
                </div>
            </div>
        </Page>
    }
}

/// What is said of a gate's waiver, and what may be done about it.
#[component]
fn WaiverOf(
    team: String,
    id: String,
    check: GateCheck,
    waivers: Memo<Vec<PromotionWaiver>>,
    writes: Memo<bool>,
    actions: Actions,
) -> impl IntoView {
    let key = check.gate.key();
    let of_gate = key.clone();
    let waiver = Memo::new(move |_| waivers.with(|w| w.iter().find(|w| w.gate == of_gate).cloned()));
    let (seen, waivable, waived) = (check.evidence.clone(), check.gate.can_be_waived() && !check.is_settled(), check.waived);
    let asked = {
        let (team, id, seen) = (team.clone(), id.clone(), seen.clone());
        move || {
            waiver.get().map(|waiver| {
                let stale = waiver.evidence != seen && !waived;
                let grant = (waiver.for_me && !stale && waivable)
                    .then(|| view! { <GrantDialog team=team.clone() id=id.clone() waiver=waiver.clone() actions /> });
                let decline =
                    waiver.for_me.then(|| view! { <DeclineDialog team=team.clone() id=id.clone() waiver=waiver.clone() actions /> });
                let declined = waiver.declined_by.clone().zip(waiver.declining.clone()).map(|(by, why)| {
                    view! { <p class="gate-waiver">{format!("{by} declined it: ")} <q>{why}</q></p> }
                });
                let words = match &waiver.granted_by {
                    Some(by) if !stale => format!("Waived by {by}; {} asked: ", waiver.asked_by),
                    None if declined.is_some() => format!("{} asked to waive this: ", waiver.asked_by),
                    _ if stale => format!(
                        "A waiver that {} asked for no longer counts, because something else is seen of the gate: ",
                        waiver.asked_by
                    ),
                    _ => format!("{} asks to waive this: ", waiver.asked_by),
                };
                view! {
                    <p class="gate-waiver">{words} <q>{waiver.reason.clone()}</q></p>
                    {declined}
                    {grant}
                    {decline}
                }
            })
        }
    };
    let ask = move || {
        let waits = waiver.with(|w| w.as_ref().is_some_and(|w| w.evidence == seen && w.declined_at.is_none()));
        (waivable && writes.get() && !waits)
            .then(|| view! { <AskDialog team=team.clone() id=id.clone() gate=key.clone() title=check.gate.title() actions /> })
    };
    view! {
        {asked}
        {ask}
    }
}

#[component]
fn AskDialog(team: String, id: String, gate: String, title: String, actions: Actions) -> impl IntoView {
    let form = FormState::of(actions.ask);
    // One on the page for each gate.
    let field = format!("reason-{}", gate.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>());
    view! {
        <ConfirmDialog trigger="Ask for a waiver" title=format!("Ask to waive: {title}") form class="btn btn-sm">
            <p>"An admin of the team who asked neither for this promotion nor for the waiver decides. The waiver is for what is seen of the gate now."</p>
            <ActionForm action=actions.ask>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="gate" value=gate />
                <Field label="Reason" name="reason" id=field form required=true>
                    <Textarea rows=3 />
                </Field>
                <DialogActions form label="Ask for the waiver" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn GrantDialog(team: String, id: String, waiver: PromotionWaiver, actions: Actions) -> impl IntoView {
    let form = FormState::of(actions.grant);
    view! {
        <ConfirmDialog trigger="Grant waiver" title="Grant waiver" form class="btn btn-sm">
            <p>{waiver.evidence}</p>
            <p>{format!("{} says: {}", waiver.asked_by, waiver.reason)}</p>
            <ActionForm action=actions.grant>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="gate" value=waiver.gate />
                <DialogActions form label="Grant waiver" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn DeclineDialog(team: String, id: String, waiver: PromotionWaiver, actions: Actions) -> impl IntoView {
    let form = FormState::of(actions.decline);
    let field = format!("decline-{}", waiver.gate.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>());
    view! {
        <ConfirmDialog trigger="Decline waiver" title="Decline waiver" form class="btn btn-sm">
            <p>{format!("{} says: {}", waiver.asked_by, waiver.reason)}</p>
            <ActionForm action=actions.decline>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="gate" value=waiver.gate />
                <Field label="Reason" name="reason" id=field form required=true>
                    <Textarea rows=3 />
                </Field>
                <DialogActions form label="Decline waiver" />
            </ActionForm>
        </ConfirmDialog>
    }
}
