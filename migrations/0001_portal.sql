-- The same text runs on SQLite and PostgreSQL. Types: TEXT, BIGINT, DOUBLE PRECISION. Times are epoch milliseconds. Ids are made in Rust.

-- Gapless sequences, in the order of commits (the row is locked until commit).
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('event', 0), ('audit', 0);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    admin BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    last_sign_in_at BIGINT
);

-- Who a person is: (issuer, subject). The local issuer's subject is the lower-case email.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    handle TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id),
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    team_id TEXT NOT NULL REFERENCES teams (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    team_id TEXT NOT NULL REFERENCES teams (id),
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    team TEXT,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    object_name TEXT NOT NULL,
    before TEXT,
    after TEXT,
    request_id TEXT NOT NULL,
    address TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_team ON audit (team, seq);

CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    team TEXT,
    change TEXT NOT NULL
);
CREATE INDEX events_at ON events (at);

CREATE TABLE environments (
    name TEXT PRIMARY KEY,
    -- The whole entry, JSON (model::Environment).
    entry TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    UNIQUE (team_id, name)
);

CREATE TABLE notebooks (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    owner TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- JSON (model::NotebookSpec).
    spec TEXT NOT NULL,
    home TEXT NOT NULL REFERENCES volumes (id),
    idempotency_key TEXT NOT NULL,
    -- The wish: running, stopped or deleted.
    desired TEXT NOT NULL,
    delete_home BIGINT NOT NULL DEFAULT 0,
    -- Counts launches.
    launch BIGINT NOT NULL,
    -- The fact.
    phase TEXT NOT NULL,
    phase_at BIGINT NOT NULL,
    reason TEXT,
    next_step TEXT,
    progress TEXT,
    last_activity_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (team_id, name),
    UNIQUE (owner, idempotency_key)
);

CREATE TABLE notebook_phases (
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    launch BIGINT NOT NULL,
    position BIGINT NOT NULL,
    phase TEXT NOT NULL,
    at BIGINT NOT NULL,
    reason TEXT,
    PRIMARY KEY (notebook_id, launch, position)
);

CREATE TABLE notebook_secrets (
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Encrypted with the key in the data folder.
    sealed TEXT NOT NULL,
    PRIMARY KEY (notebook_id, name)
);

CREATE TABLE notebook_volumes (
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    volume_id TEXT NOT NULL REFERENCES volumes (id),
    read_only BIGINT NOT NULL,
    PRIMARY KEY (notebook_id, volume_id)
);
CREATE INDEX notebook_volumes_volume ON notebook_volumes (volume_id);

-- One-time codes (until redeemed) and the tickets they become: what lets one browser into one notebook's own host.
CREATE TABLE notebook_tickets (
    digest TEXT PRIMARY KEY,
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    -- Handle of the portal session it hangs on.
    session TEXT NOT NULL,
    redeemed BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
