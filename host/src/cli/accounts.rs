//! Accounts of this machine, by name and number, as far as files are owned by them.

use std::{fs, io};

use anyhow::Context;
use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};

/// Where accounts are, on a machine without a directory of its own.
const PASSWD: &str = "/etc/passwd";

/// Groups, and who is in them.
const GROUP: &str = "/etc/group";

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) home: String,
}

impl Account {
    /// Goes on as this account, for good. To be called before there is a second thread.
    pub(super) fn become_it(&self) -> io::Result<()> {
        if geteuid().as_raw() == self.user {
            return Ok(());
        }
        let groups: Vec<Gid> = self.groups().into_iter().map(Gid::from_raw).collect();
        set_thread_groups(&groups)?;
        set_thread_gid(Gid::from_raw(self.group))?;
        set_thread_uid(Uid::from_raw(self.user))?;
        Ok(())
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
pub(super) fn named(name: &str) -> anyhow::Result<Option<Account>> {
    let text = match fs::read_to_string(PASSWD) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context(format!("{PASSWD} can't be read")),
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
pub(super) fn name_of(user: u32) -> String {
    match named(&user.to_string()) {
        Ok(Some(account)) => account.name,
        _ => user.to_string(),
    }
}

/// The name of the account that runs this.
pub(super) fn own_name() -> String {
    name_of(geteuid().as_raw())
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
