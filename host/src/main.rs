//! The `textsender` program: the command line, or a host process of its own.

use std::process::ExitCode;

use textsender::failpoint::Failpoints;

fn main() -> ExitCode {
    textsender::run(Failpoints::default())
}
