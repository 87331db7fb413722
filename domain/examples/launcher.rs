//! What the `slipway` binary is to the local engine, for this crate's own tests: its two hidden commands.

use domain::compute::local::{confine, shim};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("shim") => shim::main(),
        Some("confine") => confine::main(),
        _ => ExitCode::from(2),
    }
}
