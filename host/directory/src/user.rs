//! Looks a user up: who it is, in which groups, with which number. Two round trips; nothing of it is kept.

use std::{collections::HashSet, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use textsender_names::{Sid, lines::FoundUser};

use crate::{
    changed::{self, EPOCH},
    directory::Directory,
    error::{Code, DirectoryError},
    ldap::{self, Entry, Scope, Search, any, equal, present},
};

/// Bit of `userAccountControl`: the account is switched off.
const DISABLED: i64 = 2;
/// Ticks of that clock in a second.
pub(crate) const TICKS: i64 = 10_000_000;
/// `accountExpires` of an account that never does, beside 0.
pub(crate) const NEVER: i64 = i64::MAX;
/// Most groups that are taken of a token, as of a request.
const MAX_GROUPS: usize = 4096;

/// Which attributes are a user's number and language, and from when on a number counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The first of them that has a value is the number.
    pub phone: Vec<String>,
    /// The language.
    pub locale: String,
    /// How long a number that was changed is not texted; `None`: it counts at once.
    pub hold_after_change: Option<SignedDuration>,
}

/// How a request names a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserName {
    /// `ada`.
    Account(String),
    /// `EXAMPLE\ada`.
    InDomain {
        /// The domain's short name.
        domain: String,
        /// The account.
        account: String,
    },
    /// `ada@example.org`.
    Principal(String),
    /// `S-1-5-21-...`.
    Sid(Sid),
}

impl FromStr for UserName {
    type Err = DirectoryError;

    fn from_str(name: &str) -> Result<Self, DirectoryError> {
        let name = name.trim();
        if name.is_empty() || name.len() > 1024 || name.contains('\0') {
            let what = "a user's name is ada, EXAMPLE\\ada, ada@example.org or a SID";
            return Err(DirectoryError::new(Code::UserUnknown, what));
        }
        if let Ok(sid) = name.parse() {
            return Ok(Self::Sid(sid));
        }
        Ok(match name.split_once('\\') {
            Some((domain, account)) => Self::InDomain {
                domain: domain.to_owned(),
                account: account.to_owned(),
            },
            None if name.contains('@') => Self::Principal(name.to_owned()),
            None => Self::Account(name.to_owned()),
        })
    }
}

/// That there is a number, and that it may be texted now.
///
/// # Errors
///
/// There is none, or it was changed too recently.
pub fn has_phone(
    user: &FoundUser,
    attributes: &Attributes,
    now: Timestamp,
) -> Result<(), DirectoryError> {
    if user.phone.is_none() {
        let names = attributes.phone.join(", ");
        let what = format!("the user has no number in the directory (looked at {names})");
        return Err(DirectoryError::new(Code::PhoneMissing, what));
    }
    let Some((changed, hold)) = user.phone_changed.zip(attributes.hold_after_change) else {
        return Ok(());
    };
    let until = changed.checked_add(hold).unwrap_or(Timestamp::MAX);
    match now < until {
        true => {
            let what = format!(
                "the number was changed at {changed:.0}, and is texted from {until:.0} on (hold_after_change)"
            );
            Err(DirectoryError::new(Code::PhoneChanged, what))
        }
        false => Ok(()),
    }
}

/// What security filters are held against: the user, the groups, and what everyone is.
#[must_use]
pub fn token(user: &FoundUser) -> HashSet<Sid> {
    let own = user.groups.iter().chain([&user.sid]).copied();
    own.chain(Sid::HELD_BY_ALL).collect()
}

impl Directory {
    /// The user of this name.
    ///
    /// # Errors
    ///
    /// There is none, or several; the account is off; or what decides can't be read.
    pub async fn user(
        &mut self,
        name: &UserName,
        attributes: &Attributes,
    ) -> Result<FoundUser, DirectoryError> {
        if let UserName::InDomain { domain, .. } = name
            && !self.is_called(domain).await?
        {
            return Err(unknown());
        }
        let mut wanted = vec![
            "userAccountControl",
            "accountExpires",
            "displayName",
            attributes.locale.as_str(),
        ];
        wanted.extend(attributes.phone.iter().map(String::as_str));
        let entry = self.user_entry(name, &wanted).await?;
        let mut wanted = vec!["tokenGroups"];
        if attributes.hold_after_change.is_some() {
            wanted.extend(changed::ATTRIBUTES);
        }
        let token = self.entry(&entry.dn, &wanted, false).await?;
        let token = token.ok_or_else(unknown)?;
        let mut user = read(&entry, &token, attributes, Timestamp::now())?;
        if let (Some(from), Some(_)) = (&user.phone_from, attributes.hold_after_change) {
            let number = self.attribute_number(from).await?;
            user.phone_changed = changed::at(&token, from, number);
        }
        Ok(user)
    }

