//! The rows of a table in the order of one of its columns, which the address names.

use super::Table;
use crate::components::{Glyph, Icon, query_value, sort_order, with_query};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use std::cmp::Ordering;

/// The rows in the order that `sort` asks for: `3` or `-3`, else as they are in the file. Empty cells come last either way.
fn arranged(table: &Table, sort: &str) -> Vec<Vec<String>> {
    let mut rows = table.rows.clone();
    let Some(column) = sort.trim_start_matches('-').parse::<usize>().ok().filter(|c| *c < table.columns.len()) else { return rows };
    let number = |cell: &str| cell.trim().parse::<f64>().unwrap_or(f64::NAN);
    rows.sort_by(|a, b| {
        let (a, b) = (&a[column], &b[column]);
        match (a.trim().is_empty(), b.trim().is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ if table.numeric[column] => sort_order(sort, number(a).total_cmp(&number(b))),
            _ => sort_order(sort, a.cmp(b)),
        }
    });
    rows
}

/// A table with heads that sort it.
#[component]
pub(super) fn Rows(table: Table) -> impl IntoView {
    let (query, path, sort) = (use_query_map(), use_location().pathname, query_value("sort"));
    let (columns, numeric) = (table.columns.clone(), table.numeric.clone());
    let counted = words(&table);
    let head = columns
        .into_iter()
        .enumerate()
        .map(|(i, name)| {
            let name = if name.trim().is_empty() { format!("Column {}", i + 1) } else { name };
            let (up, down) = (i.to_string(), format!("-{i}"));
            let direction = Memo::new(move |_| match sort.read().as_str() {
                now if now == down => Some(true),
                now if now == up => Some(false),
                _ => None,
            });
            let href = move || {
                let next = if direction.get() == Some(false) { format!("-{i}") } else { i.to_string() };
                with_query(&path.read(), &query.read(), "sort", &next)
            };
            view! {
                <th
                    scope="col"
                    class:num=numeric[i]
                    aria-sort=move || direction.get().map(|down| if down { "descending" } else { "ascending" })
                >
                    <a class="sort" href=href data-noscroll="true">
                        {name}
                        {move || direction.get().map(|down| view! { <Icon glyph=if down { Glyph::ArrowDown } else { Glyph::ArrowUp } /> })}
                    </a>
                </th>
            }
        })
        .collect_view();
    let table = StoredValue::new(table);
    let body = move || {
        let sort = sort.get();
        table.with_value(|table| {
            let cells = |row: Vec<String>| {
                let cells =
                    row.into_iter().zip(&table.numeric).map(|(cell, numeric)| view! { <td class:num=*numeric>{cell}</td> }).collect_view();
                view! { <tr>{cells}</tr> }
            };
            arranged(table, &sort).into_iter().map(cells).collect_view()
        })
    };
    view! {
        <p class="muted preview-count">{counted}</p>
        <div class="table-wrap preview-table" tabindex="0">
            <table class="table">
                <caption class="sr-only">"Rows of the file"</caption>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
}

fn words(table: &Table) -> String {
    let (shown, counted) = (table.rows.len(), table.counted);
    let rows = match (table.complete, shown == counted) {
        (true, true) => format!("{shown} of {counted} rows"),
        (true, false) => format!("The first {shown} of {counted} rows; sorting is among these. Download the file for all of them"),
        (false, _) => format!("The first {shown} of more than {counted} rows; sorting is among these. Download the file for all of them"),
    };
    let columns = match table.more_columns {
        0 => String::new(),
        more => format!(" · {} of {} columns", table.columns.len(), table.columns.len() + more),
    };
    rows + &columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: &[[&str; 2]]) -> Table {
        Table {
            columns: vec!["n".into(), "s".into()],
            numeric: vec![true, false],
            rows: cells.iter().map(|row| row.map(str::to_owned).to_vec()).collect(),
            counted: cells.len(),
            complete: true,
            more_columns: 0,
        }
    }

    #[test]
    fn numbers_are_ordered_as_numbers_and_empty_cells_come_last() {
        let table = table(&[["10", "b"], ["9", "a"], ["", "c"], ["-1e3", "B"]]);
        let by = |sort: &str| arranged(&table, sort).into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
        assert_eq!(by("0"), ["-1e3", "9", "10", ""]);
        assert_eq!(by("-0"), ["10", "9", "-1e3", ""]);
        assert_eq!(by("1"), ["-1e3", "9", "10", ""]);
        for none in ["", "7", "x", "--"] {
            assert_eq!(by(none), ["10", "9", "", "-1e3"], "{none}");
        }
    }

    #[test]
    fn a_table_says_how_many_of_how_many() {
        let mut table = table(&[["1", "a"]]);
        assert_eq!(words(&table), "1 of 1 rows");
        table.counted = 5;
        assert!(words(&table).starts_with("The first 1 of 5 rows"));
        (table.complete, table.more_columns) = (false, 3);
        assert!(words(&table).contains("of more than 5 rows") && words(&table).ends_with("2 of 5 columns"));
    }
}
