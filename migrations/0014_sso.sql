-- Identity providers that people sign in with (OpenID Connect). Whoever signs in is known by (issuer, subject), in `identities`.
CREATE TABLE sso_providers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    issuer TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    -- Sealed; none for a public client.
    client_secret TEXT,
    scopes TEXT NOT NULL,
    -- Whether new people are let in by themselves.
    admits BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
