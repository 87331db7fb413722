//! A chart of what runs ended with: pointed at, read by keyboard, and its axes' ranges drawn with the pointer.

use crate::{
    charts::{
        Drawing, Picture, Query,
        api::Comparison,
        follow_width, grouped, use_follow,
        values::{Look, Scene, scene, short},
    },
    tracking::page_of_run,
};
use leptos::{ev, html::Div, prelude::*};
use leptos_router::hooks::use_navigate;
use std::{fmt::Write as _, sync::Arc};

/// Pixels of the chart.
const HEIGHT: u32 = 420;
/// Pixels on each side of an upright axis where dragging means a range of it.
const BESIDE: f64 = 18.0;
/// Pixels that a pointer is dragged before it means a range.
const DRAGGED: f64 = 5.0;

/// A range that is being drawn: the axis, and from where to where in the drawing's units.
type Drag = (usize, f64, f64);

/// What is drawn, as the page shares it.
pub type Shown = Memo<Arc<Scene>>;

/// The chart of `found` as `query` and `look` ask for it.
pub fn shown(found: RwSignal<Comparison>, query: Memo<Query>, look: Memo<Look>, width: RwSignal<u32>) -> Shown {
    let drawn = move |_: Option<&Arc<Scene>>| {
        let query = Query { width: width.get(), ..query.get() };
        Arc::new(found.with(|f| look.with(|look| scene(&f.values, &query, look, HEIGHT))))
    };
    Memo::new_with_compare(drawn, |_, _| true)
}

/// What is pointed at, in words: a run's name with its values of the chart's keys, or what the chart says of it.
fn words(found: &Comparison, scene: &Scene, item: usize) -> Option<String> {
    let item = scene.items.get(item)?;
    let Some(run) = item.run else { return Some(item.words.clone()) };
    let of = |key: &String| found.values.field(key).map(|field| format!("{} {}", short(key), field.text(run)));
    let values: Vec<String> = found.values.fields.iter().filter_map(|field| of(&field.key)).collect();
    Some(format!("{}: {}", found.values.runs.get(run)?.name, values.join(" · ")))
}

