//! The one binary: the portal, its command line, and the launcher that confines what it starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Nothing of the portal is set up in the processes that watch over workloads and confine them.
    match std::env::args_os().nth(1).as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("shim") => domain::compute::local::shim::main(),
        Some("confine") => domain::compute::local::confine::main(),
        Some(app::previews::parquet::COMMAND) => app::previews::parquet::main(),
        _ => server::cli::run(),
    }
}
