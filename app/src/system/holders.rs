//! Which notebooks hold the machine.

use crate::components::{
    Column, EmptyState, FilterBar, Glyph, ListTable, PhaseBadge, SearchField, Time, mib, query_value, role_in, sort_order, use_me,
};
use domain::model::Holder;
use leptos::prelude::*;

fn arranged(holders: &[Holder], text: &str, sort: &str) -> Vec<Holder> {
    let text = text.trim().to_lowercase();
    let has = |h: &&Holder| h.name.to_lowercase().contains(&text) || h.team.contains(&text) || h.owner_email.to_lowercase().contains(&text);
    let mut found: Vec<Holder> = holders.iter().filter(has).cloned().collect();
    let sort = if sort.is_empty() { "-since" } else { sort };
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "name" => (&a.name, &a.team).cmp(&(&b.name, &b.team)),
            "owner" => a.owner_email.cmp(&b.owner_email),
            "cpus" => a.resources.cpus.cmp(&b.resources.cpus),
            "memory" => a.resources.memory_mib.cmp(&b.resources.memory_mib),
            "gpus" => a.resources.gpus.cmp(&b.resources.gpus),
            _ => a.since.cmp(&b.since),
        };
        sort_order(sort, order)
    });
    found
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Notebook"),
    Column::plain("State"),
    Column::sorted("owner", "Owner"),
    Column::numbers("cpus", "CPUs"),
    Column::numbers("memory", "Memory"),
    Column::numbers("gpus", "GPUs"),
    Column::sorted("since", "Since"),
];

/// Notebooks of all teams that hold CPUs, memory or GPUs. Links only to teams one is in.
#[component]
pub(super) fn Holders(holders: Memo<Vec<Holder>>) -> impl IntoView {
    let nobody = Memo::new(move |_| holders.with(Vec::is_empty));
    move || {
        if nobody.get() {
            let text = "Notebooks that are being prepared, run or stop stand here with what they hold.";
            view! { <EmptyState glyph=Glyph::Notebook title="Nothing runs" text /> }.into_any()
        } else {
            view! { <HoldersTable holders /> }.into_any()
        }
    }
}

#[component]
fn HoldersTable(holders: Memo<Vec<Holder>>) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| holders.with(|h| arranged(h, &text.read(), &sort.read())));
    view! {
        <FilterBar label="Filter notebooks">
            <SearchField label="Find by name, team or owner" />
        </FilterBar>
        <ListTable
            caption="Notebooks that hold a part of the machine"
            columns=COLUMNS
            default="-since"
            nothing="No notebook matches. Try fewer letters."
            none=Signal::derive(move || found.with(Vec::is_empty))
        >
            <For each=move || found.get() key=|h| (h.id.clone(), h.phase, h.since) children=move |holder| view! { <HolderRow holder /> } />
        </ListTable>
    }
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
