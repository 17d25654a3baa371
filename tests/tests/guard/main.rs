//! The guard: what one send and one message of a stream cost in instructions, counted by valgrind.
//!
//! Times depend on the machine and on what else it does; instructions of the same build hardly do
//! [0.1 %]. So they are compared with the figures kept in `figures.toml`, within 3 %. Another compiler,
//! C library or valgrind counts otherwise: with those the guard is *ignored by name*.
//!
//! | trial | what is counted |
//! |---|---|
//! | `one_send` | a send with the ledger, front and host process, from start to end |
//! | `stream_message` | what each further message of a stream adds in both, without the ledger |
//!
//! After a change that is meant, or for another toolchain, it says the figures to keep:
//! `cargo test --release -p textsender-tests --test guard -- --ignored`.

#![allow(clippy::unwrap_used)]

mod count;
mod figures;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use count::Counter;
use figures::{Figures, Toolchain};

/// What a count may differ by.
const TOLERANCE: f64 = 0.03;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let toolchain = Toolchain::look();
    let kept = toolchain.as_ref().ok().map(Figures::kept);
    let why = match (&toolchain, &kept) {
        (Err(why), _) => why.clone(),
        (Ok(toolchain), Some(None)) => format!("no figures are kept for {toolchain}"),
        _ => String::new(),
    };
    let trials: [(&str, fn(&Counter) -> u64, fn(&Figures) -> u64); 2] = [
        ("one_send", Counter::one_send, |kept| kept.one_send),
        ("stream_message", Counter::stream_message, |kept| {
            kept.stream_message
        }),
    ];
    let trials = trials.map(|(name, count, of)| {
        let is_ignored = !why.is_empty();
        let name = match is_ignored {
            true => format!("{name} ({why})"),
            false => name.to_owned(),
        };
        let kept = kept.clone().flatten();
        let toolchain = toolchain.clone();
        let trial = Trial::test(name, move || {
            let toolchain = toolchain?;
            compare(count(&Counter::new()), kept.as_ref().map(of), &toolchain)
        });
        trial.with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn compare(counted: u64, kept: Option<u64>, toolchain: &Toolchain) -> Result<(), Failed> {
    let Some(kept) = kept else {
        return Err(format!("for {toolchain} keep {counted}").into());
    };
    let change = counted as f64 / kept as f64 - 1.0;
    if change.abs() <= TOLERANCE {
        return Ok(());
    }
    let (percent, direction) = (
        change.abs() * 100.0,
        if change > 0.0 { "more" } else { "less" },
    );
    Err(format!(
        "{counted} instructions, {percent:.1} % {direction} than the {kept} that are kept in \
         tests/tests/guard/figures.toml. If that is meant, keep the new figure; if not, \
         `valgrind --tool=callgrind` and `callgrind_annotate` tell where they are spent"
    )
    .into())
}
