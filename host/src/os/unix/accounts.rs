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

/// Whether this process acts as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Goes on as another account, for good, with these further groups. To be called before there is a
/// second thread: each thread has an account of its own.
///
/// # Errors
///
/// The system does not allow it, as in some containers.
pub fn switch_to(user: u32, group: u32, groups: &[u32]) -> io::Result<()> {
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
