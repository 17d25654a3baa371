//! The guard: what one send and one message of a stream cost in instructions, counted by valgrind, and
//! what the program's file costs at each start.
//!
//! Times depend on the machine and on what else it does; instructions of the same build hardly do
//! [0.1 %]. So they are held against the figures kept in `figures.toml`, which may only go down. Another
//! compiler, C library or valgrind counts otherwise: with those the guard is *ignored by name*.
//!
//! | trial | what is counted |
//! |---|---|
//! | `one_send` | a send with the ledger, front and host process, from start to end |
//! | `stream_message` | what each further message of a stream adds in both, without the ledger |
//! | `size` | what is mapped of the file of `textsender`, in bytes |
//! | `relocations` | the entries of its tables of addresses that are bound at each start: a send starts it twice |
//!
//! After a change that is meant, or for another toolchain, it says the figures to keep:
//! `cargo test --release -p textsender-tests --test guard -- --ignored`.

#![allow(clippy::unwrap_used)]

mod count;
mod figures;
mod file;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use count::Counter;
use figures::{Figures, Toolchain};

/// Something that is counted, and where its figure is kept.
struct Counted {
    name: &'static str,
    count: fn() -> u64,
    kept: fn(&Figures) -> u64,
    /// What a count may be above its figure: instructions vary a little, and a file with the length of
    /// the paths that it was built from.
    tolerance: f64,
}

const COUNTED: [Counted; 4] = [
    Counted {
        name: "one_send",
        count: || Counter::new().one_send(),
        kept: |figures| figures.one_send,
        tolerance: 0.03,
    },
    Counted {
        name: "stream_message",
        count: || Counter::new().stream_message(),
        kept: |figures| figures.stream_message,
        tolerance: 0.03,
    },
    Counted {
        name: "size",
        count: file::size,
        kept: |figures| figures.size,
        tolerance: 0.005,
    },
    Counted {
        name: "relocations",
        count: file::relocations,
        kept: |figures| figures.relocations,
        tolerance: 0.005,
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
        tolerance,
    } = counted;
    let name = match (toolchain, &kept) {
        (Err(lacking), _) => format!("{name} ({lacking})"),
        (Ok(other), None) => format!("{name} (no figures are kept for {other})"),
        (Ok(_), Some(_)) => name.to_owned(),
    };
    let is_ignored = kept.is_none();
    let toolchain = toolchain.clone();
    let trial = Trial::test(name, move || {
        compare(count(), kept.as_ref().map(of), tolerance, &toolchain?)
    });
    trial.with_ignored_flag(is_ignored)
}

fn compare(
    counted: u64,
    kept: Option<u64>,
    tolerance: f64,
    toolchain: &Toolchain,
) -> Result<(), Failed> {
    let Some(kept) = kept else {
        return Err(format!("for {toolchain} keep {counted}").into());
    };
    let change = (counted as f64 / kept as f64 - 1.0) * 100.0;
    if change <= tolerance * 100.0 {
        return Ok(());
    }
    Err(format!(
        "{counted}, {change:.1} % more than the {kept} that are kept in tests/tests/guard/figures.toml. The figures \
         may only go down: `valgrind --tool=callgrind` and `callgrind_annotate` tell where instructions are spent, \
         `nm --size-sort` and `readelf --relocs` what is in the file"
    )
    .into())
}
