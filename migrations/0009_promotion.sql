-- Promotion of model versions: each team's flow, requests and what was said of them, who held an alias when, and model cards.

CREATE TABLE promotion_flows (
    team_id TEXT PRIMARY KEY REFERENCES teams (id),
    -- JSON of PromotionFlow (domain/src/model/promotion.rs).
    flow TEXT NOT NULL,
    updated_by TEXT NOT NULL REFERENCES users (id),
    updated_at BIGINT NOT NULL
);

CREATE TABLE promotion_requests (
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    model_id TEXT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
    -- The version may be gone by now.
    version BIGINT NOT NULL,
    alias TEXT NOT NULL,
    -- open, promoted, rejected or withdrawn.
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    -- Who held the alias when it was asked.
    holder BIGINT,
    -- JSON of the gates as they were when it was asked, and when it was closed.
    gates_then TEXT NOT NULL,
    gates_closed TEXT,
    requested_by TEXT NOT NULL REFERENCES users (id),
    requested_at BIGINT NOT NULL,
    closed_by TEXT REFERENCES users (id),
    closed_at BIGINT,
    closing TEXT
);
CREATE INDEX promotion_requests_team ON promotion_requests (team_id, state, requested_at);
CREATE INDEX promotion_requests_model ON promotion_requests (model_id, version, state);

CREATE TABLE promotion_reviews (
    request_id TEXT NOT NULL REFERENCES promotion_requests (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    -- 1 or 0.
    approves BIGINT NOT NULL,
    comment TEXT NOT NULL,
    reviewed_at BIGINT NOT NULL,
    PRIMARY KEY (request_id, user_id)
) /* clustered */;

CREATE TABLE promotion_waivers (
    request_id TEXT NOT NULL REFERENCES promotion_requests (id) ON DELETE CASCADE,
    -- Which gate: its kind and what it asks for.
    gate TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- What was seen of the gate: the waiver counts as long as this is seen.
    evidence TEXT NOT NULL,
    asked_by TEXT NOT NULL REFERENCES users (id),
    asked_at BIGINT NOT NULL,
    granted_by TEXT REFERENCES users (id),
    granted_at BIGINT,
    PRIMARY KEY (request_id, gate)
) /* clustered */;

-- Every move of an alias, in order.
CREATE TABLE alias_holders (
    model_id TEXT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    alias TEXT NOT NULL,
    -- None from where it was taken away. The version may be gone by now.
    version BIGINT,
    how TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    changed_by TEXT NOT NULL REFERENCES users (id),
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (model_id, seq)
) /* clustered */;
CREATE INDEX alias_holders_alias ON alias_holders (model_id, alias, seq);

CREATE TABLE model_cards (
    model_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    field TEXT NOT NULL,
    -- Markdown.
    text TEXT NOT NULL,
    updated_by TEXT NOT NULL REFERENCES users (id),
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (model_id, version, field),
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) /* clustered */;

-- Aliases that are there already: who moved them is in the audit trail; the history begins with where they point now.
INSERT INTO alias_holders (model_id, seq, alias, version, how, changed_by, changed_at)
SELECT a.model_id, ROW_NUMBER() OVER (PARTITION BY a.model_id ORDER BY a.alias), a.alias, a.version, 'found', m.created_by, m.updated_at
FROM model_aliases a JOIN registered_models m ON m.id = a.model_id;
