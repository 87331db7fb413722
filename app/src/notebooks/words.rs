//! How a notebook's facts are said.

use crate::components::{count, mib};
use domain::model::{Notebook, NotebookSpec, Resources};
use leptos_router::params::ParamsMap;

/// `2 CPUs · 8.0 GiB · 1 GPU`.
pub fn size(resources: &Resources) -> String {
    let text = format!("{} · {}", count(resources.cpus as usize, "CPU", "CPUs"), mib(u64::from(resources.memory_mib)));
    if resources.gpus > 0 { format!("{text} · {}", count(resources.gpus as usize, "GPU", "GPUs")) } else { text }
}

/// `jupyterlab 4.4`.
pub fn environment(notebook: &Notebook) -> String {
    format!("{} {}", notebook.spec.environment, notebook.spec.version)
}

/// The part of an email before the `@`, for narrow columns.
pub fn person(email: &str) -> String {
    email.split('@').next().unwrap_or_default().to_owned()
}

/// `after 60 min without activity`, or that it does not.
pub fn idle_stop(minutes: Option<u32>) -> String {
    minutes.map_or("Runs until somebody stops it".to_owned(), |m| {
        format!("Stops after {} without activity", crate::components::duration(i64::from(m) * 60_000))
    })
}

/// A notebook's page.
pub fn page_of(notebook: &Notebook) -> String {
    format!("/t/{}/notebooks/{}", notebook.team, notebook.id)
}

/// The query that fills the launch form with this spec: no name, no home, no secrets. Values too long for an address are left out.
pub fn template_query(spec: &NotebookSpec) -> String {
    let mut template = spec.as_template();
    template.env.iter_mut().filter(|v| v.value.len() > 300).for_each(|v| v.value.clear());
    let mut query = ParamsMap::new();
    query.insert("template", serde_json::to_string(&template).unwrap_or_default());
    query.to_query_string()
}

/// The launch form filled with this notebook's spec.
pub fn template_link(notebook: &Notebook) -> String {
    format!("/t/{}/notebooks/new{}", notebook.team, template_query(&notebook.spec))
}

/// This portal's origin, for links that are copied; in the browser only.
pub fn origin() -> String {
    #[cfg(feature = "ssr")]
    let origin = String::new();
    #[cfg(not(feature = "ssr"))]
    let origin = leptos::prelude::window().location().origin().unwrap_or_default();
    origin
}
