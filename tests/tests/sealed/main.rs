//! The seal, tried from inside: a plugin attempts every escape when it is loaded, when it is configured and when it
//! sends, through the real binary.
//!
//! Each attempt is a case of its own, and proves something only if the same attempt gets through without a seal: the
//! same code in a process of the tests' own. Where it does not (the kernel lacks the feature, or refuses it anyway) the
//! case is *ignored by name*, with the reason, and never passed. Run as root, all of it is tried a second time as an
//! ordinary user.

#![allow(clippy::unwrap_used)]

mod filters;
mod inside;
mod surroundings;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use inside::{Inside, Report, Results, User};

/// What a sender with a grant may do.
const GRANTED: [&str; 1] = ["connect_tcp_to_granted_port"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, Vec::new()).exit_code();
    }
    let users = match rustix::process::geteuid().is_root() {
        true => vec![User::Own, User::Nobody],
        false => vec![User::Own],
    };
    let trials = users.into_iter().flat_map(|user| {
        let inside = Inside::new(user);
        let outside = inside.outside();
        let mut trials = cases(user, "sealed", &inside.sealed(), &outside, &[]);
        let granted = inside.sealed_with_grant();
        trials.extend(cases(user, "granted", &granted, &outside, &GRANTED));
        trials.extend(inside.others());
        trials
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// A case for each attempt at each moment.
fn cases(
    user: User,
    kind: &str,
    report: &Report,
    outside: &Results,
    allowed: &[&str],
) -> Vec<Trial> {
    let moments: Vec<_> = report.keys().map(String::as_str).collect();
    assert_eq!(moments, ["configure", "load", "send"]);
    let mut trials = Vec::new();
    for (moment, attempts) in report {
        assert!(attempts.keys().eq(outside.keys()), "{attempts:?}");
        for (attempt, result) in attempts {
            let name = format!("{user}::{kind}::{moment}::{attempt}");
            let is_allowed = attempt.starts_with("may_") || allowed.contains(&attempt.as_str());
            let expected = match is_allowed {
                true => "succeeded",
                false => "refused",
            };
            trials.push(case(name, result.clone(), &outside[attempt], expected));
        }
    }
    trials
}

fn case(name: String, result: String, outside: &str, expected: &'static str) -> Trial {
    if outside != "succeeded" && result == expected {
        let name = format!("{name} ({outside} without a seal too)");
        return Trial::test(name, || Ok(())).with_ignored_flag(true);
    }
    Trial::test(name, move || match result == expected {
        true => Ok(()),
        false => Err(Failed::from(format!("it was {result}"))),
    })
}
