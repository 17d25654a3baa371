//! How a directory's servers are, as monitoring asks each half minute: whether each is reached and until when its
//! certificate is good, whether the account is let in, and until when its password is good.
//!
//! What was seen is kept in a file beside the snapshot: a date stays known while its server is away.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use textsender_names::{
    Dn,
    lines::{Looked, LookedAt},
};

use crate::{
    changed::EPOCH,
    directory::Directory,
    error::{Code, DirectoryError, of_server},
    user::{NEVER, TICKS},
};

const PASSWORD_UNTIL: &str = "msDS-UserPasswordExpiryTimeComputed";

/// What was seen, until the next look.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    #[serde(default)]
    certificates: BTreeMap<String, Timestamp>,
    #[serde(default)]
    password_until: Option<Timestamp>,
}

impl Directory {
    /// Looks at all servers at once, and logs in at one of them. `seen` is the file for what was seen.
    pub async fn look(&mut self, seen: &Path) -> Looked {
        let mut known = Seen::read(seen);
        let mut servers = Vec::new();
        for (server, found) in self.certificates().await {
            let (until, error) = match found {
                Ok(until) => (until, None),
                Err(error) => (error.expired_at(), Some(of_server(&server, &error))),
            };
            if let Some(until) = until {
                known.certificates.insert(server.clone(), until);
            }
            servers.push(LookedAt {
                certificate_until: known.certificates.get(&server).copied(),
                server,
                error,
            });
        }
        known
            .certificates
            .retain(|name, _| servers.iter().any(|one| one.server == *name));
        let refused = match self.password_until().await {
            Ok(until) => {
                known.password_until = until;
                None
            }
            Err(error) => Some(error),
        };
        // Without it the next look knows less, and still looks.
        let _ = known.write(seen);
        Looked {
            servers,
            refused,
            password_until: known.password_until,
        }
    }

    /// Until when the password is good with which this process logs in; `None`: without end, or that can't be read.
    async fn password_until(&mut self) -> Result<Option<Timestamp>, DirectoryError> {
        self.base().await?;
        let account = self.account().to_owned();
        let found = match Dn::parse(&account) {
            Ok(_) => self.entry(&account, &[PASSWORD_UNTIL], false).await,
            Err(_) => {
                let found = self.user_entry(&account.parse()?, &[PASSWORD_UNTIL]).await;
                found.map(Some)
            }
        };
        let ticks = match found {
            Ok(found) => found.and_then(|entry| entry.number(PASSWORD_UNTIL)),
            // Such as an account of another domain.
            Err(error) if error.code == Code::UserUnknown => None,
            Err(error) => return Err(error),
        };
        let ticks = ticks.filter(|ticks| *ticks != NEVER);
        Ok(ticks.and_then(|ticks| Timestamp::from_second(ticks / TICKS - EPOCH).ok()))
    }
}

impl Seen {
    fn read(path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, self)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}
