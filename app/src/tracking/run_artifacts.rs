//! The files of a run: folders to open, files to download. Nothing of them is shown inside the portal.

use super::{api::run_artifacts, words::page_of_run};
use crate::components::{ErrorNote, Glyph, Icon, Loading, bytes, query_value};
use domain::model::{ArtifactEntry, RunId};
use leptos::prelude::*;

/// A path's segments, encoded for a URL.
fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[component]
pub fn RunArtifacts(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    let folder = query_value("path");
    let (for_fetch, id) = (team.clone(), run.clone());
    let asked = move || (folder.get(), changes.get());
    let entries = Resource::new(asked, move |(folder, _)| run_artifacts(for_fetch.clone(), id.clone(), folder));
    let page = page_of_run(&team, run.as_str());
    let (team, page) = (StoredValue::new(team), StoredValue::new(page));
    view! {
        <Transition fallback=|| view! { <Loading /> }>
            {move || {
                let run = run.clone();
                Suspend::new(async move {
                    match entries.await {
                        Ok(entries) => {
                            view! { <Folder team=team.get_value() run page=page.get_value() folder=folder.get_untracked() entries /> }.into_any()
                        }
                        Err(error) => view! { <ErrorNote error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

#[component]
fn Folder(team: String, run: RunId, page: String, folder: String, entries: Vec<ArtifactEntry>) -> impl IntoView {
    let to =
        |path: &str| if path.is_empty() { format!("{page}?tab=artifacts") } else { format!("{page}?tab=artifacts&path={}", encoded(path)) };
    let mut steps = vec![("artifacts".to_owned(), to(""))];
    let mut so_far = String::new();
    for segment in folder.split('/').filter(|s| !s.is_empty()) {
        so_far = if so_far.is_empty() { segment.to_owned() } else { format!("{so_far}/{segment}") };
        steps.push((segment.to_owned(), to(&so_far)));
    }
    let way = steps
        .into_iter()
        .map(|(text, href)| view! { <li><a class="mono" href=href>{text}</a><Icon glyph=Glyph::ChevronRight /></li> })
        .collect_view();
    if entries.is_empty() {
        return view! { <p class="muted">"No files. What the run logs as artifacts appears here."</p> }.into_any();
    }
    let rows = entries
        .into_iter()
        .map(|entry| {
            let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            let name = entry.name;
            if entry.is_folder {
                let href = to(&path);
                view! {
                    <tr>
                        <th scope="row">
                            <a class="row-link file" href=href>
                                <Icon glyph=Glyph::Folder />
                                {name}
                            </a>
                        </th>
                        <td class="num faint">"–"</td>
                    </tr>
                }
                .into_any()
            } else {
                let href = format!("/t/{team}/runs/{run}/artifacts/{}", encoded(&path));
                let file = name.clone();
                view! {
                    <tr>
                        <th scope="row">
                            // Not a page: the router must leave it to the browser.
                            <a class="row-link file" href=href rel="external" download=file>
                                <Icon glyph=Glyph::FileText />
                                {name}
                            </a>
                        </th>
                        <td class="num" title=format!("{} bytes", entry.size)>
                            {bytes(entry.size.unsigned_abs())}
                        </td>
                    </tr>
                }
                .into_any()
            }
        })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Folder">
            <ol>{way}</ol>
        </nav>
        <div class="table-wrap">
            <table class="table">
                <caption class="sr-only">"Files of the run"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="num">
                            "Size"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn paths_are_encoded_for_an_address() {
        assert_eq!(encoded("a b/ü?.txt"), "a%20b/%C3%BC%3F.txt");
    }
}
