-- Files of a team by the paths that clients know them by. Their bytes lie in the artifact store, under names that no client chooses.
-- Whoever changes a team's files locks the team's row here first.
CREATE TABLE artifact_usage (
    team_id TEXT PRIMARY KEY REFERENCES teams (id),
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL
);

-- Every folder that holds something. A name in a folder is a file or a folder, never both.
CREATE TABLE artifact_folders (
    team_id TEXT NOT NULL REFERENCES teams (id),
    -- Empty for the top.
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (team_id, parent, name)
) /* clustered */;

CREATE TABLE artifacts (
    team_id TEXT NOT NULL REFERENCES teams (id),
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    object TEXT NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    -- How many parts the object has in artifact_parts; 0 where it is one whole.
    parts BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, folder, name)
) /* clustered */;

-- Files that something needs, for example a version of a registered model: they are neither replaced nor deleted.
CREATE TABLE artifact_pins (
    team_id TEXT NOT NULL REFERENCES teams (id),
    holder TEXT NOT NULL,
    object TEXT NOT NULL REFERENCES artifacts (object),
    PRIMARY KEY (team_id, holder, object)
) /* clustered */;
CREATE INDEX artifact_pins_of ON artifact_pins (object);

-- Uploads in parts that have been begun.
CREATE TABLE artifact_uploads (
    -- Becomes the artifact's object.
    id TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    -- Parts are taken as long as it is good.
    token_id TEXT NOT NULL REFERENCES tokens (id),
    created_at BIGINT NOT NULL,
    completed_at BIGINT
);

CREATE TABLE artifact_parts (
    upload_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    team_id TEXT NOT NULL REFERENCES teams (id),
    object TEXT NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (upload_id, number)
) /* clustered */;

-- Objects that no file needs any more.
CREATE TABLE artifact_garbage (
    object TEXT PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    size BIGINT NOT NULL
);
