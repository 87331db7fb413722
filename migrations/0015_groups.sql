-- Groups that identity providers know people to be in, and what they give in teams.
ALTER TABLE sso_providers ADD COLUMN groups_claim TEXT NOT NULL DEFAULT 'groups';
-- Names as a JSON list, as the provider last said them.
ALTER TABLE identities ADD COLUMN group_names TEXT NOT NULL DEFAULT '[]';
-- Sealed: what the provider lets itself be asked again with.
ALTER TABLE identities ADD COLUMN grants TEXT;
-- When it was asked last, whether it answered or not.
ALTER TABLE identities ADD COLUMN asked_at BIGINT;
CREATE TABLE group_rules (
    id TEXT PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES sso_providers (id),
    pattern TEXT NOT NULL,
    -- Whether the pattern is the beginning of names, or one whole name.
    is_prefix BIGINT NOT NULL,
    team_id TEXT NOT NULL REFERENCES teams (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (provider_id, pattern, is_prefix, team_id)
);
CREATE INDEX group_rules_team ON group_rules (team_id);
-- `role` is the higher of the two; a membership without either does not exist.
ALTER TABLE memberships ADD COLUMN by_hand TEXT;
ALTER TABLE memberships ADD COLUMN by_rule TEXT;
UPDATE memberships SET by_hand = role;
-- The provider that a session began with, and its own name for it.
ALTER TABLE sessions ADD COLUMN issuer TEXT;
ALTER TABLE sessions ADD COLUMN sid TEXT;
