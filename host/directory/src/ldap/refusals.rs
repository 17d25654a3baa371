//! An account that was refused is not tried again for ten minutes: each try counts as one more wrong password, and
//! many domains lock an account after a few.
//!
//! All processes of a machine go by a file for each server, and log in under its lock, one after the other: of many
//! messages at once, one tries. Another password, account or list of servers is tried at once. The file has 16 bits
//! of a hash of them, with salt: they tell nothing of a password.

use std::{
    fs::{self, DirBuilder, File},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, RandomState},
    io::{self, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{LdapError, ServerError};

/// How long an account that was refused is not tried again.
const REST: SignedDuration = SignedDuration::from_mins(10);
/// How long a login waits for those of other processes: a server that holds one up holds up the others no longer.
const TURN: Duration = Duration::from_millis(500);
/// How often it looks whether it is its turn.
const LOOK: Duration = Duration::from_millis(5);

/// What is known of refusals of the account that this process logs in with.
pub struct Refusals {
    /// All that it logs in with, as a number.
    login: u64,
    /// For each server, where refusals are kept for other processes.
    files: Vec<PathBuf>,
    /// The last that this process met: the files may not be writable.
    met: Mutex<Option<Refusal>>,
    /// Whether it is tried all the same.
    is_tried_anyway: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Refusal {
    salt: u64,
    tag: u16,
    at: Timestamp,
    server: String,
    why: String,
}

/// As long as it is there, no other process logs in at the same server.
pub struct Turn(Option<File>);

impl Refusals {
    /// Those of what is logged in with.
    pub fn of(login: impl Hash) -> Self {
        Self {
            login: hash(login),
            files: Vec::new(),
            met: Mutex::default(),
            is_tried_anyway: false,
        }
    }

    /// Keeps them in files, one for each of so many servers, whose names begin so.
    pub fn keep(&mut self, name: &Path, servers: usize) {
        let file = |server: usize| name.with_added_extension(server.to_string());
        self.files = (0..servers).map(file).collect();
    }

    /// Lets the account be tried, whatever is known.
    pub fn try_anyway(&mut self) {
        self.is_tried_anyway = true;
    }

    /// That the account was not refused lately.
    ///
    /// # Errors
    ///
    /// It was.
    pub fn none(&self) -> Result<(), ServerError> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.files.iter().flat_map(|file| read(file));
        match met
            .clone()
            .into_iter()
            .chain(known)
            .find(|one| self.stands(one))
        {
            Some(refusal) if !self.is_tried_anyway => Err(refusal.error()),
            _ => Ok(()),
        }
    }

    /// Waits for this process's turn at the server of this number.
    ///
    /// # Errors
    ///
    /// The account was refused lately.
    pub async fn turn(&self, server: usize) -> Result<Turn, ServerError> {
        let file = self.files.get(server).and_then(|file| open(file).ok());
        let until = Instant::now() + TURN;
        while file.as_ref().is_some_and(|file| file.try_lock().is_err()) && Instant::now() < until {
            sleep(LOOK).await;
        }
        self.none().map(|()| Turn(file))
    }

    /// Notes that the account was let in, for those who were told that it is not.
    pub fn let_in(&self) {
        if self.is_tried_anyway {
            for path in &self.files {
                // As for a refusal.
                let _ = open(path).and_then(|file| self.replace(path, &file, None));
            }
        }
    }

    /// Notes that it was refused at the server of this number.
    pub fn refused(&self, turn: &Turn, server: usize, error: &ServerError) {
        let salt = RandomState::new().hash_one(());
        let refusal = Refusal {
            salt,
            tag: self.tag(salt),
            at: Timestamp::now(),
            server: error.server.clone(),
            why: error.error.to_string(),
        };
        if let (Some(path), Turn(Some(file))) = (self.files.get(server), turn) {
            // What can't be kept is known to this process.
            let _ = self.replace(path, file, Some(&refusal));
        }
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// Keeps what stands of other logins, and this one. In its place: the file is the lock, too.
    fn replace(&self, path: &Path, mut file: &File, own: Option<&Refusal>) -> io::Result<()> {
        let mut all = read(path);
        all.retain(|one| one.is_recent() && !self.stands(one));
        all.extend(own.cloned());
        let text = serde_json::to_vec(&all)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&text)
    }

    fn stands(&self, one: &Refusal) -> bool {
        one.is_recent() && one.tag == self.tag(one.salt)
    }

    fn tag(&self, salt: u64) -> u16 {
        // Of eight bytes the last two.
        let [.., high, low] = hash((salt, self.login)).to_be_bytes();
        u16::from_be_bytes([high, low])
    }
}

impl Refusal {
    /// A clock that was set back is no reason to wait for longer.
    fn is_recent(&self) -> bool {
        let since = Timestamp::now().duration_since(self.at);
        !since.is_negative() && since < REST
    }

    fn error(self) -> ServerError {
        let why = format!(
            "{}; it is tried again after {:.0}, or at once with another password or by `textsender directory check`",
            self.why,
            self.at + REST
        );
        ServerError {
            server: self.server,
            error: LdapError::NotLetIn(why),
        }
    }
}

fn hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one(value)
}

/// One that is just being written is read again when it is this process's turn.
fn read(path: &Path) -> Vec<Refusal> {
    let text = fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let file = options.open(path);
    match (&file, path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            options.open(path)
        }
        _ => file,
    }
}
