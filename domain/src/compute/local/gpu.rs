//! The machine's GPUs, as the driver's own tool tells.

use super::config::LocalConfig;
use crate::model::Gpu;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{process::Command, sync::Mutex, time::timeout};

const FRESH: Duration = Duration::from_secs(5);
const QUERY: &str = "--query-gpu=index,uuid,name,memory.total,memory.used,utilization.gpu";

/// The GPUs, none of them marked as used, and why there is none.
pub(super) type Seen = (Vec<Gpu>, Option<String>);

#[derive(Default)]
pub(super) struct Gpus(Mutex<Option<(Instant, Seen)>>);

impl Gpus {
    /// Asks the driver, at most every 5 s.
    pub async fn see(&self, config: &LocalConfig) -> Seen {
        let mut last = self.0.lock().await;
        if let Some((at, seen)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return seen.clone();
        }
        let seen = ask(config).await;
        *last = Some((Instant::now(), seen.clone()));
        seen
    }
}

async fn ask(config: &LocalConfig) -> Seen {
    let none = |why: String| (Vec::new(), Some(why));
    let Some(program) = config.find_program("nvidia-smi") else {
        return none("No NVIDIA driver was found on this machine (nvidia-smi is not on the PATH).".to_owned());
    };
    #[expect(clippy::disallowed_methods, reason = "the engine may ask the driver")]
    let query = Command::new(program).args([QUERY, "--format=csv,noheader,nounits"]).stdin(Stdio::null()).kill_on_drop(true).output();
    match timeout(Duration::from_secs(10), query).await {
        Ok(Ok(output)) if output.status.success() => {
            let gpus = parse(&String::from_utf8_lossy(&output.stdout));
            let note = gpus.is_empty().then(|| "The NVIDIA driver answers, but lists no GPU.".to_owned());
            (gpus, note)
        }
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr }).into_owned();
            none(format!("nvidia-smi failed: {}", said.lines().next().unwrap_or("it said nothing").trim()))
        }
        Ok(Err(e)) => none(format!("nvidia-smi could not be started: {e}")),
        Err(_) => none("nvidia-smi did not answer within 10 s.".to_owned()),
    }
}

/// One line a GPU; a field the driver cannot tell reads `[N/A]` or `[Not Supported]`.
fn parse(csv: &str) -> Vec<Gpu> {
    let gpu = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [index, uuid, name, total, used, utilisation] = fields.as_slice() else { return None };
        Some(Gpu {
            index: index.parse().ok()?,
            uuid: (*uuid).to_owned(),
            name: (*name).to_owned(),
            memory_mib: total.parse().unwrap_or(0),
            used_by: None,
            utilisation_percent: utilisation.parse().ok(),
            memory_used_mib: used.parse().ok(),
        })
    };
    csv.lines().filter_map(gpu).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_table_is_read_with_its_gaps() {
        let csv = "0, GPU-5a1c3e8e-0000-1111-2222-333344445555, NVIDIA H200, 143771, 4, 0\n\
            1, GPU-6b1c3e8e-0000-1111-2222-333344445555, NVIDIA GB10, [N/A], [N/A], [Not Supported]\n\
            Unable to determine the device handle\n";
        let gpus = parse(csv);
        assert_eq!(gpus.len(), 2);
        assert_eq!((gpus[0].index, gpus[0].name.as_str(), gpus[0].memory_mib), (0, "NVIDIA H200", 143_771));
        assert_eq!((gpus[0].memory_used_mib, gpus[0].utilisation_percent), (Some(4), Some(0)));
        assert_eq!((gpus[1].memory_mib, gpus[1].memory_used_mib, gpus[1].utilisation_percent), (0, None, None));
    }
}
