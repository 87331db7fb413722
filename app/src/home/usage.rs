//! What the machine has, and how much of it is promised.

use crate::components::{Meter, mib};
use domain::model::{Capacity, Share};
use leptos::prelude::*;

#[expect(clippy::cast_precision_loss, reason = "a bar needs no more than 52 bits")]
fn float(n: u64) -> f64 {
    n as f64
}

/// Meters of GPUs, CPUs, memory and disk.
#[component]
pub fn Usage(#[prop(into)] capacity: Signal<Capacity>) -> impl IntoView {
    let read = move |f: fn(&Capacity) -> f64| Signal::derive(move || capacity.with(f));
    let say = move |f: fn(&Capacity) -> String| Signal::derive(move || capacity.with(f));
    let has_gpus = Memo::new(move |_| capacity.with(|c| !c.gpus.is_empty()));
    let has_disk = Memo::new(move |_| capacity.with(|c| c.disk_mib_total > 0));
    let note = Memo::new(move |_| capacity.with(|c| c.gpu_note.clone()));
    let share = Memo::new(move |_| capacity.with(|c| c.share.clone()));
    view! {
        <section class="card panel" aria-labelledby="usage-head">
            <h2 id="usage-head">{move || capacity.with(Capacity::place)}</h2>
            <div class="stack meters">
                <Meter
                    label="CPUs"
                    value=read(|c| f64::from(c.cpus_used))
                    max=read(|c| f64::from(c.cpus_total))
                    reading=say(|c| format!("{} of {} free", c.cpus_total.saturating_sub(c.cpus_used), c.cpus_total))
                />
                <Meter
                    label="Memory"
                    value=read(|c| float(c.memory_mib_used))
                    max=read(|c| float(c.memory_mib_total))
                    reading=say(|c| format!("{} of {} free", mib(c.memory_mib_total.saturating_sub(c.memory_mib_used)), mib(c.memory_mib_total)))
                />
                {move || {
                    has_gpus
                        .get()
                        .then(|| {
                            view! {
                                <Meter
                                    label="GPUs"
                                    value=read(|c| f64::from(c.gpus_used()))
                                    max=read(|c| f64::from(c.gpus_total()))
                                    reading=say(|c| format!("{} of {} free", c.gpus_total() - c.gpus_used(), c.gpus_total()))
                                />
                            }
                        })
                }}
                {move || {
                    has_disk
                        .get()
                        .then(|| {
                            view! {
                                <Meter
                                    label="Disk"
                                    value=read(|c| float(c.disk_mib_total.saturating_sub(c.disk_mib_free)))
                                    max=read(|c| float(c.disk_mib_total))
                                    reading=say(|c| format!("{} of {} free", mib(c.disk_mib_free), mib(c.disk_mib_total)))
                                />
                            }
                        })
                }}
                {move || (!has_gpus.get()).then(|| note.get().map(|text| view! { <p class="field-help">{text}</p> }))}
            </div>
            {move || share.get().map(|share| view! { <Quota share /> })}
        </section>
    }
}

/// What the team's notebooks hold of its quota.
#[component]
fn Quota(share: Share) -> impl IntoView {
    let quota = share.quota;
    let rows = [
        ("CPUs", u64::from(share.cpus), quota.cpus.map(u64::from), None),
        ("Memory", share.memory_mib, quota.memory_mib, Some(mib as fn(u64) -> String)),
        ("GPUs", u64::from(share.gpus), quota.gpus.map(u64::from), None),
    ];
    let rows = rows.into_iter().filter_map(|(label, held, most, unit)| {
        let (say, most) = (move |n: u64| unit.map_or_else(|| n.to_string(), |unit| unit(n)), most?);
        let reading = format!("{} of {} in use", say(held), say(most));
        Some(view! { <Meter label value=float(held) max=float(most) reading=Signal::stored(reading) /> })
    });
    view! {
        <h3>"Quota of the team"</h3>
        <div class="stack meters">{rows.collect_view()}</div>
    }
}
