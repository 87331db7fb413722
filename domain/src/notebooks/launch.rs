//! Launching: everything that is checked before a wish to run is written.

use super::{
    attachment_store, program,
    store::{self, Desired, Record},
    view,
};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    compute::{Mount, Secret},
    db::Tx,
    error::{Error, Result},
    events,
    model::{
        Change, Checks, Environment, EnvironmentVersion, Fit, LaunchRequest, Manifest, Notebook, NotebookId, NotebookSpec, Permission,
        Phase, Resources, VolumeId,
    },
    portal::Portal,
    random, teams,
};
use serde::Serialize;

/// What the audit trail keeps of a launch: all but the secrets' values.
#[derive(Serialize)]
struct Launched<'a> {
    launch: i64,
    spec: &'a NotebookSpec,
    secrets: Vec<&'a str>,
}

/// Makes a notebook that is wished to run. The same idempotency key from the same person makes one notebook only.
pub async fn launch(portal: &Portal, caller: &Caller, team: &str, request: LaunchRequest) -> Result<Notebook> {
    let scope = caller.require_in(Permission::LaunchNotebook, team)?;
    request.validate()?;
    if request.idempotency_key.len() > 100 {
        return Err(Error::invalid("idempotency_key", "Use at most 100 characters."));
    }
    let LaunchRequest { mut spec, secrets, idempotency_key } = request;
    let key = if idempotency_key.is_empty() { random::secret() } else { idempotency_key };
    spec.version = offered(portal, &scope.team_name, &spec).await?.name;
    fits(portal, &scope.team_name, &spec.resources).await?;

    let mut tx = portal.db.begin().await?;
    store::lock_team(&mut tx, &scope.team).await?;
    if let Some(earlier) = store::by_key(&mut tx, &scope.user, &key).await? {
        drop(tx);
        if earlier.team_id != scope.team {
            return Err(Error::Conflict(format!("This form has launched a notebook in team {} already. Open a new form.", earlier.team)));
        }
        return view::full(&portal.db, earlier).await;
    }
    let record = new_record(portal, &scope, spec);
    let (record, mounts, new_home) = attach(&mut tx, &scope, record).await?;
    store::insert(&mut tx, &record, &key).await?;
    for (volume, read_only) in &mounts {
        attachment_store::insert_mount(&mut tx, &record.id, volume, *read_only).await?;
    }
    for secret in &secrets {
        let sealed = portal.sealing.seal(&sealing_context(&record.id, &secret.name), &secret.value)?;
        store::insert_secret(&mut tx, &record.id, &secret.name, &sealed).await?;
    }
    let names = secrets.iter().map(|s| s.name.as_str()).collect();
    let entry = audit::Entry {
        team: Some(&scope.team_name),
        action: "notebook.launch",
        object: record.id.as_str(),
        object_name: &record.spec.name,
        before: None::<()>,
        after: Some(Launched { launch: record.launch, spec: &record.spec, secrets: names }),
    };
    audit::record(&mut tx, caller, record.created_at, entry).await?;
    let seen = view::publish(&mut tx, record.created_at, &record).await?;
    if new_home {
        events::publish(&mut tx, record.created_at, Some(&scope.team_name), &Change::Volumes).await?;
    }
    tx.commit().await?;
    portal.wishes.notify_one();
    seen.ok_or(Error::NotFound("notebook"))
}

/// Says what stands in the way of a launch before it is asked for, as far as it can be known without a name being taken meanwhile.
pub async fn review(portal: &Portal, caller: &Caller, team: &str, request: &LaunchRequest) -> Result<()> {
    let scope = caller.require_in(Permission::LaunchNotebook, team)?;
    request.validate()?;
    offered(portal, &scope.team_name, &request.spec).await?;
    fits(portal, &scope.team_name, &request.spec.resources).await
}

/// What a launch would write into a cluster; empty where the engine writes nothing there. Nothing is made, and the id in the names is not yet its own.
pub async fn manifests(portal: &Portal, caller: &Caller, team: &str, request: LaunchRequest) -> Result<Vec<Manifest>> {
    let scope = caller.require_in(Permission::LaunchNotebook, team)?;
    request.validate()?;
    let LaunchRequest { mut spec, secrets, .. } = request;
    spec.version = offered(portal, &scope.team_name, &spec).await?.name;
    let mut record = new_record(portal, &scope, spec);
    let mut tx = portal.db.begin().await?;
    record.home = attachment_store::volume(&mut tx, &scope.team, &record.spec.home).await?.unwrap_or_else(random::id);
    let mut mounts = Vec::new();
    for (i, mount) in record.spec.data.iter().enumerate() {
        let found = attachment_store::volume(&mut tx, &scope.team, &mount.volume).await?;
        let volume = found.ok_or_else(|| Error::invalid(format!("data.{i}.volume"), format!("Team {team} has no such volume.")))?;
        mounts.push(Mount { volume, name: mount.volume.clone(), read_only: mount.read_only });
    }
    drop(tx);
    let secrets = secrets.into_iter().map(|secret| (secret.name, Secret(String::new()))).collect();
    let workload = program::draft(portal, &record, secrets, mounts).await?;
    portal.compute.manifests(&workload, &teams::quota_of(portal, team).await?).await
}

