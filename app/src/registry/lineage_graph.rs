//! The lineage of a version as a graph, and where its nodes stand: in layers from left to right, and one below the other where it is narrow.

use super::{
    lineage_api::Lineage,
    words::{page_of_model, page_of_version},
};
use crate::tracking::{page_of_experiment, page_of_run};
use domain::model::cut;

/// Nodes of one kind that are drawn; the run's page has all.
const MOST: usize = 6;

/// What a node is, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Dataset,
    UsedModel,
    Commit,
    Notebook,
    Experiment,
    Run,
    Version,
    Alias,
    Stage,
    Sibling,
    More,
    Source,
}

impl Kind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Dataset => "Dataset",
            Self::UsedModel => "Model it used",
            Self::Commit => "Commit",
            Self::Notebook => "Notebook",
            Self::Experiment => "Experiment",
            Self::Run => "Run",
            Self::Version => "This version",
            Self::Alias => "Alias",
            Self::Stage => "Stage",
            Self::Sibling => "From the same run",
            Self::More => "More",
            Self::Source => "Source",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    pub text: String,
    /// None where nothing can be opened.
    pub href: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    /// From what was there first to what came of it.
    pub edges: Vec<(usize, usize)>,
}

impl Graph {
    fn add(&mut self, kind: Kind, text: impl Into<String>, href: Option<String>) -> usize {
        self.nodes.push(Node { kind, text: text.into(), href });
        self.nodes.len() - 1
    }

    /// Adds the first of them, each with an edge to or from `at`, and one node that says how many more there are.
    fn fan(&mut self, nodes: Vec<Node>, at: usize, towards: bool, more: Option<String>) {
        let left_out = nodes.len().saturating_sub(MOST);
        for node in nodes.into_iter().take(MOST) {
            self.nodes.push(node);
            self.join(self.nodes.len() - 1, at, towards);
        }
        if left_out > 0 {
            let node = self.add(Kind::More, format!("{left_out} more"), more);
            self.join(node, at, towards);
        }
    }

    fn join(&mut self, node: usize, at: usize, towards: bool) {
        self.edges.push(if towards { (node, at) } else { (at, node) });
    }
}

/// Dataset, commit → run → version → where it is used.
pub fn graph(team: &str, lineage: &Lineage) -> Graph {
    let (mut graph, version) = (Graph::default(), &lineage.version);
    let model = page_of_model(team, &version.name);
    let this = graph.add(
        Kind::Version,
        format!("{} version {}", version.name, version.version),
        Some(page_of_version(team, &version.name, version.version)),
    );
    let node = |kind, text: String, href| Node { kind, text, href };
    let aliases = version.aliases.iter().map(|alias| node(Kind::Alias, alias.clone(), Some(model.clone()))).collect();
    graph.fan(aliases, this, false, Some(model.clone()));
    if version.stage != domain::model::Stage::None {
        let stage = graph.add(Kind::Stage, version.stage.as_str(), Some(model.clone()));
        graph.join(stage, this, false);
    }
    let Some(origin) = &lineage.origin else {
        let (kind, text) = match &version.run {
            Some(run) => (Kind::Run, format!("{} (gone)", cut(run.as_str(), 8))),
            None => (Kind::Source, version.source.clone()),
        };
        let source = graph.add(kind, text, None);
        graph.join(source, this, true);
        return graph;
    };
    let page = page_of_run(team, origin.run.as_str());
    let record = Some(format!("{page}?tab=reproduce"));
    let run = graph.add(Kind::Run, origin.run_name.clone(), Some(page));
    graph.join(run, this, true);
    let datasets = origin.datasets.iter().map(|d| node(Kind::Dataset, format!("{} {}", d.name, d.digest), record.clone())).collect();
    graph.fan(datasets, run, true, record.clone());
    let used = origin.used_models.iter().map(|id| node(Kind::UsedModel, id.clone(), record.clone())).collect();
    graph.fan(used, run, true, record.clone());
    if let Some(commit) = &origin.commit {
        let href = origin.repository.as_deref().and_then(|repository| page_of_commit(repository, commit)).or_else(|| record.clone());
        let program = origin.source.as_deref().map(|s| format!(" {s}")).unwrap_or_default();
        let commit = graph.add(Kind::Commit, format!("{}{program}", cut(commit, 10)), href);
        graph.join(commit, run, true);
    }
    if let Some(notebook) = &origin.notebook {
        let notebook = graph.add(Kind::Notebook, "The notebook that made it", Some(format!("/t/{team}/notebooks/{notebook}")));
        graph.join(notebook, run, true);
    }
    let experiment =
        graph.add(Kind::Experiment, origin.experiment_name.clone(), Some(page_of_experiment(team, origin.experiment.as_str())));
    graph.join(experiment, run, true);
    let siblings = origin.versions.iter();
    let siblings =
        siblings.map(|v| node(Kind::Sibling, format!("{} version {}", v.name, v.version), Some(page_of_version(team, &v.name, v.version))));
    graph.fan(siblings.collect(), run, false, record);
    graph
}

