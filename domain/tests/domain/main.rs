//! The verbs on a real database: `SQLite`, or `PostgreSQL` where `SLIPWAY_TEST_DATABASE_URL` names one.

mod adoption;
mod artifacts;
mod audit_trail;
mod backups;
mod buckets;
mod catalogue;
mod compute_contract;
mod home;
mod importing;
mod live_events;
mod local_engine;
mod logged_models;
mod machine;
mod notebooks;
mod preparation;
mod registry;
mod run_search;
mod run_search_reference;
mod sessions;
mod sign_in;
mod teams;
mod tokens;
mod traces;
mod tracking;
mod volumes;
mod webhooks;
