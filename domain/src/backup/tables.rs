//! Which tables a backup holds, capability by capability; a test compares them with the schema.

/// One table: its columns, of which the first `key` make up the primary key.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: usize,
    pub(super) columns: &'static [&'static str],
}

const PORTAL: &[Table] = &[
    Table { name: "counters", key: 1, columns: &["name", "value"] },
    Table { name: "users", key: 1, columns: &["id", "email", "name", "admin", "created_at", "disabled_at", "last_sign_in_at"] },
    Table { name: "identities", key: 2, columns: &["issuer", "subject", "user_id"] },
    Table { name: "passwords", key: 1, columns: &["user_id", "hash", "changed_at"] },
    Table { name: "teams", key: 1, columns: &["id", "name", "created_at"] },
    Table { name: "memberships", key: 2, columns: &["team_id", "user_id", "role", "created_at"] },
    Table {
        name: "tokens",
        key: 1,
        columns: &[
            "id",
            "user_id",
            "team_id",
            "role",
            "name",
            "prefix",
            "digest",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "notebook_id",
        ],
    },
    Table {
        name: "audit",
        key: 1,
        columns: &[
            "seq",
            "at",
            "actor",
            "via",
            "team",
            "action",
            "object",
            "object_name",
            "before",
            "after",
            "request_id",
            "address",
            "hash",
        ],
    },
    Table { name: "environments", key: 1, columns: &["name", "entry", "updated_at"] },
    Table { name: "volumes", key: 1, columns: &["id", "team_id", "name", "created_by", "created_at"] },
    Table {
        name: "notebooks",
        key: 1,
        columns: &[
            "id",
            "team_id",
            "owner",
            "name",
            "spec",
            "home",
            "idempotency_key",
            "desired",
            "delete_home",
            "launch",
            "phase",
            "phase_at",
            "reason",
            "next_step",
            "progress",
            "last_activity_at",
            "created_at",
        ],
    },
    Table { name: "notebook_phases", key: 3, columns: &["notebook_id", "launch", "position", "phase", "at", "reason"] },
    Table { name: "notebook_secrets", key: 2, columns: &["notebook_id", "name", "sealed"] },
    Table { name: "notebook_volumes", key: 2, columns: &["notebook_id", "volume_id", "read_only"] },
];

const fn table(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, key, columns }
}

const TRACKING: &[Table] = &[
    table(
        "experiments",
        1,
        &["id", "team_id", "is_default", "name", "artifact_location", "created_by", "created_at", "updated_at", "deleted_at", "version"],
    ),
    table("experiment_tags", 2, &["experiment_id", "key", "value"]),
    table(
        "runs",
        1,
        &[
            "no",
            "id",
            "experiment_id",
            "team_id",
            "name",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "created_by",
            "notebook_id",
            "created_at",
            "deleted_at",
            "version",
        ],
    ),
    table("params", 2, &["run_no", "key", "value"]),
    table("tags", 2, &["run_no", "key", "value"]),
    table("latest_metrics", 2, &["run_no", "key", "value", "timestamp", "step"]),
    table("metric_chunks", 3, &["run_no", "key", "seq", "points", "data"]),
];

const REGISTRY: &[Table] = &[];

const ARTIFACTS: &[Table] = &[
    table("artifact_usage", 1, &["team_id", "bytes", "files"]),
    table("artifact_folders", 3, &["team_id", "parent", "name"]),
    table("artifacts", 3, &["team_id", "folder", "name", "object", "size", "sha256", "parts", "created_by", "created_at"]),
    table("artifact_pins", 3, &["team_id", "holder", "object"]),
    table("artifact_uploads", 1, &["id", "team_id", "folder", "name", "created_by", "token_id", "created_at", "completed_at"]),
    table("artifact_parts", 2, &["upload_id", "number", "team_id", "object", "size", "sha256"]),
    table("artifact_garbage", 1, &["object", "team_id", "size"]),
];

const LOGGED_MODELS: &[Table] = &[];

const TRACES: &[Table] = &[];

/// What is copied, in an order in which every reference points backwards.
pub(super) fn tables() -> impl DoubleEndedIterator<Item = &'static Table> {
    [PORTAL, TRACKING, ARTIFACTS, LOGGED_MODELS, REGISTRY, TRACES].into_iter().flatten()
}

/// Deliberately not copied.
pub(super) const LEFT_OUT: &[&str] = &["notebook_tickets", "sessions", "events"];
