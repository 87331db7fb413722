//! The verbs on a real database: `SQLite`, or `PostgreSQL` where `SLIPWAY_TEST_DATABASE_URL` names one.
