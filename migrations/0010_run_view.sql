-- Named views of an experiment's runs: what is filtered, sorted and shown, as a page's address says it.
CREATE TABLE run_view (
    id TEXT PRIMARY KEY,
    experiment_id BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    -- Whose it is; none for the team's.
    owner TEXT REFERENCES users (id),
    name TEXT NOT NULL,
    -- The query of the page's address, without its question mark.
    query TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX run_view_names ON run_view (experiment_id, COALESCE(owner, ''), name);
