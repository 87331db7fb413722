//! Webhooks: what happens in the registry, told to another service, at least once and nowhere inside our network.
