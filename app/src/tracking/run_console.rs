//! What the notebook prints that a run was made in, live.

use crate::{
    components::{ErrorNote, Loading, Note, Tone},
    error::ErrorKind,
    notebooks::{LogView, api::get_notebook, words::page_of},
};
use domain::model::NotebookId;
use leptos::prelude::*;

/// The console of the program that Slipway started and that logged the run.
#[component]
pub fn RunConsole(team: String, notebook: NotebookId) -> impl IntoView {
    let found = Resource::new(move || (team.clone(), notebook.clone()), |(team, notebook)| get_notebook(team, notebook));
    view! {
        <Transition fallback=|| view! { <Loading rows=8 /> }>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(notebook) => {
                        let (href, name) = (page_of(&notebook), notebook.spec.name.clone());
                        view! {
                            <div class="stack-sm">
                            <p class="muted">
                                "What the notebook " <a href=href>{name}</a>
                                " prints, in which this run was made. What a cell prints is in the notebook itself."
                            </p>
                            <LogView notebook=Signal::stored(notebook) />
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        view! { <Note tone=Tone::Info>"The notebook in which this run was made was deleted, and what it printed with it."</Note> }
                            .into_any()
                    }
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}
