//! Addresses of models and versions, and what clients type to load them.

use crate::{
    components::{Note, Tone},
    error::{AppError, ErrorKind},
};
use domain::model::{Stage, Tag, cut};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::components::first_words;

/// A name or path as a part of an address; slashes stay.
pub fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The team's list of models. A team that no address can hold has none.
pub fn page_of_models(team: &str) -> String {
    domain::model::validate_name(team, 40).map_or_else(|_| "/".to_owned(), |()| format!("/t/{team}/models"))
}

/// The page of a model.
pub fn page_of_model(team: &str, model: &str) -> String {
    format!("{}/{}", page_of_models(team), encoded(model))
}

/// The page of a version.
pub fn page_of_version(team: &str, model: &str, version: i64) -> String {
    format!("{}/versions/{version}", page_of_model(team, model))
}

/// The page that shows versions of a model side by side.
pub fn page_of_comparison(team: &str, model: &str) -> String {
    format!("{}/compare", page_of_model(team, model))
}

/// A text in double quotes, as Python reads it.
pub fn python_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The lines that load what `uri` names.
pub fn loading(uri: &str) -> String {
    format!("import mlflow\n\nmodel = mlflow.pyfunc.load_model({})", python_string(uri))
}

/// The first line of a description in Markdown, short.
#[cfg(feature = "ssr")]
pub fn first_line(text: &str) -> String {
    const MOST: usize = 140;
    let line = first_words(text);
    let start = cut(&line, MOST);
    if start.len() == line.len() { line } else { format!("{}…", start.trim_end()) }
}

/// Rows of a list that one page shows.
const ROWS: usize = 100;

/// The rows of the page that the address names, its number, and how many pages there are.
pub fn paged<T: Clone>(all: &[T], page: &str) -> (Vec<T>, usize, usize) {
    let pages = all.len().div_ceil(ROWS).max(1);
    let page = page.parse().unwrap_or(1).clamp(1, pages);
    (all.iter().skip((page - 1) * ROWS).take(ROWS).cloned().collect(), page, pages)
}

/// Notes whether what a page shows is still there.
pub fn note_gone<T>(answer: &Result<T, AppError>, gone: RwSignal<bool>) {
    let now = matches!(answer, Err(error) if error.kind == ErrorKind::NotFound);
    if gone.try_get_untracked().is_some_and(|before| before != now) {
        gone.set(now);
    }
}

/// A stage of MLflow's older kind; nothing where none was set.
#[component]
pub fn StageChip(stage: Stage) -> impl IntoView {
    (stage != Stage::None).then(|| view! { <span class="chip">{stage.as_str()}</span> })
}

/// Tags; of long values the beginning, and the whole on hover.
#[component]
pub fn TagChips(tags: Vec<Tag>) -> impl IntoView {
    const MOST: usize = 80;
    let chip = |tag: Tag| {
        let start = cut(&tag.value, MOST);
        let short = if start.len() == tag.value.len() { format!("{}={start}", tag.key) } else { format!("{}={start}…", tag.key) };
        view! {
            <span class="chip mono tag" title=cut(&tag.value, 2000).to_owned()>
                {short}
            </span>
        }
    };
    tags.into_iter().map(chip).collect_view()
}

/// What the page shows is gone; it stays as it was last seen.
#[component]
pub fn GoneNote(what: &'static str, gone: RwSignal<bool>, href: String) -> impl IntoView {
    move || {
        let href = href.clone();
        gone.get().then(|| {
            view! {
                <Note tone=Tone::Warning>
                    <p>{format!("This {what} is no longer here: it was deleted or renamed. ")} <a href=href>"See what there is"</a></p>
                </Note>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_a_model_has_an_address() {
        assert_eq!(page_of_model("red", "a b?#100%é"), "/t/red/models/a%20b%3F%23100%25%C3%A9");
        assert_eq!(page_of_version("red", "net", 3), "/t/red/models/net/versions/3");
        assert_eq!(page_of_models("r\ned"), "/");
    }

    #[test]
    fn a_name_with_quotes_stays_one_string() {
        assert!(loading("models:/a\"b\\/1").ends_with(r#"load_model("models:/a\"b\\/1")"#));
    }

    #[test]
    fn a_long_list_comes_in_pages() {
        let all: Vec<usize> = (0..250).collect();
        let (rows, page, pages) = paged(&all, "3");
        assert_eq!((rows.len(), rows[0], page, pages), (50, 200, 3, 3));
        assert_eq!(paged(&all, "9").1, 3);
        assert_eq!(paged(&all, "none").0[0], 0);
        assert_eq!(paged::<u8>(&[], ""), (Vec::new(), 1, 1));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_list_shows_the_first_line_of_a_description() {
        assert_eq!(first_line("\n  Churn by month \nmore"), "Churn by month");
        assert_eq!(first_line(""), "");
        assert!(first_line(&"word ".repeat(100)).ends_with("word…"));
    }
}
