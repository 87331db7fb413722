-- What `slipway demo` made, so that `slipway demo --remove` takes away that and nothing else.
ALTER TABLE teams ADD COLUMN demo BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN demo BIGINT NOT NULL DEFAULT 0;

-- The log of webhooks: what was sent, and how each try went.
INSERT INTO counters (name, value) VALUES ('webhook_attempt', 0);
CREATE TABLE webhook_sent (
    -- What the receiver knows it by.
    delivery TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL REFERENCES teams (id),
    -- The registered model that it is about; empty for a test.
    object TEXT NOT NULL,
    event TEXT NOT NULL,
    -- The model's name as the body has it.
    about TEXT NOT NULL,
    body TEXT NOT NULL,
    -- 1 where a person tried the webhook and nothing had happened.
    test BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX webhook_sent_of ON webhook_sent (webhook_id, last_at);
CREATE INDEX webhook_sent_age ON webhook_sent (last_at);

CREATE TABLE webhook_attempts (
    -- In the order they ended.
    seq BIGINT PRIMARY KEY,
    delivery TEXT NOT NULL REFERENCES webhook_sent (delivery) ON DELETE CASCADE,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    -- Milliseconds.
    duration BIGINT NOT NULL,
    -- What the receiver answered; none where it did not.
    status BIGINT,
    -- The beginning of its answer.
    answer TEXT,
    -- Why it counts as failed; none where it arrived.
    error TEXT,
    -- When it is tried again; none where it is not.
    next_at BIGINT
);
CREATE INDEX webhook_attempts_of ON webhook_attempts (webhook_id, seq);
CREATE INDEX webhook_attempts_delivery ON webhook_attempts (delivery);
