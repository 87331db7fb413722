//! What a chart of values shows, chosen: fields of a GET form, and the axes of parallel coordinates.

use crate::{
    charts::{
        Band, Choice, Kind, Middle, Named, Query, Scale,
        api::{Comparison, keys},
        use_follow,
        values::{Front, Look, turned},
    },
    components::{FilterBar, with_query},
};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// `query` is what is drawn.
#[component]
pub fn ValuesControls(found: RwSignal<Comparison>, query: Memo<Query>, look: Memo<Look>, children: Children) -> impl IntoView {
    let kind = Memo::new(move |_| query.with(|q| q.chart));
    let all = Memo::new(move |_| found.with(|f| keys(&f.metrics, &f.groups).collect::<Vec<_>>()));
    let metrics = Signal::derive(move || found.with(|f| f.metrics.clone()));
    let groups = Signal::derive(move || found.with(|f| f.groups.clone()));
    let of = move |part: fn(&Query) -> &String| Memo::new(move |_| query.with(|q| part(q).clone()));
    let is = move |kinds: &'static [Kind]| move || kinds.contains(&kind.get());
    let grouped = Memo::new(move |_| query.with(|q| !q.group.is_empty()));
    view! {
        <FilterBar label="Chart">
            {children()}
            <Show when=is(&[Kind::Bar, Kind::Box, Kind::Violin, Kind::Histogram, Kind::Importance, Kind::Heat, Kind::Contour])>
                <Named label="Metric" name="metric" all=metrics now=of(|q| &q.metric) />
            </Show>
            <Show when=is(&[Kind::Scatter, Kind::Heat, Kind::Contour])>
                <Named label="Across" name="horizontal" all now=of(|q| &q.horizontal) />
                <Choice label="on" name="across" all=&Scale::ALL now=Memo::new(move |_| query.with(|q| q.across)) />
                <Named label="Up" name="vertical" all now=of(|q| &q.vertical) />
                <Choice label="on" name="y" all=&Scale::ALL now=Memo::new(move |_| query.with(|q| q.up)) />
            </Show>
            <Show when=is(&[Kind::Scatter])>
                <Named label="Colour" name="colour" all now=of(|q| &q.colour) none="One colour" />
                <Choice label="Front" name="front" all=&Front::ALL now=Memo::new(move |_| look.with(|l| l.front)) />
            </Show>
            <Show when=is(&[Kind::Parallel])>
                <Named label="Colour" name="colour" all now=of(|q| &q.colour) />
            </Show>
            <Show when=is(&[Kind::Bar, Kind::Box, Kind::Violin, Kind::Histogram])>
                <Named label="Group by" name="group" all=groups now=of(|q| &q.group) none="All runs" />
            </Show>
            <Show when=move || kind.get() == Kind::Bar && grouped.get()>
                <Choice label="Middle" name="middle" all=&Middle::ALL now=Memo::new(move |_| query.with(|q| q.middle)) />
                <Choice label="Band" name="band" all=&Band::ALL now=Memo::new(move |_| query.with(|q| q.band)) />
            </Show>
            <Show when=is(&[Kind::Bar, Kind::Box, Kind::Violin])>
                <Choice label="Values" name="y" all=&Scale::ALL now=Memo::new(move |_| query.with(|q| q.up)) />
            </Show>
            <button type="submit" class="btn without-js">
                "Draw chart"
            </button>
        </FilterBar>
        <Show when=is(&[Kind::Parallel])>
            <Axes found query look all />
        </Show>
    }
}

/// The keys with the one at `at` moved by `by` places.
fn moved(axes: &[String], at: usize, by: isize) -> String {
    let mut axes = axes.to_vec();
    if let Some(to) = at.checked_add_signed(by).filter(|to| *to < axes.len()) {
        axes.swap(at, to);
    }
    axes.join(",")
}

