//! A picture that one may point at, read by keyboard, and draw a part of larger.

use super::{
    controls::use_follow,
    line::Line,
    picture::Frame,
    query::XAxis,
    surface::{Drawing, Target},
    ticks::number,
};
use crate::components::{duration, exact_time, frame::use_looks};
use leptos::{
    ev,
    html::{self, Div},
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
};
use std::time::Duration;
use web_sys::{IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit, ResizeObserver};

/// Pixels that a pointer is dragged before it means a part of the axis.
const DRAGGED: f64 = 6.0;
/// Hundredths of the axis that a key goes, alone and with the shift key.
const STEP: i32 = 1;
const LEAP: i32 = 10;

/// What is read at a place of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub x: f64,
    pub value: f64,
}

/// The point of a line that is nearest to `x`, as it is drawn strong; none where the line has none or does not reach that far.
pub fn reading(line: &Line, x: f64) -> Option<Reading> {
    let drawn = line.smooth.as_ref().unwrap_or(&line.raw);
    let (first, last) = drawn.x.first().zip(drawn.x.last())?;
    let at = drawn.x.partition_point(|place| *place < x);
    let near = [at.saturating_sub(1), at].into_iter().filter(|i| *i < drawn.x.len() && !drawn.y[*i].is_nan());
    let nearest = near.min_by(|a, b| (drawn.x[*a] - x).abs().total_cmp(&(drawn.x[*b] - x).abs()))?;
    // A little beside its end is meant for it; further out there is nothing.
    let beside = (last - first) * 0.01;
    let found = Reading { x: drawn.x[nearest], value: drawn.y[nearest] };
    (x >= first - beside && x <= last + beside).then_some(found)
}

/// A place of the axis in words.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds fit")]
pub fn place_words(axis: XAxis, x: f64) -> String {
    match axis {
        XAxis::Step => format!("step {}", number(x.round() + 0.0)),
        XAxis::Wall => exact_time(x as i64),
        XAxis::Metric => format!("at {}", number(x)),
        XAxis::Relative => format!("after {}", duration((x * 1000.0) as i64)),
    }
}

/// Keeps `width` at the pixels that there is room for.
pub fn follow_width(node: NodeRef<Div>, width: RwSignal<u32>) {
    let measure = move || {
        let wide = node.try_get_untracked().flatten().and_then(|plot| u32::try_from(plot.client_width()).ok());
        if let Some(wide) = wide.filter(|wide| *wide > 0) {
            let wide = wide.clamp(240, 2000);
            if width.try_get_untracked().is_some_and(|now| now != wide) {
                width.set(wide);
            }
        }
    };
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        measure();
        // In the next frame: a chart that is drawn anew has another height, of which the observer would complain.
        let resized = Closure::<dyn FnMut()>::new(move || request_animation_frame(measure));
        let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) else { return };
        observer.observe(&element);
        let kept = StoredValue::new_local((observer, resized));
        on_cleanup(move || _ = kept.try_with_value(|(observer, _)| observer.disconnect()));
    });
}

/// The same value, a moment later: after the browser has painted what else follows from a change. A click is answered at once, and a large picture may take
/// longer.
pub fn after_paint<T: Clone + Send + Sync + 'static>(now: Memo<T>) -> RwSignal<T> {
    let later = RwSignal::new(now.get_untracked());
    Effect::new(move |seen: Option<()>| {
        now.track();
        if seen.is_some() {
            request_animation_frame(move || {
                set_timeout(
                    move || {
                        if let Some(value) = now.try_get_untracked() {
                            later.try_set(value);
                        }
                    },
                    Duration::ZERO,
                );
            });
        }
    });
    later
}

/// Whether an element was ever on the screen, or less than half a screen from it, or is to be printed.
fn use_near(node: NodeRef<Div>) -> RwSignal<bool> {
    let near = RwSignal::new(false);
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        let (place, high) = (element.get_bounding_client_rect(), window().inner_height().ok().and_then(|high| high.as_f64()));
        if high.is_none_or(|high| place.top() < high * 1.5 && place.bottom() > high * -0.5) {
            return near.set(true);
        }
        let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let last: Option<IntersectionObserverEntry> = entries.pop().dyn_into().ok();
            if last.is_some_and(|entry| entry.is_intersecting()) {
                near.try_set(true);
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin("50%");
        let Ok(observer) = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options) else { return near.set(true) };
        observer.observe(&element);
        let printed = window_event_listener_untyped("beforeprint", move |_| _ = near.try_set(true));
        // In here, since the server has no effects: it may end a page on another thread than it began it on, where these cannot go.
        let kept = StoredValue::new_local((observer, seen));
        on_cleanup(move || {
            printed.remove();
            kept.try_with_value(|(observer, _)| observer.disconnect());
        });
    });
    near
}

/// A chart as it is seen: the server's SVG, and from the moment that it comes near the screen a canvas, painted again when what is drawn or the theme
/// changes.
#[component]
pub fn Picture(
    #[prop(into)] label: Signal<String>,
    drawing: Drawing,
    /// Something lies over it.
    #[prop(optional, into)]
    faint: Signal<bool>,
) -> impl IntoView {
    let (host, sent, canvas) = (NodeRef::<Div>::new(), NodeRef::<Div>::new(), NodeRef::<html::Canvas>::new());
    // In the browser what the server sent stays.
    let svg = if cfg!(feature = "ssr") { untrack(|| drawing.svg()) } else { String::new() };
    let (near, looks) = (use_near(host), use_looks());
    let near = Memo::new(move |_| near.get());
    Effect::new(move |_| {
        let (Some(canvas), Some(sent)) = (canvas.get(), sent.get()) else { return };
        if near.get() {
            looks.track();
            timed("slipway:draw", || drawing.on(Target::Canvas(canvas.clone())));
            // Nothing is on it where the browser has none to give.
            if canvas.has_attribute("data-marks") {
                sent.set_inner_html("");
            }
        }
    });
    view! {
        <div class="chart-plot" class:lit=faint node_ref=host role="img" aria-label=move || label.get()>
            <div node_ref=sent inner_html=svg></div>
            <canvas node_ref=canvas></canvas>
        </div>
    }
}

