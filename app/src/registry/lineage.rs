//! Where a version comes from and where it is used: drawn, and as a table.

use super::{
    lineage_api::get_lineage,
    lineage_graph::{Drawing, Graph, Kind, NARROW, NODE, Node, graph, layers, narrow, wide},
};
use crate::components::{ErrorNote, Loading};
use domain::model::cut;
use leptos::prelude::*;

#[component]
pub fn LineageSection(team: String, model: String, version: i64, changes: RwSignal<u32>) -> impl IntoView {
    let asked = (team.clone(), model);
    let lineage = Resource::new(move || changes.get(), move |_| get_lineage(asked.0.clone(), asked.1.clone(), version.to_string()));
    view! {
        <section class="stack" aria-labelledby="lineage-head">
            <h2 id="lineage-head">"Lineage"</h2>
            <Transition fallback=|| view! { <Loading rows=3 /> }>
                {move || {
                    let team = team.clone();
                    Suspend::new(async move {
                        match lineage.await {
                            Ok(lineage) => view! { <LineageOf graph=graph(&team, &lineage) /> }.into_any(),
                            Err(error) => view! { <ErrorNote error /> }.into_any(),
                        }
                    })
                }}
            </Transition>
        </section>
    }
}

#[component]
fn LineageOf(graph: Graph) -> impl IntoView {
    let (across, down) = (wide(&graph), narrow(&graph));
    // In the order in which they are drawn.
    let order = layers(&graph).concat();
    let nodes: Vec<Node> = order.iter().map(|node| graph.nodes[*node].clone()).collect();
    let before = |node: usize| {
        let from = graph.edges.iter().filter(|(_, to)| *to == node).map(|(from, _)| graph.nodes[*from].text.clone());
        from.collect::<Vec<_>>().join(", ")
    };
    let rows = order
        .iter()
        .zip(&nodes)
        .map(|(index, node)| {
            let name = match &node.href {
                Some(href) => view! { <a class="wrap" href=href.clone() rel=rel(href)>{node.text.clone()}</a> }.into_any(),
                None => view! { <span class="wrap">{node.text.clone()}</span> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{node.kind.text()}</th>
                    <td data-label="Name">{name}</td>
                    <td data-label="Comes from">
                        <span class="wrap">{before(*index)}</span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="card pad lineage">
            <Drawn graph=graph.clone() order=order.clone() drawing=across class="lineage-wide" width=NODE.0 />
            <Drawn graph=graph order=order drawing=down class="lineage-narrow" width=NARROW />
        </div>
        <details>
            <summary>"The same as a table"</summary>
            <div class="table-wrap">
                <table class="table stacked">
                    <caption class="sr-only">"Lineage of the version"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"What"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Comes from"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}

/// A forge learns nothing of the portal.
fn rel(href: &str) -> Option<&'static str> {
    href.starts_with("https://").then_some("external noopener noreferrer")
}

/// The text of a node that fits into so many pixels.
fn short(text: &str, width: usize) -> String {
    let most = width / 8;
    let start = cut(text, most);
    if start.len() == text.len() { text.to_owned() } else { format!("{}…", cut(text, most - 1)) }
}

#[component]
fn Drawn(graph: Graph, order: Vec<usize>, drawing: Drawing, class: &'static str, width: usize) -> impl IntoView {
    let Drawing { width: all, height, places, paths } = drawing;
    let box_of = |index: usize| {
        let (node, (x, y)) = (graph.nodes[index].clone(), places[index]);
        let class = if node.kind == Kind::Version { "lineage-node here" } else { "lineage-node" };
        // Links and titles are SVG's own only inside one of its elements.
        let inside = view! {
            <g>
                <title>{node.text.clone()}</title>
                <rect x=x y=y width=width height=NODE.1 rx="6" />
                <text class="what" x=x + 12 y=y + 18>
                    {node.kind.text()}
                </text>
                <text x=x + 12 y=y + 35>
                    {short(&node.text, width - 20)}
                </text>
            </g>
        };
        let label = format!("{}: {}", node.kind.text(), node.text);
        match node.href {
            Some(href) => {
                let rel = rel(&href);
                view! { <g><a class=class href=href rel=rel aria-label=label>{inside}</a></g> }.into_any()
            }
            None => view! { <g class=class role="img" aria-label=label>{inside}</g> }.into_any(),
        }
    };
    // The tab key goes the way that the arrows go.
    let boxes = order.into_iter().map(box_of).collect_view();
    let view_box = format!("-2 -2 {} {}", all + 4, height + 4);
    view! {
        <svg class=class viewBox=view_box role="group" aria-label="Lineage, from data to use" width=all + 4>
            <g class="lineage-edges" aria-hidden="true">
                {paths.into_iter().map(|d| view! { <path d=d /> }).collect_view()}
            </g>
            {boxes}
        </svg>
    }
}
