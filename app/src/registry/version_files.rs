//! The files that a version holds, to be downloaded. Nothing of them is shown inside the portal.

use super::words::{encoded, page_of_version};
use crate::components::{Glyph, Icon, bytes};
use domain::model::VersionFile;
use leptos::prelude::*;

/// Files that one page shows.
const SHOWN: usize = 500;

#[component]
pub fn VersionFiles(team: String, model: String, version: i64, files: Vec<VersionFile>) -> impl IntoView {
    if files.is_empty() {
        return view! { <p class="muted">"None of its files are in Slipway."</p> }.into_any();
    }
    let more = files.len().saturating_sub(SHOWN);
    let root = format!("{}/files", page_of_version(&team, &model, version));
    let rows = files
        .into_iter()
        .take(SHOWN)
        .map(|file| {
            let href = format!("{root}/{}", encoded(&file.path));
            let name = file.path.rsplit('/').next().unwrap_or_default().to_owned();
            view! {
                <tr>
                    <th scope="row" class="wrap">
                        // Not a page: the router must leave it to the browser.
                        <a class="row-link file" href=href rel="external" download=name>
                            <Icon glyph=Glyph::FileText />
                            {file.path}
                        </a>
                    </th>
                    <td class="num" title=format!("{} bytes", file.size)>
                        {bytes(file.size)}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table">
                <caption class="sr-only">"Files of the version"</caption>
                <thead>
                    <tr>
                        <th scope="col">"File"</th>
                        <th scope="col" class="num">
                            "Size"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {(more > 0).then(|| view! { <p class="muted">{format!("{more} more are found with MLflow's client.")}</p> })}
    }
    .into_any()
}