/// The axes of parallel coordinates, each with what can be done to it.
#[component]
fn Axes(found: RwSignal<Comparison>, query: Memo<Query>, look: Memo<Look>, all: Memo<Vec<String>>) -> impl IntoView {
    let (address, path) = (use_query_map(), use_location().pathname);
    let link = move |name: &'static str, value: String| with_query(&path.read(), &address.read(), name, &value);
    let axes = Memo::new(move |_| query.with(|q| q.axes.clone()));
    let text = move |key: &str| found.with(|f| f.values.field(key).is_some_and(crate::charts::values::Field::is_text));
    let act = move |label: &'static str, key: &str, href: String, pressed: Option<bool>| {
        view! {
            <a class="btn btn-sm btn-ghost" href=href data-noscroll="true" aria-label=format!("{label} {key}") aria-current=pressed.and_then(|on| on.then_some("true"))>
                {label}
            </a>
        }
    };
    let rows = move || {
        let keys = axes.get();
        let last = keys.len().saturating_sub(1);
        let row = |(i, key): (usize, &String)| {
            let without = keys.iter().filter(|other| *other != key).cloned().collect::<Vec<_>>().join(",");
            let (flipped, log) = look.with(|l| (l.flipped.contains(key), l.logs.contains(key)));
            view! {
                <tr>
                    <th scope="row" class="mono wrap">
                        {key.clone()}
                    </th>
                    <td data-label="Range">
                        <RangeEnds key_name=key.clone() look />
                    </td>
                    <td class="td-actions">
                        {(i > 0).then(|| act("Left", key, link("axes", moved(&keys, i, -1)), None))}
                        {(i < last).then(|| act("Right", key, link("axes", moved(&keys, i, 1)), None))}
                        {act("Flip", key, link("flip", look.with(|l| turned(&l.flipped, key))), Some(flipped))}
                        {(!text(key)).then(|| act("Log", key, link("logs", look.with(|l| turned(&l.logs, key))), Some(log)))}
                        {(keys.len() > 2).then(|| act("Remove", key, link("axes", without), None))}
                    </td>
                </tr>
            }
        };
        keys.iter().enumerate().map(row).collect_view()
    };
    let further = move || {
        let keys = axes.get();
        let add = |key: &String| {
            let href = link("axes", keys.iter().chain([key]).cloned().collect::<Vec<_>>().join(","));
            view! {
                <a class="chip mono" href=href data-noscroll="true">
                    {key.clone()}
                </a>
            }
        };
        all.with(|all| all.iter().filter(|key| !keys.contains(key)).map(add).collect_view())
    };
    view! {
        <details class="more">
            <summary>"Axes: order, direction and ranges"</summary>
            <div class="more-body stack">
                <div class="table-wrap">
                    <table class="table stacked">
                        <caption class="sr-only">"Axes of the chart"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Axis"</th>
                                <th scope="col">"Range"</th>
                                <th scope="col">
                                    <span class="sr-only">"Change"</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <div class="chips" role="group" aria-label="Add an axis">
                    <span class="muted">"Add:"</span>
                    {further}
                </div>
            </div>
        </details>
    }
}

/// The two ends of an axis' range: the same as dragging along the axis.
#[component]
fn RangeEnds(key_name: String, look: Memo<Look>) -> impl IntoView {
    let follow = use_follow();
    let key = StoredValue::new(key_name.clone());
    let now = Memo::new(move |_| look.with(|l| l.ranges.get(&key.get_value()).copied().unwrap_or_default()));
    let end = |label: &'static str, first: bool| {
        let follow = follow.clone();
        let value = move || {
            let (from, to) = now.get();
            (if first { from } else { to }).map(|v| v.to_string()).unwrap_or_default()
        };
        let set = move |text: String| {
            let (from, to) = now.get_untracked();
            let typed = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
            let range = if first { (typed, to) } else { (from, typed) };
            follow(&[("ranges", &look.with_untracked(|l| l.ranged(&key.get_value(), range)))]);
        };
        view! {
            <input
                class="input chart-end"
                type="number"
                step="any"
                aria-label=format!("{label} of {key_name}")
                placeholder=label
                prop:value=value
                on:change:target=move |ev| set(ev.target().value())
            />
        }
    };
    view! { <span class="row needs-js">{end("From", true)} {end("To", false)}</span> }
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn an_axis_changes_places_with_its_neighbour() {
        let axes = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(moved(&axes, 1, -1), "b,a,c");
        assert_eq!(moved(&axes, 1, 1), "a,c,b");
        assert_eq!(moved(&axes, 0, -1), "a,b,c");
        assert_eq!(moved(&axes, 2, 1), "a,b,c");
    }
}
