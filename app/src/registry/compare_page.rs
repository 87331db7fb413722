//! Versions of a model side by side: what they say of themselves, what their runs logged, what they take and give, and their files.

use super::{
    api::SourceRun,
    lineage_api::{Compared, compare_versions},
    words::{page_of_model, page_of_models, page_of_version},
};
use crate::{
    components::{Crumb, EmptyState, Glyph, LoadingPage, Page, bytes, exact_time, page_or_error, query_value, use_team, with_query},
    live::{kept_current, use_live},
    tracking::number,
};
use domain::model::{Change, SchemaField, Stage, cut};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};
use std::collections::BTreeMap;

#[component]
pub fn CompareVersionsPage() -> impl IntoView {
    let (team, live, params, address) = (use_team(), use_live(), use_params_map(), use_query_map());
    let model = Memo::new(move |_| params.with(|p| p.get_str("model").unwrap_or_default().to_owned()));
    // A form of check boxes sends each by itself, a link all in one.
    let versions = Memo::new(move |_| address.with(|q| q.get_all("versions").unwrap_or_default().join(",")));
    let changes = live.changes_in(team.into(), |event| event.change == Change::Models);
    let first = Resource::new(
        move || (team.get(), model.get(), versions.get()),
        move |(team, model, versions)| async move {
            live.positioned().await;
            compare_versions(team, model, versions).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Compare versions" /> }>
            {move || Suspend::new(async move {
                let asked = (team.get_untracked(), model.get_untracked(), versions.get_untracked());
                page_or_error(first.await, |first| {
                    let again = asked.clone();
                    let found = kept_current(
                        first,
                        0,
                        move || changes.get(),
                        move |_| compare_versions(again.0.clone(), again.1.clone(), again.2.clone()),
                    );
                    view! { <ComparedVersions team=asked.0 model=asked.1 found /> }
                })
            })}
        </Transition>
    }
}

#[component]
fn ComparedVersions(team: String, model: String, found: RwSignal<Vec<Compared>>) -> impl IntoView {
    let home = page_of_model(&team, &model);
    let crumbs = vec![
        Crumb::new(team.clone(), format!("/t/{team}")),
        Crumb::new("Models", page_of_models(&team)),
        Crumb::new(model.clone(), home.clone()),
    ];
    let count = Memo::new(move |_| found.with(Vec::len));
    let few = Memo::new(move |_| count.get() < 2);
    view! {
        <Page title="Compare versions" crumbs lead="What is the same in all of them is left out, unless all is asked for.">
            {move || {
                if few.get() {
                    let home = home.clone();
                    view! {
                        <EmptyState glyph=Glyph::Package title="Nothing to compare" text="Tick two or more versions on the model's page.">
                            <a class="btn" href=home>
                                "Choose versions"
                            </a>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! { <Table team=team.clone() model=model.clone() found /> }.into_any()
                }
            }}
        </Page>
    }
}

/// What a version has under a name.
#[derive(Clone, Debug, PartialEq)]
struct Cell {
    text: String,
    /// For the difference from the base.
    number: Option<f64>,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), number: None }
    }
}

type Row = (String, Vec<Option<Cell>>);

/// Rows by name, each with a cell for each version; those that are the same everywhere are left out unless `all`.
fn rows(found: &[Compared], all: bool, pairs: impl Fn(&Compared) -> Vec<(String, Cell)>) -> Vec<Row> {
    let mut rows: BTreeMap<String, Vec<Option<Cell>>> = BTreeMap::new();
    for (i, compared) in found.iter().enumerate() {
        for (name, cell) in pairs(compared) {
            rows.entry(name).or_insert_with(|| vec![None; found.len()])[i] = Some(cell);
        }
    }
    let same = |cells: &[Option<Cell>]| cells.windows(2).all(|pair| pair[0].as_ref().map(|c| &c.text) == pair[1].as_ref().map(|c| &c.text));
    rows.into_iter().filter(|(_, cells)| all || !same(cells)).collect()
}