/// Where forges show a commit; none for a repository that is reached otherwise than by https.
fn page_of_commit(repository: &str, commit: &str) -> Option<String> {
    let rest = repository.strip_prefix("https://")?;
    let plain = |text: &str, more: &[u8]| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    (plain(rest, b"-._~/:") && plain(commit, b""))
        .then(|| format!("{}/commit/{commit}", repository.trim_end_matches('/').trim_end_matches(".git")))
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    pub width: usize,
    pub height: usize,
    /// Upper left corner of each node.
    pub places: Vec<(usize, usize)>,
    /// The path of each edge, as SVG has it.
    pub paths: Vec<String>,
}

/// Size of a node, and the room between two layers and between two nodes of one.
pub const NODE: (usize, usize) = (176, 46);
const BETWEEN: (usize, usize) = (52, 14);
/// Room at the left of a narrow drawing, for the edges.
const GUTTER: usize = 56;
/// Width of a node of a narrow drawing.
pub const NARROW: usize = 260;

/// The nodes layer by layer: each stands after all that it comes from, and as near as it can to what comes of it; within a layer, near those it
/// is joined with.
pub fn layers(graph: &Graph) -> Vec<Vec<usize>> {
    let count = graph.nodes.len();
    let mut layer = vec![0_usize; count];
    // As many rounds as the longest way has steps; one more changes nothing, since nothing comes of itself.
    for _ in 0..count {
        for &(from, to) in &graph.edges {
            layer[to] = layer[to].max((layer[from] + 1).min(count));
        }
    }
    for node in 0..count {
        let is_first = !graph.edges.iter().any(|&(_, to)| to == node);
        let next = graph.edges.iter().filter(|&&(from, _)| from == node).map(|&(_, to)| layer[to]).min();
        if let (true, Some(next)) = (is_first, next) {
            layer[node] = next.saturating_sub(1);
        }
    }
    let mut layers = vec![Vec::new(); layer.iter().max().map_or(0, |last| last + 1)];
    (0..count).for_each(|node| layers[layer[node]].push(node));
    for at in 1..layers.len() {
        let before = layers[at - 1].clone();
        let place = |node: usize| {
            let of: Vec<usize> =
                graph.edges.iter().filter(|&&(_, to)| to == node).filter_map(|&(from, _)| before.iter().position(|b| *b == from)).collect();
            of.iter().sum::<usize>() * 1000 / of.len().max(1)
        };
        layers[at].sort_by_key(|node| (place(*node), *node));
    }
    layers
}

