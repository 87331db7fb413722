//! What the operator chooses about the engine, and the folders it keeps.

use crate::{
    error::{Error, Result},
    model::{VolumeId, is_id},
};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Filled by the server's configuration, the only place that reads the environment.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// Slipway's data folder; the engine keeps `workloads/`, `volumes/` and `environments/` in it.
    pub data: PathBuf,
    /// The program with the hidden commands `shim` and `confine`: Slipway's own binary.
    pub launcher: PathBuf,
    /// The Python that environments are made with; none means `python3` on the path.
    pub python: Option<PathBuf>,
    /// Where programs are looked up: the portal's own `PATH`.
    pub path: Vec<PathBuf>,
    /// Folders that workloads may read beside the system's own, for example a shared model store.
    pub readable: Vec<PathBuf>,
    /// Variables that pip and uv get: proxies, certificates, package mirrors. git gets proxies and certificates. See `is_install_variable`.
    pub install_env: BTreeMap<String, String>,
}

impl LocalConfig {
    pub fn new(data: impl Into<PathBuf>, launcher: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            launcher: launcher.into(),
            python: None,
            path: STANDARD_PATH.iter().map(PathBuf::from).collect(),
            readable: Vec::new(),
            install_env: BTreeMap::new(),
        }
    }

    /// Whether a variable of the portal's environment is meant for pip, uv or git, and is passed on to them.
    pub fn is_install_variable(name: &str) -> bool {
        let upper = name.to_ascii_uppercase();
        ["PIP_", "UV_", "SSL_CERT_", "GIT_SSL_"].iter().any(|p| upper.starts_with(p))
            || ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"].contains(&upper.as_str())
    }

    /// A program on the portal's path.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        find_program(name, &self.path)
    }

    /// uv, where it truly lies: it is run where only its own folder can be read, and a link to it leads out of there.
    pub fn find_uv(&self) -> Option<PathBuf> {
        self.find_program("uv").map(|found| fs::canonicalize(&found).unwrap_or(found))
    }
}

/// Where programs lie on any Linux.
pub(super) const STANDARD_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The first executable file of this name; an absolute name is taken as it is.
pub(super) fn find_program(name: &str, path: &[PathBuf]) -> Option<PathBuf> {
    let runs = |p: &Path| fs::metadata(p).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|p| p.is_absolute() && runs(p));
    }
    path.iter().map(|folder| folder.join(name)).find(|p| runs(p))
}

/// What the engine keeps on disk.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub data: PathBuf,
    pub workloads: PathBuf,
    pub volumes: PathBuf,
    pub environments: PathBuf,
}

impl Folders {
    /// Makes the folders, closed to everybody else.
    pub fn create(data: &Path) -> Result<Self> {
        let here = |e| Error::internal(&format!("data folder {}", data.display()), e);
        make_folder(data).map_err(here)?;
        // Confinement rules and links name real paths.
        let data = fs::canonicalize(data).map_err(here)?;
        let folders =
            Self { workloads: data.join("workloads"), volumes: data.join("volumes"), environments: data.join("environments"), data };
        for folder in [&folders.workloads, &folders.volumes, &folders.environments] {
            make_folder(folder).map_err(|e| Error::internal(&format!("folder {}", folder.display()), e))?;
        }
        Ok(folders)
    }

    pub fn workload(&self, id: &str) -> Result<WorkloadFolder> {
        if is_id(id) { Ok(WorkloadFolder(self.workloads.join(id))) } else { Err(Error::NotFound("workload")) }
    }

    pub fn volume(&self, id: &VolumeId) -> Result<PathBuf> {
        if is_id(id.as_str()) { Ok(self.volumes.join(id.as_str())) } else { Err(Error::NotFound("volume")) }
    }

    /// The folder of a Python environment. Keys are ours, but are checked all the same, since they become a path.
    pub fn environment(&self, key: &str) -> Result<PathBuf> {
        let ok = !key.is_empty()
            && key.len() <= 200
            && !key.starts_with('.')
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if ok {
            Ok(self.environments.join(key))
        } else {
            Err(Error::invalid("version", "This version has a name that cannot be a folder."))
        }
    }
}

/// `workloads/<id>/`.
#[derive(Clone, Debug)]
pub(super) struct WorkloadFolder(pub PathBuf);

impl WorkloadFolder {
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }
    /// The workload's own `TMPDIR`, emptied at each start.
    pub fn tmp(&self) -> PathBuf {
        self.0.join("tmp")
    }
    /// Locked as long as a shim of this workload lives, and while one is started.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
    pub fn shim(&self) -> PathBuf {
        self.0.join("shim.json")
    }
    /// Says which launch has answered once.
    pub fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }
    pub fn exit(&self) -> PathBuf {
        self.0.join("exit.json")
    }
}

/// Makes a folder with mode 0700. One that is there must be a real folder of ours, not a link that somebody planted.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path)?;
            let ours = found.uid() == rustix::process::geteuid().as_raw();
            if !found.is_dir() || !ours {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else in its place"));
            }
            if found.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
            }
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or(e)?;
            make_folder(parent)?;
            make_folder(path)
        }
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mirrors_proxies_and_certificates_reach_the_installer() {
        for yes in ["PIP_INDEX_URL", "UV_INDEX", "https_proxy", "SSL_CERT_FILE", "GIT_SSL_CAINFO"] {
            assert!(LocalConfig::is_install_variable(yes), "{yes}");
        }
        for no in ["DATABASE_URL", "SLIPWAY_KEY", "AWS_SECRET_ACCESS_KEY", "PATH", "PYTHONPATH", "GIT_DIR"] {
            assert!(!LocalConfig::is_install_variable(no), "{no}");
        }
    }

    #[test]
    fn uv_is_found_behind_a_link() {
        let temp = tempfile::tempdir().unwrap();
        let (tool, bin) = (temp.path().join("tool"), temp.path().join("bin"));
        [&tool, &bin].into_iter().try_for_each(|folder| make_folder(folder)).unwrap();
        fs::write(tool.join("uv"), "").unwrap();
        fs::set_permissions(tool.join("uv"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("../tool/uv", bin.join("uv")).unwrap();
        let config = LocalConfig { path: vec![bin], ..LocalConfig::new("/nonexistent", "") };
        assert_eq!(config.find_uv(), Some(fs::canonicalize(tool.join("uv")).unwrap()));
        assert_eq!(LocalConfig { path: Vec::new(), ..config }.find_uv(), None);
    }

    #[test]
    fn folders_are_private_and_never_behind_a_planted_link() {
        let temp = tempfile::tempdir().unwrap();
        let folders = Folders::create(&temp.path().join("a/b")).unwrap();
        assert_eq!(fs::metadata(&folders.volumes).unwrap().permissions().mode() & 0o777, 0o700);
        std::os::unix::fs::symlink("/etc", folders.volumes.join("aaaaaaaaaaaaaaaa")).unwrap();
        assert!(make_folder(&folders.volume(&"aaaaaaaaaaaaaaaa".into()).unwrap()).is_err());
        for bad in ["../x", "", "..", "a/b", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa\0"] {
            assert!(folders.workload(bad).is_err(), "{bad:?}");
            assert!(folders.volume(&bad.into()).is_err(), "{bad:?}");
        }
        for bad in ["../x", "", "..", "a/b", ".cache", "a b"] {
            assert!(folders.environment(bad).is_err(), "{bad:?}");
        }
    }
}
