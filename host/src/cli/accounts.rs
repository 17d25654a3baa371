//! Accounts of this machine, by name and number, as far as files are owned by them.

use std::{fs, io};

use anyhow::Context;

/// Where accounts are, on a machine without a directory of its own.
const PASSWD: &str = "/etc/passwd";

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) user: u32,
    pub(super) group: u32,
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

/// `name:password:user:group:...`, as in passwd(5).
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let user = fields.nth(1)?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some(Account { name, user, group })
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
