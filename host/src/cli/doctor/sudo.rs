//! Another account than the one that sends: it sends by sudo, or not at all.

use std::{env, path::PathBuf, process::Command};

use super::{Finding, ok, problem};

/// Whether this account may run `textsender send` as the account that sends, and else the line that lets it.
pub(super) fn finding(asked: &str, account: &str) -> Finding {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/bin/textsender"));
    // `sudo -l` tells without running anything, and asks for no password where root asks it.
    let listed = Command::new("sudo")
        .args(["-n", "-l", "-U", asked, "-u", account, "--"])
        .arg(&program)
        .arg("send")
        .output();
    if listed.is_ok_and(|listed| listed.status.success() && !listed.stdout.is_empty()) {
        return ok(
            "account",
            format!("{asked} may send as {account}: sudo -u {account} textsender send"),
        );
    }
    problem(
        "account",
        format!("{account} is the account that sends, and {asked} may not send as it"),
        format!(
            "write into /etc/sudoers.d/textsender: {asked} ALL=({account}) NOPASSWD: {program} send, {program} send --stream; then {asked} runs: sudo -u {account} textsender send",
            program = program.display()
        ),
    )
}
