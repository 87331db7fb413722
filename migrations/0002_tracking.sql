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

-- Metric histories: points in compact chunks, in the order they were logged (domain/src/tracking/series.rs).
CREATE TABLE metric_chunks (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    -- Grows along the history; merging chunks keeps the first one's.
    seq BIGINT NOT NULL,
    points BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (run_no, key, seq)
);
