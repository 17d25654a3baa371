//! Drafts of requests that leave their user to a directory.

use std::time::Duration;

use tokio::{runtime::Runtime, time::Instant};

use crate::{
    config::Config,
    directory::Directories,
    protocol::{Draft, ErrorCode, Failure},
    site::{self, runtime},
};

/// How long it may take to list all users of a domain.
const WHOLE_DOMAIN: Duration = Duration::from_secs(60);

/// What completes drafts, as a send would complete its request. It keeps what asks the directory.
pub struct Completion {
    asked: Option<(Directories, Runtime)>,
    timeout: Duration,
}

impl Completion {
    /// By the directories of a configuration, if it has any.
    ///
    /// # Errors
    ///
    /// The system has no descriptor or thread left.
    pub fn by(config: &Config) -> Result<Self, Failure> {
        let asked = match site::directories(config) {
            None => None,
            Some(directories) => {
                let runtime = runtime::start()
                    .map_err(|error| Failure::with_detail(ErrorCode::Crashed, error.to_string()))?;
                Some((directories, runtime))
            }
        };
        let timeout = config.sending.timeout;
        Ok(Self { asked, timeout })
    }

    /// The SIDs of all users of a directory.
    ///
    /// # Errors
    ///
    /// There is no such directory, or it could not be asked.
    pub fn accounts(&self, directory: &str) -> Result<Vec<String>, Failure> {
        let none = "there is no [directories.NAME]";
        let (directories, runtime) = self
            .asked
            .as_ref()
            .ok_or_else(|| Failure::with_detail(ErrorCode::BadConfiguration, none))?;
        runtime.block_on(async {
            let deadline = Instant::now() + WHOLE_DOMAIN;
            directories.accounts(directory, deadline).await
        })
    }

    /// The draft with what the directory knows of its user. `needs_phone`: as a send asks, to which a user without a
    /// number that may be texted now is an error.
    ///
    /// # Errors
    ///
    /// The directory could not be asked, or what it says does not allow the message.
    pub fn of(&self, draft: Draft, needs_phone: bool) -> Result<Draft, Failure> {
        let Some((directories, runtime)) = &self.asked else {
            return Ok(draft);
        };
        let completed = runtime.block_on(async {
            let deadline = Instant::now() + self.timeout;
            directories
                .complete(&draft.request, needs_phone, deadline)
                .await
        });
        Ok(match completed? {
            None => draft,
            Some(request) => Draft {
                has_phone: !request.user.phone.is_empty(),
                request,
                ..draft
            },
        })
    }
}
