//! The values of a chart as a table.

use super::values_chart::Shown;
use crate::{
    charts::{api::Comparison, grouped, number},
    tracking::page_of_run,
};
use leptos::prelude::*;

/// Rows that are shown; the CSV has all.
const ROWS: usize = 100;

#[component]
pub fn ValuesTable(team: String, found: RwSignal<Comparison>, scene: Shown, pointed: RwSignal<Option<usize>>) -> impl IntoView {
    let heads =
        move || scene.read().sheet.heads.iter().map(|head| view! { <th scope="col" class="num">{head.clone()}</th> }).collect_view();
    let rows = move || {
        let scene = scene.get();
        let heads = scene.sheet.heads.clone();
        let row = |row: &crate::charts::values::SheetRow| {
            let run = row.run.and_then(|run| found.with(|f| f.values.runs.get(run).map(|named| named.id.clone())));
            let item = row.run.and_then(|run| scene.items.iter().position(|item| item.run == Some(run)));
            let name = match run {
                Some(id) => view! { <a href=page_of_run(&team, id.as_str())>{row.name.clone()}</a> }.into_any(),
                None => view! { <span class="mono wrap">{row.name.clone()}</span> }.into_any(),
            };
            let cell = |(head, text): (&String, &String)| {
                let short = text.parse::<f64>().map_or_else(|_| text.clone(), number);
                let (title, label) = (text.clone(), head.clone());
                view! { <td class="num wrap" data-label=label title=title>{if short.is_empty() { "–".to_owned() } else { short }}</td> }
            };
            let cells = heads.iter().zip(&row.cells).map(cell).collect_view();
            view! {
                <tr on:pointerenter=move |_| pointed.set(item) on:pointerleave=move |_| pointed.set(None)>
                    <th scope="row">{name}</th>
                    {cells}
                </tr>
            }
        };
        scene.sheet.rows.iter().take(ROWS).map(row).collect_view()
    };
    let further = move || {
        let all = scene.read().sheet.rows.len();
        (all > ROWS).then(|| view! { <p class="muted">{format!("The first {ROWS} of {} rows. The CSV has all.", grouped(all))}</p> })
    };
    view! {
        <section aria-label="Values">
            <div class="table-wrap" tabindex="0" role="group" aria-label="Values of the chart">
                <table class="table stacked">
                    <caption class="sr-only">"What the chart shows"</caption>
                    <thead>
                        <tr>
                            <th scope="col">{move || scene.read().sheet.first}</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {further}
        </section>
    }
}
