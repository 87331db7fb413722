//! What the runs of the table are grouped by.

use super::ask::TableAsk;
use crate::components::with_query;
use domain::model::{RunField, RunKeys, TableColumn};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// Keys of one kind that are offered.
const OFFERED: usize = 200;

#[component]
pub fn GroupMenu(ask: Memo<TableAsk>, keys: RwSignal<RunKeys>) -> impl IntoView {
    let (query, path, navigate) = (use_query_map(), use_location().pathname, use_navigate());
    let choose = move |column: String| {
        // What was unfolded belongs to other groups.
        let mut asked = query.get_untracked();
        asked.remove("open");
        asked.remove("page");
        let to = with_query(&path.get_untracked(), &asked, "group", &column);
        navigate(&to, NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    let now = Memo::new(move |_| ask.read().group.clone());
    let some = move |label: &'static str, columns: Vec<TableColumn>| {
        let option = |column: TableColumn| {
            let (value, text) = (column.to_string(), column.label().to_owned());
            let selected = value == now.get_untracked();
            view! { <option value=value selected=selected>{text}</option> }
        };
        (!columns.is_empty()).then(|| view! { <optgroup label=label>{columns.into_iter().map(option).collect_view()}</optgroup> })
    };
    let options = move || {
        let fields = [RunField::Status, RunField::User].map(TableColumn::Field).to_vec();
        keys.with(|keys| {
            // MLflow's own tags are of each run alone, but for a few.
            let telling = |key: &&String| {
                !key.starts_with("mlflow.")
                    || ["mlflow.source.name", "mlflow.source.git.commit", "mlflow.parentRunId"].contains(&key.as_str())
            };
            let params = keys.params.iter().take(OFFERED).cloned().map(TableColumn::Param).collect();
            let tags = keys.tags.iter().filter(telling).take(OFFERED).cloned().map(TableColumn::Tag).collect();
            view! {
                {some("Run", fields)}
                {some("Params", params)}
                {some("Tags", tags)}
            }
        })
    };
    view! {
        <label class="row needs-js">
            "Group by"
            <select class="input select group-by" prop:value=move || now.get() on:change:target=move |ev| choose(ev.target().value())>
                <option value="" selected=now.get_untracked().is_empty()>
                    "Nothing"
                </option>
                {options}
            </select>
        </label>
    }
}
