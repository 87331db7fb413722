//! What the machine has, and which workloads hold it.

use super::holders::Holders;
use crate::{
    components::{EmptyState, Glyph, LoadingPage, Meter, Page, StatusBadge, Tone, mib, page_or_error},
    error::AppError,
    home::api::{system_compute, system_holders},
    live::{kept_current, use_live},
};
use domain::model::{Capacity, Change, Gpu, Holder};
use leptos::prelude::*;

type Machine = (Capacity, Vec<Holder>);

/// CPUs, memory, disk and GPUs; follows the live stream.
#[component]
pub fn ComputePage() -> impl IntoView {
    let live = use_live();
    let changes = live.changes(|event| event.change == Change::Capacity);
    let first = Resource::new(
        || (),
        move |()| async move {
            live.positioned().await;
            look().await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Compute" /> }>
            {move || Suspend::new(async move { page_or_error(first.await, |first| view! { <Compute first changes /> }) })}
        </Transition>
    }
}

async fn look() -> Result<Machine, AppError> {
    Ok((system_compute().await?, system_holders().await?))
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes of one machine are far below 2^52")]
fn share(amount: u64) -> f64 {
    amount as f64
}

#[component]
fn Compute(first: Machine, changes: RwSignal<u32>) -> impl IntoView {
    let machine = kept_current(first, 0, move || changes.get(), |_| look());
    let capacity = Memo::new(move |_| machine.with(|(capacity, _)| capacity.clone()));
    let holders = Memo::new(move |_| machine.with(|(_, holders)| holders.clone()));
    let gpus = move || {
        let Capacity { gpus, gpu_note, .. } = capacity.get();
        if gpus.is_empty() {
            let text = gpu_note.unwrap_or_else(|| "No GPU was found on this machine.".to_owned());
            view! { <EmptyState glyph=Glyph::Cpu title="No GPUs" text /> }.into_any()
        } else {
            view! { <GpuTable gpus /> }.into_any()
        }
    };
    view! {
        <Page title="Compute" lead="What there is, and what is promised to workloads.">
            <div class="stats">
                <Stat
                    label="CPUs"
                    capacity
                    read=|c| (f64::from(c.cpus_used), f64::from(c.cpus_total), format!("{} of {}", c.cpus_used, c.cpus_total))
                />
                <Stat
                    label="Memory"
                    capacity
                    read=|c| {
                        (share(c.memory_mib_used), share(c.memory_mib_total), format!("{} of {}", mib(c.memory_mib_used), mib(c.memory_mib_total)))
                    }
                />
                <Stat
                    label="GPUs"
                    capacity
                    read=|c| {
                        let (used, total) = (c.gpus_used(), c.gpus_total());
                        let reading = if total == 0 { "None".to_owned() } else { format!("{used} of {total} in use") };
                        (f64::from(used), f64::from(total), reading)
                    }
                />
                <Stat
                    label="Disk"
                    capacity
                    read=|c| {
                        let used = c.disk_mib_total.saturating_sub(c.disk_mib_free);
                        let reading = match c.disk_mib_total {
                            0 => "Not counted".to_owned(),
                            total => format!("{} of {} used", mib(used), mib(total)),
                        };
                        (share(used), share(c.disk_mib_total), reading)
                    }
                />
            </div>
            <section class="section" aria-labelledby="holders">
                <div class="section-head">
                    <h2 id="holders">"Held by"</h2>
                </div>
                <Holders holders />
            </section>
            <section class="section" aria-labelledby="gpus">
                <div class="section-head">
                    <h2 id="gpus">"GPUs"</h2>
                </div>
                {gpus}
            </section>
        </Page>
    }
}

/// One of the machine's amounts; `read` gives what is used, what there is, and both in words.
#[component]
fn Stat(label: &'static str, capacity: Memo<Capacity>, read: fn(&Capacity) -> (f64, f64, String)) -> impl IntoView {
    let now = Memo::new(move |_| capacity.with(read));
    view! {
        <div class="card card-body">
            <Meter
                label
                value=Signal::derive(move || now.read().0)
                max=Signal::derive(move || now.read().1)
                reading=Signal::derive(move || now.read().2.clone())
            />
        </div>
    }
}

#[component]
fn GpuTable(gpus: Vec<Gpu>) -> impl IntoView {
    view! {
        <div class="table-wrap">
            <table class="table">
                <caption class="sr-only">"GPUs of this machine"</caption>
                <thead>
                    <tr>
                        <th scope="col" class="num">
                            "Index"
                        </th>
                        <th scope="col">"GPU"</th>
                        <th scope="col" class="num">
                            "Memory"
                        </th>
                        <th scope="col" class="num">
                            "Utilisation"
                        </th>
                        <th scope="col">"Held by"</th>
                    </tr>
                </thead>
                <tbody>{gpus.into_iter().map(|gpu| view! { <GpuRow gpu /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn GpuRow(gpu: Gpu) -> impl IntoView {
    let memory = match gpu.memory_used_mib {
        Some(used) => format!("{} of {}", mib(used), mib(gpu.memory_mib)),
        None => mib(gpu.memory_mib),
    };
    view! {
        <tr>
            <td class="num">{gpu.index}</td>
            <th scope="row">
                {gpu.name} <span class="sub mono">{gpu.uuid}</span>
            </th>
            <td class="num">{memory}</td>
            <td class="num">{gpu.utilisation_percent.map_or_else(|| "Not told".to_owned(), |p| format!("{p} %"))}</td>
            <td>
                {match gpu.used_by {
                    Some(by) => view! { <span class="mono">{by}</span> }.into_any(),
                    None => view! { <StatusBadge tone=Tone::Good text="Free" /> }.into_any(),
                }}
            </td>
        </tr>
    }
}
