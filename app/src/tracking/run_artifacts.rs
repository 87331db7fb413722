//! The files of a run: folders to open, files to look at and to download. Nothing of them is active inside the portal.

use super::{
    files_api::{Browsed, browse_run},
    words::page_of_run,
};
use crate::{
    components::{ErrorNote, Glyph, Icon, Loading, bytes, query_value},
    error::AppError,
    live::kept_current,
    previews::PreviewCard,
};
use domain::model::{ArtifactEntry, RunId};
use leptos::prelude::*;

/// A path's segments, encoded for a URL.
pub(crate) fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The tab of a run's page; `?path=` names the folder or file.
#[component]
pub fn RunArtifacts(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    let (path, all) = (query_value("path"), query_value("all"));
    let place = StoredValue::new((team, run));
    let asked = move || (path.get(), !all.read().is_empty());
    let ask = move |(path, all): (String, bool)| {
        let (team, run) = place.get_value();
        // What cannot be shown is told in its place, also where the page was alive before.
        async move { Ok::<Result<Browsed, AppError>, AppError>(browse_run(team, run, path, all).await) }
    };
    let begun = StoredValue::new(untrack(|| (asked(), changes.get())));
    let first = Resource::new(move || begun.get_value().0, ask);
    view! {
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => {
                        let found = kept_current(first, begun.get_value(), move || (asked(), changes.get()), move |(asked, _)| ask(asked));
                        view! { <Found place found /> }.into_any()
                    }
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(place: StoredValue<(String, RunId)>, found: RwSignal<Result<Browsed, AppError>>) -> impl IntoView {
    // What has not changed is not drawn again while the run goes on.
    let failed = Memo::new(move |_| found.with(|found| found.as_ref().err().cloned()));
    let list = Memo::new(move |_| found.with(|found| found.as_ref().ok().map(|b| (b.path.clone(), b.folder.clone(), b.entries.clone()))));
    let file = Memo::new(move |_| found.with(|found| found.as_ref().ok().and_then(|b| Some((b.path.clone(), b.preview.clone()?)))));
    let page = move || place.with_value(|(team, run)| page_of_run(team, run.as_str()));
    let preview = move || {
        file.get().map(|(path, preview)| {
            let source = format!("{}/artifacts/{}", page(), encoded(&path));
            let shown = format!("{}/shown/{}", page(), encoded(&path));
            let more = format!("{}&all=1", address(&page(), &path));
            view! { <PreviewCard preview source shown more /> }
        })
    };
    let folder = move || list.get().map(|(path, folder, entries)| view! { <Folder page=page() open=path folder entries /> });
    view! {
        {move || failed.get().map(|error| view! { <ErrorNote error /> <p><a href=address(&page(), "")>"Show all files"</a></p> })}
        {move || list.with(|list| list.as_ref().map(|(path, ..)| path.clone())).map(|path| view! { <Way page=page() path /> })}
        <div class="files" class:files-open=move || file.with(Option::is_some)>
            <div>{folder}</div>
            {preview}
        </div>
    }
}

/// The tab at this path.
fn address(page: &str, path: &str) -> String {
    if path.is_empty() { format!("{page}?tab=artifacts") } else { format!("{page}?tab=artifacts&path={}", encoded(path)) }
}

/// The folders above, each a link.
#[component]
fn Way(page: String, path: String) -> impl IntoView {
    let mut steps = vec![("artifacts".to_owned(), address(&page, ""))];
    let mut so_far = String::new();
    for segment in path.split('/').filter(|s| !s.is_empty()) {
        so_far = if so_far.is_empty() { segment.to_owned() } else { format!("{so_far}/{segment}") };
        steps.push((segment.to_owned(), address(&page, &so_far)));
    }
    let last = steps.len() - 1;
    let steps = steps
        .into_iter()
        .enumerate()
        .map(|(i, (text, href))| {
            view! {
                <li>
                    <a class="mono" href=href aria-current=(i == last).then_some("page")>
                        {text}
                    </a>
                    {(i < last).then(|| view! { <Icon glyph=Glyph::ChevronRight /> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Folder">
            <ol>{steps}</ol>
        </nav>
    }
}

#[component]
fn Folder(page: String, open: String, folder: String, entries: Vec<ArtifactEntry>) -> impl IntoView {
    if entries.is_empty() {
        return view! { <p class="muted">"No files. What the run logs as artifacts appears here."</p> }.into_any();
    }
    let rows = entries
        .into_iter()
        .map(|entry| {
            let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            let (glyph, size) = if entry.is_folder {
                (Glyph::Folder, view! { <td class="num faint">"–"</td> }.into_any())
            } else {
                let exact = format!("{} bytes", entry.size);
                (Glyph::FileText, view! { <td class="num" title=exact>{bytes(entry.size.unsigned_abs())}</td> }.into_any())
            };
            let current = (path == open).then_some("true");
            view! {
                <tr>
                    <th scope="row" class="wrap">
                        <a class="row-link file" data-row href=address(&page, &path) data-noscroll="true" aria-current=current>
                            <Icon glyph />
                            {entry.name}
                        </a>
                    </th>
                    {size}
                </tr>
            }
        })
        .collect_view();
    view! {
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
    use super::{address, encoded};

    #[test]
    fn paths_are_encoded_for_an_address() {
        assert_eq!(encoded("a b/ü?.txt"), "a%20b/%C3%BC%3F.txt");
        assert_eq!(address("/p", ""), "/p?tab=artifacts");
        assert_eq!(address("/p", "a&b=c#d"), "/p?tab=artifacts&path=a%26b%3Dc%23d");
    }
}
