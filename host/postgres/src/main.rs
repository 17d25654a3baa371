//! `textsender-postgres`: `textsender` with the store that several machines share.
//!
//! `textsender` becomes this program where `[state.shared]` is configured; it takes the same commands.

use std::process::ExitCode;

use textsender::failpoint::Failpoints;
use textsender::ledger::{POSTGRES, share};

fn main() -> ExitCode {
    share(&POSTGRES);
    textsender::run(Failpoints::default())
}
