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

/// What a count may be above its figure.
const TOLERANCE: f64 = 0.03;

/// Something that is counted, and where its figure is kept.
struct Counted {
    name: &'static str,
    count: fn(&Counter) -> u64,
    kept: fn(&Figures) -> u64,
}

const COUNTED: [Counted; 2] = [
    Counted {
        name: "one_send",
        count: Counter::one_send,
        kept: |figures| figures.one_send,
    },
    Counted {
        name: "stream_message",
        count: Counter::stream_message,
        kept: |figures| figures.stream_message,
    },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let toolchain = Toolchain::look();
    let kept = toolchain.as_ref().ok().and_then(Figures::kept);
    let trials = COUNTED.map(|counted| trial(counted, &toolchain, kept.clone()));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn trial(counted: Counted, toolchain: &Result<Toolchain, String>, kept: Option<Figures>) -> Trial {
    let Counted {
        name,
        count,
        kept: of,
    } = counted;
    let name = match (toolchain, &kept) {
        (Err(lacking), _) => format!("{name} ({lacking})"),
        (Ok(other), None) => format!("{name} (no figures are kept for {other})"),
        (Ok(_), Some(_)) => name.to_owned(),
    };
    let is_ignored = kept.is_none();
    let toolchain = toolchain.clone();
    let trial = Trial::test(name, move || {
        let counted = count(&Counter::new());
        compare(counted, kept.as_ref().map(of), &toolchain?)
    });
    trial.with_ignored_flag(is_ignored)
}

fn compare(counted: u64, kept: Option<u64>, toolchain: &Toolchain) -> Result<(), Failed> {
    let Some(kept) = kept else {
        return Err(format!("for {toolchain} keep {counted}").into());
    };
    let change = counted as f64 / kept as f64 - 1.0;
    // Less is no failure: the figures may only go down.
    if change <= TOLERANCE {
        return Ok(());
    }
    let percent = change * 100.0;
    Err(format!(
        "{counted} instructions, {percent:.1} % more than the {kept} that are kept in \
         tests/tests/guard/figures.toml. If that is meant, keep the new figure; if not, \
         `valgrind --tool=callgrind` and `callgrind_annotate` tell where they are spent"
    )
    .into())
}
