//! The versions of a model: newest first, or by size or age.

use super::{
    alias::{AliasActions, Aliases, SetAliasDialog},
    api::{DeleteVersion, VersionLine},
    words::{StageChip, page_of_comparison, page_of_version, paged},
};
use crate::{
    components::{
        Column, ConfirmDialog, DialogActions, FormState, ListTable, Pager, StatusBadge, Time, Tone, bytes, query_value, sort_order,
    },
    tracking::page_of_run,
};
use leptos::prelude::*;
use leptos_router::components::Form;
use std::collections::BTreeSet;

fn arranged(versions: &[VersionLine], sort: &str) -> Vec<VersionLine> {
    let mut found = versions.to_vec();
    found.sort_by(|a, b| match sort.trim_start_matches('-') {
        "version" => sort_order(sort, a.version.cmp(&b.version)),
        "made" => sort_order(sort, a.created_at.cmp(&b.created_at)),
        "size" => sort_order(sort, a.size.cmp(&b.size)),
        _ => b.version.cmp(&a.version),
    });
    found
}

const COLUMNS: &[Column] = &[
    Column::sorted("version", "Version"),
    Column::plain("Aliases"),
    Column::plain("Status"),
    Column::plain("Source run"),
    Column::sorted("made", "Made"),
    Column::numbers("size", "Size"),
    Column::ACTIONS,
];

/// What the rows of one model share.
#[derive(Clone)]
pub struct RowContext {
    pub team: String,
    pub model: String,
    pub writes: bool,
    /// Aliases that move by promotion only.
    pub protected: Memo<Vec<String>>,
    pub aliases: AliasActions,
    pub delete: ServerAction<DeleteVersion>,
}

#[component]
pub fn VersionsTable(#[prop(into)] versions: Signal<Vec<VersionLine>>, shared: RowContext) -> impl IntoView {
    let (sort, page) = (query_value("sort"), query_value("page"));
    let found = Memo::new(move |_| versions.with(|v| paged(&arranged(v, &sort.read()), &page.read())));
    let chosen = RwSignal::new(BTreeSet::new());
    let several = Memo::new(move |_| versions.with(|v| v.len() > 1));
    let compare = page_of_comparison(&shared.team, &shared.model);
    let row = move |version: VersionLine| view! { <VersionRow version shared=shared.clone() chosen several /> };
    view! {
        {move || several.get().then(|| view! { <CompareForm href=compare.clone() chosen /> })}
        <ListTable
            caption="Versions of the model"
            columns=COLUMNS
            default="-version"
            nothing="No versions yet. Register a model under this name to make the first."
            none=Signal::derive(move || found.with(|f| f.0.is_empty()))
        >
            // A row is drawn anew where what it shows has changed, and left alone, with its open dialog, when others have.
            <For each=move || found.with(|f| f.0.clone()) key=VersionLine::clone children=row />
        </ListTable>
        <Pager label="Pages of versions" page=Signal::derive(move || found.with(|f| f.1)) pages=Signal::derive(move || found.with(|f| f.2)) />
    }
}

/// Leads to the chosen versions side by side; without scripts the form sends the boxes as they are.
#[component]
fn CompareForm(href: String, chosen: RwSignal<BTreeSet<i64>>) -> impl IntoView {
    let count = move || chosen.with(|chosen| if chosen.is_empty() { String::new() } else { format!(" ({})", chosen.len()) });
    view! {
        <Form method="GET" action=href attr:id="compare-versions" attr:class="filter-bar">
            <button type="submit" class="btn btn-sm">
                "Compare selected"
                {count}
            </button>
            <span class="muted">"Tick two or more versions."</span>
        </Form>
    }
}

#[component]
fn VersionCheck(version: i64, chosen: RwSignal<BTreeSet<i64>>) -> impl IntoView {
    let choose = move |on: bool| {
        chosen.update(|chosen| {
            if on {
                chosen.insert(version);
            } else {
                chosen.remove(&version);
            }
        });
    };
    view! {
        <input
            class="run-check"
            type="checkbox"
            form="compare-versions"
            name="versions"
            value=version.to_string()
            aria-label=format!("Compare version {version}")
            prop:checked=move || chosen.with(|chosen| chosen.contains(&version))
            on:change:target=move |ev| choose(ev.target().checked())
        />
    }
}

#[component]
fn VersionRow(version: VersionLine, shared: RowContext, chosen: RwSignal<BTreeSet<i64>>, several: Memo<bool>) -> impl IntoView {
    let RowContext { team, model, writes, protected, aliases, delete } = shared;
    let number = version.version;
    let href = page_of_version(&team, &model, number);
    let about = (!version.about.is_empty()).then(|| view! { <span class="sub">{version.about.clone()}</span> });
    let run = match &version.run {
        Some(run) => {
            let short = domain::model::cut(run.as_str(), 8).to_owned();
            let name = format!("Run {run}");
            view! { <a class="mono" href=page_of_run(&team, run.as_str()) title=name.clone() aria-label=name>{short}</a> }.into_any()
        }
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let size = version.size.and_then(|size| u64::try_from(size).ok());
    let actions = writes.then(|| {
        view! {
            <div class="row">
                <SetAliasDialog team=team.clone() model=model.clone() version=number actions=aliases />
                <DeleteVersionDialog team=team.clone() model=model.clone() version=number aliases=version.aliases.clone() delete />
            </div>
        }
    });
    view! {
        <tr>
            <th scope="row">
                {move || several.get().then(|| view! { <VersionCheck version=number chosen /> })}
                <a class="row-link" data-row href=href>
                    {format!("Version {number}")}
                </a>
                {about}
            </th>
            <td data-label="Aliases">
                <div class="row">
                    <Aliases team model aliases=version.aliases protected writes actions=aliases />
                </div>
            </td>
            <td data-label="Status">
                <span class="row">
                    <StatusBadge tone=Tone::Good text="Ready" />
                    <StageChip stage=version.stage />
                </span>
            </td>
            <td data-label="Source run">{run}</td>
            <td data-label="Made">
                <Time at=version.created_at />
                <span class="sub">{version.created_by}</span>
            </td>
            <td data-label="Size" class="num" title=size.map(|s| format!("{s} bytes"))>
                {size.map_or_else(|| "–".to_owned(), bytes)}
            </td>
            <td class="actions">{actions}</td>
        </tr>
    }
}

/// Says what goes with a version, and deletes it.
#[component]
pub fn DeleteVersionDialog(
    team: String,
    model: String,
    version: i64,
    aliases: Vec<String>,
    delete: ServerAction<DeleteVersion>,
    #[prop(default = "btn btn-sm btn-ghost")] class: &'static str,
) -> impl IntoView {
    let form = FormState::of(delete);
    let with = match aliases.as_slice() {
        [] => String::new(),
        [one] => format!(", and the alias {one}"),
        many => format!(", and the aliases {}", many.join(", ")),
    };
    let lost = format!(
        "Version {version} of {model} goes for everyone in team {team}, with its description and tags{with}. \
         Its files stay with the run or logged model that made them, and can be deleted there again. \
         Its number is not used again. This cannot be undone."
    );
    view! {
        <ConfirmDialog trigger="Delete" title=format!("Delete version {version} of {model}") form class>
            <p>{lost}</p>
            <ActionForm action=delete>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="version" value=version.to_string() />
                <DialogActions form label="Delete version" />
            </ActionForm>
        </ConfirmDialog>
    }
}
