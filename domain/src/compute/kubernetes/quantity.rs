//! Kubernetes' quantities as whole numbers.

use k8s_openapi::{
    api::core::v1::{Pod, PodSpec},
    apimachinery::pkg::api::resource::Quantity,
};
use std::collections::BTreeMap;

/// Thousandths of CPU, MiB of memory, whole GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub milli_cpus: u64,
    pub memory_mib: u64,
    pub gpus: u64,
}

impl Amount {
    pub(super) fn of(quantities: &BTreeMap<String, Quantity>, gpu_resource: &str) -> Self {
        let read = |name: &str| quantities.get(name).and_then(|q| milli(&q.0)).unwrap_or(0);
        let whole = |milli: u128, unit: u128| u64::try_from(milli / 1000 / unit).unwrap_or(u64::MAX);
        Self {
            milli_cpus: u64::try_from(read("cpu")).unwrap_or(u64::MAX),
            memory_mib: whole(read("memory"), 1 << 20),
            gpus: whole(read(gpu_resource), 1),
        }
    }

    /// What a pod's containers ask for together. Of initial containers the largest counts.
    pub(super) fn of_pod(pod: &Pod, gpu_resource: &str) -> Self {
        let Some(spec) = &pod.spec else { return Self::default() };
        Self::of_spec(spec, gpu_resource)
    }

    fn of_spec(spec: &PodSpec, gpu_resource: &str) -> Self {
        let asked = |c: &k8s_openapi::api::core::v1::Container| {
            let requests = c.resources.as_ref().and_then(|r| r.requests.clone()).unwrap_or_default();
            Self::of(&requests, gpu_resource)
        };
        let together = spec.containers.iter().map(asked).fold(Self::default(), Self::plus);
        spec.init_containers.iter().flatten().map(asked).fold(together, |all, one| Self {
            milli_cpus: all.milli_cpus.max(one.milli_cpus),
            memory_mib: all.memory_mib.max(one.memory_mib),
            gpus: all.gpus.max(one.gpus),
        })
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            milli_cpus: self.milli_cpus.saturating_add(other.milli_cpus),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
            gpus: self.gpus.saturating_add(other.gpus),
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            milli_cpus: self.milli_cpus.saturating_sub(other.milli_cpus),
            memory_mib: self.memory_mib.saturating_sub(other.memory_mib),
            gpus: self.gpus.saturating_sub(other.gpus),
        }
    }

    /// What both have.
    pub(super) fn least(self, other: Self) -> Self {
        Self {
            milli_cpus: self.milli_cpus.min(other.milli_cpus),
            memory_mib: self.memory_mib.min(other.memory_mib),
            gpus: self.gpus.min(other.gpus),
        }
    }

    pub(super) fn holds(self, other: Self) -> bool {
        other.least(self) == other
    }
}

/// Thousandths of what a quantity says; none for what is none.
fn milli(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // Nanos are the finest that Kubernetes has.
    let part: String = part.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanos = whole.parse::<u128>().ok()?.checked_mul(1_000_000_000)?.checked_add(part.parse().ok()?)?;
    let (times, over): (u128, u128) = match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        power => (10_u128.checked_pow(power.strip_prefix(['e', 'E'])?.parse().ok()?)?, 1),
    };
    // A part of a thousandth counts as one.
    nanos.checked_mul(times)?.checked_div(over).map(|nanos| nanos.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        let table = [
            ("2", 2000),
            ("500m", 500),
            ("0.5", 500),
            ("1.5", 1500),
            ("1500000u", 1500),
            ("2k", 2_000_000),
            ("1e3", 1_000_000),
            ("1Ki", 1_024_000),
            ("4030532Ki", 4_030_532 * 1_024_000),
            ("100n", 1),
            ("0", 0),
        ];
        for (text, milli_units) in table {
            assert_eq!(milli(text), Some(milli_units), "{text}");
        }
        for bad in ["", "-1", "0x10", "NaN", "1Xi", "e3"] {
            assert_eq!(milli(bad), None, "{bad}");
        }
    }
}
