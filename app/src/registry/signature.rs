//! What a model takes and gives, as its own file says.

use domain::model::{MlModel, SchemaField};
use leptos::prelude::*;

/// Rows of one part that are shown.
const SHOWN: usize = 200;

/// The signature, with the input example where there is one.
#[component]
pub fn Signature(says: MlModel, example: Option<String>) -> impl IntoView {
    let none = (!says.has_signature()).then(|| {
        view! {
            <p class="muted">
                "Logged without a signature. Log a model with " <code>"signature="</code> " or " <code>"input_example="</code>
                " and its columns are shown here."
            </p>
        }
    });
    let example = example.map(|text| {
        view! {
            <h3>"Input example"</h3>
            <pre class="mono example" tabindex="0">{text}</pre>
        }
    });
    view! {
        <section class="stack" aria-labelledby="signature-head">
            <h2 id="signature-head">"Signature"</h2>
            {none}
            <Part title="Inputs" fields=says.inputs params=false />
            <Part title="Outputs" fields=says.outputs params=false />
            <Part title="Params" fields=says.params params=true />
            {example}
        </section>
    }
}

#[component]
fn Part(title: &'static str, fields: Vec<SchemaField>, params: bool) -> impl IntoView {
    if fields.is_empty() {
        return ().into_any();
    }
    let more = fields.len().saturating_sub(SHOWN);
    let last = if params { "Default" } else { "Required" };
    let rows = fields
        .into_iter()
        .take(SHOWN)
        .map(|field| {
            let value = match (params, field.default) {
                (true, Some(default)) => view! { <span class="mono">{default}</span> }.into_any(),
                (true, None) => view! { <span class="faint">"–"</span> }.into_any(),
                (false, _) => view! { {if field.required { "Yes" } else { "No" }} }.into_any(),
            };
            let name = if field.name.is_empty() { "–".to_owned() } else { field.name };
            view! {
                <tr>
                    <th scope="row" class="mono wrap">
                        {name}
                    </th>
                    <td data-label="Type" class="mono wrap">
                        {field.kind}
                    </td>
                    <td data-label=last class="wrap">{value}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="stack-sm">
            <h3>{title}</h3>
            <div class="table-wrap">
                <table class="table stacked">
                    <caption class="sr-only">{format!("{title} of the model")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Type"</th>
                            <th scope="col">{last}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {(more > 0).then(|| view! { <p class="muted">{format!("{more} more are in the file MLmodel.")}</p> })}
        </div>
    }
    .into_any()
}
