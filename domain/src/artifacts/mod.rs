//! Artifacts: files of runs and models, kept in an object store under names that no client chooses.
