//! The account that sends, and root acting as it: what a command leaves behind in the state folder is
//! that account's own, and no plugin ever runs as root.
//!
//! Which account it is stands in the configuration, `[state] owner`, written by `init`. Where it does
//! not, it is the owner of the state folder.

use std::{fs, io, path::Path};

use crate::{
    config::State,
    os::{
        accounts::{self, is_root, switch_to},
        process,
        rights::Rights,
    },
    trust,
};

/// The account that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingAccount {
    /// Its name, or its number where it has none.
    pub name: String,
    /// Its number.
    pub user: u32,
    /// Its group's number.
    pub group: u32,
}

/// The account that sends with this `[state]` and state folder; `None` where nothing says.
///
/// # Errors
///
/// `[state] owner` names none of this machine, or the machine's can't be read.
pub fn sending_account(settings: &State, state: &Path) -> io::Result<Option<SendingAccount>> {
    if let Some(name) = &settings.owner {
        let account = accounts::named(name)?.ok_or_else(|| {
            // Whose the folder is has been the one that sends.
            let owner = fs::metadata(state).map(|folder| Rights::of(&folder).user);
            let meant = owner.ok().filter(|owner| *owner != 0);
            let meant = meant.map_or("NAME".to_owned(), accounts::name_of);
            let words = format!(
                "there is no account {:?}, which [state] owner names; sudo textsender init --owner {meant}",
                name.value
            );
            io::Error::new(io::ErrorKind::NotFound, words)
        })?;
        return Ok(Some(SendingAccount {
            name: account.name,
            user: account.user,
            group: account.group,
        }));
    }
    let Ok(folder) = fs::metadata(state) else {
        return Ok(None);
    };
    let Rights { user, group, .. } = Rights::of(&folder);
    Ok(Some(SendingAccount {
        name: accounts::name_of(user),
        user,
        group,
    }))
}

/// Lets host processes run as the account that sends, and believes its files, where root runs this: for
/// commands that have to stay root to change the configuration.
pub fn lend(settings: &State, state: &Path) {
    if let Ok(Some(account)) = other_than_root(settings, state) {
        process::run_as(account.user, account.group);
        trust::accept_owner(account.user);
    }
}

/// Becomes the account that sends, for good, where root runs this.
///
/// To be called before there is a second thread: each thread has an account of its own.
///
/// # Errors
///
/// There is no such account, no state folder, or the system does not allow it, as in some containers.
pub fn become_owner(settings: &State, state: &Path) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    // What root made would be root's: nothing that sends could use it.
    if !state.is_dir() {
        let shown = state.display();
        let words = match state.exists() {
            true => format!("{shown} {NOT_A_FOLDER}; {}", make_folder(state, "")),
            false => format!(
                "there is no state folder {shown}; make it, for the account that sends, with `textsender init`"
            ),
        };
        return Err(io::Error::new(io::ErrorKind::NotFound, words));
    }
    let Some(account) = other_than_root(settings, state)? else {
        return Ok(());
    };
    is_mapped(&account, state)?;
    switch_to(account.user, account.group, &[]).map_err(named)
}

/// What is wrong with a file in the place of the state folder.
pub const NOT_A_FOLDER: &str = "is a file, and not a folder";

/// The command that makes the state folder where a file is. With `sudo ` in front where another account sends.
pub fn make_folder(state: &Path, sudo: &str) -> String {
    let shown = state.display();
    format!("{sudo}mv {shown} {shown}.before && {sudo}textsender init")
}

/// The command line by which root has this account do something.
pub fn command_as(account: &str, words: &str) -> String {
    match account {
        "root" => format!("sudo textsender {words}"),
        account => format!("sudo -u {account} textsender {words}"),
    }
}

/// Whether this user namespace knows the account: one that it doesn't know can't be become.
fn is_mapped(account: &SendingAccount, state: &Path) -> io::Result<()> {
    if !accounts::is_unmapped(account.user) {
        return Ok(());
    }
    let judged = trust::folder(state).map(drop);
    judged.map_err(|error| io::Error::new(io::ErrorKind::NotFound, error.to_string()))
}

/// A refusal, with what it takes to become another account.
fn named(error: io::Error) -> io::Error {
    match error.kind() {
        kind @ io::ErrorKind::PermissionDenied => io::Error::new(
            kind,
            format!("{error}: this needs CAP_SETUID and CAP_SETGID"),
        ),
        _ => error,
    }
}

/// The account that sends, where that is not root, and root runs this.
fn other_than_root(settings: &State, state: &Path) -> io::Result<Option<SendingAccount>> {
    if !is_root() {
        return Ok(None);
    }
    let account = sending_account(settings, state)?;
    Ok(account.filter(|account| account.user != 0))
}
