//! The binary `newton`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    newton_cli::main()
}
