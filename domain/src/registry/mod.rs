//! Registered models, their versions, aliases and stages; prompts are registered models with a tag.