/// Runs `work`, and leaves how long it took among the browser's timings.
fn timed(name: &str, work: impl FnOnce()) {
    let performance = window().performance();
    if let Some(performance) = &performance {
        _ = performance.mark(name);
    }
    work();
    if let Some(performance) = performance {
        performance.clear_measures_with_measure_name(name);
        _ = performance.measure_with_start_mark(name, name);
        performance.clear_marks_with_mark_name(name);
    }
}

/// A picture as wide as it is shown: `width` becomes what there is room for. `cursor` is the place that all charts of the page are read at.
#[component]
pub fn Plot(
    #[prop(into)] label: Signal<String>,
    drawing: Drawing,
    #[prop(into)] frame: Signal<Frame>,
    /// Drawn over the picture, which becomes faint.
    #[prop(optional, into)]
    over: Signal<Option<String>>,
    cursor: RwSignal<Option<f64>>,
    width: RwSignal<u32>,
) -> impl IntoView {
    let (node, follow) = (NodeRef::<Div>::new(), use_follow());
    let drag = RwSignal::new(None::<(f64, f64)>);
    follow_width(node, width);
    // How far from the left edge, and how wide the picture is.
    let pixel = move |ev: &ev::PointerEvent| {
        node.get_untracked().map(|plot| {
            let place = plot.get_bounding_client_rect();
            (f64::from(ev.client_x()) - place.left(), place.width())
        })
    };
    let moved = move |ev: ev::PointerEvent| {
        let Some((at, wide)) = pixel(&ev) else { return };
        cursor.set(frame.get_untracked().value(at, wide));
        if let Some((start, _)) = drag.get_untracked() {
            drag.set(Some((start, at / wide)));
        }
    };
    let zoom = {
        let follow = follow.clone();
        move |_: ev::PointerEvent| {
            let (Some((start, end)), Some(plot)) = (drag.get_untracked(), node.get_untracked()) else { return };
            drag.set(None);
            let wide = f64::from(plot.client_width());
            if (end - start).abs() * wide < DRAGGED {
                return;
            }
            let frame = frame.get_untracked();
            let ends = [start.min(end), start.max(end)].map(|share| frame.value(share * wide, wide));
            let texts = ends.map(|end| end.map(|v| v.to_string()).unwrap_or_default());
            follow(&[("from", &texts[0]), ("to", &texts[1])]);
        }
    };
    let whole = move || follow(&[("from", ""), ("to", "")]);
    let (by_mouse, by_key) = (whole.clone(), whole);
    let pressed = move |ev: ev::KeyboardEvent| {
        let step = if ev.shift_key() { LEAP } else { STEP };
        let (frame, now) = (frame.get_untracked(), cursor.get_untracked());
        let to = match ev.key().as_str() {
            "ArrowRight" => Some(frame.further(now, step)),
            "ArrowLeft" => Some(frame.further(now, -step)),
            "Home" => Some(frame.further(None, 0)),
            "End" => Some(frame.further(Some(frame.further(None, 0)), 100)),
            "Escape" if now.is_some() => None,
            "Escape" => return by_key(),
            _ => return,
        };
        ev.prevent_default();
        cursor.set(to);
    };
    let line = move || {
        cursor.get().and_then(|x| frame.get().share(x)).map(|at| view! { <line x1=at.to_string() x2=at.to_string() y1="0" y2="1" /> })
    };
    let part = move || {
        drag.get().map(|(start, end)| {
            view! { <rect x=start.min(end).to_string() width=(end - start).abs().to_string() y="0" height="1" /> }
        })
    };
    view! {
        <div
            class="chart-hold"
            node_ref=node
            tabindex="0"
            role="group"
            aria-label="Chart: the arrow keys read its values, dragging shows a part, Escape shows all"
            on:pointermove=moved
            on:pointerleave=move |_| {
                cursor.set(None);
                drag.set(None);
            }
            on:pointerdown=move |ev| {
                if let Some((at, wide)) = pixel(&ev).filter(|_| ev.button() == 0 && ev.pointer_type() != "touch") {
                    drag.set(Some((at / wide, at / wide)));
                }
            }
            on:pointerup=zoom
            on:dblclick=move |_| by_mouse()
            on:keydown=pressed
        >
            <Picture label drawing faint=Signal::derive(move || over.with(Option::is_some)) />
            {move || over.get().map(|svg| view! { <div class="chart-plot chart-lit" aria-hidden="true" inner_html=svg></div> })}
            <svg class="chart-over" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
                {line}
                {part}
            </svg>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Query;
    use domain::model::{Point, RunId};

    #[test]
    fn the_nearest_point_is_read_and_none_beyond_the_line() {
        let points = [(0, 1.0), (10, f64::NAN), (20, 3.0)].map(|(step, value)| Point { step, timestamp: 0, value });
        let line = Line::of(RunId::from("r"), "r".into(), None, points.into(), &Query::default().sound(), None);
        let value = |x| reading(&line, x).map(|r| r.value);
        assert_eq!(
            [value(-5.0), value(0.1), value(9.0), value(16.0), value(20.1), value(30.0)],
            [None, Some(1.0), Some(1.0), Some(3.0), Some(3.0), None]
        );
    }
}
