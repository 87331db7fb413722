//! The team's requests for promotions: first those that wait for whoever looks.

use super::{
    api::list_requests,
    words::{StateBadge, page_of_request, page_of_settings},
};
use crate::{
    components::{Crumb, EmptyState, Glyph, LoadingPage, Page, StatusBadge, Time, Tone, page_or_error, use_team},
    live::{kept_current, use_live},
    registry::words::page_of_models,
};
use domain::model::{Change, PromotionRequest, RequestState};
use leptos::prelude::*;

#[component]
pub fn ReviewsPage() -> impl IntoView {
    let (team, live) = (use_team(), use_live());
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions | Change::Team));
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            list_requests(team).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Reviews" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| view! { <Reviews team first changes /> })
            })}
        </Transition>
    }
}

#[component]
fn Reviews(team: String, first: Vec<PromotionRequest>, changes: RwSignal<u32>) -> impl IntoView {
    let again = team.clone();
    let requests = kept_current(first, 0, move || changes.get(), move |_| list_requests(again.clone()));
    let of = move |which: fn(&PromotionRequest) -> bool| {
        Signal::derive(move || requests.with(|all| all.iter().filter(|one| which(one)).cloned().collect::<Vec<_>>()))
    };
    let mine = of(|one| one.waits_for_me);
    let open = of(|one| one.state == RequestState::Open && !one.waits_for_me);
    let closed = of(|one| one.state != RequestState::Open);
    let count = Signal::derive(move || mine.with(Vec::len));
    let none = Memo::new(move |_| requests.with(Vec::is_empty));
    let (settings, models, of_team) = (page_of_settings(&team), page_of_models(&team), StoredValue::new(team.clone()));
    let to_settings = settings.clone();
    let actions = move || view! { <a class="btn" href=to_settings>"Promotion settings"</a> };
    view! {
        <Page
            title="Reviews"
            count
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]
            lead="Versions of models that somebody wants to promote. The number is of those that wait for you."
            actions
        >
            {move || {
                let (team, models, settings) = (of_team.get_value(), models.clone(), settings.clone());
                if none.get() {
                    view! {
                        <EmptyState glyph=Glyph::Rocket title="No promotions yet" text="A promotion is asked for on the page of a model's version. What it takes is said in the promotion settings.">
                            <a class="btn btn-primary" href=models>"See the models"</a>
                            <a class="btn" href=settings>"Open promotion settings"</a>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! {
                        <div class="stack-lg">
                            <Part team=team.clone() id="mine" title="Waiting for you" nothing="Nothing waits for you." requests=mine />
                            <Part team=team.clone() id="open" title="Open" nothing="No other request is open." requests=open />
                            <Part team id="closed" title="Closed" nothing="None is closed yet." requests=closed />
                        </div>
                    }
                        .into_any()
                }
            }}
        </Page>
    }
}

#[component]
fn Part(
    team: String,
    id: &'static str,
    title: &'static str,
    nothing: &'static str,
    requests: Signal<Vec<PromotionRequest>>,
) -> impl IntoView {
    let none = Memo::new(move |_| requests.with(Vec::is_empty));
    let team = StoredValue::new(team);
    let row = move |request: PromotionRequest| view! { <Row team=team.get_value() request /> };
    view! {
        <section class="stack" aria-labelledby=format!("{id}-head")>
            <h2 id=format!("{id}-head")>{title}</h2>
            {move || {
                if none.get() {
                    view! { <p class="muted">{nothing}</p> }.into_any()
                } else {
                    view! {
                        <div class="table-wrap">
                            <table class="table stacked">
                                <caption class="sr-only">{title}</caption>
                                <thead>
                                    <tr>
                                        <th scope="col">"Promotion"</th>
                                        <th scope="col">"State"</th>
                                        <th scope="col">"Asked by"</th>
                                        <th scope="col">"Asked"</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    <For each=move || requests.get() key=PromotionRequest::clone children=row />
                                </tbody>
                            </table>
                        </div>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

#[component]
fn Row(team: String, request: PromotionRequest) -> impl IntoView {
    let href = page_of_request(&team, &request.id);
    let note = request.note.lines().next().unwrap_or_default().to_owned();
    let note = (!note.is_empty()).then(|| view! { <span class="sub">{domain::model::cut(&note, 140).to_owned()}</span> });
    let words = if request.asks_again { "Waits for you again" } else { "Waits for you" };
    let waits = request.waits_for_me.then(|| view! { <StatusBadge tone=Tone::Warning text=words /> });
    let declined = request.waiver_declined.then(|| view! { <StatusBadge tone=Tone::Bad text="Waiver declined" /> });
    view! {
        <tr>
            <th scope="row">
                <a class="row-link" data-row href=href>
                    {format!("{} version {} to {}", request.model, request.version, request.alias)}
                </a>
                {note}
            </th>
            <td data-label="State">
                <span class="row">
                    <StateBadge state=request.state />
                    {waits}
                    {declined}
                </span>
            </td>
            <td data-label="Asked by" class="wrap">{request.requested_by}</td>
            <td data-label="Asked">
                <Time at=request.requested_at />
            </td>
        </tr>
    }
}
