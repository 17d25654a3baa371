//! Why a host process takes no calls: in our words for the caller, with the linker's and the
//! plugin's for the log.

use std::path::Path;

use super::{Launch, Refusal, StartupError, verify::FileFault};
use crate::protocol::{ErrorCode, Failure};

impl StartupError {
    /// What a message by this sender fails with; its plugin is to be in this file.
    pub fn failure(self, sender: &str, plugin: &str, library: &Path) -> Failure {
        let refusal = match self {
            Self::Refused(refusal) => refusal,
            Self::Ended => return failed(sender, "ended before it was ready"),
            Self::TimedOut => return failed(sender, "was not ready in time"),
        };
        let refused = |why: &str| {
            let detail = format!("sender {sender}: {}: {why}", library.display());
            Failure::with_detail(ErrorCode::PluginRefused, detail)
        };
        match refusal {
            Refusal::File(FileFault::Missing) => {
                let folder = library.parent().unwrap_or(library).display();
                let name = library.file_name().unwrap_or_default().display();
                let detail = format!("sender {sender}: looked for {name} in {folder}");
                Failure::with_detail(ErrorCode::PluginMissing, detail)
            }
            Refusal::NotLoaded(_) | Refusal::File(FileFault::Needs(_)) => {
                refused("the linker refuses it; the log says why")
            }
            Refusal::OtherAbi(_) => {
                refused("it is built for another version of the plugin ABI; the log names it")
            }
            Refusal::Hosts(_) => refused(&format!(
                "it declares hosts that were not approved; the log names them, and this approves them: \
             textsender plugin trust {plugin}"
            )),
            Refusal::OtherId(_) => refused(&format!("it does not hold the plugin {plugin}")),
            Refusal::Settings(_) | Refusal::SettingFile { .. } => {
                let detail = format!("sender {sender}: the log names the key");
                Failure::with_detail(ErrorCode::BadSettings, detail)
            }
            Refusal::Secret(_) => {
                let detail = format!("sender {sender}: it is not stored; the log names the key");
                Failure::with_detail(ErrorCode::SecretMissing, detail)
            }
            Refusal::Forbidden(words) => {
                let detail = format!("sender {sender}: {words}");
                Failure::with_detail(ErrorCode::ForbiddenBySandbox, detail)
            }
            Refusal::File(_) | Refusal::NotSealed(_) | Refusal::Panicked => {
                refused(&refusal.to_string())
            }
        }
    }
}

fn failed(sender: &str, how: &str) -> Failure {
    let detail = format!("sender {sender}: its host process {how}");
    Failure::with_detail(ErrorCode::PluginFailed, detail)
}

/// Logs what the caller does not see: foreign words.
pub(super) fn log_cause(launch: &Launch, reason: &StartupError) {
    let sender = launch.sender.as_str();
    match reason {
        StartupError::Refused(
            refusal @ (Refusal::NotLoaded(_)
            | Refusal::File(FileFault::Needs(_))
            | Refusal::OtherAbi(_)
            | Refusal::Hosts(_)
            | Refusal::OtherId(_)
            | Refusal::SettingFile { .. }
            | Refusal::Settings(_)
            | Refusal::Secret(_)),
        ) => tracing::error!(sender, "the plugin can't be used: {refusal}"),
        StartupError::Refused(_) | StartupError::Ended | StartupError::TimedOut => {}
    }
}
