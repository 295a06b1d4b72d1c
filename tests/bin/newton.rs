//! The command line, for trials that start it: the binary of another package can't be named by a test.

use std::process::ExitCode;

fn main() -> ExitCode {
    newton_cli::main()
}