#[component]
pub fn ValuesChart(
    team: String,
    found: RwSignal<Comparison>,
    scene: Shown,
    look: Memo<Look>,
    width: RwSignal<u32>,
    /// The item that is pointed at.
    pointed: RwSignal<Option<usize>>,
    #[prop(into)] label: Signal<String>,
) -> impl IntoView {
    let (node, follow, navigate) = (NodeRef::<Div>::new(), use_follow(), use_navigate());
    let (kept, drag) = (RwSignal::new(None::<usize>), RwSignal::new(None::<Drag>));
    // Another chart has other items.
    Effect::new(move || {
        scene.track();
        kept.set(None);
        pointed.set(None);
    });
    follow_width(node, width);
    let drawing = Drawing::new(move |target| scene.get().draw_on(target));
    let item = Memo::new(move |_| pointed.get().or(kept.get()));
    let lit = move || item.get().map(|item| scene.read().lit(item));
    let said = Memo::new(move |_| item.get().and_then(|item| found.with(|f| words(f, &scene.read(), item))));
    let run = Memo::new(move |_| {
        let run = item.get().and_then(|item| scene.read().items.get(item).and_then(|item| item.run))?;
        found.with(|f| f.values.runs.get(run).map(|named| named.id.clone()))
    });
    // Where a pointer is in the drawing's units, and how many of them are a pixel.
    let spot = move |ev: &ev::PointerEvent| {
        node.get_untracked().map(|plot| {
            let (place, size) = (plot.get_bounding_client_rect(), scene.get_untracked().size);
            let unit = f64::from(size.0) / place.width().max(1.0);
            ((f64::from(ev.client_x()) - place.left()) * unit, (f64::from(ev.client_y()) - place.top()) * unit, unit)
        })
    };
    let axis_at =
        move |x: f64, unit: f64| scene.read_untracked().axes.iter().position(|axis| (f64::from(axis.1) - x).abs() <= BESIDE * unit);
    let moved = move |ev: ev::PointerEvent| {
        let Some((x, y, _)) = spot(&ev) else { return };
        if let Some((axis, start, _)) = drag.get_untracked() {
            drag.set(Some((axis, start, y)));
        } else {
            let nearest = scene.read_untracked().nearest((x, y));
            if pointed.get_untracked() != nearest {
                pointed.set(nearest);
            }
        }
    };
    let pressed_down = move |ev: ev::PointerEvent| {
        let Some((x, y, unit)) = spot(&ev).filter(|_| ev.button() == 0) else { return };
        if let Some(axis) = axis_at(x, unit) {
            drag.set(Some((axis, y, y)));
            ev.prevent_default();
        }
    };
    let released = {
        let follow = follow.clone();
        move |ev: ev::PointerEvent| {
            let Some((axis, start, end)) = drag.get_untracked() else {
                kept.set(pointed.get_untracked());
                return;
            };
            drag.set(None);
            let unit = spot(&ev).map_or(1.0, |(_, _, unit)| unit);
            let scene = scene.get_untracked();
            let Some((key, _, axis)) = scene.axes.get(axis) else { return };
            let (a, b) = (axis.value(start), axis.value(end));
            let range = if (end - start).abs() < DRAGGED * unit { (None, None) } else { (Some(a.min(b)), Some(a.max(b))) };
            follow(&[("ranges", &look.with_untracked(|look| look.ranged(key, range)))]);
        }
    };
    let place = team.clone();
    let pressed = move |ev: ev::KeyboardEvent| {
        let last = scene.read_untracked().items.len().saturating_sub(1);
        let now = item.get_untracked();
        let leap = if ev.shift_key() { 10 } else { 1 };
        let to = match ev.key().as_str() {
            "ArrowRight" | "ArrowDown" => Some(now.map_or(0, |now| (now + leap).min(last))),
            "ArrowLeft" | "ArrowUp" => Some(now.map_or(0, |now| now.saturating_sub(leap))),
            "Home" => Some(0),
            "End" => Some(last),
            "Enter" => {
                if let Some(run) = run.get_untracked() {
                    navigate(&page_of_run(&place, run.as_str()), leptos_router::NavigateOptions::default());
                }
                return;
            }
            "Escape" => None,
            _ => return,
        };
        ev.prevent_default();
        pointed.set(None);
        kept.set(to);
    };
    let ranges = move || {
        let scene = scene.get();
        let half = BESIDE;
        let rect = |x: i32, a: f64, b: f64| {
            let (x, top, high) = (f64::from(x) - half, a.min(b), (a - b).abs());
            view! { <rect x=x.to_string() y=top.to_string() width=(2.0 * half).to_string() height=high.to_string() /> }
        };
        let chosen = scene.axes.iter().filter_map(|(key, x, axis)| {
            let (from, to) = look.with(|look| look.ranges.get(key).copied())?;
            let (first, last) = axis.pixels();
            let place = |end: Option<f64>, other: i32| end.and_then(|v| axis.place(v)).unwrap_or(other);
            Some(rect(*x, f64::from(place(from, first)), f64::from(place(to, last))))
        });
        let drawn = drag.get().and_then(|(axis, start, end)| scene.axes.get(axis).map(|(_, x, _)| rect(*x, start, end)));
        chosen.chain(drawn).collect_view()
    };
    let size = move || {
        let (wide, high) = scene.read().size;
        format!("0 0 {wide} {high}")
    };
    view! {
        <div
            class="chart-hold"
            node_ref=node
            tabindex="0"
            role="group"
            aria-label="Chart: the arrow keys read what is drawn, Enter opens a run, Escape leaves it"
            on:pointermove=moved
            on:pointerleave=move |_| {
                pointed.set(None);
                drag.set(None);
            }
            on:pointerdown=pressed_down
            on:pointerup=released
            on:keydown=pressed
        >
            <Picture label drawing />
            {move || lit().map(|svg| view! { <div class="chart-plot chart-lit" aria-hidden="true" inner_html=svg></div> })}
            <svg class="chart-over" viewBox=size aria-hidden="true">
                {ranges}
            </svg>
        </div>
        <p class="chart-said num" role="status">
            {move || said.get()}
            {move || {
                let run = run.get()?;
                Some(
                    view! {
                        " "
                        <a href=page_of_run(&team, run.as_str()) tabindex="-1">
                            "Open"
                        </a>
                    },
                )
            }}
        </p>
    }
}

/// What is drawn, and what is not.
pub fn told(found: &Comparison, scene: &Scene) -> String {
    let runs = if found.all == 1 { "run" } else { "runs" };
    let mut text = format!("{} of {} {runs}", grouped(scene.runs), grouped(found.all));
    let without = found.all.saturating_sub(scene.runs);
    if without > 0 {
        let lack = if without == 1 { "lacks a value or has none" } else { "lack a value or have none" };
        _ = write!(text, " · {} {lack} that the axes have a place for", grouped(without));
    }
    for said in &scene.said {
        text += " · ";
        text += said;
    }
    if found.more {
        text += " · more runs match than can be compared: narrow the filter";
    }
    text
}
