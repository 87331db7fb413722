//! What a notebook is made of, for its overview.

use super::words::{environment, idle_stop, origin, size, template_link};
use crate::components::{CopyButton, Time};
use domain::model::Notebook;
use leptos::prelude::*;

/// One line of the list of facts.
#[component]
fn Fact(label: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="nb-fact">
            <dt>{label}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

/// Environment, size, storage, variables, repository, idle stop, who and when.
#[component]
pub fn Facts(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let environment = Memo::new(move |_| notebook.with(environment));
    let size = Memo::new(move |_| notebook.with(|n| size(&n.spec.resources)));
    let idle = Memo::new(move |_| notebook.with(|n| idle_stop(n.spec.idle_minutes)));
    let stops_at = Memo::new(move |_| notebook.with(|n| n.idle_stop_at.filter(|_| n.phase.is_open())));
    let active = Memo::new(move |_| notebook.with(|n| n.last_activity_at));
    let launch = Memo::new(move |_| notebook.with(|n| n.launch));
    let now = notebook.get_untracked();
    let template = template_link(&now);
    let volumes = format!("/t/{}/volumes", now.team);
    let data = now.spec.data;
    let (env, secrets, git) = (now.spec.env, now.secret_names, now.spec.git);
    view! {
        <section class="card panel" aria-labelledby="facts-head">
            <h2 id="facts-head">"What it is made of"</h2>
            <dl class="nb-facts">
                <Fact label="Environment">{environment}</Fact>
                <Fact label="Size">{size}</Fact>
                <Fact label="Home">
                    <a href=volumes>{now.spec.home}</a>
                </Fact>
                {(!data.is_empty())
                    .then(|| {
                        view! {
                            <Fact label="Other volumes">
                                <ul class="plain-list">
                                    {data
                                        .into_iter()
                                        .map(|mount| {
                                            let how = if mount.read_only { " (read-only)" } else { "" };
                                            view! { <li><code>{format!("data/{}", mount.volume)}</code>{how}</li> }
                                        })
                                        .collect_view()}
                                </ul>
                            </Fact>
                        }
                    })}
                {(!env.is_empty())
                    .then(|| {
                        view! {
                            <Fact label="Variables">
                                <ul class="plain-list">
                                    {env.into_iter().map(|v| view! { <li><code>{format!("{}={}", v.name, v.value)}</code></li> }).collect_view()}
                                </ul>
                            </Fact>
                        }
                    })}
                {(!secrets.is_empty())
                    .then(|| {
                        view! {
                            <Fact label="Secrets">
                                <ul class="plain-list">{secrets.into_iter().map(|name| view! { <li><code>{name}</code>" (never shown)"</li> }).collect_view()}</ul>
                            </Fact>
                        }
                    })}
                {git
                    .map(|git| {
                        let branch = if git.branch.is_empty() { String::new() } else { format!(" at {}", git.branch) };
                        view! { <Fact label="Repository"><code class="wrap">{git.url}</code>{branch}</Fact> }
                    })}
                <Fact label="Idle stop">
                    {idle} {move || stops_at.get().map(|at| view! { <span class="muted">"; next "<Time at=Signal::derive(move || at) /></span> })}
                </Fact>
                {move || active.get().map(|at| view! { <Fact label="Last activity"><Time at=Signal::derive(move || at) /></Fact> })}
                <Fact label="Owner">{now.owner_email}</Fact>
                <Fact label="Made">
                    <Time at=Signal::derive(move || now.created_at) />
                    {move || (launch.get() > 1).then(|| format!(", started {} times", launch.get()))}
                </Fact>
                <Fact label="Id">
                    <span class="row">
                        <code>{now.id.0.clone()}</code>
                        <CopyButton text=now.id.0 label="Copy id" />
                    </span>
                </Fact>
                <Fact label="Template">
                    <span class="row">
                        <a href=template.clone()>"Launch another like this"</a>
                        <CopyButton text=format!("{}{template}", origin()) label="Copy link as template" />
                    </span>
                </Fact>
            </dl>
        </section>
    }
}
