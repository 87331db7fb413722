-- Registered models, their versions, tags and aliases; webhooks and what they still have to deliver.
-- MLflow's words: https://mlflow.org/docs/latest/ml/model-registry
INSERT INTO counters (name, value) VALUES ('webhook_delivery', 0);

CREATE TABLE registered_models (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    -- The name in the one form that names which look the same share.
    name_key TEXT NOT NULL,
    description TEXT,
    -- The greatest number that a version has had; none is given twice.
    last_version BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (team_id, name),
    UNIQUE (team_id, name_key)
);

CREATE TABLE registered_model_tags (
    model_id TEXT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) /* clustered */;
CREATE INDEX registered_model_tags_key ON registered_model_tags (key, model_id);

CREATE TABLE model_versions (
    model_id TEXT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    description TEXT,
    -- None, Staging, Production or Archived.
    stage TEXT NOT NULL,
    -- What the client said, checked.
    source TEXT NOT NULL,
    -- Where clients fetch the files.
    download_uri TEXT NOT NULL,
    -- Lineage: by name, since it is told also when the run is gone.
    run_id TEXT,
    run_link TEXT,
    logged_model_id TEXT,
    -- The folder of its files in the team's artifacts, and SHA-256 over all of them when it was made.
    artifact_root TEXT,
    digest TEXT,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (model_id, version)
);
CREATE INDEX model_versions_stage ON model_versions (model_id, stage, version);
CREATE INDEX model_versions_run ON model_versions (run_id);

CREATE TABLE model_version_tags (
    model_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, version, key),
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX model_version_tags_key ON model_version_tags (key, model_id);

CREATE TABLE model_aliases (
    model_id TEXT NOT NULL,
    alias TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (model_id, alias),
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX model_aliases_version ON model_aliases (model_id, version);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    -- Encrypted with the key in the data folder.
    secret TEXT,
    -- ACTIVE or DISABLED.
    status TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- How the last try ended: none where it went well, or where there was none.
    last_error TEXT,
    last_try_at BIGINT
);
CREATE INDEX webhooks_team ON webhooks (team_id, created_at);

CREATE TABLE webhook_events (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    -- For example model_version.created.
    event TEXT NOT NULL,
    PRIMARY KEY (webhook_id, event)
) /* clustered */;

-- Written in the transaction of the change, removed once the receiver has it: at least once, and in order for each object.
CREATE TABLE webhook_deliveries (
    -- In the order of the commits.
    seq BIGINT PRIMARY KEY,
    -- What the receiver knows it by; the same at each try.
    id TEXT NOT NULL UNIQUE,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL REFERENCES teams (id),
    -- The registered model that it is about.
    object TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    -- Until then one process is at it.
    claimed_until BIGINT NOT NULL,
    -- When it was given up; kept a week, for people to see.
    dead_at BIGINT,
    last_error TEXT
);
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, object, seq);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at, seq);
