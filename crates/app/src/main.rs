//! The one binary, `gauze`.

use std::process::ExitCode;

fn main() -> ExitCode {
    app::cli::main()
}
