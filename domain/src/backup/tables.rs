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

const ARTIFACTS: &[Table] = &[];

const LOGGED_MODELS: &[Table] = &[
    table(
        "logged_models",
        1,
        &[
            "no",
            "id",
            "experiment_id",
            "team_id",
            "name",
            "model_type",
            "source_run",
            "source_run_no",
            "status",
            "created_by",
            "created_at",
            "updated_at",
            "deleted_at",
        ],
    ),
    table("logged_model_params", 2, &["model_no", "key", "value"]),
    table("logged_model_tags", 2, &["model_no", "key", "value"]),
    table("logged_model_metrics", 7, &["model_no", "key", "step", "timestamp", "run_no", "dataset_name", "dataset_digest", "value"]),
    table("datasets", 1, &["no", "experiment_id", "name", "digest", "source_type", "source", "schema", "profile"]),
    table("run_links", 3, &["run_no", "kind", "other", "step"]),
    table("run_dataset_tags", 3, &["run_no", "dataset_no", "key", "value"]),
    table(
        "evaluation_datasets",
        1,
        &["id", "team_id", "name", "digest", "schema", "records", "next_seq", "created_by", "updated_by", "created_at", "updated_at"],
    ),
    table("evaluation_dataset_tags", 2, &["dataset_id", "key", "value"]),
    table("evaluation_dataset_experiments", 2, &["dataset_id", "experiment_id"]),
    table(
        "evaluation_records",
        2,
        &[
            "dataset_id",
            "seq",
            "id",
            "input_hash",
            "inputs",
            "outputs",
            "expectations",
            "tags",
            "source",
            "created_by",
            "updated_by",
            "created_at",
            "updated_at",
        ],
    ),
    table("scorers", 1, &["id", "experiment_id", "name", "last_version", "created_at"]),
    table("scorer_versions", 2, &["scorer_id", "version", "serialized", "created_by", "created_at"]),
];

const TRACES: &[Table] = &[];

/// What is copied, in an order in which every reference points backwards.
pub(super) fn tables() -> impl DoubleEndedIterator<Item = &'static Table> {
    [PORTAL, TRACKING, ARTIFACTS, LOGGED_MODELS, REGISTRY, TRACES].into_iter().flatten()
}

/// Deliberately not copied.
pub(super) const LEFT_OUT: &[&str] = &["notebook_tickets", "sessions", "events"];
