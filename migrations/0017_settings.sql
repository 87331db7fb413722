-- What administrators decide about the whole portal. A setting that is not there is as it was before anybody decided.
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- When a session ends that a local account began although local accounts are switched off.
ALTER TABLE sessions ADD COLUMN break_glass_until BIGINT;
