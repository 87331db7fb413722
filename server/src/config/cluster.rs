//! The settings of the engine `kubernetes`.

use super::{BadSetting, Settings, absolute, choice, number};
use domain::{compute::kubernetes::KubernetesConfig, model::validate_name};

impl Settings {
    /// None where the engine is `local`; its settings are then read all the same, so that a wrong one is not found only later.
    pub(super) fn cluster(&self) -> Result<Option<KubernetesConfig>, BadSetting> {
        let kubeconfig = self.parse("kubeconfig", "", |v| if v.is_empty() { Ok(None) } else { absolute(v).map(Some) })?;
        let mut config = KubernetesConfig::new(kubeconfig);
        config.prefix = self.parse("kubernetes-namespace-prefix", "slipway", |v| validate_name(v, 20).map(|()| v.to_owned()))?;
        config.storage_class = self.parse("kubernetes-storage-class", "", |v| optional(v, subdomain))?;
        config.volume_gib =
            self.parse("kubernetes-volume-gib", "10", |v| number(v, 1, 1 << 20).map(|n| u32::try_from(n).expect("at most a million")))?;
        config.gpu_resource = self.parse("kubernetes-gpu-resource", "nvidia.com/gpu", |v| label(v).map(|()| v.to_owned()))?;
        config.nodes = self.parse("kubernetes-nodes", "", |v| v.split(',').map(str::trim).filter(|p| !p.is_empty()).map(pair).collect())?;
        config.internet = self.parse("kubernetes-internet", "true", |v| choice(v, &[("true", true), ("false", false)]))?;
        let on = self.parse("engine", "local", |v| choice(v, &[("local", false), ("kubernetes", true)]))?;
        Ok(on.then_some(config))
    }
}

fn optional(text: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<Option<String>, String> {
    if text.is_empty() { Ok(None) } else { check(text).map(|()| Some(text.to_owned())) }
}

fn subdomain(text: &str) -> Result<(), String> {
    let part = |p: &str| {
        let word = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        word(p.bytes().next()) && word(p.bytes().last()) && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if text.len() <= 253 && text.split('.').all(part) { Ok(()) } else { Err("expected a name such as fast or storage.example".to_owned()) }
}

/// The key of a label or of an extended resource.
fn label(text: &str) -> Result<(), String> {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let named = word(name) && !name.is_empty();
    if named && prefix.is_none_or(|p| subdomain(p).is_ok()) { Ok(()) } else { Err("expected a name such as nvidia.com/gpu".to_owned()) }
}

fn word(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let wrong = || "expected LABEL=VALUE,… such as pool=notebooks".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    if label(name).is_ok() && word(value) { Ok((name.to_owned(), value.to_owned())) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(set: &[(&'static str, &str)]) -> Result<Option<KubernetesConfig>, BadSetting> {
        let set: BTreeMap<_, _> = set.iter().map(|(key, value)| (*key, ((*value).to_owned(), "test".to_owned()))).collect();
        Settings(set).cluster()
    }

    #[test]
    fn the_engine_is_local_unless_it_is_said_to_be_kubernetes() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("engine", "docker")]).is_err());
        let nodes = ("kubernetes-nodes", "pool=notebooks, example.com/kind=a100");
        let config =
            read(&[("engine", "kubernetes"), ("kubeconfig", "/etc/kube"), nodes, ("kubernetes-storage-class", "fast")]).unwrap().unwrap();
        assert_eq!(
            (config.prefix.as_str(), config.storage_class.as_deref(), config.nodes.len(), config.internet),
            ("slipway", Some("fast"), 2, true)
        );
        for (key, bad) in [
            ("kubernetes-namespace-prefix", "Kube_system"),
            ("kubernetes-namespace-prefix", "-n red"),
            ("kubernetes-storage-class", "a b"),
            ("kubernetes-volume-gib", "0"),
            ("kubernetes-gpu-resource", "gpu: 1"),
            ("kubernetes-nodes", "pool"),
            ("kubernetes-nodes", "pool=a b"),
            ("kubeconfig", "relative"),
        ] {
            assert!(read(&[(key, bad)]).is_err(), "{key}={bad}");
        }
    }
}
