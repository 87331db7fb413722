//! The team's registered models.

use super::{
    api::{ModelLine, list_models},
    snippet::Snippet,
    words::{page_of_model, page_of_version, paged},
};
use crate::{
    components::{
        Column, Crumb, EmptyState, FilterBar, Glyph, ListTable, LoadingPage, Page, Pager, SearchField, Time, page_or_error, query_value,
        sort_order, use_team,
    },
    live::{kept_current, use_live},
};
use domain::model::Change;
use leptos::prelude::*;

#[component]
pub fn ModelsPage() -> impl IntoView {
    let (team, live) = (use_team(), use_live());
    let changes = live.changes_in(team.into(), |event| event.change == Change::Models);
    let first = Resource::new(
        move || team.get(),
        move |team| async move {
            live.positioned().await;
            list_models(team).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Models" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| view! { <Models team first changes /> })
            })}
        </Transition>
    }
}

fn arranged(models: &[ModelLine], text: &str, sort: &str) -> Vec<ModelLine> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<ModelLine> = models.iter().filter(|m| m.name.to_lowercase().contains(&text)).cloned().collect();
    found.sort_by(|a, b| match sort.trim_start_matches('-') {
        "name" => sort_order(sort, a.name.to_lowercase().cmp(&b.name.to_lowercase())),
        "versions" => sort_order(sort, a.latest.cmp(&b.latest)),
        "changed" => sort_order(sort, a.updated_at.cmp(&b.updated_at)),
        _ => b.updated_at.cmp(&a.updated_at),
    });
    found
}

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Name"),
    Column::sorted("versions", "Latest version"),
    Column::plain("Aliases"),
    Column::sorted("changed", "Changed"),
];

#[component]
fn Models(team: String, first: Vec<ModelLine>, changes: RwSignal<u32>) -> impl IntoView {
    let (again, for_rows) = (team.clone(), team.clone());
    let models = kept_current(first, 0, move || changes.get(), move |_| list_models(again.clone()));
    let count = Signal::derive(move || models.with(Vec::len));
    let none = Memo::new(move |_| models.with(Vec::is_empty));
    view! {
        <Page
            title="Models"
            count
            crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}"))]
            lead="Registered models: what runs made and is worth keeping, in numbered versions that aliases point to."
        >
            {move || {
                if none.get() {
                    view! { <FirstModel /> }.into_any()
                } else {
                    view! { <ModelsTable team=for_rows.clone() models /> }.into_any()
                }
            }}
        </Page>
    }
}

/// What to type so that the first model is there.
#[component]
fn FirstModel() -> impl IntoView {
    const LINES: &str = "import mlflow\n\n\
        with mlflow.start_run() as run:\n    mlflow.sklearn.log_model(model, name=\"model\")\n\n\
        mlflow.register_model(f\"runs:/{run.info.run_id}/model\", \"churn\")";
    view! {
        <EmptyState glyph=Glyph::Package title="No models yet" text="Log a model in a run, then register it. Each registration of a name makes its next version.">
            <Snippet text=LINES label="Copy lines" />
        </EmptyState>
    }
}

#[component]
fn ModelsTable(team: String, models: RwSignal<Vec<ModelLine>>) -> impl IntoView {
    let (text, sort, page) = (query_value("q"), query_value("sort"), query_value("page"));
    let found = Memo::new(move |_| models.with(|m| paged(&arranged(m, &text.read(), &sort.read()), &page.read())));
    let row = move |model: ModelLine| view! { <ModelRow team=team.clone() model /> };
    view! {
        <FilterBar label="Filter models">
            <SearchField label="Find by name" />
        </FilterBar>
        <ListTable
            caption="Registered models of the team"
            columns=COLUMNS
            default="-changed"
            nothing="No model matches. Try fewer letters."
            none=Signal::derive(move || found.with(|f| f.0.is_empty()))
        >
            <For each=move || found.with(|f| f.0.clone()) key=ModelLine::clone children=row />
        </ListTable>
        <Pager label="Pages of models" page=Signal::derive(move || found.with(|f| f.1)) pages=Signal::derive(move || found.with(|f| f.2)) />
    }
}

#[component]
fn ModelRow(team: String, model: ModelLine) -> impl IntoView {
    let href = page_of_model(&team, &model.name);
    let version = |number: i64| page_of_version(&team, &model.name, number);
    let aliases = model
        .aliases
        .iter()
        .map(|(alias, number)| view! { <a class="chip mono tag" href=version(*number)>{format!("{alias}: {number}")}</a> })
        .collect_view();
    let latest = match model.latest {
        Some(number) => view! { <a href=version(number)>{format!("Version {number}")}</a> }.into_any(),
        None => view! { <span class="muted">"None yet"</span> }.into_any(),
    };
    let about = (!model.about.is_empty()).then(|| view! { <span class="sub">{model.about.clone()}</span> });
    view! {
        <tr>
            <th scope="row" class="wrap">
                <a class="row-link" data-row href=href>
                    {model.name.clone()}
                </a>
                {about}
            </th>
            <td data-label="Latest version">{latest}</td>
            <td data-label="Aliases">
                <span class="row">{aliases}</span>
            </td>
            <td data-label="Changed">
                <Time at=model.updated_at />
                <span class="sub">{format!("made by {}", model.created_by)}</span>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_name_and_ordered() {
        let model = |name: &str, latest, updated_at| ModelLine {
            name: name.into(),
            about: String::new(),
            aliases: Vec::new(),
            latest,
            created_by: String::new(),
            updated_at,
        };
        let all = [model("Churn", Some(2), 1), model("fraud", None, 3), model("churn-eu", Some(9), 2)];
        let names = |text: &str, sort: &str| arranged(&all, text, sort).into_iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names("", ""), ["fraud", "churn-eu", "Churn"]);
        assert_eq!(names(" CHURN", "name"), ["Churn", "churn-eu"]);
        assert_eq!(names("", "-versions"), ["churn-eu", "Churn", "fraud"]);
        assert_eq!(names("", "changed"), ["Churn", "churn-eu", "fraud"]);
    }
}
