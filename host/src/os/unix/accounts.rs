//! Accounts of this machine, by name and number, as far as files are owned by them; and whose process
//! this is.

use std::{fs, io};

use rustix::{
    process::{Gid, Uid, geteuid, getuid},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};

/// Where accounts are, on a machine without a directory of its own.
const PASSWD: &str = "/etc/passwd";

/// Groups, and who is in them.
const GROUP: &str = "/etc/group";

/// The number of the account that this process acts as.
pub fn own() -> u32 {
    geteuid().as_raw()
}

/// The number of the account that started this process.
pub fn caller() -> u32 {
    getuid().as_raw()
}

/// Who had root start this process, by sudo. Any account could set the variable, but only for itself.
pub fn asked_by() -> Option<u32> {
    let user = std::env::var("SUDO_UID").ok()?.parse().ok()?;
    (is_root() && caller() == 0).then_some(user)
}

/// Whether this process acts as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Goes on as another account, for good, with these further groups. To be called before there is a
/// second thread: each thread has an account of its own.
///
/// # Errors
///
/// There is a second thread, or the system does not allow it, as in some containers.
pub fn switch_to(user: u32, group: u32, groups: &[u32]) -> io::Result<()> {
    if super::process::has_threads() {
        return Err(io::Error::other(
            "a thread began before the change of account, and would keep the old one; please report this",
        ));
    }
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    set_thread_groups(&groups)?;
    set_thread_gid(Gid::from_raw(group))?;
    set_thread_uid(Uid::from_raw(user))?;
    Ok(())
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, or its number where it has none.
    pub name: String,
    /// Its number.
    pub user: u32,
    /// Its own group's number.
    pub group: u32,
    /// Its home folder.
    pub home: String,
}

impl Account {
    /// Goes on as this account, for good: see [`switch_to`].
    ///
    /// # Errors
    ///
    /// The system does not allow it.
    pub fn become_it(&self) -> io::Result<()> {
        if own() == self.user {
            return Ok(());
        }
        switch_to(self.user, self.group, &self.groups())
    }

    /// Its own group and those that name it as a member, as group(5) has them.
    fn groups(&self) -> Vec<u32> {
        let text = fs::read_to_string(GROUP).unwrap_or_default();
        let named = text.lines().filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let number = fields.next()?.parse().ok()?;
            let mut members = fields.next()?.split(',');
            members.any(|member| member == self.name).then_some(number)
        });
        std::iter::once(self.group).chain(named).collect()
    }
}

/// The account of this name, or of this number.
///
/// Read from `/etc/passwd`: accounts that send are the machine's own. One that only a directory
/// knows can be given by its number.
///
/// # Errors
///
/// That file can't be read.
pub fn named(name: &str) -> io::Result<Option<Account>> {
    let text = match fs::read_to_string(PASSWD) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            let words = format!("{PASSWD} can't be read: {error}");
            return Err(io::Error::new(error.kind(), words));
        }
    };
    let number: Option<u32> = name.parse().ok();
    let mut accounts = text.lines().filter_map(parse);
    let found = accounts.find(|account| account.name == name || Some(account.user) == number);
    let unnamed = number.map(|user| Account {
        name: user.to_string(),
        user,
        group: user,
        home: "/".to_owned(),
    });
    Ok(found.or(unnamed))
}

/// The name of an account, or its number where it has none.
pub fn name_of(user: u32) -> String {
    match named(&user.to_string()) {
        Ok(Some(account)) => account.name,
        _ => user.to_string(),
    }
}

/// The name of the account that runs this.
pub fn own_name() -> String {
    name_of(own())
}

/// Everyone who is in a group: those whom it names, and those whose own group it is. `None` where
/// that can't be known: the group is not in the machine's own files, or they are not all that counts.
pub fn members(group: u32) -> Option<Vec<u32>> {
    let groups = fs::read_to_string(GROUP).ok()?;
    let accounts = fs::read_to_string(PASSWD).ok()?;
    if !only_files_count() {
        return None;
    }
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        let number: u32 = fields.next()?.parse().ok()?;
        (number == group).then(|| fields.next().unwrap_or_default().to_owned())
    })?;
    let accounts: Vec<Account> = accounts.lines().filter_map(parse).collect();
    let is_member = |account: &&Account| {
        account.group == group || named.split(',').any(|name| name == account.name)
    };
    let members: Vec<u32> = accounts
        .iter()
        .filter(is_member)
        .map(|account| account.user)
        .collect();
    // One that is named and has no account here is one of a directory.
    let has_account = |name: &str| accounts.iter().any(|account| account.name == name);
    let is_known = named
        .split(',')
        .all(|name| name.is_empty() || has_account(name));
    is_known.then_some(members)
}

/// The number of a group, by its name or number.
pub fn group_named(name: &str) -> Option<u32> {
    let text = fs::read_to_string(GROUP).unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    });
    found.or_else(|| name.parse().ok())
}

/// Whether no directory tells of accounts beside the machine's own files (nsswitch.conf(5)).
fn only_files_count() -> bool {
    let text = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| {
        let (database, sources) = line.split('#').next()?.split_once(':')?;
        matches!(database.trim(), "passwd" | "group").then_some(sources)
    });
    let is_own = |source: &str| ["files", "compat", "systemd"].contains(&source);
    lines.all(|sources| {
        let sources = sources.split_whitespace();
        sources
            .filter(|source| !source.starts_with('['))
            .all(is_own)
    })
}

/// Whether a number stands for every account that this user namespace does not know.
pub fn is_unmapped(user: u32) -> bool {
    let overflow = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let is_whole = map.split_whitespace().eq(["0", "0", "4294967295"]);
    !map.is_empty() && !is_whole && overflow.trim().parse() == Ok(user)
}

/// `name:password:user:group:comment:home:shell`, as in passwd(5).
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let user = fields.nth(1)?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let home = fields.nth(1)?.to_owned();
    Some(Account {
        name,
        user,
        group,
        home,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_number() {
        let root = named("root").unwrap().unwrap();
        assert_eq!((root.user, root.group), (0, 0));
        assert_eq!(named("0").unwrap().unwrap().name, "root");
        assert_eq!(named("no such account").unwrap(), None);
        assert_eq!(name_of(4_000_000_000), "4000000000");
    }
}