/// Layers from left to right.
pub fn wide(graph: &Graph) -> Drawing {
    let layers = layers(graph);
    let tall = |count: usize| count * NODE.1 + count.saturating_sub(1) * BETWEEN.1;
    let height = layers.iter().map(|layer| tall(layer.len())).max().unwrap_or(0);
    let mut places = vec![(0, 0); graph.nodes.len()];
    for (i, layer) in layers.iter().enumerate() {
        let top = (height - tall(layer.len())) / 2;
        for (j, node) in layer.iter().enumerate() {
            places[*node] = (i * (NODE.0 + BETWEEN.0), top + j * (NODE.1 + BETWEEN.1));
        }
    }
    let path = |&(from, to): &(usize, usize)| {
        let ((x1, y1), (x2, y2)) = (places[from], places[to]);
        let (x1, y1, y2) = (x1 + NODE.0, y1 + NODE.1 / 2, y2 + NODE.1 / 2);
        let middle = usize::midpoint(x1, x2);
        format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {} {y2}", x2.saturating_sub(7))
    };
    let paths = graph.edges.iter().map(path).collect();
    Drawing { width: (layers.len() * (NODE.0 + BETWEEN.0)).saturating_sub(BETWEEN.0), height, places, paths }
}

/// One node below the other, with the edges at their left.
pub fn narrow(graph: &Graph) -> Drawing {
    let mut places = vec![(0, 0); graph.nodes.len()];
    for (row, node) in layers(graph).concat().into_iter().enumerate() {
        places[node] = (GUTTER, row * (NODE.1 + BETWEEN.1));
    }
    let path = |&(from, to): &(usize, usize)| {
        let (y1, y2) = (places[from].1 + NODE.1 / 2, places[to].1 + NODE.1 / 2);
        let rows = y1.abs_diff(y2) / (NODE.1 + BETWEEN.1);
        let out = GUTTER.saturating_sub(16 + rows * 5).max(2);
        format!("M{GUTTER} {y1}C{out} {y1} {out} {y2} {} {y2}", GUTTER - 7)
    };
    let paths = graph.edges.iter().map(path).collect();
    let rows = graph.nodes.len();
    Drawing { width: GUTTER + NARROW, height: (rows * (NODE.1 + BETWEEN.1)).saturating_sub(BETWEEN.1), places, paths }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize, edges: &[(usize, usize)]) -> Graph {
        let nodes = (0..count).map(|i| Node { kind: Kind::Dataset, text: i.to_string(), href: None }).collect();
        Graph { nodes, edges: edges.to_vec() }
    }

    #[test]
    fn each_node_stands_after_what_it_comes_from_and_no_two_overlap() {
        let graph = of(7, &[(0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (6, 3)]);
        let drawn = wide(&graph);
        for &(from, to) in &graph.edges {
            assert!(drawn.places[from].0 + NODE.0 < drawn.places[to].0, "{from} {to}");
        }
        assert_eq!(drawn.places[6].0, drawn.places[2].0, "as near as it can to what comes of it");
        for drawn in [drawn, narrow(&graph)] {
            for (i, a) in drawn.places.iter().enumerate() {
                assert!(drawn.places[..i].iter().all(|b| a.0 != b.0 || a.1.abs_diff(b.1) >= NODE.1), "{i}");
                assert!(a.1 + NODE.1 <= drawn.height);
            }
        }
        assert!(narrow(&graph).width <= 340);
    }

    #[test]
    fn no_graph_is_too_odd_to_be_drawn() {
        for graph in [of(0, &[]), of(1, &[]), of(3, &[(0, 1), (1, 0), (2, 2)])] {
            assert_eq!((wide(&graph).places.len(), narrow(&graph).paths.len()), (graph.nodes.len(), graph.edges.len()));
        }
    }

    #[test]
    fn only_a_repository_of_the_web_is_linked() {
        let commit = "0f3c2a9b";
        assert_eq!(
            page_of_commit("https://git.example.com/a/b.git", commit).as_deref(),
            Some("https://git.example.com/a/b/commit/0f3c2a9b")
        );
        for bad in [
            "git@github.com:a/b.git",
            "javascript:alert(1)",
            "https://u:p@x.example/a",
            "http://x.example/a",
            "https://x.example/\"a",
            "https://",
        ] {
            assert_eq!(page_of_commit(bad, commit), None, "{bad}");
        }
        assert_eq!(page_of_commit("https://git.example.com/a", "../../x"), None);
    }
}
