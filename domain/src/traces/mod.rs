//! Traces of generative applications: spans, assessments, evaluation datasets and scorers.
