-- Models that runs log, what runs read and make, evaluation datasets and scorers.
INSERT INTO counters (name, value) VALUES ('logged_model', 0), ('dataset', 0);

CREATE TABLE logged_models (
    -- Grows with each model; inside only.
    no BIGINT PRIMARY KEY,
    -- m- and 32 hexadecimal digits; what everybody else calls the model.
    id TEXT NOT NULL UNIQUE,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id),
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    -- Empty where the client said none.
    model_type TEXT NOT NULL,
    -- Id of the run that made it, also when that run is gone; empty for none.
    source_run TEXT NOT NULL,
    source_run_no BIGINT REFERENCES runs (no) ON DELETE SET NULL,
    -- PENDING, READY or FAILED.
    status TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX logged_models_newest ON logged_models (experiment_id, created_at, no);
CREATE INDEX logged_models_of_run ON logged_models (source_run_no);

CREATE TABLE logged_model_params (
    model_no BIGINT NOT NULL REFERENCES logged_models (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_no, key)
) /* clustered */;

CREATE TABLE logged_model_tags (
    model_no BIGINT NOT NULL REFERENCES logged_models (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_no, key)
) /* clustered */;

-- In the order in which the latest is looked for.
CREATE TABLE logged_model_metrics (
    model_no BIGINT NOT NULL REFERENCES logged_models (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    step BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    -- The run that logged it.
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    -- The data it was measured on; both empty where none was said.
    dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    -- None for NaN, which SQLite cannot keep.
    value DOUBLE PRECISION,
    PRIMARY KEY (model_no, key, step, timestamp, run_no, dataset_name, dataset_digest)
) /* clustered */;
CREATE INDEX logged_model_metrics_of_run ON logged_model_metrics (run_no);

-- What runs read: each set of data once in an experiment.
CREATE TABLE datasets (
    no BIGINT PRIMARY KEY,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment_id, name, digest)
);

CREATE TABLE run_links (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    -- 0: the run read this dataset, 1: it read this model, 2: it made this model.
    kind BIGINT NOT NULL,
    -- Number of the dataset or the model.
    other BIGINT NOT NULL,
    -- Of a model that it made.
    step BIGINT NOT NULL,
    PRIMARY KEY (run_no, kind, other)
) /* clustered */;
CREATE INDEX run_links_back ON run_links (kind, other);

CREATE TABLE run_dataset_tags (
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    dataset_no BIGINT NOT NULL REFERENCES datasets (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_no, dataset_no, key)
) /* clustered */;
CREATE INDEX run_dataset_tags_back ON run_dataset_tags (dataset_no);

CREATE TABLE evaluation_datasets (
    -- d- and 32 hexadecimal digits.
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- Kinds of the fields of its records, as JSON; none while it is empty.
    schema TEXT,
    records BIGINT NOT NULL,
    -- Number of the next record.
    next_seq BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    updated_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX evaluation_datasets_of_team ON evaluation_datasets (team_id, created_at);

CREATE TABLE evaluation_dataset_tags (
    dataset_id TEXT NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (dataset_id, key)
) /* clustered */;

CREATE TABLE evaluation_dataset_experiments (
    dataset_id TEXT NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    PRIMARY KEY (dataset_id, experiment_id)
) /* clustered */;
CREATE INDEX evaluation_datasets_of_experiment ON evaluation_dataset_experiments (experiment_id);

CREATE TABLE evaluation_records (
    dataset_id TEXT NOT NULL REFERENCES evaluation_datasets (id) ON DELETE CASCADE,
    -- In the order they were added.
    seq BIGINT NOT NULL,
    -- dr- and 32 hexadecimal digits.
    id TEXT NOT NULL,
    -- SHA-256 of the inputs: a dataset has no two records with the same.
    input_hash TEXT NOT NULL,
    -- JSON.
    inputs TEXT NOT NULL,
    outputs TEXT,
    expectations TEXT,
    tags TEXT,
    source TEXT,
    created_by TEXT NOT NULL REFERENCES users (id),
    updated_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (dataset_id, seq)
);
CREATE UNIQUE INDEX evaluation_records_inputs ON evaluation_records (dataset_id, input_hash);
CREATE UNIQUE INDEX evaluation_records_ids ON evaluation_records (dataset_id, id);

CREATE TABLE scorers (
    id TEXT PRIMARY KEY,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Number of the newest version; a number is never given twice.
    last_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (experiment_id, name)
);

CREATE TABLE scorer_versions (
    scorer_id TEXT NOT NULL REFERENCES scorers (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    -- JSON that only clients read; Slipway never runs it.
    serialized TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scorer_id, version)
);
