//! Two replicas of a portal on one PostgreSQL and one cluster, of which the one that looks after notebooks is killed again and again while they are
//! launched.

#![expect(clippy::unwrap_used, reason = "a test ends where something it needs is missing")]

use super::{
    cluster::{Corner, until},
    portal::House,
};
use domain::{
    Clock, Portal,
    compute::kubernetes::KubernetesEngine,
    db::Db,
    events,
    lease::Lease,
    model::Phase,
    notebooks::{self, supervisor},
};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{Api, api::ListParams};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

/// How often the holder of the lease is killed; `SLIPWAY_KILLS` says otherwise.
const KILLS: u32 = 3;

/// A process's worth of a portal: gone all at once, whatever it was doing.
struct Replica {
    life: Runtime,
    portal: Portal,
}

impl Replica {
    async fn start(corner: &Corner, house: &House) -> Self {
        let life = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (config, url, lease) = (corner.config(), house.test.database.url.clone(), Arc::<Lease>::default());
        let held = lease.clone();
        let opened = async move { (KubernetesEngine::start(config, Clock::system(), held).await.unwrap(), Db::open(&url).await.unwrap()) };
        let (compute, db) = life.spawn(opened).await.unwrap();
        let portal = Portal { db, compute, lease, wishes: Arc::default(), ..house.portal().clone() };
        let seen = events::latest(&portal).await.unwrap();
        life.spawn(events::run(portal.clone(), seen));
        life.spawn(supervisor::run(portal.clone()));
        Self { life, portal }
    }

    fn is_leader(&self) -> bool {
        self.portal.lease.is_held()
    }

    fn kill(self) {
        self.life.shutdown_background();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own choice")]
fn kills() -> u32 {
    std::env::var("SLIPWAY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

#[expect(clippy::print_stdout, reason = "what was measured")]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_looks_after_notebooks_and_whoever_is_killed_is_replaced_without_doubles() {
    let Some(corner) = Corner::start().await else { return };
    let house = House::on(corner.engine.clone()).await;
    if house.portal().db.kind() != "postgres" {
        return corner.end().await;
    }
    let kills = kills();
    // The house is a third replica, which only takes wishes, and tells the others.
    let seen = events::latest(house.portal()).await.unwrap();
    let tells = tokio::spawn(events::run(house.portal().clone(), seen));
    let mut replicas = vec![Replica::start(&corner, &house).await];
    until("the first looks after notebooks", async || replicas[0].is_leader()).await;
    replicas.push(Replica::start(&corner, &house).await);
    let (mut launched, mut waits) = (Vec::new(), Vec::new());
    for kill in 0..kills {
        let id = house.launch(&format!("n{kill}"), "2").await.unwrap().id;
        // Somewhere between the row and the pod that runs: spread over the third of a second that this takes here.
        tokio::time::sleep(Duration::from_millis(u64::from(kill * 97 % 340))).await;
        assert!(replicas.iter().filter(|r| r.is_leader()).count() <= 1);
        let mut leader = None;
        until("one looks after notebooks", async || {
            leader = replicas.iter().position(Replica::is_leader);
            leader.is_some()
        })
        .await;
        let leader = leader.unwrap();
        let killed = Instant::now();
        replicas.remove(leader).kill();
        until("the other looks after notebooks", async || replicas[0].is_leader()).await;
        waits.push(killed.elapsed());
        assert!(killed.elapsed() < Duration::from_secs(20), "{:?}", killed.elapsed());
        house.reaches(&id, Phase::Ready).await;
        assert_eq!(corner.pod_names(id.as_str()).await, [format!("nb-{id}-1")]);
        launched.push(id);
        replicas.push(Replica::start(&corner, &house).await);
        // Room on the node for the next ones.
        if launched.len() == 4 {
            gone(&corner, &house, &mut launched).await;
        }
    }
    gone(&corner, &house, &mut launched).await;
    // Nothing is left that no row knows: what belonged to pods goes with them.
    let launches = ListParams::default().labels("slipway.internal/workload");
    let homes: Api<PersistentVolumeClaim> = Api::namespaced(corner.client.clone(), &corner.namespace());
    until("no orphan is left", async || {
        corner.pods().list_metadata(&launches).await.unwrap().items.is_empty()
            && corner.secrets().list_metadata(&launches).await.unwrap().items.is_empty()
            && homes.list_metadata(&ListParams::default()).await.unwrap().items.is_empty()
    })
    .await;
    waits.sort();
    println!(
        "{kills} holders killed; replaced after {:.1} s in the middle, {:.1} s at most",
        waits[waits.len() / 2].as_secs_f64(),
        waits[waits.len() - 1].as_secs_f64()
    );
    tells.abort();
    replicas.into_iter().for_each(Replica::kill);
    corner.end().await;
}

async fn gone(corner: &Corner, house: &House, launched: &mut Vec<domain::model::NotebookId>) {
    for id in launched.drain(..) {
        notebooks::delete(house.portal(), &house.ada, "vision", &id, true).await.unwrap();
        until("its pods are gone", async || corner.pod_names(id.as_str()).await.is_empty()).await;
        until("its row is gone", async || notebooks::get(house.portal(), &house.ada, "vision", &id).await.is_err()).await;
    }
}
