//! Wires the portal together and serves it until it is asked to stop. Notebooks go on running.

use crate::{
    Server,
    config::Config,
    http::{Leaving, Origin, accept},
    router, site,
};
use domain::{
    Clock, Portal, Settings,
    compute::{ComputeEngine, kubernetes::KubernetesEngine, local::LocalEngine},
    db::Db,
    lease::Lease,
    webhooks::{self, Outbound},
};
use std::{
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

const HOUR: i64 = 60 * 60 * 1000;
/// Few look at metrics.
const OPERATIONS: accept::Limits = accept::Limits { connections: 16, ..accept::Limits::DEFAULT };

/// Opens the portal to serve it at this address: data folder, database, engine. Workloads that run are adopted.
async fn open(config: &Config, address: String) -> Result<Portal, String> {
    let db = database(config).await?;
    let lease = Arc::<Lease>::default();
    let engine: Arc<dyn ComputeEngine> = match &config.cluster {
        Some(cluster) => KubernetesEngine::start(cluster.clone(), Clock::system(), lease.clone()).await.map_err(|e| e.to_string())?,
        None => LocalEngine::start(config.engine.clone(), Clock::system()).await.map_err(|e| e.to_string())?,
    };
    Ok(Portal { lease, ..portal(config, db, engine, address)? })
}

/// Opens the portal beside whoever serves it, for one command.
///
/// # Errors
/// A sentence that says what cannot be opened and why.
pub async fn look(config: &Config) -> Result<Portal, String> {
    let db = database(config).await?;
    let lease = Arc::<Lease>::default();
    let engine: Arc<dyn ComputeEngine> = match &config.cluster {
        // It only looks until it is asked for something.
        Some(cluster) => KubernetesEngine::start(cluster.clone(), Clock::system(), lease.clone()).await.map_err(|e| e.to_string())?,
        None => Arc::new(LocalEngine::inspect(config.engine.clone(), Clock::system()).map_err(|e| e.to_string())?),
    };
    // The command line starts nothing that would need it.
    Ok(Portal { lease, ..portal(config, db, engine, String::new())? })
}

async fn database(config: &Config) -> Result<Db, String> {
    data_folder(&config.data).map_err(|e| format!("The data folder {} cannot be used: {e}", config.data.display()))?;
    Db::open(&config.database).await.map_err(|e| e.to_string())
}

fn portal(config: &Config, db: Db, engine: Arc<dyn ComputeEngine>, address: String) -> Result<Portal, String> {
    let settings = Settings {
        address,
        data: config.data.clone(),
        session_idle: config.session_idle_hours * HOUR,
        session_absolute: config.session_absolute_days * 24 * HOUR,
        artifact_quota: config.artifact_quota,
        token_rate: config.token_rate,
        purge_after_days: config.purge_after_days,
        program: Some(config.engine.launcher.clone()),
        secret_key: config.secret_key.clone(),
        bucket: config.bucket.clone(),
    };
    let mut portal = Portal::new(db, engine, Clock::system(), settings).map_err(|e| e.to_string())?;
    portal.outbound = Arc::new(Outbound::new(config.webhook_allow.clone()));
    Ok(portal)
}

fn data_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // It may have been made by hand, with a wider mode.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A sentence that says what keeps the portal from serving.
pub async fn serve(config: &Config) -> Result<(), String> {
    raise_file_limit();
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| format!("{} cannot be listened on: {e}. Choose another with --listen.", config.listen))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let origin = match &config.public_url {
        Some(origin) => origin.clone(),
        None => Origin::parse(&format!("http://localhost:{port}"))?,
    };
    let portal = open(config, origin.text()).await?;
    let server = Server::new(portal.clone(), origin, site::files());
    let (address, leaving) = (server.origin.text(), server.leaving.clone());
    let operations = operations(config, &server).await?;
    let router = router::router(server)?;
    domain::environments::ship_defaults(&portal).await.map_err(|e| e.to_string())?;
    greet(&portal, &address).await?;
    let seen = domain::events::latest(&portal).await.map_err(|e| e.to_string())?;
    let tasks = [
        tokio::spawn(domain::events::run(portal.clone(), seen)),
        tokio::spawn(domain::notebooks::supervisor::run(portal.clone())),
        tokio::spawn(webhooks::run(portal.clone())),
        tokio::spawn(domain::artifacts::sweep::run(portal.clone())),
        tokio::spawn(domain::tracking::purge::run(portal.clone())),
        tokio::spawn(domain::sso::run(portal.clone())),
        tokio::spawn(sweep(portal.clone())),
    ];
    let operations = operations.map(|(listener, router)| tokio::spawn(accept::run(listener, router, OPERATIONS, std::future::pending())));
    // For as long as the process lives.
    let limits = accept::Limits { proxies: config.proxies.clone().leak(), ..accept::Limits::default() };
    accept::run(listener, router, limits, asked_to_stop(leaving, config.drain)?).await;
    tasks.iter().chain(&operations).for_each(tokio::task::JoinHandle::abort);
    // Ended, not only asked to: none of them takes the lease again.
    let _ = tokio::time::timeout(Duration::from_secs(2), futures::future::join_all(tasks)).await;
    portal.lease.release(&portal.db).await;
    portal.db.close().await;
    Ok(())
}

/// The listener for whoever runs the portal, where one is asked for.
async fn operations(config: &Config, server: &Server) -> Result<Option<(TcpListener, axum::Router)>, String> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let cannot = |e| format!("{address} cannot be listened on: {e}. Choose another with --metrics-listen.");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    tracing::info!(address = %listener.local_addr().map_err(|e| e.to_string())?, "metrics are read here");
    Ok(Some((listener, router::operations(server.clone()))))
}

#[expect(clippy::print_stdout, reason = "the first thing a person looks for, and the set-up code is for the console only")]
async fn greet(portal: &Portal, address: &str) -> Result<(), String> {
    println!("Slipway serves {address}");
    if let Some(code) = domain::identity::prepare_setup(portal).await.map_err(|e| e.to_string())? {
        println!("This portal has no user yet. Open {address}/setup and enter the one-time code {code}");
    }
    Ok(())
}

/// Removes sessions that have ended, once an hour.
async fn sweep(portal: Portal) {
    let mut hourly = tokio::time::interval(Duration::from_hours(1));
    loop {
        hourly.tick().await;
        if let Err(error) = domain::sessions::sweep(&portal).await {
            tracing::warn!(%error, "ended sessions could not be removed");
        }
    }
}

/// Each connection takes a file descriptor, a notebook's two; systems often start programs with 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// Ready once the process is to stop: `drain` after it was asked to, so that whoever sends requests hears of it first.
fn asked_to_stop(leaving: Leaving, drain: Duration) -> Result<impl Future<Output = ()>, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop; notebooks go on running");
        leaving.ask();
        tokio::time::sleep(drain).await;
    })
}
