//! Filters around textsender, as systemd and container run-times have them: with each value of
//! `[plugins] seal`, no plugin runs unsealed without a word.

use libtest_mimic::Trial;

use crate::inside::{Inside, SEND, User, expect};

/// A filter around textsender, and what comes of a message for `required`, `best` and `any`: its
/// outcome, and words of the response or the log.
struct Filter {
    part: &'static str,
    answer: &'static str,
    ends: [End; 3],
}

/// An outcome, and words of the response or the log.
type End = (&'static str, &'static [&'static str]);

/// Lists of calls, by the names of their files.
const LISTS: [(&str, &str); 3] = [
    ("system-service", include_str!("system-service.x86_64.txt")),
    ("drop-in", include_str!("drop-in.x86_64.txt")),
    ("privileged", include_str!("privileged.x86_64.txt")),
];

const SEALED: End = (
    "accepted",
    &["sealed=Landlock version ", ", seccomp verified_ms"],
);
const FORBIDDEN: End = ("misconfigured", &["forbidden_by_sandbox"]);
const KILLED: End = (
    "misconfigured",
    &["a system call is forbidden from outside"],
);
const UNSEALED: End = ("accepted", &["is forbidden here"]);
const STAYS_ROOT: End = ("misconfigured", &["can't leave that account"]);

const NO_THREAD: End = ("misconfigured", &["the ledger gets no thread"]);

const FILTERS: &[Filter] = &[
    filter("landlock", "eperm", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("landlock", "enosys", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("landlock", "kill", [KILLED; 3]),
    // The older call does what seccomp(2) does.
    filter("seccomp", "eperm", [SEALED; 3]),
    filter("seccomp", "enosys", [SEALED; 3]),
    filter("seccomp", "kill", [KILLED; 3]),
    filter("every-seccomp", "eperm", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("every-seccomp", "enosys", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("both", "eperm", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("both", "enosys", [FORBIDDEN, UNSEALED, UNSEALED]),
    filter("both", "kill", [KILLED; 3]),
];

const fn filter(part: &'static str, answer: &'static str, ends: [End; 3]) -> Filter {
    Filter { part, answer, ends }
}

pub fn cases(user: User) -> Vec<Trial> {
    let mut trials = Vec::new();
    for Filter { part, answer, ends } in FILTERS {
        let around = format!("without {part} {answer}");
        trials.extend(with_each_seal(user, &around, *ends));
    }
    // A plugin's process has left root by then, and with it all that would have to be dropped.
    for answer in ["eperm", "enosys", "kill"] {
        let around = format!("without capset {answer}");
        trials.extend(with_each_seal(user, &around, [SEALED; 3]));
    }
    trials.extend(with_each_seal(
        user,
        "without threads eperm",
        [NO_THREAD; 3],
    ));
    trials.extend(of_systemd(user));
    trials
}

/// The sets of calls that systemd's own names mean: a service with `SystemCallFilter=@system-service`
/// alone, with what our drop-in adds, and without `@privileged`.
fn of_systemd(user: User) -> Vec<Trial> {
    let [service, drop_in, privileged] = LISTS.map(|(name, _)| name);
    let forbidden = [FORBIDDEN, UNSEALED, UNSEALED];
    let (of_root, of_root_enosys) = match user.to_string().as_str() {
        "root" => (STAYS_ROOT, FORBIDDEN),
        _ => (SEALED, SEALED),
    };
    let mut trials = Vec::new();
    for (lists, answer, ends) in [
        (service.to_owned(), "eperm", forbidden),
        (service.to_owned(), "kill", [KILLED; 3]),
        (format!("{service},{drop_in}"), "eperm", [SEALED; 3]),
        (format!("{service},{drop_in}"), "kill", [SEALED; 3]),
        (
            format!("{service},-{privileged},{drop_in}"),
            "eperm",
            [of_root; 3],
        ),
        (
            format!("{service},-{privileged},{drop_in}"),
            "enosys",
            [of_root_enosys; 3],
        ),
    ] {
        trials.extend(with_each_seal(
            user,
            &format!("only {lists} {answer}"),
            ends,
        ));
    }
    let is_here = cfg!(target_arch = "x86_64");
    let ignored = |trial: Trial| trial.with_ignored_flag(!is_here);
    trials.into_iter().map(ignored).collect()
}

fn with_each_seal(user: User, around: &str, ends: [End; 3]) -> impl Iterator<Item = Trial> {
    let around = around.to_owned();
    let seals = ["required", "best", "any"].into_iter().zip(ends);
    seals.map(move |(seal, (outcome, words))| {
        let command = format!("exec ./escapes-outside {around} {SEND}");
        Trial::test(format!("{user}::{around}::{seal}"), move || {
            let inside = Inside::new(user);
            let mut installation = inside.installation();
            installation.set("plugins.seal", seal);
            for (name, list) in LISTS {
                installation.write(name, list);
            }
            expect(&installation.run(&command), outcome, words)
        })
    })
}
