//! The same attempts without a seal, so that each proves that it would succeed; and filters around a
//! command, as services and containers have them, that answer `eperm`, `enosys` or `kill`.
//!
//! ```text
//! escapes-outside try SURROUNDINGS              prints what came of each attempt, as JSON
//! escapes-outside without PART ANSWER CMD...    refuses landlock, seccomp, both, every-seccomp or capset
//! escapes-outside only LISTS ANSWER CMD...      refuses every call that is in none of these files
//! ```

use std::{
    collections::BTreeMap,
    env::{self, consts::ARCH},
    error::Error,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

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
        ["without", part, answer, command @ ..] => without(part, answer, command),
        ["only", lists, answer, command @ ..] => only(lists, answer, command),
        _ => Err(
            "give: try SURROUNDINGS, without PART ANSWER COMMAND, or only LISTS ANSWER COMMAND"
                .into(),
        ),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("escapes-outside: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Replaces this process by a command that is refused the calls of one part.
fn without(part: &str, answer: &str, command: &[&str]) -> Result<(), Box<dyn Error>> {
    let landlock = [
        libc::SYS_landlock_create_ruleset,
        libc::SYS_landlock_add_rule,
        libc::SYS_landlock_restrict_self,
    ];
    let every = || Vec::new();
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    if matches!(part, "landlock" | "both") {
        calls.extend(landlock.map(|call| (call, every())));
    }
    if matches!(part, "seccomp" | "both" | "every-seccomp") {
        calls.insert(libc::SYS_seccomp, every());
    }
    if part == "every-seccomp" {
        let option = u64::from(libc::PR_SET_SECCOMP.cast_unsigned());
        let is_it = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, option)?;
        calls.insert(libc::SYS_prctl, vec![SeccompRule::new(vec![is_it])?]);
    }
    if part == "capset" {
        calls.insert(libc::SYS_capset, every());
    }
    // Where it is refused, no older call is tried in its place.
    if part == "threads" {
        calls.insert(libc::SYS_clone3, every());
    }
    if calls.is_empty() {
        return Err("there is no such part".into());
    }
    filtered(calls, SeccompAction::Allow, answer_of(answer)?, command)
}

/// Replaces this process by a command that may only make the calls that these lists name, as `NAME
/// NUMBER` on each line; a list with a dash before it names what it takes away again.
fn only(lists: &str, answer: &str, command: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut calls = BTreeMap::new();
    for list in lists.split(',') {
        let (is_taken_away, list) = match list.strip_prefix('-') {
            Some(list) => (true, list),
            None => (false, list),
        };
        let text = std::fs::read_to_string(list)?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (_, number) = line.rsplit_once(' ').ok_or("no NAME NUMBER")?;
            match is_taken_away {
                true => drop(calls.remove(&number.parse()?)),
                false => drop(calls.insert(number.parse()?, Vec::new())),
            }
        }
    }
    filtered(calls, answer_of(answer)?, SeccompAction::Allow, command)
}

/// What a filter answers.
fn answer_of(word: &str) -> Result<SeccompAction, Box<dyn Error>> {
    Ok(match word {
        "eperm" => SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        "enosys" => SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        "kill" => SeccompAction::KillProcess,
        _ => return Err("the answers are eperm, enosys and kill".into()),
    })
}

fn filtered(
    calls: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    named: SeccompAction,
    command: &[&str],
) -> Result<(), Box<dyn Error>> {
    let filter = SeccompFilter::new(calls, otherwise, named, ARCH.try_into()?)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    Err(Command::new(program).args(arguments).exec().into())
}
