//! A team's namespace in the cluster: what Slipway keeps there, where it differs from what it should be, and a way to mend it.

use super::api::{RepairTeam, team_belongings};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, EmptyState, FormError, FormState, Glyph, LoadingPage, ManifestList, Note, Page, Planned, Tone,
        page_or_error, use_toasts, when_done,
    },
    live::use_live,
};
use domain::model::Change;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// What belongs to a team in the cluster, for administrators.
#[component]
pub fn NamespacePage() -> impl IntoView {
    let (params, live, toasts) = (use_params_map(), use_live(), use_toasts());
    let team = Memo::new(move |_| params.with(|p| p.get_str("team").unwrap_or_default().to_owned()));
    let repair = ServerAction::<RepairTeam>::new();
    let asked = RwSignal::new(0_u32);
    // Whoever looks after notebooks does it, and says so.
    let changes = live.changes(|event| matches!(event.change, Change::Capacity | Change::Team));
    when_done(repair, move |team| {
        toasts.show(Tone::Good, format!("The namespace of {team} is being repaired."));
    });
    let found = Resource::new(move || (team.get(), asked.get(), changes.get()), |(team, ..)| team_belongings(team));
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Namespace" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(found.await, |all| view! { <Namespace team all repair asked /> })
            })}
        </Transition>
    }
}

#[component]
fn Namespace(team: String, all: Vec<Planned>, repair: ServerAction<RepairTeam>, asked: RwSignal<u32>) -> impl IntoView {
    let form = FormState::of(repair);
    let differ = all.iter().filter(|planned| !planned.manifest.is_same()).count();
    let (none, of_team) = (all.is_empty(), team.clone());
    let words = if differ == 0 {
        view! { <Note tone=Tone::Good><p>"What Slipway keeps here is as it should be."</p></Note> }.into_any()
    } else {
        let words = format!(
            "{differ} of {} objects differ from what they should be. Repairing writes what is shown as new or changed, and nothing else.",
            all.len()
        );
        view! { <Note tone=Tone::Warning><p>{words}</p></Note> }.into_any()
    };
    let actions = move || {
        let team = of_team.clone();
        view! {
            <button type="button" class="btn needs-js" on:click=move |_| asked.update(|n| *n += 1)>
                "Look again"
            </button>
            {(differ > 0)
                .then(|| {
                    view! {
                        <ConfirmDialog trigger="Repair" title=format!("Repair the namespace of {team}") form class="btn btn-primary">
                            <p>{format!("{differ} objects are made as they should be. What runs goes on. Objects that Slipway did not make are left alone.")}</p>
                            <ActionForm action=repair>
                                <input type="hidden" name="team" value=team.clone() />
                                <DialogActions form label="Repair" class="btn btn-primary" />
                            </ActionForm>
                        </ConfirmDialog>
                    }
                })}
        }
    };
    view! {
        <Page
            title=format!("Namespace of {team}")
            crumbs=vec![Crumb::new("Teams", "/admin/teams")]
            lead="What Slipway keeps for the team in the cluster, compared by the cluster itself with what it should be."
            actions
        >
            <FormError form />
            {if none {
                view! { <EmptyState glyph=Glyph::Boxes title="Nothing in the cluster yet" text="The team's first launch makes its namespace. Where notebooks run on this machine there is none." /> }
                    .into_any()
            } else {
                view! {
                    <div class="stack">
                        {words}
                        <ManifestList all />
                    </div>
                }
                    .into_any()
            }}
        </Page>
    }
}
