//! What every verb stands on.

use crate::{
    artifacts::{BucketConfig, Objects},
    clock::Clock,
    compute::ComputeEngine,
    db::Db,
    error::Result,
    events::Events,
    identity::{SetupCode, Throttle},
    lease::Lease,
    model::Millis,
    notebooks::{Admitted, Touches},
    sealing::SealingKey,
    sso::Discovered,
    tokens::{Known, Rates},
    traces::Told,
    tracking::{Indexes, Writer},
    vitals::Pulse,
    webhooks::Outbound,
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Notify;

/// Choices of the operator that verbs need; filled by the server's configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// 0700; everything Slipway keeps beside the database.
    pub data: PathBuf,
    /// Where browsers and MLflow's clients reach the portal, for example `http://localhost:3000`.
    pub address: String,
    /// A session ends after so long without use.
    pub session_idle: Millis,
    /// A session ends after so long in any case.
    pub session_absolute: Millis,
    /// Bytes of artifacts that one team may keep; none where there is no limit.
    pub artifact_quota: Option<u64>,
    /// Requests a second of one token to MLflow's API; none where there is no limit.
    pub token_rate: Option<u32>,
    /// What was deleted so many days ago is purged by itself; none where nothing is.
    pub purge_after_days: Option<u32>,
    /// The file with the key that secrets are sealed with; made in the data folder where there is none.
    pub secret_key: Option<PathBuf>,
    /// Slipway's own program, for what is done in a process apart; none where nothing is.
    pub program: Option<PathBuf>,
    /// Where artifacts are kept; in the data folder where there is none.
    pub bucket: Option<BucketConfig>,
}

/// Cheap to clone; handed first to every verb.
#[derive(Clone)]
pub struct Portal {
    pub db: Db,
    pub compute: Arc<dyn ComputeEngine>,
    pub clock: Clock,
    pub events: Events,
    pub settings: Arc<Settings>,
    pub sealing: Arc<SealingKey>,
    /// Where the bytes of artifacts lie.
    pub artifacts: Arc<Objects>,
    pub setup: Arc<SetupCode>,
    pub throttle: Arc<Throttle>,
    /// Whether this process is the one that looks after notebooks.
    pub lease: Arc<Lease>,
    /// Tells the notebook supervisor that a wish has changed.
    pub wishes: Arc<Notify>,
    /// How long the supervisor takes to look at everything.
    pub looks: Arc<Pulse>,
    /// When people last used their notebooks, until idle stop has looked.
    pub touches: Arc<Touches>,
    /// Whom notebooks let in a moment ago.
    pub admitted: Arc<Admitted>,
    /// The way to other services.
    pub outbound: Arc<Outbound>,
    /// What identity providers say of themselves.
    pub sso: Arc<Discovered>,
    /// Whom tokens spoke for a moment ago.
    pub known_tokens: Arc<Known>,
    /// How often tokens asked lately.
    pub token_rates: Arc<Rates>,
    /// What runs log on its way into the database.
    pub writer: Arc<Writer>,
    /// When pages were told of traces.
    pub traces_told: Arc<Told>,
    /// What searches over runs keep in memory.
    pub indexes: Arc<Indexes>,
}

impl Portal {
    pub fn new(db: Db, compute: Arc<dyn ComputeEngine>, clock: Clock, settings: Settings) -> Result<Self> {
        crate::crash::arm(&settings.data);
        let sealing = match &settings.secret_key {
            Some(file) => SealingKey::load(file)?,
            None => SealingKey::load_or_create(&settings.data)?,
        };
        let artifacts = Objects::open(&settings.data, settings.bucket.as_ref())?;
        Ok(Self {
            db,
            compute,
            clock,
            events: Events::default(),
            settings: Arc::new(settings),
            sealing: Arc::new(sealing),
            artifacts: Arc::new(artifacts),
            setup: Arc::default(),
            throttle: Arc::default(),
            lease: Arc::default(),
            wishes: Arc::default(),
            looks: Arc::default(),
            touches: Arc::default(),
            admitted: Arc::default(),
            outbound: Arc::default(),
            sso: Arc::default(),
            known_tokens: Arc::default(),
            token_rates: Arc::default(),
            writer: Arc::default(),
            traces_told: Arc::default(),
            indexes: Arc::default(),
        })
    }
}
