//! Which notebooks hold the machine.

use crate::components::{EmptyState, Glyph, PhaseBadge, Time, mib, role_in, use_me};
use domain::model::Holder;
use leptos::prelude::*;

/// Notebooks of all teams that hold CPUs, memory or GPUs. Links only to teams one is in.
#[component]
pub(super) fn HoldersTable(holders: Vec<Holder>) -> impl IntoView {
    if holders.is_empty() {
        let text = "Notebooks that are being prepared, run or stop stand here with what they hold.";
        return view! { <EmptyState glyph=Glyph::Notebook title="Nothing runs" text /> }.into_any();
    }
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Notebooks that hold a part of the machine"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Notebook"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col" class="num">
                            "CPUs"
                        </th>
                        <th scope="col" class="num">
                            "Memory"
                        </th>
                        <th scope="col" class="num">
                            "GPUs"
                        </th>
                        <th scope="col">"Since"</th>
                    </tr>
                </thead>
                <tbody>{holders.into_iter().map(|holder| view! { <HolderRow holder /> }).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn HolderRow(holder: Holder) -> impl IntoView {
    let me = use_me();
    let (team, name) = (holder.team.clone(), holder.name);
    let href = format!("/t/{}/notebooks/{}", holder.team, holder.id);
    let head = move || {
        let mine = matches!(me.get(), Some(Ok(Some(me))) if role_in(&me, &team).is_some());
        if mine { view! { <a href=href.clone()>{name.clone()}</a> }.into_any() } else { view! { <span>{name.clone()}</span> }.into_any() }
    };
    view! {
        <tr>
            <th scope="row">
                <Suspense>{head}</Suspense>
                <span class="sub">{holder.team}</span>
            </th>
            <td data-label="State">
                <PhaseBadge phase=holder.phase />
            </td>
            <td data-label="Owner" class="break">{holder.owner_email}</td>
            <td data-label="CPUs" class="num">{holder.resources.cpus}</td>
            <td data-label="Memory" class="num">{mib(u64::from(holder.resources.memory_mib))}</td>
            <td data-label="GPUs" class="num">{holder.resources.gpus}</td>
            <td data-label="Since">
                <Time at=holder.since />
            </td>
        </tr>
    }
}