    /// The SIDs of all users, those who are switched off among them.
    ///
    /// # Errors
    ///
    /// The domain can't be read as a whole.
    pub async fn accounts(&mut self) -> Result<Vec<Sid>, DirectoryError> {
        let base = self.base().await?;
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: ldap::user(present("objectSid")),
            attributes: &["objectSid"],
            access_lists: false,
            most: None,
        };
        let found = self.search(&search).await?;
        let found = found.ok_or_else(|| self.no_such_base(&base))?;
        let sids = found.iter().filter_map(|entry| entry.bytes("objectSid"));
        Ok(sids.filter_map(|sid| Sid::from_bytes(sid).ok()).collect())
    }

    /// The one entry of this name, with these attributes and all of its names.
    pub(crate) async fn user_entry(
        &mut self,
        name: &UserName,
        attributes: &[&str],
    ) -> Result<Entry, DirectoryError> {
        let base = self.base().await?;
        let mut wanted = vec!["sAMAccountName", "userPrincipalName", "objectSid"];
        wanted.extend(attributes);
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: ldap::user(by_name(name)),
            attributes: &wanted,
            access_lists: false,
            // Enough to see that there are two.
            most: Some(3),
        };
        let found = self.search(&search).await?;
        let found = found.ok_or_else(|| self.no_such_base(&base))?;
        // A directory takes some letters for others that it was not asked for.
        let mut found = found.into_iter().filter(|entry| is_named(entry, name));
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(entry),
            (Some(_), Some(_)) => Err(DirectoryError::new(
                Code::UserAmbiguous,
                "the directory has several users of this name: ask by user.sid, or by a full name like ada@example.org",
            )),
            (None, _) => Err(unknown()),
        }
    }

    /// Whether the domain has this short name.
    async fn is_called(&mut self, domain: &str) -> Result<bool, DirectoryError> {
        let base = self.base().await?;
        let Some(configuration) = self.configuration().await? else {
            return Ok(false);
        };
        let partitions = format!("CN=Partitions,{configuration}");
        let search = Search {
            base: &partitions,
            scope: Scope::Subtree,
            filter: equal("nCName", base.as_bytes()),
            attributes: &["nETBIOSName"],
            access_lists: false,
            most: Some(2),
        };
        let found = self.search(&search).await?.unwrap_or_default();
        let mut names = found.iter().filter_map(|entry| entry.text("nETBIOSName"));
        Ok(names.any(|name| name.eq_ignore_ascii_case(domain)))
    }
}

fn unknown() -> DirectoryError {
    DirectoryError::new(Code::UserUnknown, "the directory has no user of this name")
}

fn by_name(name: &UserName) -> rasn_ldap::Filter {
    match name {
        UserName::Account(account) | UserName::InDomain { account, .. } => {
            equal("sAMAccountName", account.as_bytes())
        }
        UserName::Principal(name) => any(vec![
            equal("userPrincipalName", name.as_bytes()),
            equal("sAMAccountName", name.as_bytes()),
        ]),
        UserName::Sid(sid) => equal("objectSid", &sid.to_bytes()),
    }
}

fn is_named(entry: &Entry, name: &UserName) -> bool {
    let has = |attribute, name: &str| {
        let value = entry.text(attribute);
        value.is_some_and(|value| value.to_lowercase() == name.to_lowercase())
    };
    match name {
        UserName::Account(account) | UserName::InDomain { account, .. } => {
            has("sAMAccountName", account)
        }
        UserName::Principal(name) => has("userPrincipalName", name) || has("sAMAccountName", name),
        UserName::Sid(sid) => entry.bytes("objectSid") == Some(&sid.to_bytes()),
    }
}

/// A user from his entry. What a hardened domain leaves out without a word is missed here, since a filter that
/// denies passes one whose groups are not known.
fn read(
    entry: &Entry,
    token: &Entry,
    attributes: &Attributes,
    now: Timestamp,
) -> Result<FoundUser, DirectoryError> {
    let unreadable = |attribute: &str| {
        let what = format!(
            "{attribute} of the user can't be read: give the account that textsender logs in with the right to read it"
        );
        DirectoryError::new(Code::DirectoryUnreadable, what)
    };
    let sid = entry.bytes("objectSid").map(Sid::from_bytes);
    let sid = sid
        .and_then(Result::ok)
        .ok_or_else(|| unreadable("objectSid"))?;
    let control = entry.number("userAccountControl");
    let control = control.ok_or_else(|| unreadable("userAccountControl"))?;
    let expires = entry.number("accountExpires");
    let expires = expires.ok_or_else(|| unreadable("accountExpires"))?;
    let groups = token.values("tokenGroups");
    let groups = groups
        .iter()
        .take(MAX_GROUPS + 1)
        .map(|group| Sid::from_bytes(group));
    let groups: Vec<Sid> = groups
        .collect::<Result<_, _>>()
        .map_err(|_| unreadable("tokenGroups"))?;
    if groups.is_empty() || groups.len() > MAX_GROUPS {
        // Everyone is in a group, the primary one at least.
        return Err(unreadable("tokenGroups"));
    }
    if control & DISABLED != 0 {
        let what = "the account is disabled in the directory";
        return Err(DirectoryError::new(Code::AccountDisabled, what));
    }
    if has_expired(expires, now) {
        let what = "the account has expired in the directory (accountExpires)";
        return Err(DirectoryError::new(Code::AccountDisabled, what));
    }
    let (phone, phone_count) = phone(entry, attributes).unzip();
    let (phone_from, phone) = phone.unzip();
    let text = |attribute: &str| {
        let text = entry.text(attribute).map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Ok(FoundUser {
        dn: entry.dn.clone(),
        sid,
        groups,
        group_names: Vec::new(),
        account: text("sAMAccountName").unwrap_or_default(),
        display_name: text("displayName"),
        locale: text(&attributes.locale),
        phone,
        phone_from,
        phone_count: phone_count.unwrap_or(0),
        phone_changed: None,
    })
}

/// The first attribute that has a value, its first value, and how many it has.
fn phone(entry: &Entry, attributes: &Attributes) -> Option<((String, String), usize)> {
    for attribute in &attributes.phone {
        let values = entry.values(attribute).iter();
        let values = values.filter_map(|value| std::str::from_utf8(value).ok());
        let mut values = values.map(str::trim).filter(|value| !value.is_empty());
        if let Some(first) = values.next() {
            let number = (attribute.clone(), first.to_owned());
            return Some((number, 1 + values.count()));
        }
    }
    None
}

fn has_expired(expires: i64, now: Timestamp) -> bool {
    expires != 0 && expires != NEVER && expires / TICKS - EPOCH <= now.as_second()
}

#[cfg(test)]
mod tests;
