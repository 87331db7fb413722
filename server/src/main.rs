//! The one binary: the portal, its command line, and the launcher that confines what it starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::run()
}
