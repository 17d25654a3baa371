//! What a plugin says of itself, asked in a host process of its own that ends with the answer: no
//! settings, no secrets, no exchange.

use std::{io, path::Path, process::Child, time::Duration};

use serde_json::{Map, Value};
use textsender_plugin_api::{PluginInfo, Provider, SettingFault};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Refusal, SealPlan, StartupError,
    frames::{self, BUILD, Describe, Described, Down, FrameReader, Up},
    setting_files,
};
use crate::{
    os::{
        pipes::{Receiver, Sender},
        process,
    },
    redact::{printable, without_tricks},
};

/// A plugin as it describes itself. Its texts are bounded and printable, and believed no further.
#[derive(Debug)]
pub struct Description {
    /// Id, name, version, hosts, and what texts it carries.
    pub info: PluginInfo,
    /// The JSON Schema of its settings; `null` if what it gave is no JSON.
    pub settings: Value,
    /// The providers that its settings choose between, where it knows several.
    pub providers: Vec<Provider>,
    /// What is wrong with the settings that it was described with.
    pub faults: Vec<SettingFault>,
}

/// Settings to describe a plugin with: without secrets.
pub struct With<'a> {
    /// A JSON object.
    pub settings: &'a Map<String, Value>,
    /// Where files that they name are looked for.
    pub folder: &'a Path,
}

/// Asks the plugin in a file.
///
/// # Errors
///
/// The file can't be used, or does not answer in time.
pub async fn describe(
    library: &Path,
    plugin: &str,
    seal: SealPlan,
    deadline: Instant,
) -> Result<Description, StartupError> {
    describe_with(library, plugin, seal, deadline, None).await
}

/// Asks the plugin in a file what it is with these settings.
///
/// # Errors
///
/// The file can't be used, or does not answer in time.
pub async fn describe_with(
    library: &Path,
    plugin: &str,
    seal: SealPlan,
    deadline: Instant,
    with: Option<With<'_>>,
) -> Result<Description, StartupError> {
    let spawned = process::spawn(&seal);
    let (child, down, up) = spawned.map_err(|error| {
        let words = process::spawn_failure(&error).0;
        StartupError::Refused(Refusal::Forbidden(words))
    })?;
    let mut child = Ending(child);
    let question = Down::Describe(Describe {
        build: BUILD.into(),
        library: library.to_owned(),
        plugin: plugin.to_owned(),
        settings: with
            .as_ref()
            .map(|with| Value::from(with.settings.clone()).to_string()),
        seal,
    });
    match timeout_at(deadline, ask(&question, with, down, up)).await {
        Ok(Ok(Some(Up::Described(described)))) => believed(described.unmarked(), plugin),
        Ok(Ok(Some(Up::Refused(refusal)))) => {
            Err(StartupError::Refused(refusal.unmarked().cleaned(printable)))
        }
        Ok(_) => Err(child.cause().await),
        Err(_) => Err(StartupError::TimedOut),
    }
}

async fn ask(
    question: &Down,
    with: Option<With<'_>>,
    down: Sender,
    up: Receiver,
) -> io::Result<Option<Up>> {
    post(&down, question).await?;
    // `down` stays open until the answer is here: its end would end the process.
    let mut frames = FrameReader::new(up);
    loop {
        match (frames.next().await?, &with) {
            (Some(Up::Sealed { .. }), _) => {}
            (Some(Up::WantFiles(wanted)), Some(With { settings, folder })) => {
                let settings = Value::from((*settings).clone()).to_string();
                let files = setting_files::read(&settings, folder, wanted);
                post(&down, &Down::Files(files)).await?;
            }
            (answer, _) => return Ok(answer),
        }
    }
}

async fn post(down: &Sender, frame: &Down) -> io::Result<()> {
    let mut bytes = Vec::new();
    frames::encode(frame, &mut bytes)?;
    let mut written = 0;
    while written < bytes.len() {
        down.writable().await?;
        match down.try_write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What it says, as far as it can be believed, and safe to show.
fn believed(described: Described, plugin: &str) -> Result<Description, StartupError> {
    let Described {
        build,
        mut info,
        settings,
        providers,
        faults,
    } = described;
    if build != BUILD {
        return Err(StartupError::Ended);
    }
    if info.id != plugin {
        let id = printable(&info.id);
        return Err(StartupError::Refused(Refusal::OtherId(id)));
    }
    let texts = [&mut info.name, &mut info.version].into_iter();
    for text in texts.chain(&mut info.hosts) {
        *text = printable(text);
    }
    let settings = serde_json::from_str(&settings).unwrap_or_default();
    Ok(Description {
        info,
        settings: safe(settings),
        providers: serde_json::from_str(&providers).unwrap_or_default(),
        faults,
    })
}

/// A schema whose names and texts have no trick in them. A setting whose name changes by it is one that no
/// configuration can have.
fn safe(schema: Value) -> Value {
    match schema {
        Value::String(text) => without_tricks(&text, false).into(),
        Value::Array(values) => values.into_iter().map(safe).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (printable(&name), safe(value)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// A process that does not outlive the question.
struct Ending(Child);

impl Ending {
    /// Why it ended without an answer.
    async fn cause(&mut self) -> StartupError {
        for _ in 0..50 {
            match self.0.try_wait() {
                Ok(None) => sleep(Duration::from_millis(5)).await,
                Ok(Some(status)) if process::was_call_forbidden(status) => {
                    let words = process::CALL_FORBIDDEN.to_owned();
                    return StartupError::Refused(Refusal::Forbidden(words));
                }
                _ => break,
            }
        }
        StartupError::Ended
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // It may have ended by itself. Either way it is waited for, or it would stay as a zombie.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_no_tricks_in_names_and_texts() {
        let schema = serde_json::json!({
            "description": "First.\n\nSecond\u{1b}[2J\u{202e}.",
            "properties": { "to\u{200b}ken\u{1b}": { "type": "string", "default": "a\u{2028}b" } },
            "required": ["to\u{200b}ken\u{1b}"],
        });
        let expected = serde_json::json!({
            "description": "First.\n\nSecond [2J .",
            "properties": { "token ": { "type": "string", "default": "a b" } },
            "required": ["token "],
        });
        assert_eq!(safe(schema), expected);
    }

    #[test]
    fn a_plugin_is_believed_to_be_the_one_that_was_asked() {
        let described = |id: &str| Described {
            build: BUILD.into(),
            info: PluginInfo::new(id, "Name\u{1b}[2J", "1"),
            settings: r#"{"description":"a\u001b[2J"}"#.into(),
            providers: "[]".into(),
            faults: Vec::new(),
        };
        let other = believed(described("other\u{202e}"), "acme").map(|it| it.info.id);
        let refusal = Refusal::OtherId("other ".into());
        assert_eq!(other, Err(StartupError::Refused(refusal)));
        let own = believed(described("acme"), "acme").unwrap();
        assert_eq!(own.info.name, "Name [2J");
        assert_eq!(own.settings["description"], "a [2J");
    }
}
