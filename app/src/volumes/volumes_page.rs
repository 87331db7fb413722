//! The team's volumes: folders that outlive notebooks.

use super::api::{CreateVolume, RemoveVolume, list_volumes};
use crate::components::{
    Column, ConfirmDialog, Crumb, DialogActions, EmptyState, Field, FilterBar, FormError, FormState, Glyph, ListTable, LoadingPage, Page,
    SearchField, TextInput, Time, Tone, bytes, page_or_error, query_value, role_in, sort_order, use_me, use_team, use_toasts, when_done,
};
use crate::{
    error::AppError,
    live::{kept_current, new_phases, use_live},
};
use domain::model::{Change, Phase, Role, Volume, validate_name};
use leptos::prelude::*;

fn check(text: &str) -> Result<(), String> {
    validate_name(text, 40)
}

fn size(volume: &Volume) -> String {
    volume.used_bytes.and_then(|b| u64::try_from(b).ok()).map_or_else(|| "Unknown".to_owned(), bytes)
}

/// The team's volumes.
#[component]
pub fn VolumesPage() -> impl IntoView {
    let (team, me, live, toasts) = (use_team(), use_me(), use_live(), use_toasts());
    let (create, remove) = (ServerAction::<CreateVolume>::new(), ServerAction::<RemoveVolume>::new());
    // A launch and a deletion change what a volume is attached to.
    let new_phase = new_phases();
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        Change::Notebook(n) => n.phase == Phase::Queued && new_phase(event),
        change => matches!(change, Change::Volumes | Change::NotebookDeleted { .. }),
    });
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            let writes = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) >= Some(Role::Member);
            Ok::<_, AppError>((list_volumes(team).await?, writes))
        },
    );
    when_done(create, move |volume| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("Volume {} created.", volume.name));
    });
    when_done(remove, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Volume deleted.");
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Volumes" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |(first, writes)| view! { <Volumes team first writes changes create remove /> })
            })}
        </Transition>
    }
}

fn arranged(volumes: &[Volume], text: &str, sort: &str) -> Vec<Volume> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<Volume> =
        volumes.iter().filter(|v| v.name.contains(&text) || v.attached_to.iter().any(|n| n.contains(&text))).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "size" => a.used_bytes.cmp(&b.used_bytes),
            "made" => a.created_at.cmp(&b.created_at),
            _ => a.name.cmp(&b.name),
        };
        sort_order(sort, order)
    });
    found
}

#[component]
fn Volumes(
    team: String,
    first: Vec<Volume>,
    writes: bool,
    changes: RwSignal<u32>,
    create: ServerAction<CreateVolume>,
    remove: ServerAction<RemoveVolume>,
) -> impl IntoView {
    let (for_form, for_table, again) = (team.clone(), team.clone(), team.clone());
    let volumes = kept_current(first, 0, move || changes.get(), move |_| list_volumes(again.clone()));
    let count = Signal::derive(move || volumes.with(Vec::len));
    let none = Memo::new(move |_| volumes.with(Vec::is_empty));
    let actions = move || writes.then(|| view! { <CreateDialog team=for_form create /> });
    view! {
        <Page
            title="Volumes"
            count
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]
            lead="Folders of the team that outlive notebooks. A notebook's home is one; others are attached beside it."
            actions
        >
            <FormError form=FormState::of(remove) />
            {move || {
                if none.get() {
                    view! {
                        <EmptyState
                            glyph=Glyph::HardDrive
                            title="No volumes yet"
                            text="Launching a notebook makes one for its home folder. Create one here for data that several notebooks share."
                        />
                    }
                        .into_any()
                } else {
                    view! { <VolumesTable team=for_table.clone() volumes writes remove /> }.into_any()
                }
            }}
        </Page>
    }
}

#[component]
fn CreateDialog(team: String, create: ServerAction<CreateVolume>) -> impl IntoView {
    let form = FormState::of(create);
    view! {
        <ConfirmDialog trigger="Create volume" title="Create volume" form sole=true glyph=Glyph::Plus class="btn btn-primary">
            <ActionForm action=create>
                <input type="hidden" name="team" value=team />
                <Field label="Name" name="name" id="volume-name" form check help="Appears as data/<name> in a notebook's home." required=true>
                    <TextInput mono=true autocomplete="off" placeholder="datasets" />
                </Field>
                <DialogActions form label="Create volume" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Name"),
    Column::numbers("size", "Used"),
    Column::plain("Attached to"),
    Column::sorted("made", "Created"),
    Column::ACTIONS,
];

#[component]
fn VolumesTable(team: String, volumes: RwSignal<Vec<Volume>>, writes: bool, remove: ServerAction<RemoveVolume>) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| volumes.with(|v| arranged(v, &text.read(), &sort.read())));
    let row = move |volume: Volume| view! { <VolumeRow team=team.clone() volume writes remove /> };
    view! {
        <FilterBar label="Filter volumes">
            <SearchField label="Find by name or notebook" />
        </FilterBar>
        <ListTable caption="Volumes of the team" columns=COLUMNS default="name" nothing="No volume matches. Try fewer letters." none=Signal::derive(move || found.with(Vec::is_empty))>
            <For each=move || found.get() key=|v| (v.id.clone(), v.used_bytes, v.attached_to.clone()) children=row />
        </ListTable>
    }
}

#[component]
fn VolumeRow(team: String, volume: Volume, writes: bool, remove: ServerAction<RemoveVolume>) -> impl IntoView {
    let form = FormState::of(remove);
    let used = size(&volume);
    let exact = volume.used_bytes.map(|b| format!("{b} bytes"));
    let free = volume.attached_to.is_empty();
    let title = format!("Delete volume {}", volume.name);
    let lost = format!("All files in {} ({used}) are deleted for everyone in team {team}. This cannot be undone.", volume.name);
    let attached = volume.attached_to.into_iter().map(|name| view! { <span class="chip mono">{name}</span> }).collect_view();
    view! {
        <tr>
            <th scope="row" class="mono">
                {volume.name.clone()}
            </th>
            <td data-label="Used" class="num" title=exact>
                {used}
            </td>
            <td data-label="Attached to">
                {if free { view! { <span class="muted">"Nothing"</span> }.into_any() } else { view! { <span class="row">{attached}</span> }.into_any() }}
            </td>
            <td data-label="Created">
                <Time at=volume.created_at />
                <span class="sub">{volume.created_by}</span>
            </td>
            <td class="actions">
                {(writes && free)
                    .then(|| {
                        view! {
                            <ConfirmDialog trigger="Delete" title form class="btn btn-sm btn-ghost">
                                <p>{lost}</p>
                                <ActionForm action=remove>
                                    <input type="hidden" name="team" value=team />
                                    <input type="hidden" name="name" value=volume.name />
                                    <DialogActions form label="Delete volume" />
                                </ActionForm>
                            </ConfirmDialog>
                        }
                    })}
            </td>
        </tr>
    }
}
