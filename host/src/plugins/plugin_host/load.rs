//! From a verified library to a checked plugin.

use serde_json::Value;
use textsender_plugin_api::{
    SECRET_KEY,
    abi::{ConfigureError, ENTRY_SYMBOL, Instance, Module},
};

use super::serve::Offered;
use crate::{
    os::library::{self, NotLoaded},
    plugins::{
        Refusal,
        verify::{FileFault, Verified},
    },
    redact::{REDACTED, VALUE},
};

/// Loads a library and checks the plugin in it.
pub(super) fn load(verified: &Verified) -> Result<Module, Refusal> {
    // SAFETY: loading runs the library's constructors. That is what a host process is for: it is
    // sealed, and nothing in it is worth more than the library's own secrets.
    let header = unsafe { library::load(&verified.image.path(), ENTRY_SYMBOL.as_bytes()) };
    let header = header.map_err(|reason| match (reason, verified.missing()) {
        (NotLoaded::NoEntry, _) => Refusal::File(FileFault::NoEntry),
        (NotLoaded::Linker(_), Some(fault)) => Refusal::File(fault),
        (NotLoaded::Linker(words), None) => Refusal::NotLoaded(words),
    })?;
    // SAFETY: the symbol's address in a library that stays loaded.
    let module = unsafe { Module::check(header.cast()) };
    module.map_err(|error| Refusal::OtherAbi(error.to_string()))
}

/// Makes the sender.
pub(super) fn configure(
    module: &Module,
    settings: &str,
    services: Offered,
) -> Result<Instance, Refusal> {
    module
        .configure(settings, services)
        .map_err(|error| match error {
            ConfigureError::Settings(words) if lacks_secret(module, settings, &words) => {
                Refusal::Secret(words)
            }
            ConfigureError::Settings(words) => Refusal::Settings(without_values(words, settings)),
            ConfigureError::Panicked => Refusal::Panicked,
        })
}

/// Whether what is wrong is that a secret is not there. Words about a setting begin with its key.
fn lacks_secret(module: &Module, settings: &str, words: &str) -> bool {
    let schema: Value = serde_json::from_str(&module.settings_schema()).unwrap_or_default();
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let (key, _) = words.split_once(": ").unwrap_or((words, ""));
    let setting = &schema["properties"][key];
    let is_secret = setting["writeOnly"] == true || setting["anyOf"][0]["writeOnly"] == true;
    is_secret && settings.get(key).is_none()
}

/// What a plugin says of its settings, without their values: a secret may stand where it does not belong,
/// and serde repeats what it can't read.
fn without_values(words: String, settings: &str) -> String {
    /// Shorter ones are parts of words.
    const SHORTEST: usize = 4;
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let mut values = Vec::new();
    collect(&settings, VALUE, &mut values);
    values.retain(|(value, _)| value.len() >= SHORTEST);
    values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let hide = |words: String, (value, shown): (&str, &str)| words.replace(value, shown);
    values.into_iter().fold(words, hide)
}

/// Each value, and what is shown in its place.
fn collect<'v>(value: &'v Value, shown: &'static str, found: &mut Vec<(&'v str, &'static str)>) {
    match value {
        Value::String(text) => found.push((text, shown)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, shown, found)),
        Value::Object(entries) => entries.iter().for_each(|(key, item)| {
            let shown = if key == SECRET_KEY { REDACTED } else { shown };
            collect(item, shown, found);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_setting_is_repeated() {
        let settings =
            r#"{"risk_check":"hunter2-secret","from":"GB","list":[{"$secret":"t0k3n"}]}"#;
        let words =
            r#"risk_check: invalid type: string "hunter2-secret", expected a boolean (t0k3n)"#;
        assert_eq!(
            without_values(words.to_owned(), settings),
            r#"risk_check: invalid type: string "[its value]", expected a boolean ([redacted])"#
        );
    }
}
