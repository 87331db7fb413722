//! What the machine has, and which workloads hold it.

use super::holders::HoldersTable;
use crate::{
    components::{EmptyState, Glyph, LoadingPage, Meter, Page, StatusBadge, Tone, mib, page_or_error},
    home::api::{system_compute, system_holders},
    live::use_live,
};
use domain::model::{Capacity, Change, Gpu, Holder};
use leptos::prelude::*;

/// CPUs, memory, disk and GPUs; follows the live stream.
#[component]
pub fn ComputePage() -> impl IntoView {
    let changes = use_live().changes(|event| event.change == Change::Capacity);
    let capacity = Resource::new(move || changes.get(), |_| async { Ok((system_compute().await?, system_holders().await?)) });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Compute" /> }>
            {move || Suspend::new(async move { page_or_error(capacity.await, |(capacity, holders)| view! { <Machine capacity holders /> }) })}
        </Transition>
    }
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes of one machine are far below 2^52")]
fn share(amount: u64) -> f64 {
    amount as f64
}

#[component]
fn Machine(capacity: Capacity, holders: Vec<Holder>) -> impl IntoView {
    let c = capacity;
    let (gpus_used, gpus_total) = (c.gpus_used(), c.gpus_total());
    let disk_used = c.disk_mib_total.saturating_sub(c.disk_mib_free);
    let note = c.gpu_note.clone().unwrap_or_else(|| "No GPU was found on this machine.".to_owned());
    let gpus = c.gpus;
    view! {
        <Page title="Compute" lead="What this machine has, and what is promised to workloads.">
            <div class="stats">
                <div class="card card-body">
                    <Meter
                        label="CPUs"
                        value=f64::from(c.cpus_used)
                        max=f64::from(c.cpus_total)
                        reading=format!("{} of {}", c.cpus_used, c.cpus_total)
                    />
                </div>
                <div class="card card-body">
                    <Meter
                        label="Memory"
                        value=share(c.memory_mib_used)
                        max=share(c.memory_mib_total)
                        reading=format!("{} of {}", mib(c.memory_mib_used), mib(c.memory_mib_total))
                    />
                </div>
                <div class="card card-body">
                    <Meter
                        label="GPUs"
                        value=f64::from(gpus_used)
                        max=f64::from(gpus_total)
                        reading=if gpus_total == 0 { "None".to_owned() } else { format!("{gpus_used} of {gpus_total} in use") }
                    />
                </div>
                <div class="card card-body">
                    <Meter
                        label="Disk"
                        value=share(disk_used)
                        max=share(c.disk_mib_total)
                        reading=format!("{} of {} used", mib(disk_used), mib(c.disk_mib_total))
                    />
                </div>
            </div>
            <section class="section" aria-labelledby="holders">
                <div class="section-head">
                    <h2 id="holders">"Held by"</h2>
                </div>
                <HoldersTable holders />
            </section>
            <section class="section" aria-labelledby="gpus">
                <div class="section-head">
                    <h2 id="gpus">"GPUs"</h2>
                </div>
                {if gpus.is_empty() {
                    view! { <EmptyState glyph=Glyph::Cpu title="No GPUs" text=note /> }.into_any()
                } else {
                    view! { <GpuTable gpus /> }.into_any()
                }}
            </section>
        </Page>
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