fn new_record(portal: &Portal, scope: &TeamScope, spec: NotebookSpec) -> Record {
    let now = portal.clock.now();
    Record {
        id: random::id(),
        team_id: scope.team.clone(),
        team: scope.team_name.clone(),
        owner: scope.user.clone(),
        owner_email: scope.email.clone(),
        spec,
        home: VolumeId(String::new()),
        desired: Desired::Running,
        delete_home: false,
        launch: 1,
        phase: Phase::Queued,
        phase_at: now,
        reason: None,
        next_step: None,
        progress: None,
        last_activity_at: None,
        created_at: now,
    }
}

/// Finds its volumes, makes its home if the team has none of the name, and says everything that stands in the way at once.
async fn attach(tx: &mut Tx, scope: &TeamScope, mut record: Record) -> Result<(Record, Vec<(VolumeId, bool)>, bool)> {
    let mut checks = Checks::new();
    let spec = &record.spec;
    let taken = store::name_is_taken(tx, &scope.team, &spec.name).await?;
    checks.require(!taken, "name", format!("The name {} is taken in team {}. Choose another.", spec.name, scope.team_name));
    let home = attachment_store::volume(tx, &scope.team, &spec.home).await?;
    if let Some(home) = &home {
        checks.check("home", home_is_free(tx, home, &record.id).await?);
    }
    let mut mounts = Vec::new();
    for (i, mount) in spec.data.iter().enumerate() {
        match attachment_store::volume(tx, &scope.team, &mount.volume).await? {
            Some(volume) => mounts.push((volume, mount.read_only)),
            None => checks.require(false, format!("data.{i}.volume"), format!("Team {} has no such volume.", scope.team_name)),
        }
    }
    checks.finish()?;
    let new_home = home.is_none();
    record.home = home.unwrap_or_else(random::id);
    if new_home {
        attachment_store::insert_volume(tx, &scope.team, &record.spec.home, &scope.user, record.created_at, &record.home).await?;
    }
    Ok((record, mounts, new_home))
}

/// Two programs that write the same home would break each other's state.
pub(super) async fn home_is_free(tx: &mut Tx, home: &VolumeId, but: &NotebookId) -> Result<Result<(), String>> {
    Ok(match attachment_store::writer_of(tx, home, but).await? {
        Some(other) => Err(format!("Notebook {} uses this volume now. Stop it first, or choose another volume.", shown(&other))),
        None => Ok(()),
    })
}

/// The name people gave it: one that is being deleted has `~<id>` appended.
pub(super) fn shown(name: &str) -> &str {
    name.split('~').next().unwrap_or(name)
}

/// The version that a launch gets, if the catalogue offers it to this team and the engine can run it.
pub(super) async fn offered(portal: &Portal, team: &str, spec: &NotebookSpec) -> Result<EnvironmentVersion> {
    let name = &spec.environment;
    let environment = store::environment(&portal.db, name)
        .await?
        .filter(|e| e.enabled && (e.visible_to.is_empty() || e.visible_to.iter().any(|t| t == team)))
        .ok_or_else(|| Error::invalid("environment", format!("Team {team} has no environment {name}. Choose one of the list.")))?;
    let version = environment.resolve_version(&spec.version).ok_or_else(|| {
        Error::invalid("version", format!("{} has no version \"{}\". Choose one of the list.", environment.title, spec.version))
    })?;
    // Of this very version: another may have what this one lacks.
    let only = Environment { versions: vec![version.clone()], ..environment.clone() };
    if let Some(reason) = portal.compute.unavailable(&only).await {
        return Err(Error::invalid("environment", reason));
    }
    Ok(version.clone())
}

/// Refuses what will never start here: what no machine or node has, or what the team's quota does not allow. What is in use now waits in the queue.
pub(super) async fn fits(portal: &Portal, team: &str, resources: &Resources) -> Result<()> {
    let capacity = teams::capacity(portal, team).await?;
    let Fit::Never(reason) = capacity.fit(resources) else { return Ok(()) };
    // The field that is at fault is the one without which it would fit.
    let alone = |smaller: Resources| !matches!(capacity.fit(&smaller), Fit::Never(_));
    let field = if alone(Resources { gpus: 0, ..resources.clone() }) {
        "gpus"
    } else if alone(Resources { memory_mib: 0, ..resources.clone() }) {
        "memory_mib"
    } else {
        "cpus"
    };
    Err(Error::invalid(field, reason))
}

/// What a stored secret is bound to.
pub(super) fn sealing_context(id: &NotebookId, name: &str) -> String {
    format!("{id}/{name}")
}
