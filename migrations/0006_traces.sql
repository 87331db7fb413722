-- Traces of generative applications: spans, tags, metadata, assessments. MLflow's words: https://mlflow.org/docs/latest/genai/tracing
INSERT INTO counters (name, value) VALUES ('trace', 0);

CREATE TABLE traces (
    -- Grows with each trace, so that what belongs to a trace lies together; inside only.
    no BIGINT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    -- Chosen by the client, so unique in its team only: nobody can see or take the id of another team's trace.
    id TEXT NOT NULL,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    request_time BIGINT NOT NULL,
    -- Milliseconds; none while the trace goes on.
    duration BIGINT,
    -- OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED.
    state TEXT NOT NULL,
    -- MLflow's tag mlflow.traceName.
    name TEXT,
    client_request_id TEXT,
    request_preview TEXT,
    response_preview TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    total_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_creation_tokens BIGINT,
    -- 1 once its client has said what the trace is: what spans say about it no longer counts.
    finished BIGINT NOT NULL,
    UNIQUE (team_id, id)
);
CREATE INDEX traces_by_time ON traces (experiment_id, request_time);

CREATE TABLE trace_tags (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace_no, key)
) /* clustered */;

CREATE TABLE trace_metadata (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace_no, key)
) /* clustered */;

CREATE TABLE trace_runs (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    run_no BIGINT NOT NULL REFERENCES runs (no) ON DELETE CASCADE,
    PRIMARY KEY (trace_no, run_no)
) /* clustered */;
CREATE INDEX trace_runs_by_run ON trace_runs (run_no);

CREATE TABLE trace_prompts (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    -- `name/version` of a prompt; it need not exist.
    prompt TEXT NOT NULL,
    PRIMARY KEY (trace_no, prompt)
) /* clustered */;

CREATE TABLE spans (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    -- 16 hexadecimal digits.
    span_id TEXT NOT NULL,
    parent_id TEXT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    -- OK, ERROR or UNSET.
    status TEXT NOT NULL,
    -- Epoch nanoseconds.
    start_ns BIGINT NOT NULL,
    end_ns BIGINT,
    model TEXT,
    provider TEXT,
    input_cost DOUBLE PRECISION,
    output_cost DOUBLE PRECISION,
    total_cost DOUBLE PRECISION,
    -- Token counts as JSON, so that a trace's sum needs no content.
    usage TEXT,
    -- Length of the content.
    bytes BIGINT NOT NULL,
    -- Everything else as JSON: kind, message, attributes, events, links.
    content TEXT NOT NULL,
    PRIMARY KEY (trace_no, span_id)
);

CREATE TABLE assessments (
    trace_no BIGINT NOT NULL REFERENCES traces (no) ON DELETE CASCADE,
    id TEXT NOT NULL,
    -- feedback, expectation or issue.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    span_id TEXT,
    source_type TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- JSON.
    value TEXT NOT NULL,
    -- The value where it is a number, 0 or 1 where it is a boolean or yes or no.
    number DOUBLE PRECISION,
    -- JSON: code, message, stack.
    error TEXT,
    rationale TEXT,
    -- JSON: text by text.
    metadata TEXT,
    -- The assessment of the same trace that this one replaces.
    overrides TEXT,
    -- 0 where another one replaces it.
    valid BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (trace_no, id)
) /* clustered */;
