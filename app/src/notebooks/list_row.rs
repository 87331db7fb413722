//! One notebook in the list.

use super::{
    actions::{NotebookActions, PhaseActions},
    list_filter::last_active,
    standing::Standing,
    state::NotebookState,
    words::{environment, page_of, person, size},
};
use crate::{
    components::{Menu, Time},
    live::NotebookRow,
};
use domain::model::NotebookId;
use leptos::prelude::*;

#[component]
pub fn ListRow(row: NotebookRow, standing: Standing, actions: NotebookActions, selected: RwSignal<Vec<NotebookId>>) -> impl IntoView {
    let notebook = Signal::derive({
        let now = row.now.clone();
        move || now.get()
    });
    let (name, href, owner, launched, may_change) = row.now.with_untracked(|n| {
        (
            n.spec.name.clone(),
            page_of(n),
            n.owner_email.clone(),
            format!("/t/{}/notebooks/new?clone={}", n.team, n.id),
            standing.may_change(n),
        )
    });
    let environment = Memo::new(move |_| notebook.with(environment));
    let size = Memo::new(move |_| notebook.with(|n| size(&n.spec.resources)));
    let active = Memo::new(move |_| notebook.with(last_active));
    let (id, id_again) = (row.id.clone(), row.id);
    let is_selected = Memo::new(move |_| selected.with(|ids| ids.contains(&id)));
    let toggle = move |_| {
        selected.update(|ids| match ids.iter().position(|other| *other == id_again) {
            Some(at) => drop(ids.remove(at)),
            None => ids.push(id_again.clone()),
        });
    };
    let may_launch = standing.may_launch();
    let (logs, settings) = (format!("{href}?tab=logs"), format!("{href}?tab=settings"));
    view! {
        <tr class="nb-row" class:selected=is_selected>
            <td class="nb-select needs-js">
                <input
                    type="checkbox"
                    aria-label=format!("Select {name}")
                    disabled=!may_change
                    prop:checked=is_selected
                    on:change=toggle
                />
            </td>
            <td class="nb-name">
                <a href=href data-row="">
                    {name.clone()}
                </a>
            </td>
            <td class="nb-status"><NotebookState notebook /></td>
            <td class="nb-owner" title=owner.clone()>{person(&owner)}</td>
            <td class="nb-env">{environment}</td>
            <td class="nb-size num">{size}</td>
            <td class="nb-active num"><Time at=active /></td>
            <td class="nb-actions">
                <div class="row end">
                    <PhaseActions notebook standing actions of_many=true />
                    <Menu label=format!("More for {name}")>
                        <a class="menu-item" href=logs>"Logs"</a>
                        {may_launch.then(|| view! { <a class="menu-item" href=launched>"Clone notebook"</a> })}
                        {may_change.then(|| view! {
                            <a class="menu-item" href=settings.clone()>"Settings"</a>
                            <a class="menu-item danger" href=settings>"Delete…"</a>
                        })}
                    </Menu>
                </div>
            </td>
        </tr>
    }
}
