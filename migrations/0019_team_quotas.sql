-- What a team's notebooks may hold at once; null is no limit.
ALTER TABLE teams ADD COLUMN quota_cpus BIGINT;
ALTER TABLE teams ADD COLUMN quota_memory_mib BIGINT;
ALTER TABLE teams ADD COLUMN quota_gpus BIGINT;
-- When somebody asked that what the engine keeps for the team be made as it should be; null once that is done.
ALTER TABLE teams ADD COLUMN repair_wished_at BIGINT;
