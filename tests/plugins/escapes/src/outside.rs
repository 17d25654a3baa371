//! The same attempts without a seal, so that each proves that it would succeed; and kernels that
//! lack a part of the seal.
//!
//! ```text
//! escapes-outside try SURROUNDINGS         prints what came of each attempt, as JSON
//! escapes-outside without landlock CMD...  runs a command on a kernel without Landlock
//! escapes-outside without seccomp CMD...   runs a command on a kernel without seccomp
//! ```

use std::{
    collections::BTreeMap,
    env::{self, consts::ARCH},
    error::Error,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the tests"
)]
fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["try", surroundings] => textsender_escapes::try_outside(surroundings)
            .map(|report| println!("{report}"))
            .map_err(Into::into),
        ["without", part, command @ ..] => without(part, command),
        _ => Err("give: try SURROUNDINGS, or: without landlock|seccomp COMMAND".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("escapes-outside: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Replaces this process by a command to which the kernel denies the calls of one part.
fn without(part: &str, command: &[&str]) -> Result<(), Box<dyn Error>> {
    let call = match part {
        "landlock" => libc::SYS_landlock_create_ruleset,
        "seccomp" => libc::SYS_seccomp,
        _ => return Err("there is no such part".into()),
    };
    // As a kernel answers that was built without it.
    let absent = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let calls = BTreeMap::from([(call, Vec::new())]);
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, absent, ARCH.try_into()?)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    Err(Command::new(program).args(arguments).exec().into())
}
