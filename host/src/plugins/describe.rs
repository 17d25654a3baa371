//! What a plugin says of itself, asked in a host process of its own that ends with the answer: no
//! settings, no secrets, no exchange.

use std::{io, path::Path, process::Child};

use serde_json::Value;
use textsender_plugin_api::PluginInfo;
use tokio::time::{Instant, timeout_at};

use super::{
    Plan, StartupError,
    frames::{self, BUILD, Describe, Down, FrameReader, Up},
};
use crate::{
    os::{
        pipes::{Receiver, Sender},
        process,
    },
    redact::Redactor,
};

/// A plugin as it describes itself. Its texts are bounded and printable, and believed no further.
#[derive(Debug)]
pub struct Description {
    /// Id, name, version, hosts, and what texts it carries.
    pub info: PluginInfo,
    /// The JSON Schema of its settings; `null` if what it gave is no JSON.
    pub settings: Value,
}

/// Asks the plugin in a file.
///
/// # Errors
///
/// The file can't be used, or does not answer in time.
pub async fn describe(
    library: &Path,
    plugin: &str,
    seal: Plan,
    deadline: Instant,
) -> Result<Description, StartupError> {
    let (child, down, up) = process::spawn(&seal).map_err(|_| StartupError::Ended)?;
    let _child = Ending(child);
    let question = Down::Describe(Describe {
        build: BUILD.into(),
        library: library.to_owned(),
        plugin: plugin.to_owned(),
        seal,
    });
    match timeout_at(deadline, ask(&question, down, up)).await {
        Ok(Ok(Some(Up::Described(described)))) if described.build == BUILD => Ok(Description {
            info: clean(described.info),
            settings: serde_json::from_str(&described.settings).unwrap_or_default(),
        }),
        Ok(Ok(Some(Up::Refused(refusal)))) => Err(StartupError::Refused(
            refusal.cleaned(|text| Redactor::default().clean(text)),
        )),
        Ok(_) => Err(StartupError::Ended),
        Err(_) => Err(StartupError::TimedOut),
    }
}

async fn ask(question: &Down, down: Sender, up: Receiver) -> io::Result<Option<Up>> {
    let mut bytes = Vec::new();
    frames::encode(question, &mut bytes)?;
    let mut written = 0;
    while written < bytes.len() {
        down.writable().await?;
        match down.try_write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    // `down` stays open until the answer is here: its end would end the process.
    let mut frames = FrameReader::new(up);
    match frames.next().await? {
        Some(Up::Sealed { .. }) => frames.next().await,
        refused => Ok(refused),
    }
}

fn clean(mut info: PluginInfo) -> PluginInfo {
    let redactor = Redactor::default();
    let texts = [&mut info.name, &mut info.version].into_iter();
    for text in texts.chain(&mut info.hosts) {
        *text = redactor.clean(text);
    }
    info
}

/// A process that does not outlive the question.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // It may have ended by itself. Either way it is waited for, or it would stay as a zombie.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
