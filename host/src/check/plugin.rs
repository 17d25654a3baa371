//! What a sender's plugin says of itself.

use std::{path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    config::{Config, Sender},
    plugins::{self, Description, StartupError, With, describe_with, folder, in_the_open},
};

/// How long a plugin has to describe itself, or to judge its settings.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) type Answer = Result<Description, StartupError>;

/// Asks a sender's plugin what it is with the sender's settings; `None` where the configuration names
/// none.
pub(super) async fn ask(config: &Config, sender: &Sender) -> Option<Answer> {
    let plugin = sender.plugin.as_str();
    if !folder::is_id(plugin) {
        return None;
    }
    let library = folder::find(&config.plugins, plugin);
    let seal = plugins::plan(&config.plugins, None);
    let with = With {
        settings: &in_the_open(sender),
        folder: config.sources.main.parent().unwrap_or(Path::new("")),
    };
    let by = Instant::now() + PATIENCE;
    let answer = describe_with(&library, plugin, seal, by, Some(with)).await;
    Some(answer)
}
