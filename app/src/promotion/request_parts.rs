//! The parts of a request's page beside its gates: facts, buttons, reviews, and all steps in their order.

use super::{
    request_page::Actions,
    words::{holder_text, page_of_alias},
};
use crate::{
    components::{ConfirmDialog, DialogActions, Fact, Field, FormState, Glyph, Icon, StatusBadge, SubmitButton, Textarea, Time, Tone},
    registry::words::{page_of_model, page_of_version},
};
use domain::model::{LapsedApproval, Millis, PromotionDetail, PromotionReview, RequestState};
use leptos::prelude::*;

#[component]
pub fn Facts(team: String, detail: RwSignal<PromotionDetail>) -> impl IntoView {
    let first = detail.with_untracked(|d| d.request.clone());
    let (model, version) = (page_of_model(&team, &first.model), page_of_version(&team, &first.model, first.version));
    let history = page_of_alias(&team, &first.model, &first.alias);
    let note = (!first.note.is_empty()).then(|| view! { <p class="note-text">{first.note.clone()}</p> });
    view! {
        <section class="card panel" aria-label="Facts">
            <dl class="profile">
                <Fact name="Model">
                    <a class="wrap" href=model>{first.model}</a>
                </Fact>
                <Fact name="Version">
                    <a href=version>{format!("Version {}", first.version)}</a>
                </Fact>
                <Fact name="Asked by">
                    <span class="wrap">{first.requested_by} " " <Time at=first.requested_at /></span>
                </Fact>
                <Fact name="Held it then">{holder_text(first.holder)}</Fact>
                <Fact name="Holds it now">
                    <a href=history>{move || holder_text(detail.with(|d| d.holder))}</a>
                </Fact>
                {move || {
                    let named = detail.with(|d| d.reviewers.join(", "));
                    (!named.is_empty()).then(|| view! { <Fact name="Reviewers"><span class="wrap">{named}</span></Fact> })
                }}
            </dl>
            {note}
        </section>
    }
}

/// Approve, reject, look again, withdraw: what the caller may.
#[component]
pub fn Buttons(team: String, id: String, detail: RwSignal<PromotionDetail>, actions: Actions) -> impl IntoView {
    let rights = Memo::new(move |_| detail.with(|d| d.rights.clone()));
    let mine = Memo::new(move |_| rights.with(|r| (r.review, r.write, r.withdraw)));
    move || {
        let (review, write, withdraw) = mine.get();
        let of = || (team.clone(), id.clone());
        view! {
            {review.then(|| { let (team, id) = of(); view! { <ReviewDialog team id approves=true actions /> } })}
            {review.then(|| { let (team, id) = of(); view! { <ReviewDialog team id approves=false actions /> } })}
            {write.then(|| { let (team, id) = of(); view! { <CheckAgain team id actions /> } })}
            {withdraw.then(|| { let (team, id) = of(); view! { <WithdrawDialog team id actions /> } })}
        }
    }
}

#[component]
fn ReviewDialog(team: String, id: String, approves: bool, actions: Actions) -> impl IntoView {
    let fields = move |form: FormState, field: &'static str| {
        view! {
            <input type="hidden" name="team" value=team.clone() />
            <input type="hidden" name="id" value=id.clone() />
            <Field label="Comment" name="comment" id=field form required=!approves>
                <Textarea rows=3 />
            </Field>
        }
    };
    if approves {
        let form = FormState::of(actions.approve);
        view! {
            <ConfirmDialog trigger="Approve" title="Approve promotion" form glyph=Glyph::Check class="btn btn-primary">
                <p>"The alias moves by itself once every gate is passed or waived, which may be now."</p>
                <ActionForm action=actions.approve>
                    {fields(form, "approve-comment")}
                    <DialogActions form label="Approve promotion" class="btn btn-primary" />
                </ActionForm>
            </ConfirmDialog>
        }
        .into_any()
    } else {
        let form = FormState::of(actions.reject);
        view! {
            <ConfirmDialog trigger="Reject" title="Reject promotion" form glyph=Glyph::X class="btn">
                <p>"The request is closed. The comment tells who asked what is missing."</p>
                <ActionForm action=actions.reject>
                    {fields(form, "reject-comment")}
                    <DialogActions form label="Reject promotion" />
                </ActionForm>
            </ConfirmDialog>
        }
        .into_any()
    }
}

#[component]
fn CheckAgain(team: String, id: String, actions: Actions) -> impl IntoView {
    let form = FormState::of(actions.check);
    view! {
        <ActionForm action=actions.check>
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="id" value=id />
            <SubmitButton form label="Check gates again" glyph=Glyph::RotateCw class="btn" />
        </ActionForm>
    }
}

#[component]
fn WithdrawDialog(team: String, id: String, actions: Actions) -> impl IntoView {
    let form = FormState::of(actions.withdraw);
    view! {
        <ConfirmDialog trigger="Withdraw" title="Withdraw request" form class="btn btn-ghost">
            <p>"The request is closed and the alias stays where it is. It can be asked for again."</p>
            <ActionForm action=actions.withdraw>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="id" value=id />
                <DialogActions form label="Withdraw request" />
            </ActionForm>
        </ConfirmDialog>
    }
}

