-- What was copied from other trackers, so that an import that was broken off goes on and one that is made again copies only what is new.
CREATE TABLE imported (
    team_id TEXT NOT NULL REFERENCES teams (id),
    -- run or logged_model
    kind TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- What it is called here: the same, unless another team has that id.
    local_id TEXT NOT NULL,
    -- Digest of what the source said of it when everything was in; none until then.
    fingerprint TEXT,
    -- Whether what it is linked with is in, too.
    finished BIGINT NOT NULL,
    points BIGINT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (team_id, kind, source_id)
) /* clustered */;
