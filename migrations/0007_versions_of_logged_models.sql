-- Which versions of registered models come from a logged model.
CREATE INDEX model_versions_logged_model ON model_versions (logged_model_id);
