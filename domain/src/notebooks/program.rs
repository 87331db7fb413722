//! From a catalogue entry and a spec to the workload that an engine runs.

use super::{
    attachment_store,
    launch::sealing_context,
    store::{self, Record},
    tracking,
};
use crate::{
    compute::{ActivityProbe, Mount, PythonEnvironment, Repository, Secret, Workload},
    environments::environment_key,
    error::{Error, Result},
    model::{EnvironmentVersion, NotebookId, Program},
    portal::Portal,
};
use std::collections::BTreeMap;

/// The workload of the row's present launch.
///
/// # Errors
/// `Conflict` with what to do, where the catalogue no longer has what the spec names.
pub(super) async fn workload(portal: &Portal, record: &Record) -> Result<Workload> {
    let mut secrets = BTreeMap::new();
    for (name, sealed) in store::sealed_secrets(&portal.db, &record.id).await? {
        let plain = portal.sealing.open(&sealing_context(&record.id, &name), &sealed)?;
        secrets.insert(name, Secret(plain));
    }
    let mounts = attachment_store::mounts(&portal.db, &record.id).await?;
    let mut workload = with(portal, record, secrets, mounts).await?;
    if may_track(&workload)
        && let Some(token) = tracking::token(portal, record).await?
    {
        track(portal, &mut workload, token);
    }
    Ok(workload)
}

/// The same of a launch that has no row yet, for a look at it: with the names of its secrets, and no token.
pub(super) async fn draft(portal: &Portal, record: &Record, secrets: BTreeMap<String, Secret>, mounts: Vec<Mount>) -> Result<Workload> {
    let mut workload = with(portal, record, secrets, mounts).await?;
    if may_track(&workload) {
        track(portal, &mut workload, Secret(String::new()));
    }
    Ok(workload)
}

/// What the person has set stays; then the token would go elsewhere.
fn may_track(workload: &Workload) -> bool {
    let elsewhere = |name: &str| workload.env.contains_key(name) || workload.secrets.contains_key(name);
    !["MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"].into_iter().any(elsewhere)
}

fn track(portal: &Portal, workload: &mut Workload, token: Secret) {
    workload.env.insert("MLFLOW_TRACKING_URI".to_owned(), portal.settings.address.clone());
    workload.secrets.insert("MLFLOW_TRACKING_TOKEN".to_owned(), token);
}

async fn with(portal: &Portal, record: &Record, mut secrets: BTreeMap<String, Secret>, volumes: Vec<Mount>) -> Result<Workload> {
    let spec = &record.spec;
    let gone = || Error::Conflict(format!("The catalogue no longer has {} {}.", spec.environment, spec.version));
    let environment = store::environment(&portal.db, &spec.environment).await?.ok_or_else(gone)?;
    let version = environment.versions.iter().find(|v| v.name == spec.version).ok_or_else(gone)?;
    let jupyter = environment.program == Program::JupyterLab;
    if jupyter {
        secrets.insert("JUPYTER_TOKEN".to_owned(), token(portal, &record.id, record.launch));
    }
    Ok(Workload {
        id: record.id.0.clone(),
        launch: record.launch,
        team: record.team.clone(),
        argv: argv(&environment.program),
        image: version.image.clone(),
        python: (!version.packages.is_empty()).then(|| python(&environment.name, version, jupyter)),
        env: spec.env.iter().map(|v| (v.name.clone(), v.value.clone())).collect(),
        secrets,
        resources: spec.resources.clone(),
        home: record.home.clone(),
        volumes,
        repository: spec.git.as_ref().map(|git| Repository { url: git.url.clone(), branch: git.branch.clone() }),
        ready_path: ready_path(&environment.program).to_owned(),
        header: header(portal, &environment.program, &record.id, record.launch),
        activity: if jupyter { ActivityProbe::JupyterKernels } else { ActivityProbe::None },
    })
}

fn python(environment: &str, version: &EnvironmentVersion, jupyter: bool) -> PythonEnvironment {
    // `JupyterLab` asks each newcomer whether to fetch its news, unless the site's defaults have answered.
    let quiet = r#"{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}"#;
    let settings = ("share/jupyter/lab/settings/overrides.json".to_owned(), quiet.to_owned());
    PythonEnvironment {
        key: environment_key(environment, version),
        packages: version.packages.clone(),
        files: if jupyter { vec![settings] } else { Vec::new() },
    }
}

/// What the proxy sends instead of the browser's credentials. Only `JupyterLab` can ask for a secret that a proxy can send: the others
/// rely on the engine's check that the listener is theirs, and can be reached by other local users of the machine.
pub(super) fn header(portal: &Portal, program: &Program, id: &NotebookId, launch: i64) -> Option<(String, Secret)> {
    let token = token(portal, id, launch);
    (*program == Program::JupyterLab).then(|| ("authorization".to_owned(), Secret(format!("token {}", token.0))))
}

/// Of one launch, and the same after a restart of the portal.
fn token(portal: &Portal, id: &NotebookId, launch: i64) -> Secret {
    Secret(portal.sealing.derive(&format!("notebook {id} launch {launch}")))
}

fn ready_path(program: &Program) -> &'static str {
    match program {
        Program::JupyterLab => "/api",
        Program::CodeServer => "/healthz",
        Program::RStudio | Program::Command { .. } => "/",
    }
}

fn argv(program: &Program) -> Vec<String> {
    let words: &[&str] = match program {
        Program::JupyterLab => &[
            "jupyter-lab",
            "--no-browser",
            // Slipway confines the process itself, also where the machine lets it run as root.
            "--allow-root",
            "--ServerApp.ip={host}",
            "--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.base_url=/",
            "--ServerApp.root_dir={home}",
            // Its host is <id>.<domain>, not localhost; the proxy has checked it.
            "--ServerApp.allow_remote_access=True",
            "--ServerApp.quit_button=False",
            "--ServerApp.use_redirect_file=False",
            "--PasswordIdentityProvider.allow_password_change=False",
            // Nothing that calls home.
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            // The environment is shared and read-only.
            "--LabApp.extension_manager=readonly",
        ],
        Program::CodeServer => &[
            "code-server",
            "--bind-addr={host}:{port}",
            // Its password form cannot be answered by a proxy; see `header`.
            "--auth=none",
            "--disable-telemetry",
            "--disable-update-check",
            "--disable-workspace-trust",
            "--disable-getting-started-override",
            "{home}",
        ],
        Program::RStudio => &[
            "rserver",
            "--server-daemonize=0",
            "--www-address={host}",
            "--www-port={port}",
            "--www-frame-origin=none",
            "--www-verify-user-agent=0",
            "--auth-none=1",
            "--server-data-dir={home}/.rstudio-server",
            "--secure-cookie-key-file={home}/.rstudio-server/secure-cookie-key",
        ],
        Program::Command { argv } => return argv.clone(),
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
