-- Experiments, runs and what runs log. MLflow's words: https://mlflow.org/docs/latest/ml/tracking
INSERT INTO counters (name, value) VALUES ('experiment', 0), ('run', 0);

CREATE TABLE experiments (
    -- Counted over the whole portal; a team's Default is known to clients as "0" and to nobody by this number.
    id BIGINT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    is_default BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- A label that clients read; Slipway never opens it.
    artifact_location TEXT NOT NULL,
    -- None for a Default.
    created_by TEXT REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    -- Counts the changes of its runs, in the order of the commits.
    version BIGINT NOT NULL,
    UNIQUE (team_id, name)
);
CREATE UNIQUE INDEX experiments_default ON experiments (team_id) WHERE is_default = 1;
-- Each team has its Default from the start; those that are here already get theirs now.
INSERT INTO experiments (id, team_id, is_default, name, artifact_location, created_at, updated_at, version)
SELECT ROW_NUMBER() OVER (ORDER BY created_at, id), id, 1, 'Default', 'mlflow-artifacts:/0', created_at, created_at, 0 FROM teams;
UPDATE counters SET value = (SELECT COUNT(*) FROM experiments) WHERE name = 'experiment';

CREATE TABLE experiment_tags (
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) /* clustered */;

CREATE TABLE runs (
    -- Grows with each run, so that what belongs to a run lies together; inside only.
    no BIGINT PRIMARY KEY,
    -- 32 hexadecimal digits; what everybody else calls the run.
    id TEXT NOT NULL UNIQUE,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    -- What the client said; who it truly was is created_by.
    user_id TEXT NOT NULL,
    -- RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
    status TEXT NOT NULL,
    start_time BIGINT,
    end_time BIGINT,
    created_by TEXT NOT NULL REFERENCES users (id),
    -- The notebook whose token made it; it may be gone by now.
    notebook_id TEXT,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    -- The experiment's version at its last change: a search index asks for what is newer than it has.
    version BIGINT NOT NULL
);
CREATE INDEX runs_changes ON runs (experiment_id, version);
CREATE INDEX runs_deleted ON runs (team_id, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE params (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_no, key)
) /* clustered */;

CREATE TABLE tags (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_no, key)
) /* clustered */;

CREATE TABLE latest_metrics (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    -- None for NaN, which SQLite cannot keep.
    value DOUBLE PRECISION,
    timestamp BIGINT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run_no, key)
) /* clustered */;

-- Metric histories: points in compact chunks (domain/src/tracking/series.rs, docs/adr/0007-metric-chunks.md).
CREATE TABLE metric_chunks (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    -- The experiment's version when it was written; merging chunks uses theirs again.
    seq BIGINT NOT NULL,
    points BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (run_no, key, seq)
) /* clustered */;

-- The notebook that a token was made for; runs it makes are linked to it.
ALTER TABLE tokens ADD COLUMN notebook_id TEXT;