fn about(compared: &Compared) -> Vec<(String, Cell)> {
    let version = &compared.version;
    let mut pairs =
        vec![("Made".to_owned(), Cell::text(exact_time(version.created_at))), ("Made by".to_owned(), Cell::text(&version.created_by))];
    let mut put = |name: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            pairs.push((name.to_owned(), Cell::text(text)));
        }
    };
    put("Aliases", Some(version.aliases.join(", ")));
    put("Stage", (version.stage != Stage::None).then(|| version.stage.as_str().to_owned()));
    put("Description", version.description.as_deref().map(|text| cut(text, 300).to_owned()));
    put("Source run", compared.run.as_ref().map(|run| run.name.clone()));
    put("Flavours", compared.files.says.as_ref().map(|says| says.flavors.join(", ")));
    put("Digest", version.digest.as_deref().map(|digest| cut(digest, 12).to_owned()));
    put("Size", (!compared.files.files.is_empty()).then(|| bytes(compared.files.files.iter().map(|f| f.size).sum())));
    pairs
}

fn of_run(compared: &Compared, pairs: impl Fn(&SourceRun) -> Vec<(String, Cell)>) -> Vec<(String, Cell)> {
    compared.run.as_ref().map(pairs).unwrap_or_default()
}

fn metrics(run: &SourceRun) -> Vec<(String, Cell)> {
    run.metrics.iter().map(|m| (m.key.clone(), Cell { text: number(m.value), number: Some(m.value) })).collect()
}

fn params(run: &SourceRun) -> Vec<(String, Cell)> {
    run.params.iter().map(|p| (p.key.clone(), Cell::text(cut(&p.value, 300)))).collect()
}

fn signature(compared: &Compared) -> Vec<(String, Cell)> {
    let Some(says) = &compared.files.says else { return Vec::new() };
    let part = |what: &'static str, fields: &[SchemaField]| {
        let cell = move |(i, field): (usize, &SchemaField)| {
            let name = if field.name.is_empty() { format!("{what} {}", i + 1) } else { format!("{what} {}", field.name) };
            let optional = if field.required { "" } else { ", optional" };
            (name, Cell::text(format!("{}{optional}", field.kind)))
        };
        fields.iter().enumerate().map(cell).collect::<Vec<_>>()
    };
    [part("Input", &says.inputs), part("Output", &says.outputs), part("Param", &says.params)].concat()
}

fn files(compared: &Compared) -> Vec<(String, Cell)> {
    let cell = |text: String| Cell { text, number: None };
    compared.files.files.iter().map(|f| (f.path.clone(), cell(format!("{} · {}", bytes(f.size), cut(&f.sha256, 12))))).collect()
}

fn tags(compared: &Compared) -> Vec<(String, Cell)> {
    compared.version.tags.iter().map(|t| (t.key.clone(), Cell::text(cut(&t.value, 300)))).collect()
}

