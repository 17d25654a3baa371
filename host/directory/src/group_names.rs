//! Groups that filters name by distinguished name. A token has SIDs alone: without this a filter that denies such a
//! group would let its members pass.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use textsender_names::{Dn, Sid, lines::GroupName};

use crate::{
    directory::Directory,
    error::{Code, DirectoryError},
};

/// How long a group's SID is kept: it changes only where another group takes the name.
const KEPT: Duration = Duration::from_secs(300);

/// Most of them that are kept.
const MOST: usize = 10_000;

/// The SIDs of groups by the normal form of their names; `None`: there is no such group.
#[derive(Default)]
pub struct GroupNames {
    known: HashMap<String, (Instant, Option<Sid>)>,
}

impl GroupNames {
    /// Those of the names whose groups the token holds.
    ///
    /// # Errors
    ///
    /// The directory can't be asked, or may not say which group a denied name is.
    pub async fn held(
        &mut self,
        directory: &mut Directory,
        names: &[GroupName],
        token: &HashSet<Sid>,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut held = Vec::new();
        for group in names {
            // What is a SID, or a name that is known everywhere, is matched by its SID.
            let Ok(dn) = Dn::parse(&group.name) else {
                continue;
            };
            let sid = self.sid_of(directory, &dn, group).await?;
            if sid.is_some_and(|sid| token.contains(&sid)) {
                held.push(group.name.clone());
            }
        }
        Ok(held)
    }

    async fn sid_of(
        &mut self,
        directory: &mut Directory,
        dn: &Dn,
        group: &GroupName,
    ) -> Result<Option<Sid>, DirectoryError> {
        if let Some((since, sid)) = self.known.get(dn.as_str())
            && since.elapsed() < KEPT
        {
            return Ok(*sid);
        }
        let unreadable = |what: &str| {
            let what = format!("a filter denies the group {}: {what}", group.name);
            Err(DirectoryError::new(Code::DirectoryUnreadable, what))
        };
        let base = directory.base().await?;
        if Dn::parse(&base).is_ok_and(|base| base.domain() != dn.domain()) {
            return match group.denied {
                true => unreadable("it is of another domain; write its SID instead"),
                false => Ok(None),
            };
        }
        let found = directory.entry(&group.name, &["objectSid"], false).await?;
        let sid = match found {
            None => None,
            Some(entry) => match entry.bytes("objectSid").map(Sid::from_bytes) {
                Some(Ok(sid)) => Some(sid),
                _ if group.denied => {
                    return unreadable(
                        "the account that textsender logs in with may not read its objectSid",
                    );
                }
                _ => return Ok(None),
            },
        };
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known
            .insert(dn.as_str().to_owned(), (Instant::now(), sid));
        Ok(sid)
    }
}
