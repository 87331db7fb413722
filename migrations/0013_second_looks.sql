-- Waivers that are declined, and approvals that lapse when what was approved is written anew.
ALTER TABLE promotion_waivers ADD COLUMN declined_by TEXT REFERENCES users (id);
ALTER TABLE promotion_waivers ADD COLUMN declined_at BIGINT;
-- Why it was declined.
ALTER TABLE promotion_waivers ADD COLUMN declining TEXT;

-- Approvals that no longer count, as they were given.
CREATE TABLE promotion_lapses (
    request_id TEXT NOT NULL REFERENCES promotion_requests (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    comment TEXT NOT NULL,
    reviewed_at BIGINT NOT NULL,
    -- Who changed the model card.
    lapsed_by TEXT NOT NULL REFERENCES users (id),
    lapsed_at BIGINT NOT NULL,
    PRIMARY KEY (request_id, user_id, lapsed_at)
) /* clustered */;