fn parts(found: &[Compared], all: bool) -> [(&'static str, Vec<Row>); 6] {
    [
        ("About", rows(found, all, about)),
        ("Metrics of the source run", rows(found, all, |c| of_run(c, metrics))),
        ("Params of the source run", rows(found, all, |c| of_run(c, params))),
        ("Signature", rows(found, all, signature)),
        ("Tags", rows(found, all, tags)),
        ("Files: size and digest", rows(found, all, files)),
    ]
}

/// `+0.0125` of a metric whose base is known, where it is another.
fn difference(cell: &Cell, base: Option<&Cell>) -> Option<String> {
    let change = cell.number? - base?.number?;
    (change != 0.0 && change.is_finite()).then(|| format!("{}{}", if change > 0.0 { "+" } else { "−" }, number(change.abs())))
}

#[component]
fn Table(team: String, model: String, found: RwSignal<Vec<Compared>>) -> impl IntoView {
    let (address, path, rows, base) = (use_query_map(), use_location().pathname, query_value("rows"), query_value("base"));
    let here = move |name: &'static str, value: &str| with_query(&path.read(), &address.read(), name, value);
    let chip = move |value: &'static str, label: &'static str| {
        view! {
            <a class="chip" href=move || here("rows", value) data-noscroll="true" aria-current=move || (*rows.read() == value).then_some("true")>
                {label}
            </a>
        }
    };
    // The first, unless the address names another.
    let base_at = Memo::new(move |_| found.with(|f| f.iter().position(|c| c.version.version.to_string() == *base.read()).unwrap_or(0)));
    let heads = move || {
        let head = |(i, compared): (usize, Compared)| {
            let number = compared.version.version;
            let mark = if base_at.get() == i {
                view! { <span class="chip">"Base"</span> }.into_any()
            } else {
                let href = here("base", &number.to_string());
                view! { <a class="chip" href=href data-noscroll="true" aria-label=format!("Take version {number} as base")>"Take as base"</a> }.into_any()
            };
            view! {
                <th scope="col">
                    <a href=page_of_version(&team, &model, number)>{format!("Version {number}")}</a>
                    " "
                    {mark}
                </th>
            }
        };
        found.get().into_iter().enumerate().map(head).collect_view()
    };
    let body = move || {
        let (all, base, columns) = (*rows.read() == "all", base_at.get(), found.with(Vec::len) + 1);
        let part = |(title, rows): (&'static str, Vec<Row>)| {
            let none = rows.is_empty().then_some(if all { "None." } else { "No differences." });
            view! {
                <tbody>
                    <tr class="part">
                        <th scope="rowgroup" colspan=columns.to_string()>
                            {title}
                            {none.map(|text| view! { <span class="muted">" "{text}</span> })}
                        </th>
                    </tr>
                    {rows.into_iter().map(|row| row_of(row, base)).collect_view()}
                </tbody>
            }
        };
        parts(&found.read(), all).into_iter().map(part).collect_view()
    };
    view! {
        <section class="stack" aria-label="Differences">
            <div class="chips" role="group" aria-label="Rows">
                {chip("", "Only differences")}
                {chip("all", "All")}
            </div>
            <div class="table-wrap" tabindex="0" role="group" aria-label="Differences by version">
                <table class="table diff-table">
                    <caption class="sr-only">"Versions of the model side by side"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            {heads}
                        </tr>
                    </thead>
                    {body}
                </table>
            </div>
        </section>
    }
}

fn row_of((name, cells): Row, base: usize) -> impl IntoView {
    let of_base = cells.get(base).cloned().flatten();
    let cell = |(i, cell): (usize, Option<Cell>)| match cell {
        Some(cell) => {
            let change = (i != base).then(|| difference(&cell, of_base.as_ref())).flatten();
            // Colour never says it alone: the sign and the other text do.
            let differs = i != base && of_base.as_ref().map(|b| &b.text) != Some(&cell.text);
            view! {
                <td class="mono wrap" class:differs=differs>
                    {cell.text}
                    {change.map(|text| view! { <span class="sub">{text}</span> })}
                </td>
            }
            .into_any()
        }
        None => view! { <td class="faint">"–"</td> }.into_any(),
    };
    let cells = cells.into_iter().enumerate().map(cell).collect_view();
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {name}
            </th>
            {cells}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, difference};

    #[test]
    fn a_metric_says_how_far_it_is_from_the_base() {
        let cell = |value: f64| Cell { text: String::new(), number: Some(value) };
        assert_eq!(difference(&cell(0.75), Some(&cell(0.5))).as_deref(), Some("+0.25"));
        assert_eq!(difference(&cell(0.5), Some(&cell(0.75))).as_deref(), Some("−0.25"));
        for (cell, base) in
            [(cell(1.0), Some(cell(1.0))), (cell(f64::NAN), Some(cell(1.0))), (cell(1.0), None), (cell(1.0), Some(Cell::text("1")))]
        {
            assert_eq!(difference(&cell, base.as_ref()), None);
        }
    }
}
