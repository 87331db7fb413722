//! Identifiers: made in Rust, opaque, safe in a URL and as a DNS label.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Length of every identifier: 16 characters of `[a-z0-9]`, 80 random bits.
pub const ID_LENGTH: usize = 16;

/// Whether `text` has the shape of an identifier. Says nothing about existence.
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self { Self(text) }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }
    };
}

id!(/** A person. */ UserId);
id!(/** A team. In URLs a team goes by its name. */ TeamId);
id!(/** A notebook, also the first label of its own host. */ NotebookId);
id!(/** A named persistent folder. */ VolumeId);
id!(/** A personal access token (not its secret). */ TokenId);
id!(/** An experiment as its team's clients know it: a number, "0" for the team's Default. */ ExperimentId);
id!(/** A run: 32 hexadecimal digits, MLflow's shape. */ RunId);
id!(/** A model that a run logged: `m-` and 32 hexadecimal digits, MLflow's shape. */ LoggedModelId);