/// What people said, and why the caller may not.
#[component]
pub fn Reviews(detail: RwSignal<PromotionDetail>) -> impl IntoView {
    let reviews = Memo::new(move |_| detail.with(|d| d.reviews.clone()));
    let lapsed = Memo::new(move |_| detail.with(|d| d.lapsed.clone()));
    let again = Memo::new(move |_| detail.with(|d| d.request.asks_again));
    let why_not = Memo::new(move |_| detail.with(|d| d.rights.why_not.clone()));
    let row = |review: PromotionReview| {
        let badge = if review.approves {
            view! { <StatusBadge tone=Tone::Good text="Approves" /> }
        } else {
            view! { <StatusBadge tone=Tone::Bad text="Rejects" /> }
        };
        let comment = (!review.comment.is_empty()).then(|| view! { <p class="note-text">{review.comment}</p> });
        view! {
            <li class="stack-sm">
                <p class="row">{badge} <span class="wrap">{review.by}</span> <Time at=review.at /></p>
                {comment}
            </li>
        }
    };
    view! {
        <section class="card panel" aria-labelledby="reviews-head">
            <h2 id="reviews-head">"Reviews"</h2>
            {move || {
                let reviews = reviews.get();
                if reviews.is_empty() {
                    view! { <p class="muted">"Nobody has reviewed it yet."</p> }.into_any()
                } else {
                    view! { <ul class="stack plain-list">{reviews.into_iter().map(row).collect_view()}</ul> }.into_any()
                }
            }}
            {move || {
                let row = |one: LapsedApproval| {
                    let why = format!("No longer counts, since {} changed the model card after it.", one.lapsed_by);
                    let comment = (!one.comment.is_empty()).then(|| view! { <p class="note-text">{one.comment}</p> });
                    view! {
                        <li class="stack-sm">
                            <p class="row"><StatusBadge tone=Tone::Warning text="Lapsed" /> <span class="wrap">{one.by}</span> <Time at=one.at /></p>
                            <p class="muted wrap">{why}</p>
                            {comment}
                        </li>
                    }
                };
                let lapsed = lapsed.get();
                (!lapsed.is_empty()).then(|| view! { <ul class="stack plain-list">{lapsed.into_iter().map(row).collect_view()}</ul> })
            }}
            {move || again.get().then(|| view! { <p>"You approved it before its model card changed. Look at it again."</p> })}
            {move || {
                let text = why_not.get();
                (!text.is_empty()).then(|| view! { <p class="muted">{text}</p> })
            }}
        </section>
    }
}

/// A step of a request: when, who, and what they did.
type Step = (Millis, String, String);

fn steps(detail: &PromotionDetail) -> Vec<Step> {
    let request = &detail.request;
    let mut steps: Vec<Step> = vec![(request.requested_at, request.requested_by.clone(), "asked for the promotion".to_owned())];
    for review in &detail.reviews {
        steps.push((review.at, review.by.clone(), if review.approves { "approved" } else { "rejected" }.to_owned()));
    }
    for lapsed in &detail.lapsed {
        steps.push((lapsed.at, lapsed.by.clone(), "approved".to_owned()));
        let what = format!("changed the model card, so the approval of {} no longer counts", lapsed.by);
        steps.push((lapsed.lapsed_at, lapsed.lapsed_by.clone(), what));
    }
    for waiver in &detail.waivers {
        let gate = waiver.gate.split_once(':').map_or(waiver.gate.as_str(), |(_, of)| of);
        steps.push((waiver.asked_at, waiver.asked_by.clone(), format!("asked to waive {gate}")));
        if let (Some(by), Some(at)) = (&waiver.granted_by, waiver.granted_at) {
            steps.push((at, by.clone(), format!("granted the waiver of {gate}")));
        }
        if let (Some(by), Some(at)) = (&waiver.declined_by, waiver.declined_at) {
            steps.push((at, by.clone(), format!("declined the waiver of {gate}")));
        }
    }
    // What happened in one moment stays in the order in which it was said.
    steps.sort_by_key(|step| step.0);
    if let (Some(by), Some(at)) = (&request.closed_by, request.closed_at) {
        let what = match request.state {
            RequestState::Promoted => format!("passed the last gate: version {} became {}", request.version, request.alias),
            RequestState::Withdrawn => {
                request.closing.clone().map_or_else(|| "withdrew the request".to_owned(), |why| format!("ended the request: {why}"))
            }
            _ => "closed the request".to_owned(),
        };
        steps.push((at, by.clone(), what));
    }
    steps
}

#[component]
pub fn Timeline(detail: RwSignal<PromotionDetail>) -> impl IntoView {
    let steps = Memo::new(move |_| detail.with(steps));
    let row = |(at, by, what): Step| {
        view! {
            <li>
                <Icon glyph=Glyph::ChevronRight />
                <span class="wrap"><span class="strong">{by}</span> " " {what}</span>
                <Time at=at />
            </li>
        }
    };
    view! {
        <section class="card panel" aria-labelledby="steps-head">
            <h2 id="steps-head">"What happened"</h2>
            <ol class="request-steps">{move || steps.get().into_iter().map(row).collect_view()}</ol>
        </section>
    }
}
