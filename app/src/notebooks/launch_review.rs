//! What a launch will do, changing as one types, and the button that does it.

use super::{
    launch_environment::start_words,
    launch_page::Launch,
    words::{idle_stop, origin, size, template_query},
};
use crate::components::{CopyButton, Glyph, Icon, StatusBadge, Tone};
use domain::model::{Fit, LaunchRequest};
use leptos::{prelude::*, server_fn::ServerFn};

/// Whether the size fits: a word, and why.
fn fit_words(fit: &Fit) -> (Tone, &'static str, String) {
    match fit {
        Fit::Now => (Tone::Good, "Fits now", "It starts at once.".to_owned()),
        Fit::Queue(why) => (Tone::Warning, "Would queue", format!("{why} It starts by itself when they are free.")),
        Fit::Never(why) => (Tone::Bad, "Never fits", format!("{why} Choose a smaller size.")),
    }
}

#[component]
pub fn Review(launch: Launch, pending: RwSignal<bool>, children: Children) -> impl IntoView {
    let request = Memo::new(move |_| launch.form.with(super::LaunchForm::request));
    let fit = Memo::new(move |_| launch.capacity.with(|c| request.with(|r| c.fit(&r.spec.resources))));
    // What the quota looks like once it runs.
    let after = Memo::new(move |_| {
        let mut share = launch.capacity.with(|c| c.share.clone())?;
        request.with(|r| share.hold(&r.spec.resources));
        Some(format!("The team's quota with it: {}.", share.words()))
    });
    let environment = move || {
        request.with(|r| {
            launch.choices.with_value(|c| {
                let choice = c.choices.iter().find(|choice| choice.environment.name == r.spec.environment)?;
                let version = choice.environment.resolve_version(&r.spec.version).map_or("", |v| v.name.as_str());
                Some((format!("{} {version}", choice.environment.title), start_words(choice, &r.spec.version)))
            })
        })
    };
    let home = move || {
        request.with(|r| {
            let home = &r.spec.home;
            let known = launch.choices.with_value(|c| c.volumes.iter().any(|v| v.name == *home));
            format!("Home on {} volume {home}", if known { "existing" } else { "new" })
        })
    };
    let path = leptos_router::hooks::use_location().pathname;
    let template = Memo::new(move |_| request.with(|r| template_query(&r.spec)));
    view! {
        <aside class="launch-rail" aria-labelledby="review-head">
            <div class="card panel review">
                <h2 id="review-head">"What will happen"</h2>
                {(!launch.reviewed).then(|| view! { <UnreadNote launch /> })}
                <dl class="nb-facts" class:review-unread=!launch.reviewed>
                    <div class="nb-fact">
                        <dt>"Notebook"</dt>
                        <dd class="mono">{move || request.with(|r| r.spec.name.clone())}</dd>
                    </div>
                    <div class="nb-fact">
                        <dt>"Environment"</dt>
                        <dd>
                            {move || {
                                environment()
                                    .map(|(title, start)| view! { {title} <span class="field-help">{start}</span> })
                            }}
                        </dd>
                    </div>
                    <div class="nb-fact">
                        <dt>"Size"</dt>
                        <dd>
                            {move || request.with(|r| size(&r.spec.resources))}
                            <div class="fit" aria-live="polite">
                                {move || {
                                    let (tone, word, why) = fit_words(&fit.read());
                                    view! {
                                        <StatusBadge tone text=word />
                                        <span class="field-help">{why}</span>
                                    }
                                }}
                                {move || after.get().map(|words| view! { <span class="field-help">{words}</span> })}
                            </div>
                        </dd>
                    </div>
                    <div class="nb-fact">
                        <dt>"Storage"</dt>
                        <dd>
                            {home}
                            <ul class="plain-list">
                                {move || {
                                    request
                                        .with(|r| r.spec.data.clone())
                                        .into_iter()
                                        .map(|m| {
                                            let how = if m.read_only { " read-only" } else { "" };
                                            view! { <li>{format!("data/{}{how}", m.volume)}</li> }
                                        })
                                        .collect_view()
                                }}
                            </ul>
                        </dd>
                    </div>
                    {move || {
                        let names = request.with(variable_names);
                        (!names.is_empty()).then(|| view! { <div class="nb-fact"><dt>"Variables"</dt><dd class="mono wrap">{names}</dd></div> })
                    }}
                    {move || {
                        request
                            .with(|r| r.spec.git.clone())
                            .map(|git| view! { <div class="nb-fact"><dt>"Repository"</dt><dd class="mono wrap">{git.url}" "{git.branch}</dd></div> })
                    }}
                    <div class="nb-fact">
                        <dt>"Idle stop"</dt>
                        <dd>{move || request.with(|r| idle_stop(r.spec.idle_minutes))}</dd>
                    </div>
                </dl>
                {children()}
                <button type="submit" class="btn btn-primary btn-block" disabled=pending aria-busy=move || pending.get().then_some("true")>
                    {move || {
                        if pending.get() { view! { <Icon glyph=Glyph::Loader class="spin" /> } } else { view! { <Icon glyph=Glyph::Rocket class="" /> } }
                    }}
                    "Launch notebook"
                </button>
                {move || view! { <CopyButton text=format!("{}{}{}", origin(), path.get(), template.get()) label="Copy link as template" wordy=true /> }}
            </div>
        </aside>
    }
}

/// Without scripts the facts beside a form that is being typed would be those of its defaults: this stands there instead, with a way to see
/// them as they are.
#[component]
fn UnreadNote(launch: Launch) -> impl IntoView {
    let free = launch.capacity.with_untracked(|c| {
        let cpus = c.cpus_total.saturating_sub(c.cpus_used);
        let memory = crate::components::mib(c.memory_mib_total.saturating_sub(c.memory_mib_used));
        let gpus =
            if c.gpus.is_empty() { String::new() } else { format!(", {} of {} GPUs", c.gpus_total() - c.gpus_used(), c.gpus_total()) };
        format!("{cpus} of {} CPUs and {memory} of memory{gpus}", c.cpus_total)
    });
    view! {
        <div class="stack without-js">
            <p class="field-help">{format!("Free now: {free}. What needs more waits in the queue.")}</p>
            <p class="field-help">
                "Review the launch to see all of it here before it is made. Secrets are not carried along: type their values after the review."
            </p>
            <button type="submit" class="btn btn-block" formaction=super::api::ReviewLaunch::url()>
                "Review launch"
            </button>
        </div>
    }
}

/// Names of variables, and of secrets with a mark.
fn variable_names(request: &LaunchRequest) -> String {
    let names = request.spec.env.iter().map(|v| v.name.clone());
    let secrets = request.secrets.iter().map(|v| format!("{} (secret)", v.name));
    names.chain(secrets).filter(|n| !n.is_empty()).collect::<Vec<_>>().join(", ")
}
